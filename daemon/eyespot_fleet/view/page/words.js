// Words for people. All that devices say goes through textContent: nothing of it is ever markup.

const MOST_CHARACTERS = 400;
export const LONGEST_NAME = 64;
const MOST_ILLS = 32; // a device tells no more
const UNSEEN = /[\p{Cc}\p{Cf}]/gu; // turns the direction of words, or hides some

// as eyespot.domain.shown for terminals
export function text(value, most = MOST_CHARACTERS) {
  const words = typeof value === "string" ? value : value === undefined || value === null ? "" : JSON.stringify(value) ?? "";
  return (words.length > most ? `${words.slice(0, most - 1)}…` : words).replace(UNSEEN, "\ufffd");
}

export function element(tag, words, className = "") {
  const made = document.createElement(tag);
  made.textContent = text(words);
  made.className = className;
  return made;
}

// What a device says may be an object that cannot even be compared: only numbers are.
export const isPositive = (value) => Number.isFinite(value) && value > 0;

// What is wrong with a device; the first of countless.
export const ills = (told) => (Array.isArray(told?.states) ? told.states.slice(0, MOST_ILLS) : []);

// How a device is, in a few words, and whether it is ill.
export function health(status, told) {
  const state = text(status?.state) || "unknown";
  if (state !== "online") return [state, true];
  const states = ills(told);
  if (states.length > 0) return [states.map((ill) => text(ill?.name)).join(", "), true];
  const rate = isPositive(told?.observations_hz) ? `, ${told.observations_hz.toFixed(1)} a second` : "";
  return [`online${rate}`, told?.ok === false];
}

export const NAMES = { __proto__: null, occupancy: "inside", length: "waiting" };

const share = (value) => (Number.isFinite(value) ? `${Math.round(value * 100)} %` : text(value));

// What a rule's state says: totals by class and direction, whoever is in it or waits, which share is full.
export function counted(state) {
  const parts = [];
  for (const key of ["counts", "occupancy", "length", "shares"]) {
    const table = state?.[key];
    if (table === null || typeof table !== "object") continue;
    const said = key === "shares" ? share : text;
    for (const [label, value] of Object.entries(table)) {
      const inner = value !== null && typeof value === "object" ? Object.entries(value) : [[NAMES[key] ?? "", value]];
      parts.push(`${text(label)}: ${inner.map(([name, many]) => `${said(many)} ${text(name)}`.trim()).join(", ")}`);
    }
  }
  return parts.join("; ");
}
