/**
 * The grid: rows of tiles near the screen, over a page of any height. Rows that leave are taken out of
 * the page and used again; the one that has the focus stays.
 */

import { element } from "./icons.js";
import { clearTile, describeTile, makeTile, showPicture, sideFor } from "./pictures.js";
import { ScrollSpace } from "./scrollspace.js";
import { dayOf } from "./texts.js";

const MOST_TILES = 140;
const SETTLED = 90;
/** Milliseconds without a move after which pictures are loaded again. */
const RESTS = 500;
/** Milliseconds without a move after which the element's position is set right, */
const FAR_OFF = 100_000;
/** if it is off by more pixels than this, */
const NEAR_END = 30_000;
/** or off at all, so near the ends of the page. */
const REACH = 1_000_000;
/** Pixels that rows may lie away from the origin of their layer. */
const FAR = 20_000;
/** Pixels from which on a move is a drag of the bar, and goes by the scale: no wheel and no finger does that. */
const FAST = 5;
/** Screens a second from which on nothing is loaded while moving. */

export class Grid extends EventTarget {
  #rows = new Map();
  #pool = [];
  #tiles = [];
  #offset = 0;
  #base = 0;
  #shown = [0, -1];
  #at = 0;
  #frame = 0;
  #timer = 0;
  #rest = 0;
  #drawn = { y: 0, time: 0 };
  #isFast = false;

  /** In `scroller`, which scrolls, lies `canvas`, which is as high as the page. */
  constructor(scroller, canvas) {
    super();
    this.scroller = scroller;
    this.canvas = canvas;
    this.layer = element("div", "layer");
    this.layer.setAttribute("role", "rowgroup");
    canvas.append(this.layer);
    this.layout = null;
    this.windows = null;
    this.y = 0;
    this.active = 0;
    this.isSettled = true;
    this.version = "";
    this.nameOfGroup = () => "";
    scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    canvas.addEventListener("keydown", (event) => this.#key(event));
    canvas.addEventListener("focusin", (event) => this.#focused(event));
    canvas.addEventListener("click", (event) => {
      const tile = event.target.closest(".tile");
      if (tile) this.#open(tile.position);
    });
  }

  /** Show a layout from a height of the page on; `active` is the position that Tab leads to. */
  show(layout, windows, y, version, active) {
    const hadFocus = this.#focusedTile() !== null;
    this.layout = layout;
    this.version = version;
    if (this.windows !== windows) {
      this.windows?.stop();
      this.windows = windows;
      windows.addEventListener("loaded", (event) => this.#loaded(event.detail));
    }
    this.space = new ScrollSpace(Math.max(layout.height, 1));
    for (const row of [...this.#rows.keys()]) this.#drop(row);
    this.canvas.style.height = `${this.space.dom}px`;
    this.canvas.setAttribute("aria-rowcount", layout.rows);
    this.canvas.setAttribute("aria-colcount", layout.columns);
    this.active = Math.min(active, Math.max(0, layout.count - 1));
    this.#drawn.y = this.#base = Math.floor(y);
    this.scrollTo(y);
    if (!hadFocus || !layout.rows) return;
    const row = layout.rowOf(active);
    if (!this.#rows.has(row)) this.#make(row);
    this.#activate(active).focus({ preventScroll: true });
  }

  /** The height of the screen. */
  get view() {
    return this.scroller.clientHeight;
  }

  /** How far the page can be scrolled. */
  get end() {
    return this.layout ? Math.max(0, this.layout.height - this.view) : 0;
  }

  /** Go to a height of the page; on a long drag pictures wait until it slows down. */
  scrollTo(y, isDrag = false) {
    if (!this.layout) return;
    const moved = Math.min(this.end, Math.max(0, y)) - this.y;
    this.y += moved;
    if (!this.#nudge(moved)) this.#place();
    this.draw(isDrag);
    this.#later();
  }

  /** Go to a position; its row comes on top. */
  scrollToPosition(position, by = 0) {
    this.scrollTo(this.layout.tops[this.layout.rowOf(position)] + by);
  }

  /** {position, by}: the first picture of the row on top, and how far the row is scrolled out. */
  get top() {
    const { layout } = this;
    if (!layout?.rows) return { position: 0, by: 0 };
    const row = layout.rowAt(this.y);
    return { position: layout.starts[row], by: Math.round(this.y - layout.tops[row]) };
  }

  /** Scroll 1:1 by less than what rows are kept over, if the element reaches so far. */
  #nudge(moved) {
    const to = this.#at + moved;
    if (Math.abs(moved) > 3 * this.view || to < 1 || to > this.space.dom - this.view - 1)
      return false;
    this.scroller.scrollTop = to;
    this.#at = this.scroller.scrollTop;
    this.#offset = this.y - this.#at;
    return true;
  }

  #place() {
    const wished = Math.min(this.space.toDom(this.y), Math.max(0, this.space.dom - this.view));
    if (Math.abs(this.scroller.scrollTop - wished) >= 1) this.scroller.scrollTop = wished;
    this.#at = this.scroller.scrollTop;
    this.#offset = this.y - this.#at;
  }

  #scrolled() {
    if (!this.layout) return;
    const at = this.scroller.scrollTop;
    const moved = at - this.#at;
    if (moved === 0) return;
    this.#at = at;
    const isFar = Math.abs(moved) > Math.max(3 * this.view, FAR);
    this.y = Math.min(this.end, Math.max(0, isFar ? this.space.toPage(at) : this.y + moved));
    this.#offset = this.y - at;
    const isEnd = at <= 0 || at >= this.space.dom - this.view - 1;
    if (isEnd && Math.abs(this.space.toDom(this.y) - at) > 1) this.#place();
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.draw(true);
    });
    this.#later();
  }

  #later() {
    clearTimeout(this.#timer);
    clearTimeout(this.#rest);
    this.isSettled = false;
    this.#timer = setTimeout(() => this.#settle(), SETTLED);
    this.#rest = setTimeout(() => this.#setRight(), RESTS);
  }

  /** Move the element to where the scale has it, and the rows with it; as far as it still may go, it stays. */
  #setRight() {
    if (!this.layout) return;
    const off = Math.abs(this.space.toDom(this.y) - this.scroller.scrollTop);
    const isNearEnd = Math.min(this.y, this.end - this.y) < NEAR_END;
    if (off <= (isNearEnd ? 1 : FAR_OFF)) return;
    this.#place();
    this.draw();
  }

  #settle() {
    if (!this.layout) return;
    this.#isFast = false;
    this.isSettled = true;
    this.load();
    this.dispatchEvent(new Event("settled"));
  }

  /** Put the rows near the screen where they belong; `isMove`: it is one move of many. */
  draw(isMove = false) {
    const { layout, y } = this;
    if (!layout) return;
    const now = performance.now();
    const speed = (1000 * Math.abs(y - this.#drawn.y)) / Math.max(now - this.#drawn.time, 8);
    this.#isFast = isMove && speed > FAST * this.view;
    this.#drawn = { y, time: now };
    const [first, last] = (this.#shown = this.#range());
    for (const row of this.#rows.keys()) if (row < first || row > last) this.#leave(row);
    if (Math.abs(y - this.#base) > REACH) {
      this.#base = Math.floor(y);
      for (const row of this.#rows.values())
        row.style.top = `${layout.tops[row.index] - this.#base}px`;
    }
    this.layer.style.top = `${this.#base - this.#offset}px`;
    for (let row = first; row <= last; row++) if (!this.#rows.has(row)) this.#make(row);
    this.#keepEntry(first, last);
    if (!this.#isFast) this.load();
    this.dispatchEvent(new Event("moved"));
  }

  #range() {
    const { layout, y, view } = this;
    if (!layout.rows) return [0, -1];
    const tiles = (from, to) => layout.starts[to + 1] - layout.starts[from];
    let first = layout.rowAt(y);
    let last = layout.rowAt(y + view - 1);
    while (last > first && tiles(first, last) > MOST_TILES) last--;
    for (let more = true; more;) {
      more = false;
      if (
        last + 1 < layout.rows &&
        layout.tops[last + 1] < y + 2 * view &&
        tiles(first, last + 1) <= MOST_TILES
      ) {
        last++;
        more = true;
      }
      if (first > 0 && layout.tops[first] > y - view && tiles(first - 1, last) <= MOST_TILES) {
        first--;
        more = true;
      }
    }
    return [first, last];
  }

  #make(index) {
    const { layout } = this;
    const row = this.#pool.pop() ?? element("div", "row");
    row.setAttribute("role", "row");
    row.setAttribute("aria-rowindex", index + 1);
    const head = layout.headOf(index);
    const height = layout.heightOf(index);
    row.style.top = `${layout.tops[index] - this.#base}px`;
    row.style.height = `${head + height}px`;
    row.index = index;
    row.tiles = [];
    const made = [];
    const boxes = layout.boxes(index);
    boxes.forEach((box, column) => {
      if (box.begins) made.push(this.#heading(boxes, column));
      const tile = this.#tiles.pop() ?? makeTile();
      tile.position = box.position;
      tile.tabIndex = box.position === this.active ? 0 : -1;
      tile.setAttribute("aria-colindex", column + 1);
      const { style } = tile;
      style.insetInlineStart = `${box.x}px`;
      style.top = `${head}px`;
      style.width = `${box.width}px`;
      style.height = `${height}px`;
      tile.side = sideFor(box.width, height);
      row.tiles.push(tile);
      made.push(tile);
      this.#describe(tile);
    });
    row.replaceChildren(...made);
    this.#rows.set(index, row);
    const after = this.#after(index);
    if (after) after.before(row);
    else this.layer.append(row);
  }

  /** The row of the page that comes after one, so that readers meet them in order. */
  #after(index) {
    let found = null;
    for (const [key, row] of this.#rows) {
      if (key > index && (!found || key < found.index)) found = row;
    }
    return found;
  }

  #heading(boxes, column) {
    const next = boxes.findIndex((box, at) => at > column && box.begins);
    const end = next < 0 ? this.layout.width : boxes[next].x - 8;
    const heading = element("div", "heading");
    heading.setAttribute("role", "rowheader");
    heading.position = boxes[column].position;
    heading.style.insetInlineStart = `${boxes[column].x}px`;
    heading.style.width = `${end - boxes[column].x}px`;
    this.#name(heading);
    return heading;
  }

  #name(heading) {
    const item = this.windows.get(heading.position);
    const name = this.nameOfGroup(heading.position) ?? (item ? dayOf(item.minutes) : "");
    heading.textContent = heading.title = name;
  }

  #describe(tile) {
    const item = this.windows.get(tile.position);
    if (!item || tile.item) return;
    describeTile(tile, item);
  }

  #loaded({ start, stop }) {
    for (const row of this.#rows.values()) {
      const first = row.tiles[0].position;
      const last = row.tiles[row.tiles.length - 1].position;
      if (last < start || first >= stop) continue;
      for (const tile of row.tiles) this.#describe(tile);
      for (const child of row.children) if (child.className === "heading") this.#name(child);
    }
    if (!this.#isFast) this.load();
    this.dispatchEvent(new Event("described"));
  }

  /** Load what is on the screen, then what is near it. */
  load() {
    const { layout, y, view } = this;
    const [first, last] = this.#shown;
    if (!layout?.rows) return;
    const from = layout.rowAt(y);
    const to = layout.rowAt(y + view - 1);
    this.windows.need(layout.starts[first], layout.starts[last + 1] - 1);
    const load = (index) => {
      for (const tile of this.#rows.get(index)?.tiles ?? [])
        showPicture(tile, tile.side, this.version);
    };
    for (let index = from; index <= to; index++) load(index);
    for (let index = to + 1; index <= last; index++) load(index);
    for (let index = from - 1; index >= first; index--) load(index);
  }

  #leave(index) {
    if (!this.#rows.get(index).contains(document.activeElement)) this.#drop(index);
  }

  #drop(index) {
    const row = this.#rows.get(index);
    this.#rows.delete(index);
    row.remove();
    for (const tile of row.tiles) {
      clearTile(tile);
      this.#tiles.push(tile);
    }
    row.replaceChildren();
    this.#pool.push(row);
  }

  /** One tile of the page can be reached by Tab: the active one, else the first on the screen. */
  #keepEntry(first, last) {
    if (!this.layout.rows || this.#focusedTile()) return;
    const row = this.layout.rowOf(this.active);
    if (row >= first && row <= last) return;
    this.#activate(this.top.position);
  }

  #activate(position) {
    const before = this.tileOf(this.active);
    if (before) before.tabIndex = -1;
    this.active = position;
    const tile = this.tileOf(position);
    if (tile) tile.tabIndex = 0;
    return tile;
  }

  #focusedTile() {
    const found = document.activeElement;
    return found && this.canvas.contains(found) ? found.closest(".tile") : null;
  }

  /** The tile of a position, if it is in the page. */
  tileOf(position) {
    if (!this.layout?.rows) return null;
    const row = this.#rows.get(this.layout.rowOf(position));
    return row?.tiles[position - this.layout.starts[row.index]] ?? null;
  }

  /** Give a position the focus; the page is moved as little as that needs. */
  focus(position) {
    const { layout } = this;
    if (!layout?.rows) return;
    this.reveal(position);
    const old = this.#focusedTile();
    this.#activate(position)?.focus({ preventScroll: true });
    if (old) this.draw();
  }

  /** Move the page as little as it needs for a position to be on the screen. */
  reveal(position) {
    const { layout } = this;
    const row = layout.rowOf(position);
    const above = layout.tops[row];
    const under = layout.tops[row + 1];
    if (above < this.y) this.scrollTo(above);
    else if (under > this.y + this.view) this.scrollTo(under - this.view);
    else if (!this.#rows.has(row)) this.draw();
  }

  #focused(event) {
    const tile = event.target.closest(".tile");
    if (!tile) return;
    this.#activate(tile.position);
    this.dispatchEvent(new CustomEvent("focused", { detail: tile.position }));
  }

  #open(position) {
    this.#activate(position);
    this.dispatchEvent(new CustomEvent("open", { detail: position }));
  }

  #key(event) {
    const tile = event.target.closest(".tile");
    if (!tile || event.altKey || event.metaKey) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.#open(tile.position);
      return;
    }
    const to = this.#target(event, tile.position);
    if (to === null) return;
    event.preventDefault();
    this.focus(to);
  }

  /** The position a key leads to; null for a key that leads nowhere. */
  #target(event, position) {
    const { layout } = this;
    const row = layout.rowOf(position);
    const forward = getComputedStyle(this.canvas).direction === "rtl" ? -1 : 1;
    const last = layout.count - 1;
    const held = (at) => Math.min(last, Math.max(0, at));
    switch (event.key) {
      case "ArrowRight":
        return held(position + forward);
      case "ArrowLeft":
        return held(position - forward);
      case "ArrowDown":
        return this.#beside(position, row + 1);
      case "ArrowUp":
        return this.#beside(position, row - 1);
      case "PageDown":
        return this.#beside(
          position,
          Math.max(row + 1, layout.rowAt(layout.tops[row] + this.view)),
        );
      case "PageUp":
        return this.#beside(
          position,
          Math.min(row - 1, layout.rowAt(Math.max(0, layout.tops[row] - this.view))),
        );
      case "Home":
        return event.ctrlKey ? 0 : layout.starts[row];
      case "End":
        return event.ctrlKey ? last : layout.starts[row + 1] - 1;
      default:
        return null;
    }
  }

  /** The position of another row that lies nearest to this one. */
  #beside(position, row) {
    const { layout } = this;
    const to = Math.min(layout.rows - 1, Math.max(0, row));
    const from = layout.rowOf(position);
    if (to === from) return position;
    const middle = (box) => box.x + box.width / 2;
    const here = middle(layout.boxes(from)[position - layout.starts[from]]);
    const away = (box) => Math.abs(middle(box) - here);
    return layout.boxes(to).reduce((best, box) => (away(box) < away(best) ? box : best)).position;
  }
}
