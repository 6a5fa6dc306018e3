/** The bar over all of the library: years, months, and a thumb. The further from the edge it is dragged, the finer. */

import { element } from "./icons.js";
import { monthOf, number, t } from "./texts.js";

const APART = 26;
/** Pixels between two labels. */
const COARSE = 64;
/** Pixels from the edge within which the thumb follows the pointer. */

/** How much of a pointer's move the thumb goes along with, so many pixels away from the edge. */
export function finenessAt(distance) {
  return distance <= COARSE ? 1 : 1 / (1 + ((distance - COARSE) / 40) ** 1.5);
}

export class Scrubber {
  #marks = [];
  #places = [];
  #drag = null;
  #hide = 0;

  constructor(bar, grid) {
    this.bar = bar;
    this.grid = grid;
    this.labels = element("div", "labels");
    this.labels.setAttribute("aria-hidden", "true");
    this.thumb = element("div", "thumb");
    this.bubble = element("div", "bubble");
    this.thumb.append(this.bubble);
    bar.append(this.labels, this.thumb);
    bar.setAttribute("aria-valuemin", "0");
    bar.setAttribute("aria-valuemax", "100");
    bar.addEventListener("pointerdown", (event) => this.#press(event));
    bar.addEventListener("pointermove", (event) => this.#move(event));
    for (const end of ["pointerup", "pointercancel"])
      bar.addEventListener(end, () => this.#release());
    bar.addEventListener("keydown", (event) => this.#key(event));
    grid.addEventListener("moved", () => this.follow());
  }

  /** Marks [{key, position}] in the order of the page. */
  show(marks) {
    const { layout } = this.grid;
    this.#marks = marks;
    this.#places = marks.map(({ position }) => layout.tops[layout.rowOf(position)]);
    const height = this.#height;
    const drawn = [];
    let free = -Infinity;
    let year = "";
    marks.forEach(({ key }, at) => {
      const found = /^(-?\d{1,4})-\d\d$/.exec(key);
      const place = (this.#places[at] / Math.max(1, this.grid.end)) * height;
      if (found && found[1] === year) {
        if (place - free < 9 - APART || place > height - 8) return;
        const tick = element("i");
        tick.style.top = `${place}px`;
        drawn.push(tick);
        return;
      }
      year = found ? found[1] : year;
      if (place < free || place > height - 8) return;
      const label = element("span", "", found ? found[1] : key || t("undated"));
      label.style.top = `${place}px`;
      drawn.push(label);
      free = place + APART;
    });
    this.labels.replaceChildren(...drawn.slice(0, 400));
    this.follow();
  }

  get #height() {
    return this.bar.clientHeight - this.thumb.offsetHeight;
  }

  /** What stands at a height of the page. */
  textAt(y) {
    const position = this.grid.layout?.rows
      ? this.grid.layout.starts[this.grid.layout.rowAt(y)]
      : 0;
    const at = this.#markAt(y);
    const count = this.grid.layout?.count ?? 0;
    if (at >= 0) return monthOf(this.#marks[at].key);
    return t("place.of", { n: number(Math.min(count, position + 1)), of: number(count) });
  }

  #markAt(y) {
    let low = -1;
    let high = this.#places.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#places[middle] <= y + 1) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** Set the thumb to where the page is. */
  follow() {
    const { grid, bar } = this;
    const share = grid.end ? grid.y / grid.end : 0;
    this.thumb.style.transform = `translateY(${share * this.#trackHeight()}px)`;
    const text = this.textAt(grid.y);
    if (this.bubble.textContent !== text) {
      this.bubble.textContent = text;
      bar.setAttribute("aria-valuetext", text);
    }
    bar.setAttribute("aria-valuenow", (share * 100).toFixed(2));
    bar.classList.add("moving");
    clearTimeout(this.#hide);
    if (!this.#drag) this.#hide = setTimeout(() => bar.classList.remove("moving"), 1200);
  }

  #track = 0;

  #trackHeight() {
    if (!this.#track) {
      this.#track = this.#height;
      requestAnimationFrame(() => requestAnimationFrame(() => (this.#track = 0)));
    }
    return this.#track;
  }

  #press(event) {
    if (event.button > 0 || !this.grid.layout) return;
    event.preventDefault();
    this.bar.focus({ preventScroll: true });
    this.bar.setPointerCapture(event.pointerId);
    const box = this.bar.getBoundingClientRect();
    const isThumb = this.thumb.contains(event.target);
    const share = (event.clientY - box.top - this.thumb.offsetHeight / 2) / this.#height;
    this.#drag = { y: event.clientY, at: isThumb ? this.grid.y : share * this.grid.end, box };
    this.bar.classList.add("dragged");
    if (!isThumb) this.#go(this.#drag.at);
  }

  #move(event) {
    const drag = this.#drag;
    if (!drag) return;
    const { box } = drag;
    const away = Math.max(box.left - event.clientX, event.clientX - box.right, 0);
    const moved = event.clientY - drag.y;
    drag.y = event.clientY;
    const at = drag.at + ((moved * finenessAt(away)) / this.#height) * this.grid.end;
    drag.at = Math.min(this.grid.end, Math.max(0, at));
    this.#go(drag.at, true);
  }

  #go(y, isDrag = false) {
    this.grid.scrollTo(y, isDrag);
  }

  #release() {
    if (!this.#drag) return;
    const { at } = this.#drag;
    this.#drag = null;
    this.bar.classList.remove("dragged");
    this.#go(at);
  }

  #key(event) {
    const { grid } = this;
    const to = this.#target(event.key);
    if (to === null) return;
    event.preventDefault();
    event.stopPropagation();
    grid.scrollTo(to);
  }

  /** A month by arrows, a year by the page keys; screens where there are no marks. */
  #target(key) {
    const { grid } = this;
    const at = this.#markAt(grid.y);
    const step = (by) =>
      this.#places.length > 1
        ? this.#places[Math.max(0, Math.min(this.#places.length - 1, at + by))]
        : grid.y + by * grid.view;
    switch (key) {
      case "ArrowDown":
        return step(1);
      case "ArrowUp":
        return at >= 0 && grid.y > this.#places[at] + 1 ? this.#places[at] : step(-1);
      case "PageDown":
        return step(12);
      case "PageUp":
        return step(-12);
      case "Home":
        return 0;
      case "End":
        return grid.end;
      default:
        return null;
    }
  }
}
