// Lines that the server suggests, to choose from with a click or the keys.

import { inWords } from "./asking.js";
import { isPoint } from "./rules.js";
import { made, placed } from "./svg.js";
import { element, text } from "./words.js";

export class Suggestions {
  // chosen({ a, b }) is told which one it shall be
  constructor(list, drawing, chosen) {
    [this.list, this.drawing, this.chosen, this.lines, this.picked, this.turn] = [list, drawing, chosen, [], -1, 0];
    list.addEventListener("keydown", (event) => { if (event.key === "Escape") this.close(); });
  }

  async ask(device) {
    const turn = ++this.turn;
    this.list.hidden = false;
    this.list.replaceChildren(said("Looking for flows…"));
    let answer = null;
    try {
      const reply = await fetch(`/devices/${device}/suggestions`);
      if (reply.ok) answer = await reply.json();
    } catch { /* said below */ }
    if (turn !== this.turn) return; // closed or asked again by now, of another device maybe
    this.offer(answer);
  }

  offer(answer) {
    this.lines = (answer?.lines ?? []).filter(({ a, b }) => isPoint(a) && isPoint(b));
    const close = element("button", "Close");
    close.type = "button";
    close.addEventListener("click", () => this.close());
    const none = answer === null ? "eyespot-fleet view does not answer." : "Too few have gone anywhere yet: let it watch for a while.";
    const offers = this.lines.map((line, nth) => this.button(line, nth));
    this.list.replaceChildren(...(offers.length > 0 ? offers : [said(none)]), close);
    (offers[0] ?? close).focus();
  }

  button({ a, b, counts, doubts }, nth) {
    const offer = element("button", `Line ${nth + 1}: ${inWords(counts)}`);
    [offer.type, offer.dataset.testid] = ["button", `suggestion-${nth}`];
    for (const doubt of doubts ?? []) offer.append(element("small", text(doubt), "ill"));
    offer.addEventListener("click", () => {
      this.close();
      this.chosen({ a, b });
    });
    for (const kind of ["focus", "pointerenter"]) offer.addEventListener(kind, () => { this.picked = nth; this.draw(); });
    return offer;
  }

  close() {
    this.turn += 1;
    [this.lines, this.picked, this.list.hidden] = [[], -1, true];
    this.draw();
  }

  // Draws the lines on offer; again after the rules have been drawn anew.
  draw() {
    for (const old of this.drawing.parentElement.querySelectorAll(".suggested, .nth")) old.remove();
    this.lines.forEach(({ a, b }, nth) => {
      this.drawing.append(made("polyline", { points: placed([a, b]), class: nth === this.picked ? "suggested picked" : "suggested" }));
      const number = element("span", String(nth + 1), "nth");
      number.setAttribute("aria-hidden", "true");
      [number.style.left, number.style.top] = [`${(a[0] + b[0]) * 50}%`, `${(a[1] + b[1]) * 50}%`];
      this.drawing.parentElement.append(number);
    });
  }
}

function said(words) {
  const made = element("span", words);
  made.setAttribute("role", "status");
  return made;
}
