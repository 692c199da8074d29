// What the server says of rules as drawn: what they would have counted, what the device would refuse, what is doubtful.

import { inWords, since } from "./asking.js";
import { element, text } from "./words.js";

export class WhatIf {
  // places: elements for `seen`, `whatif` and `doubts`
  constructor(places) {
    this.places = places;
    this.clear();
  }

  clear() {
    [this.span, this.counts, this.doubts, this.refused, this.refusedRules, this.trouble] = [undefined, {}, {}, {}, null, ""];
  }

  hear(rules, told) {
    this.trouble = told.trouble ?? "";
    if (this.trouble) return;
    this.span = told.span;
    this.counts = { ...this.counts, ...told.counts };
    this.doubts = told.doubts ?? this.doubts;
    this.refused = told.refused ?? {};
    this.refusedRules = Object.keys(this.refused).length > 0 ? rules : null;
  }

  // Rule id -> "refused" or "doubtful".
  flaws() {
    const some = Object.entries(this.doubts).filter(([, said]) => said.length > 0);
    return new Map([...some.map(([id]) => [id, "doubtful"]), ...Object.keys(this.refused).map((id) => [id, "refused"])]);
  }

  // What is to stand beside a rule.
  beside(id) {
    if (this.refused[id]) return [`refused: ${text(this.refused[id])}`];
    return (this.doubts[id] ?? []).map((doubt) => text(doubt));
  }

  show(chosen) {
    const from = since(this.span);
    const { seen, whatif, doubts } = this.places;
    say(seen, from ? `${Number(this.span.tracks)} trails since ${from}` : "No trails yet. Boxes come where the device's file says [topics] frame = true.");
    const [refusedId, reason] = this.refused[chosen] ? [chosen, this.refused[chosen]] : Object.entries(this.refused)[0] ?? ["", ""];
    const refused = reason && `The device would refuse ${text(refusedId) || "this"}: ${text(reason)}`;
    const counts = from && chosen ? inWords(this.counts[chosen]) : "";
    say(whatif, refused || this.trouble || (counts && `${text(chosen)}, on the trails seen since ${from}: ${counts}`));
    whatif.className = refused || this.trouble ? "ill" : "";
    const said = refused ? [] : (this.doubts[chosen] ?? []).map((doubt) => `${text(chosen)} ${text(doubt)}`);
    if ([...doubts.children].map((each) => each.textContent).join("\n") !== said.join("\n")) {
      doubts.replaceChildren(...said.map((words) => element("li", words)));
    }
  }
}

// Who listens is told again only what is new.
function say(place, words) {
  if (place.textContent !== words) place.textContent = words;
}
