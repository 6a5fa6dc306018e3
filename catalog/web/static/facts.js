/** The panel beside the open picture: each fact with where it comes from and how sure it is, copies, history. */

import { element, icon } from "./icons.js";
import { askJson, previewOf } from "./server.js";
import { momentOf, t } from "./texts.js";

/** Facts that have a name of their own in each language. */
const NAMED = new Set([
  "fact.taken", "fact.taken.zone", "fact.size", "fact.camera.make", "fact.camera.model",
  "fact.camera.lens", "fact.exposure.time", "fact.exposure.f_number", "fact.exposure.iso",
  "fact.exposure.focal_length", "fact.location", "fact.altitude", "fact.place.country",
  "fact.place.region", "fact.place.city", "fact.place.name", "fact.width", "fact.height",
  "fact.duration", "fact.rating", "fact.favorite", "fact.description", "fact.added",
]);

export class FactsPanel {
  isShown = false;

  /** `told`: pick(id), close(). */
  constructor(told) {
    this.told = told;
    this.root = element("aside", "facts");
    this.root.tabIndex = -1;
    this.root.ariaLabel = t("facts");
    this.body = element("div");
    const close = element("button", "close");
    close.type = "button";
    close.ariaLabel = t("close");
    close.append(icon("close"));
    close.addEventListener("click", () => told.close());
    const head = element("header");
    head.append(element("h2", "", t("facts")), close);
    this.root.append(head, this.body);
    this.root.hidden = true;
    document.body.append(this.root);
  }

  /** Show or hide it. */
  toggle(isShown) {
    this.isShown = isShown;
    this.root.hidden = !isShown;
    if (isShown) this.root.focus({ preventScroll: true });
  }

  /** Facts are on their way. */
  wait() {
    this.body.replaceChildren(element("p", "quiet", t("facts.loading")));
  }

  /** They did not come. */
  fail(error) {
    this.body.replaceChildren(element("p", "quiet", t("facts.failed", { why: error.message })));
  }

  /** Show what is known; history and look-alikes are asked for as well. */
  show(id, facts, signal) {
    const size = facts.width ? `${facts.width} × ${facts.height}` : "";
    const said = [
      ["facts.title", facts.title],
      ["facts.wall", isToldBySource(facts) ? "" : facts.wall && momentOf(facts.wall)],
      ["facts.place", facts.place],
      ["facts.albums", (facts.albums ?? []).join(", ")],
      ["facts.tags", (facts.tags ?? []).join(", ")],
      ["facts.size", size],
      ["facts.type", facts.mime],
    ];
    const list = element("dl");
    for (const [name, value] of said) if (value) list.append(...pair(t(name), value));
    for (const fact of facts.facts ?? []) list.append(...pair(nameOf(fact.name), fact.value, fact));
    const [history, similar] = [element("div"), element("div")];
    this.body.replaceChildren(list, heading("copies"), this.#copies(facts.copies ?? []));
    if (facts.shot?.length)
      this.body.append(heading("shot"), this.#pictures(facts.shot.map((hash) => ({ hash }))));
    this.body.append(heading("similar"), similar, heading("history"), history);
    const more = (path, into, make) =>
      askJson(`/api/v1/assets/${id}/${path}`, { signal })
        .then((found) => into.replaceChildren(make(found)))
        .catch(
          (error) =>
            signal.aborted ||
            into.replaceChildren(element("p", "quiet", t("facts.failed", { why: error.message }))),
        );
    more("history", history, ({ events }) => this.#history(events));
    more("similar", similar, (found) =>
      found.similar.length
        ? this.#pictures(found.similar)
        : element("p", "quiet", t("similar.none")),
    );
  }

  #copies(copies) {
    const list = element("ul", "copies");
    for (const { store, path, state, verified } of copies) {
      const line = element("li", state === "present" ? "" : "doubtful");
      const proof = verified
        ? t("copies.verified", { when: momentOf(verified) })
        : t("copies.unverified");
      line.append(
        element("strong", "", store),
        element("span", "path", path),
        element("small", "", `${state}, ${proof}`),
      );
      list.append(line);
    }
    return list;
  }

  #history(events) {
    if (!events.length) return element("p", "quiet", t("history.none"));
    const list = element("ul", "history");
    for (const { when, what, who } of events) {
      const line = element("li");
      line.append(
        element("span", "", what),
        element("small", "", [momentOf(when), who].filter(Boolean).join(", ")),
      );
      list.append(line);
    }
    return list;
  }

  /** Small pictures that lead to others: [{hash, reason}]. */
  #pictures(others) {
    const list = element("ul", "others");
    for (const { hash, reason } of others) {
      const id = hash.slice(0, 16);
      const button = element("button");
      button.type = "button";
      const image = element("img");
      image.src = previewOf(id, 320, "");
      image.alt = t("kind.photo");
      button.append(image);
      if (reason) button.append(element("small", "", reason));
      button.addEventListener("click", () => this.told.pick(id));
      const line = element("li");
      line.append(button);
      list.append(line);
    }
    return list;
  }
}

/** Whether the date is among the facts that say where they come from. */
function isToldBySource({ wall, facts = [] }) {
  return Boolean(wall) && facts.some(({ value }) => String(value).startsWith(wall.slice(0, 16)));
}

function nameOf(fact) {
  return NAMED.has(`fact.${fact}`) ? t(`fact.${fact}`) : fact;
}

function heading(key) {
  return element("h3", "", t(key));
}

/** A value as people write it: a moment in their way, all else as it is. */
function readable(value) {
  const text = String(value);
  return /^-?\d{4}-\d\d-\d\dT\d\d:\d\d/.test(text) ? momentOf(text) : text;
}

function pair(name, value, { source, confidence } = {}) {
  const given = element("dd");
  given.append(element("span", "", readable(value)));
  const why = [
    source && t("facts.source", { source }),
    confidence && t("facts.confidence", { confidence }),
  ].filter(Boolean);
  if (why.length) given.append(element("small", "", why.join(", ")));
  return [element("dt", "", name), given];
}
