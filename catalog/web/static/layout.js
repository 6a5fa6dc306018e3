/** Where every picture of the library lies: rows over all of it, from one byte a picture. */

export const RATIOS = Float32Array.from({ length: 128 }, (_, a) => 12 ** (a / 127) / 3);
/** Width by height as shown, for the low seven bits of a layout byte. */
export const BEGINS = 128;
/** The bit of a picture that begins a group. */

const STEP = 8000;
/** Pictures between two pauses: far below the time of a frame. */
const SEAM = 28;
/** Pixels between two groups that share a row. */
const NEARLY = 0.86;
/** A last row that is filled so far is stretched to the full width. */

/** Measures of the rows for a page of this width. */
export function measuresFor(width) {
  const narrow = width < 600;
  return {
    width,
    gap: narrow ? 3 : 4,
    header: narrow ? 44 : 52,
    target: narrow
      ? Math.max(96, Math.round(width / 3.2))
      : Math.min(320, Math.round(150 + width * 0.06)),
  };
}

/** Rows of pictures of about the same height, as wide as the page. Whole once `steps` has ended. */
export class Layout {
  constructor(bytes, measures) {
    this.bytes = bytes;
    this.count = bytes.length;
    Object.assign(this, measures);
    this.rows = 0;
    this.height = 0;
    this.columns = 1;
    this.starts = new Uint32Array(0);
    this.tops = new Uint32Array(0);
  }

  /** Lay out; yields now and then, so that whoever drives it can let the page breathe. */
  *steps() {
    const { bytes, count, gap, header } = this;
    let starts = new Uint32Array(Math.ceil(count / 3) + 16);
    let tops = new Uint32Array(starts.length);
    let row = 0;
    let top = 0;
    let next = STEP;
    for (let at = 0; at < count;) {
      if (row + 2 > starts.length) {
        starts = grown(starts, count + 2);
        tops = grown(tops, count + 2);
      }
      starts[row] = at;
      tops[row] = top;
      const begins = bytes[at] >= BEGINS;
      at = this.#row(at);
      if (at - starts[row] > this.columns) this.columns = at - starts[row];
      top += this.#rowHeight + gap + (begins ? header : 0);
      row++;
      if (at >= next) {
        next = at + STEP;
        yield at;
      }
    }
    starts[row] = count;
    tops[row] = top;
    this.starts = starts.slice(0, row + 1);
    this.tops = tops.slice(0, row + 1);
    this.rows = row;
    this.height = top;
  }

  #rowHeight = 0;

  /** The end of the row that begins at a position; its height is left in #rowHeight. */
  #row(start) {
    const { bytes, count, width, gap, target } = this;
    const whole = bytes[start] >= BEGINS;
    let sum = RATIOS[bytes[start] & 127];
    let spaces = 0;
    let at = start + 1;
    while (sum * target + spaces < width) {
      if (at >= count) break;
      if (bytes[at] >= BEGINS) {
        if (!whole) break;
        const end = this.#fits(at, sum * target + spaces + SEAM);
        if (!end) break;
        spaces += SEAM + (end - at - 1) * gap;
        for (; at < end; at++) sum += RATIOS[bytes[at] & 127];
        continue;
      }
      const ratio = RATIOS[bytes[at] & 127];
      const fuller = (width - spaces - gap) / (sum + ratio);
      if (fuller <= target) {
        const looser = (width - spaces) / sum;
        const takes = target / fuller < looser / target;
        this.#rowHeight = Math.max(1, Math.round(takes ? fuller : looser));
        return takes ? at + 1 : at;
      }
      sum += ratio;
      spaces += gap;
      at++;
    }
    const full = sum * target + spaces > width * NEARLY;
    this.#rowHeight = Math.max(1, Math.round(full ? (width - spaces) / sum : target));
    return at;
  }

  /** The end of the group that begins at a position if all of it fits beside what is used, else 0. */
  #fits(start, used) {
    const { bytes, count, width, gap, target } = this;
    let at = start;
    let x = used - gap;
    do {
      x += RATIOS[bytes[at] & 127] * target + gap;
      at++;
      if (x > width) return 0;
    } while (at < count && bytes[at] < BEGINS);
    return at;
  }

  /** The row at a height of the page. */
  rowAt(y) {
    return this.rows ? below(this.tops, y, this.rows) : 0;
  }

  /** The row that holds a position. */
  rowOf(position) {
    return this.rows ? below(this.starts, position, this.rows) : 0;
  }

  /** Whether names of groups stand over a row. */
  isHeaded(row) {
    return this.bytes[this.starts[row]] >= BEGINS;
  }

  /** Pixels from the top of a row to its pictures. */
  headOf(row) {
    return this.isHeaded(row) ? this.header : 0;
  }

  /** The height of a row's pictures. */
  heightOf(row) {
    return this.tops[row + 1] - this.tops[row] - this.gap - this.headOf(row);
  }

  /** Where the pictures of a row lie: [{position, x, width, begins}], x from the side where lines begin. */
  boxes(row) {
    const { bytes, width, gap } = this;
    const height = this.heightOf(row);
    const [start, end] = [this.starts[row], this.starts[row + 1]];
    let sum = 0;
    let spaces = 0;
    for (let at = start; at < end; at++) {
      sum += RATIOS[bytes[at] & 127];
      if (at > start) spaces += bytes[at] >= BEGINS ? SEAM : gap;
    }
    const isFull = sum * height + spaces > width - sum * 0.5 - 1;
    const scale = isFull ? (width - spaces) / sum : height;
    let x = 0;
    const found = [];
    for (let at = start; at < end; at++) {
      const begins = bytes[at] >= BEGINS;
      if (at > start) x += begins ? SEAM : gap;
      const right = x + RATIOS[bytes[at] & 127] * scale;
      found.push({
        position: at,
        x: Math.round(x),
        width: Math.round(right) - Math.round(x),
        begins,
      });
      x = right;
    }
    return found;
  }
}

function grown(old, length) {
  const made = new Uint32Array(length);
  made.set(old);
  return made;
}

/** The last index below `length` whose value is not above `value`. */
function below(sorted, value, length) {
  let low = 0;
  let high = length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (sorted[middle] <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Lay out all of it in slices of a few milliseconds; null where `signal` said to stop. */
export async function layOut(bytes, measures, signal) {
  const layout = new Layout(bytes, measures);
  let until = performance.now() + 8;
  for (const _ of layout.steps()) {
    if (performance.now() < until) continue;
    await pause();
    if (signal?.aborted) return null;
    until = performance.now() + 8;
  }
  return layout;
}

/** Let the browser do what waits: input, frames. */
function pause() {
  if (globalThis.scheduler?.yield) return scheduler.yield();
  return new Promise((go) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = go;
    port2.postMessage(0);
  });
}
