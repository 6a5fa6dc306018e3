/** The page: puts address, server, grid and scrubber together. */

import { addressOf, readAddress } from "./address.js";
import { Grid } from "./grid.js";
import { layOut, measuresFor } from "./layout.js";
import { Scrubber } from "./scrubber.js";
import { askJson, askLayout, askPosition, askTimeline, askWindow, Refused } from "./server.js";
import { by, Shell } from "./shell.js";
import { loadTexts, nameOf, t } from "./texts.js";
import { SIZE, Windows } from "./windows.js";

const POLL = 30_000;
const POLL_BUILDING = 2000;
const FOCUS_RESTS = 200;
const REMEMBER = 300;

const grid = new Grid(by("scroller"), by("canvas"));
const scrubber = new Scrubber(by("scrubber"), grid);
let shell = null;
let address = readAddress();
let timeline = null;
let bytes = null;
let shown = null;
let opening = new AbortController();
let viewer = null;

const measures = () => measuresFor(by("canvas").clientWidth || by("scroller").clientWidth);

/**
 * Show the view that the address names; `ids` are pictures to keep on top, the best first, `active` the
 * one that had the focus.
 */
async function open(ids = address.at ? [address.at] : [], at = address.by, active = "") {
  opening.abort();
  opening = new AbortController();
  const { signal } = opening;
  const view = { ...address };
  try {
    const early = ids.length ? null : askWindow(view, 0, SIZE, "", signal).catch(() => null);
    const places = Promise.all([
      find(view, ids, signal),
      find(view, active ? [active] : [], signal),
    ]);
    const [there, layout] = await Promise.all([askTimeline(view, signal), askLayout(view, signal)]);
    by("canvas").hidden = layout.bytes.length === 0;
    const laid = await layOut(layout.bytes, measures(), signal);
    const [[position, focused], first] = await Promise.all([places, early, words]);
    if (signal.aborted || !laid) return;
    const windows = new Windows(laid.count, (start, stop, stopped) =>
      loadWindow(view, layout.etag, start, stop, stopped),
    );
    if (first?.etag === layout.etag && laid.count) windows.put(0, first.bytes);
    [timeline, bytes, shown] = [there, layout.bytes, view];
    shell.refuse(null);
    shell.show(view);
    shell.tell({ ...there, count: laid.count }, view.q);
    grid.nameOfGroup = view.group === "day" ? () => null : nameOfGroup;
    const y = position === null ? (ids.length ? grid.y : 0) : laid.tops[laid.rowOf(position)] + at;
    grid.show(laid, windows, laid.count ? y : 0, there.version, focused ?? position ?? 0);
    scrubber.show(there.marks);
    document.body.dataset.ready = layout.etag;
  } catch (error) {
    if (signal.aborted) return;
    await words;
    if (!(error instanceof Refused)) return;
    shell.refuse(error);
    if (!shown) return;
    address = { ...shown };
    history.replaceState(null, "", addressOf(address));
  }
}

/** The position of the first of some pictures that is still there. */
async function find(view, ids, signal) {
  for (const id of ids) {
    const position = await askPosition(view, { id }, signal);
    if (position !== null) return position;
  }
  return null;
}

async function loadWindow(view, etag, start, stop, signal) {
  try {
    return (await askWindow(view, start, stop, etag, signal)).bytes;
  } catch (error) {
    if (error.status === 412) refresh();
    throw error;
  }
}

let refreshing = null;

/** The timeline has changed: lay it out again, and keep what is on the screen where it is. */
async function refresh() {
  if (refreshing) return;
  const { position, by: scrolled } = grid.top;
  const ids = [];
  for (let next = position; next < position + 12; next++) {
    const item = grid.windows?.get(next);
    if (item) ids.push(item.id);
  }
  const active = grid.windows?.get(grid.active)?.id;
  refreshing = open(grid.y > 0 ? ids : [], scrolled, active);
  await refreshing;
  refreshing = null;
}

/** The name over a group that is no day: that of the last mark before it. */
function nameOfGroup(position) {
  const { marks } = timeline;
  let low = 0;
  let high = marks.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (marks[middle].position <= position) low = middle;
    else high = middle - 1;
  }
  return marks[low]?.key || t("group.unknown");
}

/** Show another view, from its top. */
function change(changes) {
  const next = { ...address, at: "", by: 0, show: "", ...changes };
  if (changes.sort && changes.sort !== "taken" && next.group === "day") next.group = "none";
  if (changes.sort === "taken" && next.group === "none") next.group = "day";
  if (changes.group === "day") next.sort = "taken";
  if (changes.sort === "random") next.seed = 1 + Math.floor(Math.random() * 999_999);
  address = next;
  history.pushState(null, "", addressOf(address));
  return open();
}

let remembering = 0;

/** Keep in the address what is on top; not too often, as browsers count that. */
function remember() {
  clearTimeout(remembering);
  remembering = setTimeout(rememberNow, REMEMBER);
}

function rememberNow() {
  if (!grid.layout || leaving) return;
  const { position, by: scrolled } = grid.top;
  const item = grid.windows?.get(position);
  if (!item || viewer?.isOpen) return;
  const isTop = grid.y < 1;
  address = { ...address, at: isTop ? "" : item.id, by: isTop ? 0 : scrolled };
  const wished = addressOf(address);
  if (wished !== (location.hash || "#")) history.replaceState(null, "", wished);
}

async function jump(date) {
  if (address.sort !== "taken") await change({ sort: "taken" });
  const position = await askPosition(address, { date }).catch(() => null);
  if (position === null) return;
  grid.scrollToPosition(position);
  grid.focus(position);
}

let named = 0;
let leaving = false;

/** The tile that has the focus for a moment is named by all that is known of it. */
function nameFocused({ detail: position }) {
  clearTimeout(named);
  named = setTimeout(async () => {
    const item = grid.windows.get(position);
    const facts = item && (await askJson(`/api/v1/assets/${item.id}`).catch(() => null));
    const tile = grid.tileOf(position);
    if (facts?.place && tile?.item?.id === item.id) tile.image.alt = nameOf(item, facts.place);
  }, FOCUS_RESTS);
}

/** Open a picture large. */
async function look(position, isKept = false) {
  const found = await import("./viewer.js").catch(() => null);
  if (!found) return poll();
  viewer ??= new found.Viewer(grid);
  const item = grid.windows.get(position);
  address.show = item?.id ?? "";
  if (!isKept) history.pushState({ show: true }, "", addressOf(address));
  viewer.open(position, {
    moved: (id) => {
      address.show = id;
      history.replaceState(history.state, "", addressOf(address));
    },
    closed: () => {
      address.show = "";
      leaving = Boolean(history.state?.show);
      if (leaving) history.back();
      else history.replaceState(null, "", addressOf(address));
    },
    pick: (id) => find(address, [id]),
  });
}

function addressChanged() {
  if (leaving) {
    leaving = false;
    return rememberNow();
  }
  const next = readAddress();
  if (!next.show && viewer?.isOpen) viewer.close();
  const isSame = ["q", "sort", "group", "seed"].every((name) => next[name] === address[name]);
  const isHere = next.at === address.at && next.by === address.by;
  address = { ...next, show: viewer?.isOpen ? next.show : "" };
  if (!isSame || !isHere) open();
}

async function poll() {
  clearTimeout(poll.timer);
  if (!document.hidden && timeline) {
    const now = await askTimeline(address).catch(() => null);
    if (now && now.etag !== timeline.etag) await refresh();
    else if (now) shell.tell({ ...now, count: bytes.length }, address.q);
  }
  poll.timer = setTimeout(poll, timeline?.state?.building ? POLL_BUILDING : POLL);
}

/** Lay out anew for another width, with the same picture on top. */
async function resize() {
  if (!bytes || grid.layout?.width === measures().width) {
    grid.draw();
    return;
  }
  const { position } = grid.top;
  const laid = await layOut(bytes, measures());
  if (laid.width !== measures().width) return;
  grid.show(
    laid,
    grid.windows,
    position ? laid.tops[laid.rowOf(position)] : 0,
    grid.version,
    grid.active,
  );
  scrubber.show(timeline.marks);
}

const words = loadTexts().then(() => {
  document.title = t("title");
  shell = new Shell({
    view: change,
    jump,
    retry: () => (timeline ? (grid.load(), poll()) : open()),
    into: () => (by("query").blur(), grid.focus(grid.active)),
  });
});

async function start() {
  const { show } = address;
  await open();
  if (show) {
    const position = await find(address, [show]).catch(() => null);
    if (position !== null) look(position, true);
  }
  shell.greet();
  new ResizeObserver(() => requestAnimationFrame(resize)).observe(by("scroller"));
  import("./motion.js").then(({ playOnHover }) => playOnHover(by("canvas"))).catch(() => {});
  poll.timer = setTimeout(poll, POLL_BUILDING);
}

grid.addEventListener("settled", remember);
grid.addEventListener("described", remember);
grid.addEventListener("focused", nameFocused);
grid.addEventListener("open", (event) => look(event.detail));
addEventListener("popstate", addressChanged);
addEventListener("pagehide", rememberNow);
document.addEventListener("visibilitychange", () => !document.hidden && poll());
start();
export { grid, scrubber };
