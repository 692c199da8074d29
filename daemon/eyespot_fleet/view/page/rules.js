// Rules as `config/reported` has them, and what is desired instead.

import { text } from "./words.js";

const MOST_RULES = 100; // a device takes no more, nor more corners
const MOST_CORNERS = { line: 16, zone: 64 };
export const isPoint = (p) => Array.isArray(p) && p.length === 2 && p.every((x) => Number.isFinite(x) && x >= 0 && x <= 1);

export function rulesOf(reported) {
  const rules = reported?.config?.rules;
  if (!Array.isArray(rules)) return [];
  return rules.filter((rule) => rule !== null && typeof rule === "object" && typeof rule.id === "string").slice(0, MOST_RULES);
}

// Whether a device lives by rules that it cannot tell: what is saved would take the place of all of them.
export const hidesRules = (reported) => Boolean(reported?.config) && !Array.isArray(reported.config.rules);

// The corners of a rule in fractions of the frame; none where it has no place.
export function corners(rule) {
  const points = Array.isArray(rule.points) ? rule.points : [rule.a, rule.b];
  return points.length >= 2 && points.length <= MOST_CORNERS.zone && points.every(isPoint) ? points : [];
}

export const isLine = (rule) => rule.kind === "line";

export const leastCorners = (rule) => (isLine(rule) ? 2 : 3);

const mostCorners = (rule) => (isLine(rule) ? MOST_CORNERS.line : MOST_CORNERS.zone);
const rounded = (point) => point.map((x) => Math.round(Math.min(1, Math.max(0, x)) * 1000) / 1000);

// A rule through other corners; ends that have names of their own keep them while there are but two.
function through(rule, points) {
  if (Array.isArray(rule.points)) return { ...rule, points };
  if (points.length === 2) return { ...rule, a: points[0], b: points[1] };
  const { a, b, ...others } = rule;
  return { ...others, points };
}

export function withNewCorner(rule, n, point) {
  const points = corners(rule);
  return points.length < mostCorners(rule) ? through(rule, points.toSpliced(n, 0, rounded(point))) : rule;
}

export function withoutCorner(rule, n) {
  const points = corners(rule);
  return points.length > leastCorners(rule) ? through(rule, points.toSpliced(n, 1)) : rule;
}

export function withCorner(rule, n, point) {
  return through(rule, corners(rule).map((old, m) => (m === n ? rounded(point) : old)));
}

const WHERE = {
  line: { a: [0.1, 0.6], b: [0.9, 0.6] },
  zone: { points: [[0.3, 0.4], [0.7, 0.4], [0.7, 0.8], [0.3, 0.8]] },
};

export function newRule(kind, rules, where = WHERE[kind]) {
  const taken = new Set(rules.map((rule) => rule.id));
  let n = 1;
  while (taken.has(`${kind}-${n}`)) n += 1;
  return { kind, id: `${kind}-${n}`, ...where };
}

// Ids of rules that are new, or others than before.
export function changed(before, after) {
  const old = new Map(before.map((rule) => [rule.id, JSON.stringify(rule)]));
  return after.filter((rule) => old.get(rule.id) !== JSON.stringify(rule)).map((rule) => rule.id);
}

// What changes, in words.
export function changes(before, after) {
  const old = new Map(before.map((rule) => [rule.id, JSON.stringify(rule)]));
  const said = [];
  for (const rule of after) {
    if (!old.has(rule.id)) said.push(`${text(rule.kind)} ${rule.id} is new`);
    else if (old.get(rule.id) !== JSON.stringify(rule)) said.push(`${text(rule.kind)} ${rule.id} is changed`);
    old.delete(rule.id);
  }
  for (const id of old.keys()) said.push(`${id} is removed, and its totals`);
  return said;
}

// What is said on `config/desired`: the rules of the page, and all else that was desired before.
export function desired(reqId, before, rules) {
  const config = before?.config;
  return { req_id: reqId, config: { ...(config !== null && typeof config === "object" ? config : {}), rules } };
}
