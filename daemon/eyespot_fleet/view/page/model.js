// The model of a device: what looks, what is offered, how a change goes, and orders to take or to take back one.

import { post } from "./server.js";
import { element, text } from "./words.js";

const FACTORY = "the model that it came with";
const BUSY = { __proto__: null, checking: "asks the repository", downloading: "downloads", verifying: "verifies what it has", testing: "tries it beside the old one", staged: "is about to load it", trial: "is on probation" };
const WAITS = { __proto__: null, approval: "waits for approval", window: "waits for its window", turn: "waits for its turn" };
const MOST_SHUNNED = 16; // a device tells no more
const TAKEN_BY_HAND = ["approval", "window"];

const bundle = (id) => (id === null || id === undefined ? FACTORY : text(id));

// Terms and what is to be said of each.
export function facts(detail, state) {
  if (detail === null || typeof detail !== "object") return [];
  const { trial, offer, last_result: last } = detail;
  const said = [["Looks now", bundle(detail.looks)]];
  const version = text(state?.installed_version);
  if (version) said.push(["Version", version]);
  if (trial) said.push(["On probation", `${bundle(trial.bundle)}, start ${text(trial.starts)}`]);
  said.push(["Proven last", bundle(detail.good)], ["Before that", detail.previous === null ? FACTORY : bundle(detail.previous)]);
  if (offer) said.push(["Offered", [`${text(offer.name)} ${text(offer.version)}`, WAITS[text(offer.waits_for)] ?? ""].filter(Boolean).join(", ")]);
  if (detail.staged) said.push(["Comes next", bundle(detail.staged)]);
  if (last) said.push(["Last change", [`${text(last.outcome).replace("_", " ")}: ${bundle(last.bundle)}`, text(last.reason), text(last.at)].filter(Boolean).join("; ")]);
  for (const shunned of Array.isArray(detail.quarantine) ? detail.quarantine.slice(0, MOST_SHUNNED) : []) {
    said.push(["Not tried again", `${bundle(shunned?.bundle)}: ${text(shunned?.reason)}`]);
  }
  return said;
}

// What goes on, whether that is bad, and how far it is: 0 to 100, null where that is not known, undefined where nothing goes on.
export function progress(detail) {
  const state = text(detail?.state);
  const reason = [text(detail?.code), text(detail?.reason)].filter(Boolean).join(": ");
  if (state === "failed") return { words: `failed: ${reason}${detail.attempts ? ` (attempt ${text(detail.attempts)})` : ""}`, ill: true };
  if (state === "offered") return { words: WAITS[text(detail.offer?.waits_for)] ?? "is offered another one", ill: false };
  if (BUSY[state] === undefined) return { words: reason || (state === "idle" ? "Nothing goes on." : state), ill: false };
  const percent = Number.isFinite(detail.percent) ? Math.max(0, Math.min(100, detail.percent)) : null;
  return { words: `${BUSY[state]}${percent === null ? "" : `, ${Math.round(percent)} %`}${reason && `: ${reason}`}`, ill: false, percent };
}

// What may be ordered: the words of each button, what is asked before, and why it cannot be, if so.
export function orders(detail, status, config) {
  const away = status?.state === "online" ? "" : "it is not online";
  const pinned = config?.model?.bundle !== undefined && config.model.bundle !== "factory" ? "its file names the model" : "";
  const nobody = config?.update !== undefined && !config.update?.url ? "its file names no repository ([update] url)" : "";
  const { trial, offer, current } = detail ?? {};
  const byHand = TAKEN_BY_HAND.includes(offer?.waits_for) && !trial;
  const offered = `${text(offer?.name)} ${text(offer?.version)}`;
  const after = bundle(trial ? detail.good : detail?.previous);
  return {
    update: {
      words: byHand ? `Install ${offered}…` : "Look for a model…",
      asks: byHand
        ? `It is taken at once, without waiting any longer. It is on probation then, and goes if it does worse; counts are split where it begins.`
        : "It asks its repository, and takes what that releases for it.",
      trouble: away || pinned || nobody || (trial ? "one is on probation" : ""),
    },
    rollback: {
      words: "Go back…",
      asks: `${after} will look instead of ${bundle(current)}, which is not tried again in its rollout. Counts are split there.`,
      trouble: away || pinned || (!trial && (current ?? null) === null ? `${FACTORY} looks` : ""),
    },
  };
}

// A step that it took, in a line.
export function step(said) {
  const kind = text(said?.kind).replace("_", " ");
  return [text(said?.t), kind, said?.bundle ? text(said.bundle) : "", [text(said?.code), text(said?.reason)].filter(Boolean).join(": ")].filter(Boolean).join(" · ");
}

export class Model {
  constructor(root, dialog, journal) {
    [this.root, this.dialog, this.journal] = [root, dialog, journal];
    this.part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.asks = (name) => dialog.querySelector(`[data-part="${name}"]`);
    this.device = null;
    for (const order of ["update", "rollback"]) this.part(order).addEventListener("click", () => this.ask(order));
    this.asks("yes").addEventListener("click", () => this.send());
    this.asks("no").addEventListener("click", () => dialog.close());
  }

  // states: a Map of what the device said, by topic
  show(device, states) {
    if (device !== this.device) [this.device, this.asked, this.answer] = [device, "", null];
    this.states = states;
    const detail = states.get("model/detail") ?? null;
    this.root.hidden = detail === null;
    if (detail === null) return;
    const list = facts(detail, states.get("model/state")).flatMap(([term, words]) => [element("dt", term), element("dd", words)]);
    this.part("facts").replaceChildren(...list);
    this.showProgress(progress(detail));
    const may = this.orders();
    for (const [order, { words, trouble }] of Object.entries(may)) {
      this.part(order).textContent = words;
      this.part(order).disabled = trouble !== "";
    }
    this.part("trouble").textContent = Object.values(may).filter(({ trouble }) => trouble).map(({ words, trouble }) => `${words.replace("…", "")}: not now, ${trouble}.`).join(" ");
    this.showAnswer();
    this.showSteps();
  }

  orders() {
    const { states } = this;
    return orders(states.get("model/detail"), states.get("status"), states.get("config/reported")?.config);
  }

  showProgress({ words, ill, percent }) {
    this.part("goes").textContent = words;
    this.part("goes").className = ill ? "ill" : "";
    const bar = this.part("bar");
    bar.hidden = percent === undefined;
    if (Number.isFinite(percent)) bar.value = percent;
    else bar.removeAttribute("value");
  }

  showAnswer() {
    const { asked, answer } = this;
    const refused = answer !== null && answer.code !== "ok";
    this.part("answer").textContent = answer ? `The device says ${text(answer.code)}: ${text(answer.detail)}` : asked && "Told; the device has not answered yet.";
    this.part("answer").className = refused ? "ill" : "";
  }

  showSteps() {
    const steps = this.journal.steps.map(step).reverse();
    this.part("since").hidden = steps.length === 0;
    this.part("steps").replaceChildren(...steps.map((words) => element("li", words)));
  }

  ask(order) {
    const { words, asks } = this.orders()[order];
    this.order = order;
    this.asks("question").textContent = `${this.device}: ${words.replace("…", "?")}`;
    this.asks("what").textContent = asks;
    this.asks("failed").textContent = "";
    this.dialog.showModal();
  }

  async send() {
    const { device, order } = this;
    const request = crypto.randomUUID();
    this.asks("yes").disabled = true;
    [this.asked, this.answer] = [request, null]; // it may answer before the broker's word is back
    try {
      const reply = await post(`/devices/${device}/model/${order}`, { req_id: request });
      if (!reply.ok) throw new Error(await reply.text());
      this.dialog.close();
    } catch (error) {
      if (this.asked === request) this.asked = "";
      this.asks("failed").textContent = `Not told: ${text(error.message)}`;
    } finally {
      this.asks("yes").disabled = false;
    }
    if (device === this.device) this.showAnswer();
  }

  // the answer to a command; others than ours are for other pages
  hear(device, said) {
    if (device !== this.device || this.asked === "" || said?.req_id !== this.asked) return;
    this.answer = said;
    this.showAnswer();
  }
}
