/** The picture of a tile: first its colour, then the picture once it is decoded, or a word why not. */

import { element, icon } from "./icons.js";
import { ask, previewOf } from "./server.js";
import { nameOf, t } from "./texts.js";
import { BROKEN, FAVOURITE, FILM, LIVE, PANORAMA } from "./windows.js";

const BADGES = [
  [FILM, "film"],
  [LIVE, "live"],
  [PANORAMA, "panorama"],
  [FAVOURITE, "favourite"],
];

/** An empty tile; one `img` for its life. */
export function makeTile() {
  const tile = element("div", "tile");
  tile.setAttribute("role", "gridcell");
  const image = element("img");
  image.decoding = "async";
  image.draggable = false;
  tile.append(image);
  tile.image = image;
  return tile;
}

/** Forget what a tile showed, and stop loading it. */
export function clearTile(tile) {
  tile.item = null;
  tile.wanted = "";
  tile.image.removeAttribute("src");
  tile.image.className = "";
  tile.image.alt = "";
  tile.style.backgroundColor = "";
  while (tile.lastChild !== tile.image) tile.lastChild.remove();
}

/** What a tile is of: its colour, name and signs. */
export function describeTile(tile, item, place) {
  tile.item = item;
  tile.style.backgroundColor = item.colour;
  tile.image.alt = nameOf(item, place);
  if (item.flags & BROKEN) return sayBroken(tile);
  if (!(item.flags & (FILM | LIVE | PANORAMA | FAVOURITE))) return;
  const badges = element("span", "badges");
  for (const [flag, name] of BADGES) if (item.flags & flag) badges.append(icon(name));
  tile.append(badges);
}

function sayBroken(tile, words = t("broken")) {
  if (tile.querySelector(".broken")) return;
  const said = element("span", "broken");
  said.append(icon("broken"), element("span", "", words));
  tile.append(said);
}

/** The side of the smallest picture that is sharp in a tile. */
export function sideFor(width, height) {
  return Math.max(width, height) * devicePixelRatio > 400 ? 640 : 320;
}

/** Load the picture of a described tile. */
export function showPicture(tile, side, version) {
  const { item, image } = tile;
  if (!item || tile.wanted || item.flags & BROKEN) return;
  const wanted = previewOf(item.id, side, version);
  tile.wanted = wanted;
  image.src = wanted;
  image.decode().then(
    () => tile.wanted === wanted && image.classList.add("shown"),
    () => tile.wanted === wanted && explain(tile, wanted),
  );
}

/** Why a picture did not come. */
async function explain(tile, wanted) {
  try {
    await ask(wanted);
    if (tile.wanted === wanted) sayBroken(tile);
  } catch (error) {
    if (tile.wanted !== wanted) return;
    if (error.status === undefined || error.status >= 500 || error.status === 429) tile.wanted = "";
    else
      sayBroken(
        tile,
        error.status === 422 ? t("broken.why", { why: error.message }) : error.message,
      );
  }
}
