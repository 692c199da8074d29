// What each device has said last, and where its tracks went.

import { MOST_POINTS_OF_ALL, Trails } from "./trails.js";

export class Devices extends Map { // id -> { states: Map, trails }
  // most: points of trails that there is room for, of all devices
  constructor(most = MOST_POINTS_OF_ALL) {
    super();
    this.most = most;
  }

  // for the trails of each
  get room() {
    return this.most / Math.max(1, this.size);
  }

  // What is null is taken back, and with its status the device.
  hear(device, name, payload) {
    if (payload === null) {
      if (name === "status") this.delete(device);
      else this.get(device)?.states.delete(name);
      return;
    }
    if (!this.has(device)) {
      this.set(device, { states: new Map(), trails: new Trails() });
      for (const { trails } of this.values()) trails.trim(this.room);
    }
    this.get(device).states.set(name, payload);
  }
}
