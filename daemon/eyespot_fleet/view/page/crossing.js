// What a line would have counted on trails: roughly, without the band of a quarter of a box that devices leave.

// On which side of a -> b a point is: above 0 to the right of who walks so, as the picture is seen.
function side(a, b, p) {
  return (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0]);
}

// Returns 1 where the way from p to q goes over a -> b inwards, -1 outwards, 0 where it does not.
// Who comes to stand exactly on the line is still to the left of it.
export function passes(a, b, p, q) {
  const before = side(a, b, p) > 0;
  const after = side(a, b, q) > 0;
  if (before === after) return 0;
  if (side(p, q, a) > 0 === side(p, q, b) > 0) return 0;
  return after ? 1 : -1;
}

// Counts the trails over a line's points; classes that are null or empty are all.
export function crossings(points, trails, { swap = false, classes = null } = {}) {
  const counts = { in: 0, out: 0 };
  for (const trail of trails) {
    if (classes?.length && !classes.includes(trail.label)) continue;
    for (let n = 1; n < trail.points.length; n += 1) {
      for (let piece = 1; piece < points.length; piece += 1) {
        const way = passes(points[piece - 1], points[piece], trail.points[n - 1], trail.points[n]);
        if (way !== 0) counts[(way > 0) !== swap ? "in" : "out"] += 1;
      }
    }
  }
  return counts;
}
