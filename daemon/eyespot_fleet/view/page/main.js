// What the page knows, and what it shows of it.

import { Counted } from "./counted.js";
import { crossings } from "./crossing.js";
import { Dwell } from "./dwell.js";
import { Editor } from "./editor.js";
import { decode, point } from "./frame.js";
import { Journal } from "./journal.js";
import { Model } from "./model.js";
import { changes, corners, desired, isLine, newRule, rulesOf, withCorner } from "./rules.js";
import { Scene } from "./scene.js";
import { Trails } from "./trails.js";
import { LONGEST_NAME, counted, element, health, text } from "./words.js";

const at = (id) => document.getElementById(id);
const devices = new Map(); // id -> { states: Map, trails }
const scene = new Scene(at("scene"));
const editor = new Editor(at("drawing"), moved);
let grown = true; // charts are to be drawn anew
const journal = new Journal(() => { grown = true; });
const charts = [new Counted(at("counted"), journal), new Dwell(at("dwell"), journal)];
const model = new Model(at("model"), at("order"), journal);
let shown = null; // a device's id
let chosen = ""; // a rule's id
let draft = null; // rules as drawn here; null where nothing is changed
let asked = ""; // the req_id of what was saved last
let saved = null; // the draft that was: kept until the device has taken it, to be mended where it has not
let stale = true; // something is to be shown anew
let answered = -1; // the revision of trails that the what-if is of

const state = (name) => devices.get(shown)?.states.get(name);
const rules = () => draft ?? rulesOf(state("config/reported"));

function listen() {
  const events = new EventSource("/events");
  events.addEventListener("state", (event) => hear(JSON.parse(event.data)));
  events.addEventListener("frame", (event) => see(JSON.parse(event.data)));
  events.addEventListener("open", () => {
    for (const known of devices.values()) known.states.clear(); // all is told anew
    journal.choose(shown, 0);
  });
  events.addEventListener("error", () => { at("broker").textContent = "eyespot-fleet view does not answer"; });
}

function hear({ device, name, payload }) {
  if (device === "") {
    at("broker").textContent = payload.trouble ? `Broker: ${text(payload.trouble)}` : "";
    return;
  }
  if (name.startsWith("reply/")) {
    model.hear(device, payload);
    return;
  }
  if (name === "status" && payload === null) devices.delete(device);
  else {
    if (!devices.has(device)) devices.set(device, { states: new Map(), trails: new Trails() });
    devices.get(device).states.set(name, payload);
  }
  if (shown === null || !devices.has(shown)) choose(devices.keys().next().value ?? null);
  if (device === shown && name === "config/reported") settle(payload);
  if (device === shown && name === "journal") journal.heard(payload);
  if (device === shown && (name === "info" || name === "config/reported")) grown = true;
  stale = true;
}

// What was saved and not drawn on since gives way to what is in force.
function settle(reported) {
  if (asked === "" || reported?.req_id !== asked || reported.code !== "ok") return;
  if (draft === saved) draft = null;
  saved = null;
}

function see({ device, payload }) {
  const known = devices.get(device);
  const frame = decode(payload);
  if (known === undefined || frame === null) return;
  const mount = known.states.get("config/reported")?.config?.camera?.mount;
  for (const { track, label, box } of frame.seen) known.trails.add(frame.boot, track, label, point(box, mount));
  if (device === shown) scene.show(frame);
}

function choose(device) {
  [shown, chosen, draft, asked, saved, answered, stale] = [device, "", null, "", null, -1, true];
  scene.frame = null;
  journal.choose(device, state("journal"));
}

function moved(n, where) {
  change(rules().map((rule) => (rule.id === chosen ? withCorner(rule, n, where) : rule)));
  showRules(); // at once: the next key goes on from there
}

function change(to) {
  [draft, answered, stale] = [to, -1, true];
}

function show() {
  showDevices();
  at("device").hidden = shown === null;
  if (shown === null) return;
  const info = state("info");
  at("name").textContent = text(info?.name, LONGEST_NAME) || shown;
  const { width, height } = info?.camera ?? {};
  if (width > 0 && height > 0) at("stage").style.aspectRatio = `${Number(width)} / ${Number(height)}`;
  const ills = state("health")?.states;
  const told = (Array.isArray(ills) ? ills : []).map((ill) => `${text(ill?.name)}: ${text(ill?.reason)}`);
  at("ills").replaceChildren(...told.map((words) => element("li", words, "ill")));
  showRules();
  showVerdict();
  model.show(shown, devices.get(shown).states);
}

function showDevices() {
  at("nobody").hidden = devices.size > 0;
  const focused = document.activeElement?.dataset?.device;
  at("devices").replaceChildren(...[...devices.keys()].sort().map(deviceButton));
  if (focused !== undefined) at("devices").querySelector(`[data-device="${CSS.escape(focused)}"]`)?.focus();
}

function deviceButton(device) {
  const { states } = devices.get(device);
  const [words, ill] = health(states.get("status"), states.get("health"));
  const button = element("button", text(states.get("info")?.name, LONGEST_NAME) || device);
  button.append(element("small", words, ill ? "ill" : ""));
  button.type = "button";
  button.dataset.device = device;
  button.dataset.testid = `device-${device}`;
  button.setAttribute("aria-current", String(device === shown));
  button.addEventListener("click", () => choose(device));
  const item = document.createElement("li");
  item.append(button);
  return item;
}

function showRules() {
  const all = rules();
  const drawn = all.filter((rule) => corners(rule).length > 0);
  if (!drawn.some((rule) => rule.id === chosen)) chosen = (drawn.find(isLine) ?? drawn[0])?.id ?? "";
  if ([...at("which").options].map((option) => option.value).join("\n") !== drawn.map((rule) => rule.id).join("\n")) {
    at("which").replaceChildren(...drawn.map((rule) => new Option(text(rule.id), rule.id)));
  }
  at("which").value = chosen;
  at("rules").replaceChildren(...all.map(ruleRow));
  editor.show(drawn, chosen);
  const changed = changes(rulesOf(state("config/reported")), all).length > 0;
  at("save").disabled = at("revert").disabled = !changed;
  at("remove").disabled = chosen === "";
  at("turn").disabled = !all.some((rule) => rule.id === chosen && isLine(rule));
}

function ruleRow(rule) {
  const row = document.createElement("tr");
  const says = element("td", counted(state(`rule/${rule.id}/state`)));
  says.dataset.testid = `says-${rule.id}`;
  row.append(element("td", rule.id), element("td", rule.kind), says);
  return row;
}

function showVerdict() {
  const reported = state("config/reported");
  const waits = asked !== "" && reported?.req_id !== asked;
  const said = reported ? `${text(reported.code)}: ${text(reported.detail)}` : "";
  at("verdict").textContent = waits ? "Saved; the device has not answered yet." : said && `The device says: ${said}`;
  at("verdict").className = !waits && reported && reported.code !== "ok" ? "ill" : "";
}

function answer(trails) {
  at("seen").textContent = trails.size > 0
    ? `${trails.size} trails since this page was opened`
    : "No trails yet. Boxes come where the device's file says [topics] frame = true.";
  const rule = rules().find((each) => each.id === chosen);
  const { in: inwards, out } = rule && isLine(rule) ? crossings(corners(rule), trails, rule) : {};
  at("whatif").textContent = rule && isLine(rule) ? `Of these, ${text(chosen)} as drawn would have counted about ${inwards} in, ${out} out.` : "";
}

// ------------------------------------------------------------------------------------------- what is saved

function ask() {
  const said = changes(rulesOf(state("config/reported")), rules());
  at("question").textContent = `Save to ${shown}?`;
  at("changes").replaceChildren(...said.map((words) => element("li", words)));
  at("failed").textContent = "";
  at("confirm").showModal();
}

async function save() {
  const request = crypto.randomUUID();
  const device = shown;
  const wanted = rules();
  const body = JSON.stringify(desired(request, state("config/desired"), wanted));
  at("yes").disabled = true;
  try {
    const headers = { "Content-Type": "application/json" };
    const reply = await fetch(`/devices/${device}/desired`, { method: "POST", headers, body });
    if (!reply.ok) throw new Error(await reply.text());
    if (device === shown) [saved, asked, stale] = [wanted, request, true];
    at("confirm").close();
  } catch (error) {
    at("failed").textContent = `Not saved: ${text(error.message)}`;
  } finally {
    at("yes").disabled = false;
  }
}

function add(kind) {
  const rule = newRule(kind, rules());
  change([...rules(), rule]);
  pick(rule.id);
  editor.handles[0]?.focus();
}

function pick(id) {
  [chosen, answered] = [id, -1];
  show(); // at once: the next key is for the handles of this rule
}

at("which").addEventListener("change", () => pick(at("which").value));
at("add").addEventListener("click", () => add("line"));
at("add-zone").addEventListener("click", () => add("zone"));
at("turn").addEventListener("click", () => change(rules().map((rule) => (rule.id === chosen ? { ...rule, swap: !rule.swap } : rule))));
at("remove").addEventListener("click", () => change(rules().filter((rule) => rule.id !== chosen)));
at("revert").addEventListener("click", () => change(null));
at("forget").addEventListener("click", () => devices.get(shown)?.trails.clear());
at("save").addEventListener("click", ask);
at("yes").addEventListener("click", save);
at("no").addEventListener("click", () => at("confirm").close());

let answeredAt = 0;
let chartedAt = 0;

function turn(now) {
  if (stale) {
    stale = false;
    show();
  }
  if (grown && shown !== null && now - chartedAt > 500) {
    [grown, chartedAt] = [false, now];
    for (const chart of charts) chart.show(rules(), state("info")?.timezone);
    model.showSteps();
  }
  const trails = devices.get(shown)?.trails;
  if (trails !== undefined) {
    const rule = rules().find((each) => each.id === chosen);
    scene.draw(trails, rule && isLine(rule) ? corners(rule) : [], rule?.swap === true);
    if (answered < 0 || (trails.revision !== answered && now - answeredAt > 500)) {
      [answered, answeredAt] = [trails.revision, now];
      answer(trails);
    }
  }
  requestAnimationFrame(turn);
}

listen();
requestAnimationFrame(turn);
