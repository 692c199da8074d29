// A zone drawn corner by corner: taps, or a cross that is moved by the arrow keys.

import { inPercent, placeOf, stepped } from "./editor.js";
import { made, placed } from "./svg.js";

const LEAST = 3;
const MOST = 64;
const NEAR = 0.03; // of the frame: a tap so near to the first corner ends it

export class Drafting {
  // does.said(words), does.drawn(points); points are null where it was given up
  constructor(stage, does) {
    [this.stage, this.does, this.points, this.cross] = [stage, does, null, null];
    stage.addEventListener("click", (event) => {
      if (this.points !== null && event.detail > 0 && event.target !== this.cross) this.put(placeOf(event, stage));
    });
  }

  get isOn() {
    return this.points !== null;
  }

  begin() {
    this.points = [];
    this.outline = made("polyline", { class: "draft" });
    this.cross = document.createElement("button");
    [this.cross.type, this.cross.className, this.cross.dataset.testid] = ["button", "cross", "cross"];
    this.cross.textContent = "+";
    this.cross.addEventListener("keydown", (event) => this.key(event));
    this.stage.append(this.cross);
    this.stage.classList.add("drafting");
    this.at = [0.5, 0.5];
    this.show();
    this.cross.focus();
    this.does.said("Tap where corners are to be; or move the cross with the arrow keys, and set them with Enter.");
  }

  key(event) {
    const to = stepped(this.at, event);
    if (to !== null) this.at = to.map((x) => Math.min(1, Math.max(0, x)));
    else if (event.key === "Enter" || event.key === " ") this.put(this.at);
    else if (event.key === "Backspace" || event.key === "Delete") this.points.pop();
    else if (event.key === "Escape") this.end(null);
    else return;
    event.preventDefault();
    if (this.isOn) this.show();
  }

  put(point) {
    const [first] = this.points;
    if (this.points.length >= LEAST && Math.hypot(first[0] - point[0], first[1] - point[1]) < NEAR) {
      this.finish();
      return;
    }
    if (this.points.length < MOST) this.points.push(point.map((x) => Math.min(1, Math.max(0, x))));
    this.show();
    this.does.said(`Corner ${this.points.length}: ${inPercent(this.points.at(-1))}.`);
  }

  finish() {
    if (this.points.length >= LEAST) this.end(this.points);
    else this.does.said(`A zone needs ${LEAST} corners; there are ${this.points.length}.`);
  }

  end(points) {
    this.points = null;
    this.cross.remove();
    this.outline.remove();
    this.stage.classList.remove("drafting");
    this.does.drawn(points);
  }

  show() {
    [this.cross.style.left, this.cross.style.top] = this.at.map((x) => `${x * 100}%`);
    this.cross.setAttribute("aria-label", `Next corner: ${inPercent(this.at)}`);
    this.outline.setAttribute("points", placed(this.points));
    this.stage.querySelector("svg").append(this.outline); // shapes of rules may have been drawn anew
  }
}
