// Round numbers and hours along the sides of a chart.

const SECOND = 1000;
const HOUR = 3600 * SECOND;
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800].map((s) => s * SECOND)
  .concat([1, 2, 3, 6, 12, 24, 48, 168, 336, 720].map((h) => h * HOUR));

// Numbers from 0 to `top` or beyond, at most `most` + 1 of them; whole ones where only such can be.
export function numbers(top, most, whole) {
  const rough = Math.max(top, whole ? 1 : 1e-6) / most;
  const unit = 10 ** Math.floor(Math.log10(rough));
  let step = [1, 2, 5, 10].find((times) => times * unit >= rough * 0.999999) * unit;
  if (whole) step = Math.max(1, Math.round(step));
  const ticks = [];
  for (let n = 0; ticks.length < 2 || ticks.at(-1) < top; n += 1) ticks.push(Number((n * step).toPrecision(12)));
  return ticks;
}

// Likewise of a duration in s: whole seconds, minutes or hours where it is that long.
export function durations(top, most) {
  const unit = [3600, 60, 1].find((each) => top >= 2 * each);
  return unit === undefined ? numbers(top, most, false) : numbers(top / unit, most, true).map((value) => value * unit);
}

// A clock of a zone by its IANA name, or of UTC where the browser does not know it.
export function clock(zone) {
  try {
    return new Clock(zone);
  } catch {
    return new Clock("UTC");
  }
}

class Clock {
  constructor(zone) {
    const form = (options) => new Intl.DateTimeFormat("en-GB", { timeZone: zone, hourCycle: "h23", ...options });
    this.zone = zone;
    this.parts = form({ year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" });
    this.minute = form({ hour: "2-digit", minute: "2-digit" });
    this.second = form({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
    this.day = form({ day: "numeric", month: "short" });
    this.full = form({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
    this.fullest = form({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" });
  }

  // how far its hands are ahead of UTC, in ms
  ahead(at) {
    const of = Object.fromEntries(this.parts.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
    return Date.UTC(of.year, of.month - 1, of.day, of.hour, of.minute, of.second) - Math.floor(at / SECOND) * SECOND;
  }

  ticks(from, to, most) {
    const step = STEPS.find((each) => (to - from) / each <= most) ?? (to - from) / most;
    const ahead = this.ahead(from);
    const found = [];
    for (let at = Math.ceil((from + ahead) / step) * step - ahead; at <= to; at += step) {
      const midnight = (at + ahead) % (24 * HOUR) === 0;
      const form = midnight ? this.day : step < 60 * SECOND ? this.second : this.minute;
      found.push({ at, words: form.format(at) });
    }
    return found;
  }

  moment(at) {
    return (at % (60 * SECOND) === 0 ? this.full : this.fullest).format(at);
  }

  span(from, to) {
    const long = to - from >= 24 * HOUR;
    const last = long ? this.moment(to) : (to % (60 * SECOND) === 0 ? this.minute : this.second).format(to);
    return `${this.moment(from)} – ${last}`;
  }
}

// A duration in words, as 1 min 30 s.
export function lasting(seconds) {
  if (seconds < 10) return `${Number(seconds.toFixed(1))} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min${whole % 60 ? ` ${whole % 60} s` : ""}`;
  const minutes = Math.round(whole / 60);
  return `${Math.floor(minutes / 60)} h${minutes % 60 ? ` ${minutes % 60} min` : ""}`;
}
