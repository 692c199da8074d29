// Where tracks went, gathered in this browser: bounded, gone with the page.

const MOST_TRAILS = 5000;
const MOST_POINTS = 600; // of one trail
export const MOST_POINTS_OF_ALL = 500_000; // of all devices: some 25 MB
const TRAIL = 6; // points' worth of a trail without any
const LEAST_STEP = 0.004; // of the frame; nearer points are left out

export class Trails {
  constructor() {
    this.trails = new Map();
    this.many = 0; // points
    this.revision = 0; // counts what may have changed an answer
  }

  // most: points that there is room for; the oldest trails give way
  add(boot, track, label, point, most = MOST_POINTS_OF_ALL) {
    const key = `${boot}/${track}`;
    let trail = this.trails.get(key);
    if (trail === undefined) {
      trail = { label, points: [] };
      this.trails.set(key, trail);
    }
    const last = trail.points.at(-1);
    if (last !== undefined && Math.hypot(last[0] - point[0], last[1] - point[1]) < LEAST_STEP) return;
    trail.points.push(point);
    if (trail.points.length > MOST_POINTS) trail.points.shift();
    else this.many += 1;
    this.trim(most);
    this.revision += 1;
  }

  // how much room they take, in points
  get weight() {
    return this.many + TRAIL * this.trails.size;
  }

  trim(most) {
    while (this.trails.size > 1 && (this.trails.size > MOST_TRAILS || this.weight > most)) this.forgetOldest();
  }

  // Begins anew with where those went that the server has seen.
  recall(paths) {
    const known = (Array.isArray(paths) ? paths : []).filter((path) => Array.isArray(path?.points));
    const trail = ({ label, points }) => ({ label, points: points.map(([x, y]) => [x / 1000, y / 1000]) });
    this.trails = new Map(known.map((path, n) => [`before ${n}`, trail(path)]));
    this.many = known.reduce((sum, { points }) => sum + points.length, 0);
    this.revision += 1;
  }

  forgetOldest() {
    const [key, { points }] = this.trails.entries().next().value;
    this.trails.delete(key);
    this.many -= points.length;
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
    this.recall([]);
  }
}
