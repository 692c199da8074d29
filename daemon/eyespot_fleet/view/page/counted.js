// The charts of a device: what its rules counted, bucket by bucket, and how long stays were.

import { clock, durations, lasting, numbers } from "./axis.js";
import { bands, classesOf, column, measures, partsOf, swaps } from "./bucket.js";
import { Figure } from "./figure.js";
import { headOf, highest, row, sentence } from "./saying.js";
import { element, text } from "./words.js";

const MEASURES = {
  __proto__: null, // a device may call one "constructor"
  counts: "counted", occupancy: "how many are inside", length: "how many wait", facings: "facings",
  dwell_s: "how long they stayed", wait_s: "how long the served had waited", abandoned_s: "how long those waited who gave up",
};
const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LINES = 4; // across the chart
const TICK = 60; // pixels from one hour to the next

export class Counted {
  constructor(root, history) {
    const part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.history = history;
    this.selects = Object.fromEntries(["rule", "measure", "label", "most"].map((name) => [name, part(name)]));
    [this.none, this.some, this.notes] = [part("none"), part("some"), part("notes")];
    this.figure = new Figure(part("figure"));
    this.root = root;
    for (const select of Object.values(this.selects)) select.addEventListener("change", () => this.show());
  }

  // rules: as `config/reported` has them; zone: of the device's clock
  show(rules = this.rules ?? [], zone = this.zone ?? "UTC") {
    [this.rules, this.zone] = [rules, zone];
    const ids = this.history.having("bucket");
    this.none.hidden = ids.length > 0;
    this.some.hidden = ids.length === 0;
    if (ids.length === 0) this.none.textContent = nothing(rules);
    else this.draw(offer(this.selects.rule, ids.map((id) => [id, id])));
  }

  draw(rule) {
    this.clock = clock(this.zone);
    const buckets = this.history.buckets(rule).slice(-Number(this.selects.most.value));
    const there = new Map(measures(buckets).map((measure) => [measure.join(" "), measure]));
    const measure = there.get(offer(this.selects.measure, [...there].map(([key, [kind, name]]) => [key, MEASURES[name || kind] ?? name])));
    const classes = classesOf(buckets, measure);
    const all = measure[0] === "counts" ? [["", "all"]] : [];
    const label = offer(this.selects.label, [...all, ...classes.map((each) => [each, each])]);
    const parts = measure[0] === "counts" ? partsOf(buckets) : [];
    this.figure.show(this.given({ rule, buckets, measure, label, parts, alone: classes.length < 2 }));
    this.notes.replaceChildren(...swaps(buckets).slice(-LETTERS.length).map((swap, n) => element("li", `${LETTERS[n]}: from ${this.clock.moment(swap.at)} on ${text(swap.to)} looks, before that ${text(swap.from)}`)));
  }

  given({ rule, buckets, measure, label, parts, alone }) {
    const time = this.clock;
    const [kind, name] = measure;
    const columns = buckets.map((bucket) => column(bucket, measure, label, parts, alone));
    const domain = [columns[0].from, Math.max(...columns.map(({ to }) => to))];
    const top = Math.max(0, ...columns.map(highest));
    const saying = { kind, parts, time, words: kind === "durations" ? lasting : (value) => String(Number(value.toFixed(2))) };
    return {
      label: `${rule}: ${MEASURES[name || kind] ?? name}${label ? `, ${label}` : ""}, by the clock of ${time.zone}`,
      columns,
      domain,
      words: saying.words,
      newest: true,
      bands: bands(buckets),
      marks: swaps(buckets).slice(-LETTERS.length).map(({ at }, n) => ({ at, words: LETTERS[n] })),
      across: (width) => time.ticks(...domain, Math.max(2, Math.floor(width / TICK))),
      up: kind === "durations" ? durations(top, LINES) : numbers(top, LINES, kind === "counts"),
      legend: legendOf(kind, parts, bands(buckets)),
      readings: buckets.map((bucket, n) => sentence(bucket, columns[n], saying)),
      head: headOf(saying),
      rows: buckets.map((bucket, n) => row(bucket, columns[n], saying)).reverse(),
    };
  }
}

function legendOf(kind, parts, unseen) {
  const said = {
    counts: [...parts.map((part, n) => [`part-${n}`, part]), ["whisker", "by how much their sum may be wrong"]],
    gauges: [["range", "least to most"], ["middle", "mean"]],
    durations: [["middle", "median"], ["range", "nine of ten are within"]],
  }[kind];
  const kinds = new Set(unseen.map((band) => band.kind));
  return [...said, ["seen", "below: share of the time that was seen"],
    ...(kinds.has("unseen") ? [["unseen", "not seen"]] : []), ...(kinds.has("unheard") ? [["unheard", "not heard of"]] : [])];
}

function nothing(rules) {
  const telling = rules.filter((rule) => Number.isFinite(rule.bucket_s)).map((rule) => `${text(rule.id)} each ${lasting(rule.bucket_s)}`);
  return telling.length > 0
    ? `No bucket has come since eyespot-fleet view listens. They are told at their end: ${telling.join(", ")}.`
    : "No rule has bucket_s: with it a rule tells what it counted, interval by interval.";
}

// Fills a <select> with [value, words], keeps what is chosen where that is still there, and returns it.
export function offer(select, options) {
  const before = select.value;
  const same = [...select.options].map(({ value }) => value).join("\n") === options.map(([value]) => value).join("\n");
  if (!same) select.replaceChildren(...options.map(([value, words]) => new Option(text(words), value)));
  select.value = options.some(([value]) => value === before) ? before : options[0]?.[0] ?? "";
  select.disabled = options.length < 2;
  return select.value;
}
