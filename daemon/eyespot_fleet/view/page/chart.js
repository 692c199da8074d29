// Draws columns over an axis, as SVG: stacks with whiskers, or ranges with their middle; and what was not seen.

import { made } from "./svg.js";

const HEIGHT = 260;
const LEFT = 44;
const RIGHT = 22;
const TOP = 22;
const BOTTOM = 24;
const STRIP = 10; // of coverage, below the columns
const APART = 5;
const LEAST_COLUMN = 4;
const EDGE = 30; // nearer to it words would be cut

let drawn = 0; // patterns are found by id

export class Chart {
  constructor(svg) {
    this.svg = svg;
    this.id = `chart-${(drawn += 1)}`;
  }

  // columns: { from, to, stack, range, whisker, coverage }, from and to in the units of `domain`; coverage
  //   undefined where it is all seen
  // bands: { from, to, kind: "unseen" | "unheard" }; marks: { at, words }
  // across: a function of the width to ticks { at, words } along the axis; up: numbers beside it, the last on top
  // words: of a number; room: how wide it may be, in pixels
  draw({ columns, domain, bands = [], marks = [], across, up, words = String, room }) {
    const strip = columns.some((column) => column.coverage !== undefined);
    const width = Math.max(room, LEFT + RIGHT + columns.length * LEAST_COLUMN);
    const foot = HEIGHT - BOTTOM - (strip ? STRIP + APART : 0);
    const x = (at) => LEFT + ((at - domain[0]) / (domain[1] - domain[0])) * (width - LEFT - RIGHT);
    const y = (value) => foot - (value / up.at(-1)) * (foot - TOP);
    this.place = { x, foot };
    this.svg.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    this.svg.setAttribute("width", width);
    this.svg.setAttribute("height", HEIGHT);
    this.cursor = made("rect", { class: "cursor", y: TOP, height: foot - TOP, width: 0 });
    this.svg.replaceChildren(
      this.patterns(),
      ...up.map((value) => made("line", { class: "grid", x1: LEFT, x2: width - RIGHT, y1: y(value), y2: y(value) })),
      ...up.map((value) => label(words(value), { class: "number", x: LEFT - 6, y: y(value) })),
      ...bands.map((band) => this.band(band, x, foot)),
      this.cursor,
      ...columns.flatMap((column) => drawnColumn(column, x, y)),
      ...(strip ? columns.map((column) => covered(column, x, foot + APART)) : []),
      ...marks.flatMap((mark) => marked(mark, x, foot)),
      ...across(width - LEFT - RIGHT).map((tick) => ticked(tick.words, x(tick.at), width)),
    );
  }

  point(column) {
    if (column === undefined) return this.cursor.setAttribute("width", 0);
    const { x } = this.place;
    this.cursor.setAttribute("x", x(column.from));
    return this.cursor.setAttribute("width", Math.max(2, x(column.to) - x(column.from)));
  }

  patterns() {
    const stripes = made("pattern", { id: `${this.id}-unseen`, width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
      made("rect", { class: "unseen-ground", width: 6, height: 6 }), made("rect", { class: "unseen-stripe", width: 2, height: 6 }));
    const dots = made("pattern", { id: `${this.id}-unheard`, width: 8, height: 8, patternUnits: "userSpaceOnUse" },
      made("circle", { class: "unheard-dot", cx: 4, cy: 4, r: 1.2 }));
    return made("defs", {}, stripes, dots);
  }

  band({ from, to, kind }, x, foot) {
    return made("rect", { class: kind, x: x(from), y: TOP, width: Math.max(1, x(to) - x(from)), height: foot - TOP, fill: `url(#${this.id}-${kind})` });
  }
}

function label(words, attributes) {
  const node = made("text", attributes);
  node.textContent = words;
  return node;
}

function ticked(words, at, width) {
  const inside = at < width - EDGE;
  return label(words, { class: inside ? "tick" : "tick last", x: inside ? at : width - 4, y: HEIGHT - 6 });
}

function drawnColumn({ from, to, stack, range, whisker }, x, y) {
  const [left, right] = [x(from), x(to)];
  const margin = Math.min(3, (right - left) * 0.12);
  const [at, width, middle] = [left + margin, Math.max(1, right - left - 2 * margin), (left + right) / 2];
  const nodes = [];
  if (stack !== null) {
    let below = 0;
    stack.forEach((value, n) => {
      if (value > 0) nodes.push(made("rect", { class: `part-${n}`, x: at, width, y: y(below + value), height: y(below) - y(below + value) }));
      below += value;
    });
    if (below === 0) nodes.push(made("rect", { class: "zero", x: at, width, y: y(0) - 2, height: 2 })); // seen, and nobody came
  }
  if (range !== null) {
    nodes.push(made("rect", { class: "range", x: at, width, y: y(range.high), height: Math.max(1, y(range.low) - y(range.high)) }));
    nodes.push(made("rect", { class: "middle", x: at, width, y: y(range.middle) - 1.5, height: 3 }));
  }
  if (whisker !== null && whisker[1] > whisker[0]) nodes.push(whiskers(whisker, middle, Math.min(6, width / 2), y));
  return nodes;
}

function whiskers([low, high], middle, half, y) {
  const path = `M${middle - half} ${y(high)}h${2 * half}M${middle} ${y(high)}V${y(low)}M${middle - half} ${y(low)}h${2 * half}`;
  return made("path", { class: "whisker", d: path });
}

// How much of it was seen: as high as the strip where all was.
function covered({ from, to, coverage }, x, top) {
  const width = Math.max(1, x(to) - x(from) - 1);
  const height = STRIP * coverage;
  return made("g", {}, made("rect", { class: "strip", x: x(from), y: top, width, height: STRIP }),
    made("rect", { class: "seen", x: x(from), y: top + STRIP - height, width, height }));
}

function marked({ at, words }, x, foot) {
  return [made("line", { class: "swap", x1: x(at), x2: x(at), y1: TOP - 4, y2: foot }), label(words, { class: "swap-words", x: x(at), y: TOP - 8 })];
}
