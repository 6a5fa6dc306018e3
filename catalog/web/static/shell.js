/** What stands around the grid: search, order, menu, lists of keys, and what has to be said. */

import { GROUPS, SORTS } from "./address.js";
import { element } from "./icons.js";
import { ask, askJson, line } from "./server.js";
import { chooseLanguage, currentLanguage, languages, number, t, tn } from "./texts.js";

const KEYS = [
  ["← → ↑ ↓", "keys.move"],
  ["Enter", "keys.open"],
  ["Home  End", "keys.row"],
  ["Ctrl Home  Ctrl End", "keys.ends"],
  ["Page ↑  Page ↓", "keys.screen"],
  ["/", "keys.search"],
  ["g", "keys.jump"],
  ["?", "keys.list"],
  ["i", "keys.facts"],
  ["z", "keys.zoom"],
  ["m", "keys.motion"],
  ["l", "keys.look"],
  ["Esc", "keys.close"],
];
const RETRY = [2000, 5000, 10_000, 30_000];

/** The element of an id. */
export const by = (id) => document.getElementById(id);

/** Wire what stands around the grid. `told` are functions: view(changes), jump(date), retry(), into(). */
export class Shell {
  #tries = 0;
  #timer = 0;

  constructor(told) {
    this.told = told;
    fill(by("sort"), SORTS);
    fill(by("group"), GROUPS);
    fill(by("language"), languages(), (name) => name);
    by("language").value = currentLanguage();
    by("query").addEventListener("search", () => !by("query").value && told.view({ q: "" }));
    by("search").addEventListener("submit", (event) => {
      event.preventDefault();
      told.view({ q: by("query").value.trim() });
    });
    by("sort").addEventListener("change", () => told.view({ sort: by("sort").value }));
    by("group").addEventListener("change", () => told.view({ group: by("group").value }));
    this.#wireDialogs();
    const narrow = matchMedia("(width < 700px)");
    narrow.addEventListener("change", () => this.#house(narrow.matches));
    this.#house(narrow.matches);
    document.documentElement.classList.add("worded");
    by("retry").addEventListener("click", () => this.#retry());
    line.addEventListener("gone", () => this.#gone());
    line.addEventListener("back", () => this.#back());
    document.addEventListener("keydown", (event) => this.#key(event));
  }

  /** On a narrow screen the order stands in the menu. */
  #house(isNarrow) {
    const fields = [by("sort"), by("group")];
    if (!isNarrow) return by("orders").append(...fields);
    by("order").replaceChildren(
      ...fields.map((field) => {
        const label = element("label");
        label.append(element("span", "", t(field.id)), field);
        return label;
      }),
    );
  }

  #wireDialogs() {
    for (const dialog of document.querySelectorAll("dialog")) {
      dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
    }
    const list = by("keys-list");
    for (const [keys, text] of KEYS) {
      const term = element("dt");
      for (const key of keys.split("  ")) term.append(element("kbd", "", key));
      list.append(term, element("dd", "", t(text)));
    }
    by("more").addEventListener("click", () => by("menu").showModal());
    by("menu-keys").addEventListener("click", () => this.#swap("keys"));
    by("menu-jump").addEventListener("click", () => this.#swap("jump"));
    by("language").addEventListener("change", () => {
      chooseLanguage(by("language").value);
      location.reload();
    });
    by("leave").addEventListener("click", async () => {
      await ask("/api/v1/session", { method: "DELETE" }).catch(() => {});
      location.assign("/login");
    });
    by("jump-form").addEventListener("submit", (event) => {
      if (event.submitter?.value === "go") this.told.jump(by("jump-date").value);
    });
  }

  #swap(id) {
    by("menu").close();
    by(id).showModal();
  }

  #key(event) {
    const isWriting = event.target.matches?.("input, select, textarea");
    if (event.ctrlKey || event.altKey || event.metaKey || document.querySelector("dialog[open]"))
      return;
    if (by("app").inert && event.key !== "?") return;
    if (isWriting) {
      if (event.key === "Escape" && event.target === by("query")) this.told.into();
      return;
    }
    const does = {
      "/": () => by("query").select(),
      g: () => by("jump").showModal(),
      "?": () => by("keys").showModal(),
    }[event.key];
    if (does) {
      event.preventDefault();
      if (event.key === "/") by("query").focus();
      does();
    } else if (event.target === document.body && /^(Arrow|Page)/.test(event.key)) {
      event.preventDefault();
      this.told.into();
    }
  }

  /** Show who is logged in. */
  async greet() {
    const me = await askJson("/api/v1/me").catch(() => null);
    by("who").textContent = me ? t("me", { name: me.name, role: me.role }) : "";
  }

  /** Set the fields to a view. */
  show({ q, sort, group }) {
    by("query").value = q;
    by("sort").value = sort;
    by("group").value = group;
  }

  /** Say how many there are, or what to do where there are none. */
  tell({ count, state }, q) {
    by("count").textContent = tn("count", count);
    const building = by("building");
    building.hidden = !state?.building;
    if (state?.building)
      building.textContent = t("building", { done: number(state.done), of: number(state.of) });
    const empty = by("empty");
    empty.hidden = count > 0 || Boolean(state?.building);
    by("scrubber").hidden = count === 0;
    if (empty.hidden) return;
    empty.replaceChildren(...(q ? this.#nothing(q) : noPhotos()));
  }

  #nothing(q) {
    const clear = element("button", "", t("nothing.clear"));
    clear.type = "button";
    clear.addEventListener("click", () => this.told.view({ q: "" }));
    return [element("h2", "", t("nothing", { q })), element("p", "", t("nothing.hint")), clear];
  }

  /** Say in words why a search was refused; nothing clears it. */
  refuse(error) {
    const said = by("refused");
    said.hidden = !error;
    said.textContent = error ? [error.message, error.hint].filter(Boolean).join(" ") : "";
    by("query").setAttribute("aria-invalid", String(Boolean(error)));
  }

  #gone() {
    by("gone").hidden = false;
    this.#timer = setTimeout(() => this.#retry(), RETRY[Math.min(this.#tries++, RETRY.length - 1)]);
  }

  #back() {
    clearTimeout(this.#timer);
    this.#tries = 0;
    by("gone").hidden = true;
    this.told.retry();
  }

  async #retry() {
    clearTimeout(this.#timer);
    try {
      await ask("/health");
    } catch {
      this.#gone();
    }
  }
}

function fill(select, table, say = t) {
  for (const [value, text] of table) select.add(new Option(say(text), value));
}

function noPhotos() {
  const lines = [element("h2", "", t("empty")), element("p", "", t("empty.hint"))];
  lines.push(
    element("pre", "", "catalog upload ~/Pictures -r --store NAME"),
    element("p", "", t("empty.then")),
  );
  return lines;
}
