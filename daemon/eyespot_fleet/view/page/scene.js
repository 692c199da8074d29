// Draws boxes and trails on an empty canvas.

const FRESH_MS = 1500;
const TAIL = 40;
const MOST_DRAWN = 400; // old trails

export class Scene {
  constructor(canvas) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
    this.frame = null;
    this.taken = 0;
  }

  show(frame) {
    this.frame = frame;
    this.taken = performance.now();
  }

  draw(trails) {
    const { canvas, pen } = this;
    const scale = window.devicePixelRatio || 1;
    const [width, height] = [Math.round(canvas.clientWidth * scale), Math.round(canvas.clientHeight * scale)];
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    pen.clearRect(0, 0, width, height);
    pen.lineWidth = scale;
    pen.strokeStyle = colour("--trail");
    pen.globalAlpha = 0.35;
    for (const trail of [...trails].slice(-MOST_DRAWN)) this.way(trail.points, width, height);
    pen.globalAlpha = 1;
    if (this.frame === null || performance.now() - this.taken > FRESH_MS) return;
    this.boxes(trails, colour("--box"), scale);
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
      this.way(trails.last(this.frame.boot, track, TAIL), width, height);
    }
  }

  way(points, width, height) {
    const { pen } = this;
    pen.beginPath();
    for (const [x, y] of points) pen.lineTo(x * width, y * height);
    pen.stroke();
  }
}
