// What a device counted and did, as far as `eyespot-fleet view` heard it; fetched piece by piece, of one device.

import { decode } from "./bucket.js";
import { LONGEST_NAME, text } from "./words.js";

const MOST = { bucket: 400, stay: 2000, step: 40 };
const MOST_RULES = 128;
const MOST_WEIGHT = 16_000_000; // characters of JSON, of one device
const STAY = 200; // characters' worth

export class Journal {
  // changed() is told that there is more; most: characters of JSON that there is room for
  constructor(changed, most = MOST_WEIGHT) {
    [this.changed, this.most] = [changed, most];
    this.turn = 0;
    this.choose(null, 0);
  }

  choose(device, newest) {
    this.turn += 1; // what was asked for before is not for this one
    [this.device, this.serial, this.newest] = [device, 0, 0];
    [this.rules, this.steps] = [new Map(), []];
    this.changed();
    this.heard(newest);
  }

  heard(newest) {
    if (!Number.isSafeInteger(newest)) return;
    this.newest = newest;
    void this.pull();
  }

  async pull() {
    if (this.pulling || this.device === null) return;
    this.pulling = true;
    const { turn } = this;
    try {
      while (turn === this.turn && this.serial < this.newest && (await this.piece(turn))) this.changed();
    } finally {
      this.pulling = false;
    }
    if (turn !== this.turn) void this.pull();
  }

  async piece(turn) {
    const said = await fetch(`/devices/${this.device}/journal?after=${this.serial}`)
      .then((reply) => (reply.ok ? reply.json() : null))
      .catch(() => null); // the stream of events tells that nothing answers, and begins anew
    if (turn !== this.turn || !(said?.serial > this.serial)) return false;
    this.serial = said.serial;
    for (const entry of said.entries) this.take(entry);
    return true;
  }

  take({ kind, rule, said }) {
    if (kind === "step") {
      this.steps = [...this.steps, said].slice(-MOST.step);
      return;
    }
    if (!this.rules.has(rule)) {
      if (this.rules.size >= MOST_RULES) return;
      this.rules.set(rule, new Kept());
    }
    this.rules.get(rule)[kind](said);
    while (this.weight > this.most) [...this.rules.values()].reduce((a, b) => (b.weight > a.weight ? b : a)).forgetOldest();
  }

  get weight() {
    return [...this.rules.values()].reduce((sum, of) => sum + of.weight, 0);
  }

  // by time, oldest first
  buckets(rule) {
    return [...(this.rules.get(rule)?.buckets.values() ?? [])].sort((a, b) => a.from - b.from || a.to - b.to);
  }

  stays(rule) {
    return this.rules.get(rule)?.stays ?? [];
  }

  // the ids of rules of which there are such
  having(kind) {
    const size = ({ buckets, stays }) => (kind === "bucket" ? buckets.size : stays.length);
    return [...this.rules].filter(([, of]) => size(of) > 0).map(([rule]) => rule).sort();
  }
}

// Of one rule. What it weighs are characters of JSON: what is read of a bucket may hold on to all of it.
class Kept {
  constructor() {
    [this.buckets, this.stays, this.weight] = [new Map(), [], 0];
  }

  bucket(said) {
    const read = decode(said);
    const before = read && this.buckets.get(read.key);
    if (read === null || before?.rev > read.rev) return;
    read.weight = JSON.stringify(said).length;
    this.weight += read.weight - (before?.weight ?? 0);
    this.buckets.set(read.key, read);
    if (this.buckets.size > MOST.bucket) this.forgetBucket();
  }

  stay(said) {
    if (!Number.isFinite(said?.dwell_s) || said.dwell_s < 0) return;
    this.stays.push({ label: text(said.class, LONGEST_NAME), dwell_s: said.dwell_s, outcome: text(said.outcome, LONGEST_NAME), partly: said.found === true || said.outcome === "lost" });
    this.weight += STAY;
    if (this.stays.length > MOST.stay) this.forgetStay();
  }

  // Of that which weighs more.
  forgetOldest() {
    if (this.weight > 2 * STAY * this.stays.length) this.forgetBucket();
    else this.forgetStay();
  }

  forgetBucket() {
    const [key, { weight }] = this.buckets.entries().next().value;
    this.buckets.delete(key);
    this.weight -= weight;
  }

  forgetStay() {
    this.stays.shift();
    this.weight -= STAY;
  }
}
