// Makes shapes of SVG.

export function made(tag, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

// Corners in fractions of the frame, as `points` of a shape in the drawing, which is 1000 wide and high.
export const placed = (corners) => corners.map(([x, y]) => `${x * 1000},${y * 1000}`).join(" ");
