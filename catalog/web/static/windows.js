/** What is known of single pictures: windows of 512 positions, loaded near the screen only. */

import { NO_DATE } from "./texts.js";

export const SIZE = 512;
const KEPT = 48;

export const FILM = 1;
export const LIVE = 2;
export const FAVOURITE = 4;
export const PANORAMA = 8;
export const RAW = 16;
export const BROKEN = 32;

export class Windows extends EventTarget {
  /** `load(start, stop, signal)` gives the bytes of a window. */
  constructor(count, load) {
    super();
    this.count = count;
    this.load = load;
    this.known = new Map();
    this.asked = new Map();
  }

  /** Have these positions loaded, and no others that are still on their way. */
  need(first, last) {
    const top = Math.floor((this.count - 1) / SIZE);
    const from = Math.max(0, Math.floor(first / SIZE));
    const to = Math.min(top, Math.floor(last / SIZE));
    for (const [key, control] of this.asked) {
      if (key < from - 1 || key > to + 1) control.abort();
    }
    for (let key = from; key <= to; key++) this.#ask(key);
  }

  async #ask(key) {
    if (this.known.has(key)) {
      const kept = this.known.get(key);
      this.known.delete(key);
      this.known.set(key, kept);
      return;
    }
    if (this.asked.has(key)) return;
    const control = new AbortController();
    this.asked.set(key, control);
    const start = key * SIZE;
    const stop = Math.min(this.count, start + SIZE);
    try {
      const bytes = await this.load(start, stop, control.signal);
      if (control.signal.aborted) return;
      this.put(key, bytes);
      this.dispatchEvent(new CustomEvent("loaded", { detail: { start, stop } }));
    } catch {
      // aborted, or told by the server's own events
    } finally {
      if (this.asked.get(key) === control) this.asked.delete(key);
    }
  }

  /** Keep the bytes of a window: ids, minutes, colours, flags, layout, one column after the other. */
  put(key, bytes) {
    this.known.set(key, { view: new DataView(bytes), n: bytes.byteLength / 16 });
    if (this.known.size > KEPT) this.known.delete(this.known.keys().next().value);
  }

  /** Whether a position is known. */
  has(position) {
    return this.known.has(Math.floor(position / SIZE));
  }

  /** {id, minutes, colour, flags} of a position; null while it is not known. */
  get(position) {
    const found = this.known.get(Math.floor(position / SIZE));
    if (!found) return null;
    const { view, n } = found;
    const at = position % SIZE;
    if (at >= n) return null;
    let id = "";
    for (let i = 0; i < 8; i++)
      id += view
        .getUint8(at * 8 + i)
        .toString(16)
        .padStart(2, "0");
    const minutes = view.getInt32(8 * n + at * 4, true);
    return {
      id,
      minutes: minutes === -(2 ** 31) ? NO_DATE : minutes,
      colour: colourOf(view.getUint16(12 * n + at * 2, true)),
      flags: view.getUint8(14 * n + at),
    };
  }

  /** Stop all that is on its way. */
  stop() {
    for (const control of this.asked.values()) control.abort();
  }
}

/** A CSS colour for five, six and five bits of red, green and blue. */
function colourOf(value) {
  const [r, g, b] = [value >> 11, (value >> 5) & 63, value & 31];
  return `rgb(${(r * 527 + 23) >> 6} ${(g * 259 + 33) >> 6} ${(b * 527 + 23) >> 6})`;
}
