// A chart that can be read without seeing it: column by column with the arrow keys, and as a table.

import { Chart } from "./chart.js";
import { made } from "./svg.js";
import { element } from "./words.js";

const STRIDE = 10;
const LEAST_ROOM = 280;
const MARGIN = 44; // beside what is scrolled to

export class Figure {
  constructor(root) {
    this.slider = element("div", "", "figure");
    this.svg = made("svg", { "aria-hidden": "true" });
    this.slider.append(this.svg);
    this.slider.tabIndex = 0;
    this.slider.setAttribute("role", "slider");
    this.readout = element("p", "", "readout");
    this.legend = element("ul", "", "legend");
    this.details = document.createElement("details");
    this.scroll = element("div", "", "scroll");
    this.table = document.createElement("table");
    this.details.append(element("summary", "As a table"), this.scroll);
    this.scroll.append(this.table);
    root.replaceChildren(this.legend, this.slider, this.readout, this.details);
    this.chart = new Chart(this.svg);
    this.given = null;
    this.chosen = -1;
    this.listen();
  }

  listen() {
    this.slider.addEventListener("keydown", (event) => this.key(event));
    for (const kind of ["pointermove", "pointerdown"]) this.slider.addEventListener(kind, (event) => this.touch(event));
    this.details.addEventListener("toggle", () => this.tabulate());
    new ResizeObserver(() => {
      if (this.given !== null && this.room() !== this.drawnFor) this.draw();
    }).observe(this.slider);
  }

  // given: what `Chart.draw` takes, and label: its name; readings: words on each column; legend: [class, words];
  //   head and rows: of the table; newest: whether one begins to read at the end
  show(given) {
    const follows = this.given === null || this.given.label !== given.label || this.chosen === this.given.columns.length - 1;
    this.given = given;
    if (follows) this.chosen = given.newest ? given.columns.length - 1 : 0;
    this.slider.setAttribute("aria-label", given.label);
    this.legend.replaceChildren(...given.legend.map(([kind, words]) => legendItem(kind, words)));
    this.draw();
    if (follows && given.newest) this.slider.scrollLeft = this.slider.scrollWidth;
    this.tabulate();
  }

  room() {
    return Math.max(LEAST_ROOM, Math.floor(this.slider.clientWidth));
  }

  draw() {
    this.drawnFor = this.room();
    this.chart.draw({ ...this.given, room: this.drawnFor });
    this.choose(this.chosen);
  }

  choose(n) {
    const { columns, readings } = this.given;
    this.chosen = Math.max(0, Math.min(columns.length - 1, n));
    this.chart.point(columns[this.chosen]);
    this.readout.textContent = readings[this.chosen] ?? "";
    for (const [name, value] of [["min", 1], ["max", columns.length], ["now", this.chosen + 1], ["text", readings[this.chosen] ?? ""]]) {
      this.slider.setAttribute(`aria-value${name}`, value);
    }
  }

  key(event) {
    const last = this.given.columns.length - 1;
    const to = {
      ArrowLeft: this.chosen - 1, ArrowRight: this.chosen + 1, ArrowDown: this.chosen - 1, ArrowUp: this.chosen + 1,
      PageDown: this.chosen - STRIDE, PageUp: this.chosen + STRIDE, Home: 0, End: last,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    this.choose(to);
    this.reveal();
  }

  reveal() {
    const { slider, given, chosen, chart: { place } } = this;
    const [from, to] = [place.x(given.columns[chosen].from), place.x(given.columns[chosen].to)];
    if (from < slider.scrollLeft) slider.scrollLeft = from - MARGIN;
    if (to > slider.scrollLeft + slider.clientWidth) slider.scrollLeft = to + MARGIN - slider.clientWidth;
  }

  touch(event) {
    const { left, width } = this.svg.getBoundingClientRect();
    if (this.given === null || width === 0) return;
    const at = event.clientX - left; // SVG and page have the same pixels
    const { x } = this.chart.place;
    const n = this.given.columns.findIndex((column) => at >= x(column.from) && at < x(column.to));
    if (n >= 0) this.choose(n);
  }

  tabulate() {
    if (!this.details.open || this.given === null) return; // nobody reads it
    const { head, rows, label } = this.given;
    const top = document.createElement("tr");
    top.append(...head.map((words) => {
      const cell = element("th", words);
      cell.scope = "col";
      return cell;
    }));
    const [thead, tbody] = [document.createElement("thead"), document.createElement("tbody")];
    thead.append(top);
    tbody.append(...rows.map((cells) => {
      const row = document.createElement("tr");
      row.append(...cells.map((words) => element("td", words)));
      return row;
    }));
    this.table.replaceChildren(element("caption", label), thead, tbody);
    this.scroll.tabIndex = 0; // it may be wider than the page
    this.scroll.setAttribute("role", "region");
    this.scroll.setAttribute("aria-label", label);
  }
}

function legendItem(kind, words) {
  const item = document.createElement("li");
  item.append(element("span", "", `swatch ${kind}`), element("span", words));
  return item;
}
