// Asks the server about rules as drawn: one question at a time, ten a second at most, the newest for all before it.

import { post } from "./server.js";
import { NAMES, text } from "./words.js";

const LEAST_MS = 100;

export class Asker {
  // heard(question, answer) is told what came of it; an answer has `trouble` where nothing did
  constructor(heard, send = toServer) {
    [this.heard, this.send] = [heard, send];
    [this.next, this.busy, this.took] = [null, false, 0];
  }

  ask(question) {
    this.next = question;
    if (!this.busy) this.turn();
  }

  async turn() {
    const question = this.next;
    [this.next, this.busy] = [null, true];
    const begun = performance.now();
    const answer = await this.send(question);
    this.took = performance.now() - begun;
    setTimeout(() => {
      this.busy = false;
      if (this.next !== null) this.turn();
    }, Math.max(0, LEAST_MS - this.took));
    this.heard(question, answer);
  }
}

async function toServer({ device, ...proposal }) {
  try {
    const reply = await post(`/devices/${device}/what-if`, proposal);
    return reply.ok ? await reply.json() : { trouble: text(await reply.text()) };
  } catch (error) {
    return { trouble: text(error.message) };
  }
}

// Since when, in words; empty where nothing was seen.
export function since(span) {
  const then = new Date(span?.since ?? NaN);
  if (Number.isNaN(then.getTime())) return "";
  const time = then.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const isToday = then.toDateString() === new Date().toDateString();
  return isToday ? time : `${then.toLocaleDateString()}, ${time}`;
}

// Counts in words, as the server names them.
export function inWords(counts) {
  return Object.entries(counts ?? {}).map(([what, many]) => `${Number(many)} ${text(NAMES[what] ?? what)}`).join(", ");
}
