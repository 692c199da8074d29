// Decodes what a device says on `frame`: config/README.md, eyespot.frame/2. What cannot be read is null.

import { LONGEST_NAME, text } from "./words.js";

const MOST_BOXES = 500;

export function decode(payload) {
  if (payload?.schema !== "eyespot.frame/2") return null;
  const { tracks, classes, scores, boxes, labels } = payload;
  if (![tracks, classes, scores, boxes, labels].every(Array.isArray)) return null;
  const many = Math.min(boxes.length, MOST_BOXES);
  if (![tracks, classes, scores].every((column) => column.length === boxes.length)) return null;
  const seen = [];
  for (let n = 0; n < many; n += 1) {
    const box = boxes[n];
    if (!Number.isInteger(tracks[n]) || !Array.isArray(box) || box.length !== 4) return null;
    if (!box.every((side) => Number.isFinite(side) && side >= 0 && side <= 1000)) return null;
    seen.push({
      track: tracks[n],
      label: text((Number.isInteger(classes[n]) ? labels[classes[n]] : null) ?? "?", LONGEST_NAME),
      score: Number.isFinite(scores[n]) ? scores[n] / 100 : 0,
      box: box.map((side) => side / 1000),
    });
  }
  return { boot: text(payload.boot_id, LONGEST_NAME), seen };
}

// The point of a box that counts, as `[camera] mount` has it.
export function point([left, top, right, bottom], mount) {
  return [(left + right) / 2, mount === "overhead" ? (top + bottom) / 2 : bottom];
}
