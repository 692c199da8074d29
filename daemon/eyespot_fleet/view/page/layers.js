// What the server gathered of what was seen, drawn below lines and zones: where people were, which way they went.

const FAINTEST = 0.06;
const ARROW = 0.4; // of a place's width, at most

const isPart = (x) => Number.isFinite(x) && x >= -1 && x <= 1;

// Cells of a grid, the darker the longer somebody was there.
export function heat(pen, seen, colour) {
  const [columns, rows] = seen?.grid ?? [0, 0];
  const { width, height } = pen.canvas;
  pen.fillStyle = colour;
  (seen?.heat ?? []).forEach((hundredths, cell) => {
    if (!(hundredths > 0)) return;
    pen.globalAlpha = FAINTEST + 0.7 * Math.sqrt(Math.min(100, hundredths) / 100);
    const [column, row] = [cell % columns, Math.floor(cell / columns)];
    const [left, right] = [column, column + 1].map((at) => Math.round((at * width) / columns));
    const [top, bottom] = [row, row + 1].map((at) => Math.round((at * height) / rows));
    pen.fillRect(left, top, right - left, bottom - top);
  });
  pen.globalAlpha = 1;
}

// An arrow for each way that some went at a place; the longer and thicker, the more.
export function arrows(pen, seen, colour, scale) {
  const all = (seen?.arrows ?? []).filter(({ x, y, dx, dy }) => [x, y, dx, dy].every(isPart));
  const most = Math.max(1, ...all.map((arrow) => arrow.tracks));
  const { width, height } = pen.canvas;
  pen.strokeStyle = colour;
  for (const { x, y, dx, dy, tracks } of all) {
    const share = Math.sqrt(tracks / most);
    const length = (0.35 + 0.65 * share) * ARROW * (width / 6);
    const [wx, wy] = unit(dx * width, dy * height);
    // Those there and those back go side by side.
    const [left, top] = [x * width - wy * length * 0.15, y * height + wx * length * 0.15];
    pen.lineWidth = (1 + 2.5 * share) * scale;
    arrow(pen, [left - (wx * length) / 2, top - (wy * length) / 2], [wx * length, wy * length]);
  }
}

function unit(x, y) {
  const length = Math.hypot(x, y) || 1;
  return [x / length, y / length];
}

// A shaft and its head, from a point so far.
export function arrow(pen, [x, y], [dx, dy]) {
  pen.beginPath();
  pen.moveTo(x, y);
  pen.lineTo(x + dx, y + dy);
  pen.moveTo(x + dx * 0.65 - dy * 0.25, y + dy * 0.65 + dx * 0.25);
  pen.lineTo(x + dx, y + dy);
  pen.lineTo(x + dx * 0.65 + dy * 0.25, y + dy * 0.65 - dx * 0.25);
  pen.stroke();
}
