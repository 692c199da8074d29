// Where tracks went, gathered in this browser: bounded, gone with the page.

const MOST_TRAILS = 5000;
const MOST_POINTS = 600; // of one trail
const LEAST_STEP = 0.004; // of the frame; nearer points are left out

export class Trails {
  constructor() {
    this.trails = new Map();
    this.revision = 0; // counts what may have changed an answer
  }

  add(boot, track, label, point) {
    const key = `${boot}/${track}`;
    let trail = this.trails.get(key);
    if (trail === undefined) {
      trail = { label, points: [] };
      this.trails.set(key, trail);
      if (this.trails.size > MOST_TRAILS) this.trails.delete(this.trails.keys().next().value);
    }
    const last = trail.points.at(-1);
    if (last !== undefined && Math.hypot(last[0] - point[0], last[1] - point[1]) < LEAST_STEP) return;
    trail.points.push(point);
    if (trail.points.length > MOST_POINTS) trail.points.shift();
    this.revision += 1;
  }

  // Begins anew with where those went that the server has seen.
  recall(paths) {
    const known = (Array.isArray(paths) ? paths : []).filter((path) => Array.isArray(path?.points));
    const trail = ({ label, points }) => ({ label, points: points.map(([x, y]) => [x / 1000, y / 1000]) });
    this.trails = new Map(known.map((path, n) => [`before ${n}`, trail(path)]));
    this.revision += 1;
  }

  last(boot, track, many) {
    return this.trails.get(`${boot}/${track}`)?.points.slice(-many) ?? [];
  }

  *[Symbol.iterator]() {
    yield* this.trails.values();
  }

  get size() {
    return this.trails.size;
  }

  clear() {
    this.trails.clear();
    this.revision += 1;
  }
}
