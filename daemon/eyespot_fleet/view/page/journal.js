// What a device counted and did, as far as `eyespot-fleet view` heard it; fetched piece by piece, of one device.

import { decode } from "./bucket.js";
import { LONGEST_NAME, text } from "./words.js";

const MOST = { bucket: 400, stay: 2000, step: 40 };
const MOST_RULES = 128;

export class Journal {
  // changed() is told that there is more
  constructor(changed) {
    this.changed = changed;
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
      this.rules.set(rule, { buckets: new Map(), stays: [] });
    }
    const of = this.rules.get(rule);
    if (kind === "bucket") bucket(of.buckets, said);
    else stay(of.stays, said);
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

function bucket(buckets, said) {
  const read = decode(said);
  if (read === null || buckets.get(read.key)?.rev > read.rev) return;
  buckets.set(read.key, read);
  if (buckets.size > MOST.bucket) buckets.delete(buckets.keys().next().value);
}

function stay(stays, said) {
  if (!Number.isFinite(said?.dwell_s) || said.dwell_s < 0) return;
  stays.push({ label: text(said.class, LONGEST_NAME), dwell_s: said.dwell_s, outcome: text(said.outcome, LONGEST_NAME), partly: said.found === true || said.outcome === "lost" });
  if (stays.length > MOST.stay) stays.shift();
}
