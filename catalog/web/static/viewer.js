/** The open picture: PhotoSwipe over the positions of the grid, with films, moving photos and panoramas. */

import PhotoSwipe from "./vendor/photoswipe.esm.min.js";
import { FactsPanel } from "./facts.js";
import { element, icon } from "./icons.js";
import { RATIOS } from "./layout.js";
import { motionOf } from "./motion.js";
import { askJson, previewOf } from "./server.js";
import { nameOf, number, t } from "./texts.js";
import { BROKEN, FILM, LIVE, PANORAMA } from "./windows.js";

const LONG = 4000;
/** Pixels that the long side is taken to have until the facts say it. */
const REST = 250;
/** Milliseconds on a picture before its facts and its original are asked for. */
const KEPT = 60;
const STALLED = 4000;
/** Milliseconds that a film may stand still before a lighter one is asked for. */

const style = new Promise((ready) => {
  const [theirs, own] = ["vendor/photoswipe.css", "viewer.css"].map((path) => {
    const link = element("link");
    link.rel = "stylesheet";
    link.href = new URL(path, import.meta.url);
    return link;
  });
  own.onload = own.onerror = ready;
  document.head.append(theirs, own);
});

export class Viewer {
  #facts = new Map();
  #asked = new AbortController();
  #timer = 0;
  #swipe = null;
  #told = null;
  #look = null;

  constructor(grid) {
    this.grid = grid;
    this.panel = new FactsPanel({
      pick: (id) => this.#pick(id),
      close: () => this.#showFacts(false),
    });
  }

  get isOpen() {
    return this.#swipe !== null;
  }

  /** Open a position. `told`: moved(id), closed(), pick(id) -> position or null. */
  async open(position, told) {
    if (this.isOpen) return this.#swipe.goTo(position);
    await style;
    this.#told = told;
    const swipe = new PhotoSwipe(this.#options(position));
    this.#swipe = swipe;
    swipe.addFilter("numItems", () => this.grid.layout.count);
    swipe.addFilter("itemData", (_, index) => this.#itemOf(index));
    swipe.addFilter("thumbEl", (_, __, index) => this.grid.tileOf(index)?.image);
    swipe.addFilter(
      "isContentZoomable",
      (zoomable, content) => zoomable && content.data.type === undefined,
    );
    swipe.on("uiRegister", () => this.#registerButtons(swipe));
    swipe.on("contentLoad", (event) => this.#load(event));
    swipe.on("contentActivate", ({ content }) => this.#activate(content));
    swipe.on("contentDeactivate", ({ content }) => this.#deactivate(content));
    swipe.on("openingAnimationEnd", () => {
      swipe.element.dataset.open = "yes";
      if (!this.panel.isShown) swipe.element.focus();
    });
    swipe.on("change", () => this.#changed());
    swipe.on("keydown", (event) => this.#key(event));
    swipe.on("pointerDown", (event) => this.#pressed(event));
    swipe.on("updateScrollOffset", () => (swipe.offset.x = this.#left));
    swipe.on("close", () => this.#closing());
    swipe.on("destroy", () => this.#closed());
    document.getElementById("app").inert = true;
    swipe.init();
    swipe.element.ariaModal = "true";
    this.#label();
    if (localStorage.getItem("facts")) this.#showFacts(true);
  }

  /** Close it, as the Escape key does. */
  close() {
    this.#swipe?.close();
  }

  #options(index) {
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const whole = () => 1 / devicePixelRatio;
    return {
      index,
      loop: false,
      bgOpacity: 1,
      trapFocus: false,
      returnFocus: false,
      preload: [1, 2],
      showHideAnimationType: isStill ? "none" : "zoom",
      zoomAnimationDuration: isStill ? 0 : 240,
      showAnimationDuration: 220,
      hideAnimationDuration: 200,
      clickToCloseNonZoomable: false,
      secondaryZoomLevel: (zoom) => (whole() > zoom.fit * 1.05 ? whole() : zoom.fit * 2),
      maxZoomLevel: (zoom) => Math.max(4 * whole(), zoom.fit * 3),
      getViewportSizeFn: () => ({ x: innerWidth - this.#room, y: innerHeight }),
      closeTitle: t("close"),
      zoomTitle: t("viewer.zoom"),
      arrowPrevTitle: t("viewer.previous"),
      arrowNextTitle: t("viewer.next"),
      errorMsg: t("viewer.failed"),
    };
  }

  /** Pixels that the panel takes from the picture. */
  get #room() {
    return this.panel.isShown && innerWidth >= 700 ? 380 : 0;
  }

  get #left() {
    return getComputedStyle(document.documentElement).direction === "rtl" ? this.#room : 0;
  }

  #itemOf(index) {
    const { grid } = this;
    const item = grid.windows.get(index);
    if (!item) return { type: "waiting", index };
    const ratio = RATIOS[grid.layout.bytes[index] & 127];
    const facts = this.#facts.get(item.id);
    const size = facts?.width
      ? { w: facts.width, h: facts.height }
      : ratio >= 1
        ? { w: LONG, h: LONG / ratio }
        : { w: LONG * ratio, h: LONG };
    const made = { ...size, item, alt: nameOf(item), src: previewOf(item.id, 1600, grid.version) };
    if (item.flags & BROKEN) return { ...made, type: "broken" };
    if (item.flags & FILM) return { ...made, type: "film" };
    const shown = grid.tileOf(index)?.image;
    if (shown?.complete && shown.naturalWidth) made.msrc = shown.currentSrc;
    return made;
  }

  // --- content ---

  #load(event) {
    const { content } = event;
    const { type, src, alt } = content.data;
    if (!type) return;
    event.preventDefault();
    content.state = "loaded";
    content.element = element("div", `content ${type}`);
    if (type === "broken") content.element.append(icon("broken"), element("p", "", t("broken")));
    if (type === "waiting") content.element.textContent = t("facts.loading");
    if (type !== "film") return;
    const poster = element("img", "poster");
    poster.src = src;
    poster.alt = alt;
    content.element.append(poster);
  }

  #activate(content) {
    if (content.data.type === "film") this.#playFilm(content);
  }

  #deactivate(content) {
    for (const film of content.element?.parentNode?.querySelectorAll("video") ?? []) {
      film.pause();
      film.removeAttribute("src");
      film.load();
      film.remove();
    }
  }

  /** The original where the browser plays it, and the way to here is wide enough; else the rendition for all. */
  async #playFilm(content) {
    const { item, alt, src } = content.data;
    const film = element("video");
    film.controls = film.playsInline = film.autoplay = true;
    film.preload = "metadata";
    film.poster = src;
    film.ariaLabel = alt;
    content.element.querySelector("video")?.remove();
    content.element.append(film);
    const facts = await this.#ask(item.id).catch(() => null);
    if (!film.parentNode) return;
    const made = `/asset/${item.id}?film=720p`;
    if (!film.canPlayType(facts?.mime ?? "video/mp4")) {
      film.src = made;
      return;
    }
    film.src = `/asset/${item.id}`;
    let waits = 0;
    const change = () => {
      if (!film.parentNode || film.src.endsWith(made)) return;
      const at = film.currentTime;
      film.src = made;
      film.currentTime = at;
    };
    film.addEventListener("error", change);
    film.addEventListener("loadedmetadata", () => film.videoWidth || change());
    film.addEventListener("waiting", () => (waits = setTimeout(change, STALLED)));
    film.addEventListener("playing", () => clearTimeout(waits));
  }

  #playMotion() {
    const content = this.#swipe.currSlide?.content;
    const { item, type } = content?.data ?? {};
    if (!item || type || !(item.flags & LIVE)) return;
    this.#stopMotion();
    const film = motionOf(item.id);
    film.loop = false;
    film.addEventListener("ended", () => film.remove());
    content.slide.container.append(film);
    this.#fit(film, content);
  }

  #fit(film, content) {
    film.style.width = content.element.style.width;
    film.style.height = content.element.style.height;
  }

  #stopMotion() {
    this.#swipe?.element.querySelector("video.motion")?.remove();
  }

  // --- what is shown ---

  #changed() {
    const swipe = this.#swipe;
    const item = this.grid.windows.get(swipe.currIndex);
    clearTimeout(this.#timer);
    this.#asked.abort();
    this.#asked = new AbortController();
    this.#stopMotion();
    this.grid.windows.need(swipe.currIndex - 4, swipe.currIndex + 4);
    if (!item) {
      const again = () => this.isOpen && swipe.refreshSlideContent(swipe.currIndex);
      this.grid.windows.addEventListener("loaded", again, { once: true });
      return;
    }
    if (swipe.currSlide?.data.type === "waiting") return swipe.refreshSlideContent(swipe.currIndex);
    this.#label();
    for (const [flag, name] of [
      [LIVE, "motion"],
      [PANORAMA, "look"],
    ]) {
      const button = swipe.element?.querySelector(`.pswp__button--${name}`);
      if (button) button.hidden = !(item.flags & flag);
    }
    const keep = swipe.element?.querySelector(".pswp__button--keep");
    if (keep) keep.href = `/asset/${item.id}`;
    this.#told.moved(item.id);
    this.panel.wait();
    const { signal } = this.#asked;
    this.#timer = setTimeout(() => this.#know(item, signal), REST);
  }

  #label() {
    const { currIndex, element: root } = this.#swipe;
    if (!root) return;
    const item = this.grid.windows.get(currIndex);
    const place = t("viewer", { n: number(currIndex + 1), of: number(this.grid.layout.count) });
    root.ariaLabel = item ? `${nameOf(item)} – ${place}` : place;
  }

  async #know(item, signal) {
    try {
      const facts = await this.#ask(item.id, signal);
      if (signal.aborted || !this.isOpen) return;
      this.panel.show(item.id, facts, signal);
      const slide = this.#swipe.currSlide;
      if (slide?.data.item?.id !== item.id || slide.data.type) return;
      slide.content.element?.setAttribute("alt", nameOf(item, facts.place));
      await this.#sharpen(slide, facts, signal);
    } catch (error) {
      if (!signal.aborted) this.panel.fail(error);
    }
  }

  async #ask(id, signal) {
    if (!this.#facts.has(id)) {
      const found = await askJson(`/api/v1/assets/${id}`, { signal });
      this.#facts.set(id, found);
      if (this.#facts.size > KEPT) this.#facts.delete(this.#facts.keys().next().value);
    }
    return this.#facts.get(id);
  }

  /** The original where it can be shown, else the large picture at its own size. */
  async #sharpen(slide, facts, signal) {
    const image = slide.content.element;
    const better = new Image();
    const isOriginal = facts.show?.original && !navigator.connection?.saveData;
    better.src = isOriginal ? `/asset/${slide.data.item.id}` : slide.data.src;
    try {
      await better.decode();
    } catch {
      return;
    }
    if (signal.aborted || !this.isOpen || slide.content.element !== image) return;
    image.src = better.src;
    image.dataset.whole = "yes";
    this.#resize(slide, better.naturalWidth, better.naturalHeight);
  }

  #resize(slide, width, height) {
    if (slide.width === width && slide.height === height) return;
    Object.assign(slide, { width, height });
    Object.assign(slide.content, { width, height });
    if (this.#swipe.opener.isOpen) slide.resize();
  }

  // --- buttons and keys ---

  #registerButtons(swipe) {
    const add = (name, order, onClick, more = {}) =>
      swipe.ui.registerElement({
        name,
        order,
        isButton: true,
        title: t(more.title),
        onClick,
        onInit: (button) => {
          button.append(icon(more.icon ?? name));
          more.onInit?.(button);
        },
        ...(more.tagName ? { tagName: more.tagName } : {}),
      });
    add("motion", 6, () => this.#playMotion(), {
      title: "viewer.motion",
      icon: "live",
      onInit: (button) => {
        button.addEventListener(
          "pointerenter",
          (event) => event.pointerType === "mouse" && this.#playMotion(),
        );
        button.addEventListener("pointerleave", () => this.#stopMotion());
      },
    });
    add("look", 7, () => this.#lookAround(), { title: "viewer.look", icon: "panorama" });
    add("facts", 8, () => this.#showFacts(!this.panel.isShown), {
      title: "viewer.facts",
      onInit: (button) => button.setAttribute("aria-expanded", "false"),
    });
    add("keep", 9, null, {
      title: "viewer.original",
      tagName: "a",
      onInit: (link) => link.setAttribute("download", ""),
    });
  }

  #showFacts(isShown) {
    const swipe = this.#swipe;
    this.panel.toggle(isShown);
    if (isShown) localStorage.setItem("facts", "yes");
    else localStorage.removeItem("facts");
    const button = swipe.element.querySelector(".pswp__button--facts");
    button?.setAttribute("aria-expanded", String(isShown));
    document.documentElement.classList.toggle("with-facts", isShown);
    swipe.updateSize(true);
    if (!isShown) button?.focus();
  }

  async #lookAround() {
    const slide = this.#swipe.currSlide;
    if (!(slide?.data.item?.flags & PANORAMA) || this.#look) return;
    const { Panorama } = await import("./panorama.js");
    const whole = slide.content.element.currentSrc || slide.data.src;
    const made = await Panorama.open(whole, this.#swipe.element, slide.data.alt);
    if (!made) return;
    this.#look = made;
    made.addEventListener("close", () => (this.#look = null));
  }

  #key(event) {
    const { originalEvent: key } = event;
    if (document.querySelector("dialog[open]")) {
      event.preventDefault();
      return;
    }
    if (this.#look) {
      event.preventDefault();
      if (key.key === "Escape") this.#look.close();
      return;
    }
    const isInPanel = this.panel.root.contains(key.target);
    const isFilm = key.target.tagName === "VIDEO";
    if ((isInPanel || isFilm) && /^Arrow/.test(key.key)) event.preventDefault();
    if (key.ctrlKey || key.altKey || key.metaKey) return;
    if (key.key === "Escape" && isInPanel) {
      event.preventDefault();
      this.#showFacts(false);
    } else if (key.key === "i") this.#showFacts(!this.panel.isShown);
    else if (key.key === "m") this.#playMotion();
    else if (key.key === "l") this.#lookAround();
    else if (key.key === "Home" && !isInPanel) this.#swipe.goTo(0);
    else if (key.key === "End" && !isInPanel) this.#swipe.goTo(this.grid.layout.count - 1);
    else if (key.key === " " && key.target.tagName !== "BUTTON") this.#pause(key);
  }

  #pause(key) {
    const film = this.#swipe.currSlide?.content.element?.querySelector?.("video");
    if (!film || key.target === film) return;
    key.preventDefault();
    if (film.paused) film.play();
    else film.pause();
  }

  /** The controls of a film are its own; a long press on a moving photo plays it. */
  #pressed(event) {
    const { originalEvent: press } = event;
    const { target } = press;
    if (target.tagName === "VIDEO" && !target.classList.contains("motion")) {
      const { bottom } = target.getBoundingClientRect();
      if (press.clientY > bottom - 72) event.preventDefault();
      return;
    }
    if (press.pointerType !== "touch" || target.tagName !== "IMG") return;
    const timer = setTimeout(() => this.#playMotion(), 450);
    const end = () => clearTimeout(timer);
    for (const name of ["pointermove", "pointerup", "pointercancel"])
      addEventListener(name, end, { once: true });
  }

  async #pick(id) {
    const position = await this.#told.pick(id);
    if (position === null || !this.isOpen) return;
    this.grid.windows.need(position - 4, position + 4);
    this.#swipe.goTo(position);
  }

  // --- the end ---

  #closing() {
    this.#look?.close();
    this.panel.toggle(false);
    document.documentElement.classList.remove("with-facts");
    document.getElementById("app").inert = false;
    this.grid.reveal(this.#swipe.currIndex);
  }

  #closed() {
    const { currIndex } = this.#swipe;
    clearTimeout(this.#timer);
    this.#asked.abort();
    this.#swipe = null;
    this.grid.focus(currIndex);
    this.#told.closed();
  }
}
