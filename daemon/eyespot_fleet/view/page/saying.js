// What a bucket says, as a sentence and as a row of a table.

import { lasting } from "./axis.js";

const ALL = 0.9995;

const percent = (share) => `${share >= ALL ? 100 : Math.floor(share * 1000) / 10} %`;

// How high a column reaches.
export function highest({ stack, range, whisker }) {
  return Math.max(range?.high ?? 0, whisker?.[1] ?? 0, (stack ?? []).reduce((a, b) => a + b, 0));
}

// Why there was nothing to be seen, and for how long.
function causes({ gaps, coverage }) {
  const lost = new Map();
  for (const { from, to, cause } of gaps) lost.set(cause, (lost.get(cause) ?? 0) + (to - from) / 1000);
  const said = [...lost].map(([cause, seconds]) => `${cause} ${lasting(seconds)}`).join(", ");
  return said || (coverage < ALL ? "gaps of less than a second" : "");
}

// saying: { kind, parts, time: an axis.clock, words: of a number }
export function headOf({ kind, parts }) {
  const values = { counts: [...parts, "±"], gauges: ["Mean", "Least", "Most"], durations: ["Median", "9 of 10 within"] }[kind];
  return ["From – to", ...values, "Seen", "Not seen because", "Doubtful tracks", "Model", "Cut short by"];
}

export function row(bucket, column, saying) {
  const { from, to, coverage, ambiguous, model, cut } = bucket;
  return [saying.time.span(from, to), ...values(bucket, column, saying), percent(coverage), causes(bucket), String(ambiguous), model, cut];
}

function values(bucket, { stack, range, whisker }, saying) {
  const { kind, parts, words } = saying;
  if (kind === "counts") return [...parts.map((_, n) => stack?.[n] ?? "–"), whisker === null ? "–" : bucket.uncertainty];
  const keys = kind === "gauges" ? ["middle", "low", "high"] : ["middle", "high"];
  return keys.map((key) => (range === null ? "–" : words(range[key])));
}

export function sentence(bucket, column, saying) {
  const said = [what(bucket, column, saying)];
  if (bucket.coverage < ALL) said.push(`seen ${percent(bucket.coverage)} of the time (${causes(bucket)})`);
  if (!bucket.certain) said.push("its clock was not certain");
  if (bucket.cut) said.push(`cut short by: ${bucket.cut}`);
  return `${saying.time.span(bucket.from, bucket.to)}: ${said.join("; ")}`;
}

function what(bucket, column, saying) {
  const [first, ...others] = values(bucket, column, saying);
  if (column.stack !== null) {
    const counts = saying.parts.map((part, n) => `${column.stack[n]} ${part}`).join(", ") || "nobody";
    return !(bucket.uncertainty > 0) || column.whisker === null ? counts : `${counts}; their sum may be wrong by ${bucket.uncertainty}`;
  }
  if (column.range === null) return bucket.coverage === 0 ? "nobody could have been seen" : "nothing of it";
  return saying.kind === "gauges" ? `${first} on average, from ${others[0]} to ${others[1]}` : `median ${first}, nine of ten within ${others[0]}`;
}
