/** The moving part of Live and motion photos, in their tiles: while the pointer rests on one, or a finger. */

import { element } from "./icons.js";
import { LIVE } from "./windows.js";

const REST = 250;
const PRESS = 450;

/** A muted film that plays by itself, of the moving part of a picture. */
export function motionOf(id) {
  const film = element("video", "motion");
  film.muted = film.loop = film.playsInline = film.autoplay = true;
  film.tabIndex = -1;
  film.setAttribute("aria-hidden", "true");
  film.src = `/asset/${id}?motion=1`;
  film.addEventListener("playing", () => film.classList.add("shown"));
  film.addEventListener("error", () => film.remove());
  return film;
}

/** Play it in the tiles of a grid. */
export function playOnHover(canvas) {
  let timer = 0;
  let tile = null;
  let wasPressed = false;

  const stop = () => {
    clearTimeout(timer);
    const film = tile?.querySelector("video");
    film?.removeAttribute("src");
    film?.remove();
    tile = null;
  };
  const begin = (event, after) => {
    const next = event.target.closest(".tile");
    if (next === tile) return;
    stop();
    if (!next?.item || !(next.item.flags & LIVE)) return;
    tile = next;
    timer = setTimeout(() => {
      wasPressed = event.pointerType === "touch";
      tile?.image.after(motionOf(tile.item.id));
    }, after);
  };

  canvas.addEventListener(
    "pointerover",
    (event) => event.pointerType !== "touch" && begin(event, REST),
  );
  canvas.addEventListener("pointerleave", stop);
  canvas.addEventListener("pointerdown", (event) => {
    wasPressed = false;
    if (event.pointerType === "touch") begin(event, PRESS);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, (event) => event.pointerType === "touch" && stop());
  }
  canvas.addEventListener("contextmenu", (event) => wasPressed && event.preventDefault());
  canvas.addEventListener(
    "click",
    (event) => {
      if (wasPressed) event.stopPropagation();
      wasPressed = false;
    },
    true,
  );
}
