// How long stays were: a histogram whose columns grow, as stays last for seconds or for hours.

import { lasting, numbers } from "./axis.js";
import { offer } from "./counted.js";
import { Figure } from "./figure.js";

const EDGES = [0, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 18000, 86400]; // s
const LEAST = 5; // columns
const TICK = 48; // pixels from one edge to the next
const AT_LEAST = "seen in part: longer than that";
const ORDER = ["left", "served", "abandoned", "lost"];

// Stays by how long they were: which outcomes there are, and of each column how many had which.
export function histogram(stays) {
  const part = ({ outcome, partly }) => (partly ? AT_LEAST : outcome);
  const parts = [...new Set(stays.map(part))].sort((a, b) => place(a) - place(b)).slice(0, 4);
  const columns = EDGES.map((edge, n) => ({ from: edge, to: EDGES[n + 1] ?? Infinity, stack: parts.map(() => 0) }));
  for (const stay of stays) {
    const n = EDGES.findLastIndex((edge) => stay.dwell_s >= edge);
    const of = parts.indexOf(part(stay));
    if (of >= 0) columns[n].stack[of] += 1;
  }
  const filled = ({ stack }) => stack.some((many) => many > 0);
  const first = Math.max(0, Math.min(columns.findIndex(filled), EDGES.length - LEAST));
  const last = Math.max(columns.findLastIndex(filled), first + LEAST - 1);
  return { parts, columns: columns.slice(first, last + 1) };
}

// Each edge in words, or each second one, where they are too near.
function edges(columns, each) {
  return columns.map(({ from }, n) => ({ at: n, words: lasting(from) })).filter(({ at }) => at % each === 0);
}

const place = (part) => (part === AT_LEAST ? ORDER.length : ORDER.indexOf(part));

// The value below which so large a share of them is (nearest rank).
function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

export function summary(stays) {
  const all = stays.map(({ dwell_s }) => dwell_s);
  const partly = stays.filter((stay) => stay.partly).length;
  const longer = partly > 0 ? ` ${partly} of them ${partly === 1 ? "was" : "were"} seen in part, and lasted longer than that.` : "";
  return `${all.length} ${all.length === 1 ? "stay" : "stays"} since eyespot-fleet view listens: median ${lasting(quantile(all, 0.5))}, nine of ten within ${lasting(quantile(all, 0.9))}, the longest ${lasting(quantile(all, 1))}.${longer}`;
}

export class Dwell {
  constructor(root, journal) {
    const part = (name) => root.querySelector(`[data-part="${name}"]`);
    [this.root, this.journal] = [root, journal];
    this.selects = { rule: part("rule"), label: part("label") };
    this.summary = part("summary");
    this.figure = new Figure(part("figure"));
    for (const select of Object.values(this.selects)) select.addEventListener("change", () => this.show());
  }

  show() {
    const ids = this.journal.having("stay");
    this.root.hidden = ids.length === 0;
    if (ids.length === 0) return;
    const rule = offer(this.selects.rule, ids.map((id) => [id, id]));
    const of = this.journal.stays(rule);
    const classes = [...new Set(of.map(({ label }) => label))].sort();
    const label = offer(this.selects.label, [...(classes.length > 1 ? [["", "all"]] : []), ...classes.map((each) => [each, each])]);
    const stays = of.filter((stay) => label === "" || stay.label === label);
    this.summary.textContent = summary(stays);
    this.figure.show(this.given(rule, label, histogram(stays)));
  }

  given(rule, label, { parts, columns }) {
    const spans = columns.map(({ from, to }) => (to === Infinity ? `${lasting(from)} or more` : `${lasting(from)} to ${lasting(to)}`));
    const said = columns.map(({ stack }, n) => `${spans[n]}: ${parts.map((part, m) => `${stack[m]} ${part}`).join(", ")}`);
    return {
      label: `${rule}: how long stays were${label ? `, ${label}` : ""}`,
      columns: columns.map(({ stack }, n) => ({ from: n, to: n + 1, stack, range: null, whisker: null })),
      domain: [0, columns.length],
      across: (width) => edges(columns, Math.ceil((columns.length * TICK) / width)),
      up: numbers(Math.max(...columns.map(({ stack }) => stack.reduce((a, b) => a + b, 0))), 4, true),
      legend: parts.map((part, n) => [`part-${n}`, part]),
      readings: said,
      head: ["Lasted", ...parts],
      rows: columns.map(({ stack }, n) => [spans[n], ...stack]),
    };
  }
}
