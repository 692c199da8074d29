// Has the device keep where people go, and fetches that: it takes the place of what was seen here.

import { post } from "./server.js";
import { text } from "./words.js";

export class Aiming {
  // place: says what came of it; buttons: disabled meanwhile; loaded(device) is told that there is more to show
  constructor(place, buttons, loaded) {
    [this.place, this.buttons, this.loaded, this.turn] = [place, buttons, loaded, 0];
  }

  clear() {
    this.turn += 1;
    this.place.textContent = "";
  }

  aim(device, minutes) {
    return this.ask(device, "aim", { minutes }, "Asking the device…", (told) => `The device says: ${text(told)}`);
  }

  load(device, hours) {
    return this.ask(device, "load", { hours }, "Fetching what the device has kept…", (looks) => {
      if (!(looks > 0)) return "The device has kept nothing: let it keep trails first.";
      this.loaded(device);
      return `${Number(looks)} looks of the last ${hours} h are here now.`;
    });
  }

  async ask(device, what, wish, meanwhile, words) {
    const turn = ++this.turn;
    const say = (said) => { if (turn === this.turn) this.place.textContent = said; };
    for (const button of this.buttons) button.disabled = true;
    say(meanwhile);
    try {
      const reply = await post(`/devices/${device}/${what}`, wish);
      say(reply.ok ? words(await reply.json()) : `That did not work: ${text(await reply.text())}`);
    } catch (error) {
      say(`That did not work: ${text(error.message)}`);
    } finally {
      for (const button of this.buttons) button.disabled = false;
    }
  }
}
