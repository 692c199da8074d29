// What the page knows, and what it shows of it.

import { Aiming } from "./aiming.js";
import { Asker, inWords } from "./asking.js";
import { Counted } from "./counted.js";
import { Drafting } from "./drafting.js";
import { Dwell } from "./dwell.js";
import { Editor } from "./editor.js";
import { Devices } from "./devices.js";
import { decode, point } from "./frame.js";
import { Journal } from "./journal.js";
import { Model } from "./model.js";
import { changed, changes, corners, desired, hidesRules, isLine, newRule, rulesOf, withCorner, withNewCorner, withoutCorner } from "./rules.js";
import { Scene } from "./scene.js";
import { post } from "./server.js";
import { Suggestions } from "./suggestions.js";
import { WhatIf } from "./whatif.js";
import { LONGEST_NAME, counted, element, health, ills, isPositive, text } from "./words.js";

const RESTS_MS = 400;
const ANEW_MS = 2000; // what-if on rules that rest, as more is seen
const DOUBTS_ANEW_MS = 20_000;
const GATHER_MS = 5000;
const at = (id) => document.getElementById(id);
const devices = new Devices();
const scene = new Scene(at("scene"));
const editor = new Editor(at("drawing"), {
  moved: (n, where) => corner((rule) => withCorner(rule, n, where)),
  added: (n, where) => corner((rule) => withNewCorner(rule, n, where)),
  removed: (n) => corner((rule) => withoutCorner(rule, n)),
  released: () => asker.ask(question(true)),
});
const drafting = new Drafting(at("stage"), { said: (words) => { at("drafted").textContent = words; }, drawn });
const suggestions = new Suggestions(at("suggestions"), at("drawing"), (line) => add("line", line));
const asker = new Asker(answered);
const aiming = new Aiming(at("aimed"), [at("aim"), at("load")], loaded);
const whatIf = new WhatIf({ seen: at("seen"), whatif: at("whatif"), doubts: at("doubts") });
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
let rests = 0; // until a change is taken as made

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
  devices.hear(device, name, payload);
  if (shown === null || !devices.has(shown)) choose(devices.keys().next().value ?? null);
  if (device === shown && name === "config/reported") {
    settle(payload);
    asker.ask(question(true));
  }
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
  for (const { track, label, box } of frame.seen) known.trails.add(frame.boot, track, label, point(box, mount), devices.room);
  if (device === shown) scene.show(frame);
}

function choose(device) {
  [shown, chosen, draft, asked, saved, stale] = [device, "", null, "", null, true];
  whatIf.clear();
  aiming.clear();
  scene.frame = null;
  scene.below(layers(), null);
  if (drafting.isOn) drafting.end(null);
  suggestions.close();
  if (device !== null) gather(device, true);
  journal.choose(device, state("journal"));
}

function corner(moved) {
  change(rules().map((rule) => (rule.id === chosen ? moved(rule) : rule)));
  showRules(); // at once: the next key goes on from there
}

function change(to) {
  [draft, stale] = [to, true];
  asker.ask(question(false));
  clearTimeout(rests);
  rests = setTimeout(() => asker.ask(question(true)), RESTS_MS);
}

function show() {
  showDevices();
  at("device").hidden = shown === null;
  if (shown === null) return;
  const info = state("info");
  at("name").textContent = text(info?.name, LONGEST_NAME) || shown;
  const { width, height } = info?.camera ?? {};
  if (isPositive(width) && isPositive(height)) at("stage").style.aspectRatio = `${width} / ${height}`;
  const told = ills(state("health")).map((ill) => `${text(ill?.name)}: ${text(ill?.reason)}`);
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
  editor.show(drawn, chosen, whatIf.flaws());
  suggestions.draw();
  const before = rulesOf(state("config/reported"));
  const isChanged = changes(before, all).length > 0;
  at("revert").disabled = !isChanged;
  at("save").disabled = hidesRules(state("config/reported")) || !isChanged || whatIf.refuses(all, changed(before, all));
  at("remove-corner").disabled = !editor.canRemove;
  at("remove").disabled = chosen === "";
  at("turn").disabled = !all.some((rule) => rule.id === chosen && isLine(rule));
}

function ruleRow(rule) {
  const row = document.createElement("tr");
  const says = element("td", counted(state(`rule/${rule.id}/state`)));
  says.dataset.testid = `says-${rule.id}`;
  const counts = element("td", inWords(whatIf.counts.get(rule.id)));
  counts.dataset.testid = `drawn-${rule.id}`;
  for (const words of whatIf.beside(rule.id)) counts.append(element("small", words));
  row.append(element("td", rule.id), element("td", rule.kind), says, counts);
  return row;
}

function showVerdict() {
  const reported = state("config/reported");
  const waits = asked !== "" && reported?.req_id !== asked;
  const said = reported ? `${text(reported.code)}: ${text(reported.detail)}` : "";
  at("verdict").textContent = waits ? "Saved; the device has not answered yet." : said && `The device says: ${said}`;
  at("verdict").className = !waits && reported && reported.code !== "ok" ? "ill" : "";
}

// ------------------------------------------------------------------------------------------- what if

function question(rests) {
  return { device: shown, rules: rules(), only: rests ? null : chosen, doubts: rests };
}

function answered({ device, rules: drawn }, told) {
  if (device !== shown) return;
  whatIf.hear(drawn, told);
  whatIf.show(chosen);
  showRules();
}

const layers = () => Object.fromEntries([...at("layers").querySelectorAll("input")].map((box) => [box.name, box.checked]));

// Where those went that were seen before this page was opened, and what of all that is drawn below.
async function gather(device, recall) {
  try {
    const reply = await fetch(`/devices/${device}/seen`);
    if (!reply.ok || device !== shown) return;
    const seen = await reply.json();
    if (device !== shown) return;
    scene.below(layers(), seen);
    if (recall) devices.get(device)?.trails.recall(seen.paths);
  } catch { /* the broker's line says that nobody answers */ }
}

// What the server has now is another history.
function loaded(device) {
  devices.get(device)?.trails.clear();
  if (device !== shown) return;
  whatIf.clear();
  gather(device, true);
  asker.ask(question(true));
}

async function forget() {
  await fetch(`/devices/${shown}/forget`, { method: "POST" }).catch(() => null);
  devices.get(shown)?.trails.clear();
  scene.below(layers(), null);
  whatIf.clear();
  asker.ask(question(true));
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
  at("yes").disabled = true;
  try {
    const reply = await post(`/devices/${device}/desired`, desired(request, state("config/desired"), wanted));
    if (!reply.ok) throw new Error(await reply.text());
    if (device === shown) [saved, asked, stale] = [wanted, request, true];
    at("confirm").close();
  } catch (error) {
    at("failed").textContent = `Not saved: ${text(error.message)}`;
  } finally {
    at("yes").disabled = false;
  }
}

function add(kind, where) {
  const rule = newRule(kind, rules(), where);
  chosen = rule.id; // what is asked about
  change([...rules(), rule]);
  pick(rule.id);
  editor.handles[0]?.focus();
}

function draw() {
  at("draw-zone").textContent = "Finish zone";
  drafting.begin();
}

function drawn(points) {
  at("draw-zone").textContent = "Draw a zone";
  at("drafted").textContent = "";
  if (points !== null) add("zone", { points: points.map((point) => point.map((x) => Math.round(x * 1000) / 1000)) });
}

function pick(id) {
  chosen = id;
  asker.ask(question(true));
  whatIf.show(chosen);
  show(); // at once: the next key is for the handles of this rule
}

at("which").addEventListener("change", () => pick(at("which").value));
at("add").addEventListener("click", () => add("line"));
at("add-zone").addEventListener("click", () => add("zone"));
at("turn").addEventListener("click", () => change(rules().map((rule) => (rule.id === chosen ? { ...rule, swap: !rule.swap } : rule))));
at("remove").addEventListener("click", () => change(rules().filter((rule) => rule.id !== chosen)));
at("revert").addEventListener("click", () => change(null));
at("forget").addEventListener("click", forget);
at("aim").addEventListener("click", () => aiming.aim(shown, 60));
at("load").addEventListener("click", () => aiming.load(shown, 24));
at("draw-zone").addEventListener("click", () => (drafting.isOn ? drafting.finish() : draw()));
at("suggest").addEventListener("click", () => suggestions.ask(shown));
at("remove-corner").addEventListener("click", () => editor.remove(editor.current));
at("layers").addEventListener("change", () => { scene.below(layers(), scene.seen); gather(shown, false); });
at("save").addEventListener("click", ask);
at("yes").addEventListener("click", save);
at("no").addEventListener("click", () => at("confirm").close());

let [askedAt, doubtedAt, gatheredAt, revision] = [0, 0, 0, -1];
let chartedAt = 0;

function turn(now) {
  requestAnimationFrame(turn); // first: whatever one turn throws, the next one comes
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
    keepUp(trails, now);
  }
}

// More is seen all the time: asks again, the less often the longer answers take.
function keepUp(trails, now) {
  if (trails.revision === revision || asker.busy || now - askedAt < Math.max(ANEW_MS, 5 * asker.took)) return;
  const isFirst = whatIf.span === undefined;
  [askedAt, revision] = [now, trails.revision];
  const isOld = now - doubtedAt > DOUBTS_ANEW_MS;
  if (isOld) doubtedAt = now;
  asker.ask(question(isFirst || isOld));
  const { flow, heat } = layers();
  if ((flow || heat) && now - gatheredAt > GATHER_MS) {
    gatheredAt = now;
    gather(shown, false);
  }
}

listen();
requestAnimationFrame(turn);
