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
    [this.span, this.counts, this.doubts, this.refused] = [undefined, new Map(), new Map(), new Map()]; // by rule id
    [this.rules, this.trouble] = [null, ""];
  }

  hear(rules, told) {
    this.trouble = told.trouble ?? "";
    if (this.trouble) return;
    this.span = told.span;
    const ids = new Set(rules.map((rule) => rule.id));
    this.counts = new Map([...this.counts, ...Object.entries(told.counts)].filter(([id]) => ids.has(id)));
    if (told.doubts !== null) this.doubts = new Map(Object.entries(told.doubts));
    this.refused = new Map(Object.entries(told.refused));
    this.rules = rules;
  }

  // Whether the device would refuse one of these rules; what it has in force is its own affair.
  refuses(rules, ids) {
    return rules === this.rules && ids.some((id) => this.refused.has(id));
  }

  // Rule id -> "refused" or "doubtful".
  flaws() {
    const some = [...this.doubts].filter(([, said]) => said.length > 0);
    return new Map([...some.map(([id]) => [id, "doubtful"]), ...[...this.refused].map(([id]) => [id, "refused"])]);
  }

  // What is to stand beside a rule.
  beside(id) {
    if (this.refused.has(id)) return [`refused: ${text(this.refused.get(id))}`];
    return (this.doubts.get(id) ?? []).map((doubt) => text(doubt));
  }

  show(chosen) {
    const from = since(this.span);
    const { seen, whatif, doubts } = this.places;
    say(seen, from ? `${Number(this.span.tracks)} trails since ${from}` : "No trails yet. Have the device keep some and load them; live ones come where its file says [topics] frame = true.");
    const [refusedId, reason] = this.refused.has(chosen) ? [chosen, this.refused.get(chosen)] : [...this.refused][0] ?? ["", ""];
    const refused = reason && `The device would refuse ${text(refusedId) || "this"}: ${text(reason)}`;
    const counts = from && chosen ? inWords(this.counts.get(chosen)) : "";
    say(whatif, refused || this.trouble || (counts && `${text(chosen)}, on the trails seen since ${from}: ${counts}`));
    whatif.className = refused || this.trouble ? "ill" : "";
    const said = refused ? [] : (this.doubts.get(chosen) ?? []).map((doubt) => `${text(chosen)} ${text(doubt)}`);
    if ([...doubts.children].map((each) => each.textContent).join("\n") !== said.join("\n")) {
      doubts.replaceChildren(...said.map((words) => element("li", words)));
    }
  }
}

// Who listens is told again only what is new.
function say(place, words) {
  if (place.textContent !== words) place.textContent = words;
}
