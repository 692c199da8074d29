// Shapes of rules, and handles by which the chosen one is moved: with a mouse, a finger or the arrow keys.

import { corners, isLine } from "./rules.js";

const SVG = "http://www.w3.org/2000/svg";
const STEP = 0.005;
const LARGE_STEP = 0.05;
const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Editor {
  // moved(n, point) is told where a corner of the chosen rule is wanted
  constructor(drawing, moved) {
    this.drawing = drawing;
    this.stage = drawing.parentElement;
    this.moved = moved;
    this.handles = [];
    this.chosen = null;
  }

  show(rules, chosen) {
    this.drawing.replaceChildren(...rules.flatMap((rule) => this.shape(rule, rule.id === chosen)));
    const rule = rules.find((each) => each.id === chosen);
    const points = rule === undefined ? [] : corners(rule);
    if (chosen !== this.chosen || this.handles.length !== points.length) this.renew(points, chosen);
    this.handles.forEach((handle, n) => this.place(handle, points[n], n, chosen));
  }

  shape(rule, isChosen) {
    const points = corners(rule);
    if (points.length === 0) return [];
    const shape = document.createElementNS(SVG, isLine(rule) ? "polyline" : "polygon");
    shape.setAttribute("points", points.map(([x, y]) => `${x * 1000},${y * 1000}`).join(" "));
    shape.setAttribute("class", isChosen ? "chosen" : "");
    shape.dataset.rule = rule.id;
    return [shape];
  }

  renew(points, chosen) {
    this.handles.forEach((handle) => handle.remove());
    this.chosen = chosen;
    this.handles = points.map((_, n) => this.handle(n));
    this.stage.append(...this.handles);
  }

  handle(n) {
    const handle = document.createElement("button");
    handle.type = "button";
    handle.className = "handle";
    handle.dataset.testid = `handle-${n}`;
    handle.textContent = String.fromCharCode(97 + (n % 26));
    handle.addEventListener("pointerdown", (event) => handle.setPointerCapture(event.pointerId));
    handle.addEventListener("pointermove", (event) => {
      if (handle.hasPointerCapture(event.pointerId)) this.moved(n, this.at(event));
    });
    handle.addEventListener("keydown", (event) => this.key(event, handle, n));
    return handle;
  }

  key(event, handle, n) {
    const way = WAYS[event.key];
    if (way === undefined) return;
    event.preventDefault();
    const step = event.shiftKey ? LARGE_STEP : STEP;
    this.moved(n, [Number(handle.dataset.x) + way[0] * step, Number(handle.dataset.y) + way[1] * step]);
  }

  at(event) {
    const { left, top, width, height } = this.drawing.getBoundingClientRect();
    return [(event.clientX - left) / width, (event.clientY - top) / height];
  }

  place(handle, [x, y], n, chosen) {
    [handle.dataset.x, handle.dataset.y] = [x, y];
    handle.style.left = `${x * 100}%`;
    handle.style.top = `${y * 100}%`;
    const where = `${Math.round(x * 100)} % from the left, ${Math.round(y * 100)} % from the top`;
    handle.setAttribute("aria-label", `Corner ${handle.textContent} of ${chosen}: ${where}`);
  }
}
