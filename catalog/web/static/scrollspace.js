/**
 * A page may be higher than a browser lets an element be. The element then has CAP pixels; both ends
 * of the page lie 1:1 in it, and what is between is scaled. Only long drags go by that scale: other
 * moves are 1:1 anywhere, as the content is placed by the live position, and at rest the element's
 * position is set to what the scale says.
 */

export const CAP = 8_000_000;
/** CSS pixels; Chromium stops at 33.5 M device pixels, so that screens of ratio 4 are within. */
const END = CAP / 4;

export class ScrollSpace {
  constructor(height, cap = CAP) {
    this.height = height;
    this.dom = Math.min(height, cap);
    this.slope = height > cap ? (height - 2 * END) / (cap - 2 * END) : 1;
  }

  /** The element's position for a height of the page. */
  toDom(y) {
    if (this.slope === 1 || y <= END) return y;
    if (y >= this.height - END) return this.dom - (this.height - y);
    return END + (y - END) / this.slope;
  }

  /** The height of the page for a position of the element. */
  toPage(s) {
    if (this.slope === 1 || s <= END) return s;
    if (s >= this.dom - END) return this.height - (this.dom - s);
    return END + (s - END) * this.slope;
  }
}
