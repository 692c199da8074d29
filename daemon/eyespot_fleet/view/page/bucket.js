// Decodes what a device says on `rule/<id>/bucket`: config/README.md, eyespot.bucket/1. What cannot be read is null.

import { LONGEST_NAME, text } from "./words.js";

const MOST_CLASSES = 100;
const MOST_MEASURES = 8;
const MOST_GAPS = 32;

const isTable = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
const isCount = (value) => Number.isFinite(value) && value >= 0;
const name = (value) => text(value, LONGEST_NAME);

// Entries of a table whose values can be read, as a Map; `read` returns undefined where one cannot be.
function entries(table, most, read) {
  const found = new Map();
  if (!isTable(table)) return found;
  for (const [key, value] of Object.entries(table).slice(0, most)) {
    const made = read(value);
    if (made !== undefined) found.set(name(key), made);
  }
  return found;
}

const numbers = (keys) => (table) =>
  isTable(table) && keys.every((key) => isCount(table[key])) ? Object.fromEntries(keys.map((key) => [key, table[key]])) : undefined;
const byClass = (read) => (table) => (isTable(table) ? entries(table, MOST_CLASSES, read) : undefined);
const count = (value) => (isCount(value) ? value : undefined);

const UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const instant = (said) => (typeof said === "string" && UTC.test(said) ? Date.parse(said) : NaN); // Date.parse alone takes nearly all for a time

function gap(said) {
  const [from, to] = [instant(said?.start), instant(said?.end)];
  return from < to ? [{ from, to, cause: name(said.cause) }] : [];
}

export function decode(said) {
  const [from, to] = [instant(said?.start), instant(said?.end)];
  if (said?.schema !== "eyespot.bucket/1" || !(from < to) || !isCount(said.coverage) || said.coverage > 1) return null;
  return {
    from,
    to,
    certain: said.clock === "synced",
    counts: isTable(said.counts) ? entries(said.counts, MOST_CLASSES, (of) => (isTable(of) ? entries(of, MOST_MEASURES, count) : undefined)) : null,
    gauges: isTable(said.gauges) ? entries(said.gauges, MOST_MEASURES, byClass(numbers(["now", "min", "max", "mean"]))) : null,
    durations: entries(said.durations, MOST_MEASURES, byClass(numbers(["n", "mean", "median", "p90", "max"]))),
    coverage: said.coverage,
    gaps: Array.isArray(said.gaps) ? said.gaps.slice(0, MOST_GAPS).flatMap(gap) : [],
    ambiguous: isCount(said.ambiguous) ? said.ambiguous : 0,
    uncertainty: isCount(said.uncertainty) ? said.uncertainty : null,
    model: text(said.model, 128),
    cut: said.cut === null ? "" : name(said.cut),
    rev: isCount(said.rev) ? said.rev : 0,
    key: text([said.start, said.end, text(said.model, 128)].join(" ")),
  };
}

// What there is to be drawn of buckets: [kind, name], in the order of how much it matters.
export function measures(buckets) {
  const found = new Map();
  for (const bucket of buckets) {
    if ([...(bucket.counts?.values() ?? [])].some((of) => of.size > 0)) found.set("counts", ["counts", ""]);
    for (const gauge of bucket.gauges?.keys() ?? []) found.set(`gauges ${gauge}`, ["gauges", gauge]);
    for (const duration of bucket.durations.keys()) found.set(`durations ${duration}`, ["durations", duration]);
  }
  if (found.size === 0 && buckets.length > 0) found.set("counts", ["counts", ""]); // nobody came yet
  const order = ["counts", "gauges", "durations"];
  return [...found.values()].sort((a, b) => order.indexOf(a[0]) - order.indexOf(b[0]) || a[1].localeCompare(b[1]));
}

function tableOf(bucket, [kind, of]) {
  return kind === "counts" ? bucket.counts : kind === "gauges" ? bucket.gauges?.get(of) : bucket.durations.get(of);
}

// How much of a class there was: as many as were counted, or as lasted, or were there on average.
function weight(value) {
  return value instanceof Map ? [...value.values()].reduce((a, b) => a + b, 0) : value.n ?? value.mean;
}

// The classes that there are, the most seen first.
export function classesOf(buckets, measure) {
  const found = new Map();
  for (const bucket of buckets) {
    for (const [label, value] of tableOf(bucket, measure) ?? []) found.set(label, (found.get(label) ?? 0) + weight(value));
  }
  return [...found].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0])).map(([label]) => label).slice(0, MOST_CLASSES);
}

// The names of what is counted, as in and out; at most four are told apart.
export function partsOf(buckets) {
  const found = new Set();
  for (const bucket of buckets) for (const of of bucket.counts?.values() ?? []) for (const part of of.keys()) found.add(part);
  const known = ["in", "out", "entered", "left", "joined", "served", "abandoned", "lost"];
  const place = (part) => (known.includes(part) ? known.indexOf(part) : known.length);
  return [...found].sort((a, b) => place(a) - place(b) || a.localeCompare(b)).slice(0, 4);
}

// One bucket as a column: parts of a stack, or a range with its middle; null where nothing is known.
// label: a class, or "" for all of them together, which only counts can be.
export function column(bucket, measure, label, parts, alone) {
  const [kind] = measure;
  const base = { from: bucket.from, to: bucket.to, coverage: bucket.coverage, stack: null, range: null, whisker: null };
  if (kind === "counts") {
    if (bucket.counts === null) return base;
    const tables = [...bucket.counts].filter(([of]) => label === "" || of === label).map(([, table]) => table);
    const stack = parts.map((part) => tables.reduce((sum, table) => sum + (table.get(part) ?? 0), 0));
    const sum = stack.reduce((a, b) => a + b, 0);
    // what may be wrong is said of all classes together
    const known = bucket.uncertainty !== null && (label === "" || alone);
    return { ...base, stack, whisker: known ? [Math.max(0, sum - bucket.uncertainty), sum + bucket.uncertainty] : null };
  }
  const level = tableOf(bucket, measure)?.get(label);
  if (level === undefined) return base;
  const { min, max, mean, median, p90 } = level;
  const range = kind === "gauges" ? { low: min, middle: mean, high: max } : { low: median, middle: median, high: p90 };
  return { ...base, range };
}

// Where another model looks from there on than in the bucket before.
export function swaps(buckets) {
  const found = [];
  for (let n = 1; n < buckets.length; n += 1) {
    if (buckets[n].model !== buckets[n - 1].model) found.push({ at: buckets[n].from, from: buckets[n - 1].model, to: buckets[n].model });
  }
  return found;
}

// What was not seen, and what was not heard of at all.
export function bands(buckets) {
  const found = [];
  let until = null;
  for (const bucket of buckets) {
    if (until !== null && bucket.from - until >= 1000) found.push({ from: until, to: bucket.from, kind: "unheard" });
    until = Math.max(until ?? 0, bucket.to);
    if (bucket.coverage === 0) found.push({ from: bucket.from, to: bucket.to, kind: "unseen" });
    else for (const { from, to } of bucket.gaps) found.push({ from: Math.max(from, bucket.from), to: Math.min(to, bucket.to), kind: "unseen" });
  }
  return found.filter(({ from, to }) => from < to);
}
