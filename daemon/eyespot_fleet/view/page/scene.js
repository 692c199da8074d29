// Draws boxes and trails on an empty canvas.

import { arrow, arrows, heat } from "./layers.js";

const FRESH_MS = 1500;
const TAIL = 40;
const MOST_DRAWN = 400; // old trails
const OLD_MS = 500; // old trails are drawn anew so often at most
const ARROW = 28;

export class Scene {
  constructor(canvas) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
    this.behind = document.createElement("canvas");
    this.drawn = { trails: null, key: "", at: 0, revision: 0 };
    this.layers = { paths: true, flow: false, heat: false };
    this.seen = null; // what the server gathered: arrows and heat
    this.frame = null;
    this.taken = 0;
  }

  show(frame) {
    this.frame = frame;
    this.taken = performance.now();
  }

  // What is drawn below boxes changes: layers, or what the server gathered.
  below(layers, seen) {
    [this.layers, this.seen] = [layers, seen];
    this.drawn.key = "";
  }

  // line: corners of the chosen line, to show which way is in; or none
  draw(trails, line, swap) {
    const { canvas, pen } = this;
    const scale = window.devicePixelRatio || 1;
    const [width, height] = [Math.round(canvas.clientWidth * scale), Math.round(canvas.clientHeight * scale)];
    if (width === 0 || height === 0) return;
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    this.old(trails, colour, scale);
    pen.clearRect(0, 0, width, height);
    pen.drawImage(this.behind, 0, 0);
    if (this.frame !== null && performance.now() - this.taken < FRESH_MS) this.boxes(trails, colour("--box"), scale);
    if (line.length > 1) this.arrow(line, swap, colour("--chosen"), scale);
  }

  old(trails, colour, scale) {
    const { behind, canvas: { width, height } } = this;
    const key = [width, height, colour("--trail")].join();
    const now = performance.now();
    const same = trails === this.drawn.trails && key === this.drawn.key;
    if (same && (trails.revision === this.drawn.revision || now - this.drawn.at < OLD_MS)) return;
    this.drawn = { trails, key, at: now, revision: trails.revision };
    [behind.width, behind.height] = [width, height];
    const pen = behind.getContext("2d");
    if (this.layers.heat) heat(pen, this.seen, colour("--heat"));
    pen.lineWidth = scale;
    pen.strokeStyle = colour("--trail");
    pen.globalAlpha = 0.45;
    if (this.layers.paths) for (const trail of [...trails].slice(-MOST_DRAWN)) way(pen, trail.points, width, height);
    pen.globalAlpha = 1;
    if (this.layers.flow) arrows(pen, this.seen, colour("--flow"), scale);
  }

  boxes(trails, colour, scale) {
    const { pen, canvas: { width, height } } = this;
    pen.strokeStyle = pen.fillStyle = colour;
    pen.lineWidth = 2 * scale;
    pen.font = `${12 * scale}px system-ui, sans-serif`;
    for (const { track, label, score, box: [left, top, right, bottom] } of this.frame.seen) {
      pen.strokeRect(left * width, top * height, (right - left) * width, (bottom - top) * height);
      const words = `${label} ${track} · ${Math.round(score * 100)} %`;
      pen.fillText(words, left * width, Math.max(12 * scale, top * height - 4 * scale));
      way(pen, trails.last(this.frame.boot, track, TAIL), width, height);
    }
  }

  // To the right of who walks along the line is in, as the picture is seen.
  arrow(line, swap, colour, scale) {
    const { pen, canvas: { width, height } } = this;
    const piece = Math.floor((line.length - 1) / 2);
    const [[ax, ay], [bx, by]] = [line[piece], line[piece + 1]].map(([x, y]) => [x * width, y * height]);
    const length = Math.hypot(bx - ax, by - ay) || 1;
    const step = ((swap ? -1 : 1) * ARROW * scale) / length;
    const [dx, dy] = [-(by - ay) * step, (bx - ax) * step];
    const [x, y] = [(ax + bx) / 2, (ay + by) / 2];
    pen.strokeStyle = pen.fillStyle = colour;
    pen.lineWidth = 3 * scale;
    arrow(pen, [x, y], [dx, dy]);
    pen.font = `bold ${14 * scale}px system-ui, sans-serif`;
    [pen.textAlign, pen.textBaseline] = ["center", "middle"];
    pen.fillText("in", x + dx * 1.5, y + dy * 1.5);
    [pen.textAlign, pen.textBaseline] = ["start", "alphabetic"];
  }
}

function way(pen, points, width, height) {
  pen.beginPath();
  for (const [x, y] of points) pen.lineTo(x * width, y * height);
  pen.stroke();
}
