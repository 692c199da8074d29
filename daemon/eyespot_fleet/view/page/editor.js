// Shapes of rules, and handles by which the chosen one is changed: with a mouse, a finger or keys.

import { corners, isLine, leastCorners } from "./rules.js";
import { made, placed } from "./svg.js";

const STEP = 0.005;
const LARGE_STEP = 0.05;
const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

// Where an arrow key leads from a point; null for other keys.
export function stepped([x, y], { key, shiftKey }) {
  const way = WAYS[key];
  if (way === undefined) return null;
  const step = shiftKey ? LARGE_STEP : STEP;
  return [x + way[0] * step, y + way[1] * step];
}

// Where a pointer is, in fractions of the stage.
export function placeOf(event, stage) {
  const { left, top, width, height } = stage.getBoundingClientRect();
  return [(event.clientX - left) / width, (event.clientY - top) / height];
}

export const inPercent = ([x, y]) => `${Math.round(x * 100)} % from the left, ${Math.round(y * 100)} % from the top`;

export class Editor {
  // does.moved(n, point), does.added(n, point), does.removed(n): what is wanted of corners of the chosen rule;
  // does.released(): a pointer that moved one has let go
  constructor(drawing, does) {
    this.drawing = drawing;
    this.stage = drawing.parentElement;
    this.does = does;
    this.handles = [];
    this.betweens = [];
    this.marks = [];
    this.current = 0; // the corner that had the focus last
    this.chosen = "";
  }

  // flaws: rule id -> "refused" or "doubtful"
  show(rules, chosen, flaws) {
    this.drawing.replaceChildren(...rules.flatMap((rule) => this.shape(rule, rule.id === chosen, flaws.get(rule.id))));
    this.mark(rules.filter((rule) => flaws.has(rule.id) && corners(rule).length > 0));
    const rule = rules.find((each) => each.id === chosen);
    const points = rule === undefined ? [] : corners(rule);
    if (chosen !== this.chosen) [this.chosen, this.current] = [chosen, 0];
    this.least = rule === undefined ? 0 : leastCorners(rule);
    this.fit(this.handles, points.length, (n) => this.handle(n));
    this.handles.forEach((handle, n) => this.place(handle, points[n], n));
    const sides = rule === undefined ? 0 : points.length - (isLine(rule) ? 1 : 0);
    this.fit(this.betweens, sides, (n) => this.between(n));
    this.betweens.forEach((between, n) => this.placeBetween(between, points[n], points[(n + 1) % points.length], n));
  }

  get canRemove() {
    return this.handles.length > this.least;
  }

  // Elements that are there stay: one of them may hold a pointer or the focus.
  fit(elements, many, make) {
    while (elements.length > many) elements.pop().remove();
    while (elements.length < many) {
      elements.push(make(elements.length));
      this.stage.append(elements.at(-1));
    }
  }

  shape(rule, isChosen, flaw) {
    const points = corners(rule);
    if (points.length === 0) return [];
    const classes = [isChosen ? "chosen" : "", flaw ?? ""].join(" ").trim();
    const shape = made(isLine(rule) ? "polyline" : "polygon", { points: placed(points), class: classes });
    shape.dataset.rule = rule.id;
    return [shape];
  }

  // A sign beside the first corner: what is wrong stands in words below.
  mark(rules) {
    this.fit(this.marks, rules.length, () => {
      const mark = document.createElement("span");
      [mark.className, mark.textContent] = ["flaw", "!"];
      mark.setAttribute("aria-hidden", "true");
      return mark;
    });
    this.marks.forEach((mark, n) => put(mark, corners(rules[n])[0]));
  }

  handle(n) {
    const handle = button("handle", `handle-${n}`, String.fromCharCode(97 + (n % 26)));
    handle.addEventListener("pointerdown", (event) => handle.setPointerCapture(event.pointerId));
    handle.addEventListener("pointermove", (event) => {
      if (handle.hasPointerCapture(event.pointerId)) this.does.moved(n, placeOf(event, this.drawing));
    });
    handle.addEventListener("lostpointercapture", () => this.does.released());
    handle.addEventListener("focus", () => { this.current = n; });
    handle.addEventListener("keydown", (event) => this.key(event, handle, n));
    return handle;
  }

  key(event, handle, n) {
    const to = stepped([Number(handle.dataset.x), Number(handle.dataset.y)], event);
    if (to !== null) this.does.moved(n, to);
    else if (event.key === "Delete" || event.key === "Backspace") this.remove(n);
    else if (event.key === "Insert" || event.key === "+") this.add(Math.min(n, this.betweens.length - 1));
    else return;
    event.preventDefault();
  }

  remove(n) {
    if (!this.canRemove) return;
    this.does.removed(n);
    this.handles[Math.min(n, this.handles.length - 1)]?.focus();
  }

  // A new corner in the middle of side n; it has the focus then.
  add(n) {
    const { x, y } = this.betweens[n].dataset;
    this.does.added(n + 1, [Number(x), Number(y)]);
    this.handles[n + 1]?.focus();
  }

  between(n) {
    const between = button("between", `between-${n}`, "+");
    between.addEventListener("pointerdown", (event) => {
      event.preventDefault(); // the focus is the new corner's
      this.add(n);
      this.handles[n + 1]?.setPointerCapture(event.pointerId);
    });
    between.addEventListener("click", (event) => { if (event.detail === 0) this.add(n); }); // by a key
    return between;
  }

  place(handle, point, n) {
    put(handle, point);
    handle.setAttribute("aria-label", `Corner ${handle.textContent} of ${this.chosen}: ${inPercent(point)}`);
    handle.setAttribute("aria-describedby", "keys");
    handle.dataset.nth = n;
  }

  placeBetween(between, [ax, ay], [bx, by], n) {
    put(between, [(ax + bx) / 2, (ay + by) / 2]);
    const [from, to] = [n, (n + 1) % this.handles.length].map((m) => this.handles[m].textContent);
    between.setAttribute("aria-label", `Add a corner between ${from} and ${to}`);
  }
}

function button(className, testid, words) {
  const node = document.createElement("button");
  [node.type, node.className, node.dataset.testid, node.textContent] = ["button", className, testid, words];
  return node;
}

function put(node, [x, y]) {
  [node.dataset.x, node.dataset.y] = [x, y];
  [node.style.left, node.style.top] = [`${x * 100}%`, `${y * 100}%`];
}
