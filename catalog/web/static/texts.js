/** Words and dates in the reader's language. */

export const NO_DATE = null;
const LANGUAGES = ["en", "de", "nl"];
const KEPT = "language";

let words = {};
let language = "en";
let plurals = new Intl.PluralRules("en");
const made = new Map();

/** The languages there are, by their own names. */
export function languages() {
  return LANGUAGES.map((code) => [
    code,
    new Intl.DisplayNames([code], { type: "language" }).of(code),
  ]);
}

/** The language in use. */
export function currentLanguage() {
  return language;
}

/** Keep a choice of language for the next visits. */
export function chooseLanguage(code) {
  localStorage.setItem(KEPT, code);
}

function preferred() {
  const wished = [localStorage.getItem(KEPT), ...navigator.languages].filter(Boolean);
  for (const wish of wished) {
    const code = wish.split("-")[0];
    if (LANGUAGES.includes(code)) return [code, wish];
  }
  return ["en", "en"];
}

/** Load the words, and put them into the page where it says `data-text`, `data-label` or `data-hint`. */
export async function loadTexts() {
  const [code, wish] = preferred();
  const exact = navigator.languages.find((one) => one.split("-")[0] === code) ?? wish;
  language = code;
  locale = exact.startsWith(code) ? exact : code;
  plurals = new Intl.PluralRules(code);
  document.documentElement.lang = code;
  words = await (await fetch(new URL(`texts/${code}.json`, import.meta.url))).json();
  say(document);
}

let locale = "en";

function say(root) {
  for (const node of root.querySelectorAll("[data-text]")) node.textContent = t(node.dataset.text);
  for (const node of root.querySelectorAll("[data-label]")) node.ariaLabel = t(node.dataset.label);
  for (const node of root.querySelectorAll("[data-hint]")) node.placeholder = t(node.dataset.hint);
}

/** The text of a key; `{name}` in it is replaced. */
export function t(key, values = {}) {
  return (words[key] ?? key).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

/** The same for a number of things: the keys end with the number's form (`.one`, `.other`). */
export function tn(key, n, values = {}) {
  const form = `${key}.${plurals.select(n)}`;
  return t(form in words ? form : `${key}.other`, { n: number(n), ...values });
}

/** A number as it is written here. */
export function number(value) {
  return format("number", () => new Intl.NumberFormat(locale)).format(value);
}

function format(key, make) {
  if (!made.has(key)) made.set(key, make());
  return made.get(key);
}

function dates(name, options) {
  return format(name, () => new Intl.DateTimeFormat(locale, { timeZone: "UTC", ...options }));
}

/** A day with its weekday, for minutes of the wall clock since 1970. */
export function dayOf(minutes) {
  if (minutes === NO_DATE) return t("undated");
  const options = { weekday: "short", day: "numeric", month: "long", year: "numeric" };
  return dates("day", options).format(minutes * 60_000);
}

/** A day without its weekday. */
export function dateOf(minutes) {
  if (minutes === NO_DATE) return t("undated");
  return dates("date", { dateStyle: "long" }).format(minutes * 60_000);
}

/** A moment of a wall clock, given as a date or as text of ISO 8601; what is no date stays as it is. */
export function momentOf(text) {
  const time = Date.parse(/[zZ]|[+-]\d\d:?\d\d$/.test(text) ? text : `${text}Z`);
  return Number.isNaN(time)
    ? String(text)
    : dates("moment", { dateStyle: "medium", timeStyle: "short" }).format(time);
}

/** A month as "2019-07"; what is none (a place, a folder) stays as it is. */
export function monthOf(key) {
  const found = /^(-?\d{1,4})-(\d\d)$/.exec(key);
  if (!found) return key || t("undated");
  const when = new Date(0);
  when.setUTCFullYear(Number(found[1]), Number(found[2]) - 1, 1);
  return dates("month", { month: "long", year: "numeric" }).format(when);
}

/** What a picture is called by those who hear the page: "photo, 12 July 2019". */
export function nameOf({ minutes, flags }, place = "") {
  const kind = t(
    flags & 32
      ? "kind.broken"
      : flags & 1
        ? "kind.film"
        : flags & 2
          ? "kind.live"
          : flags & 8
            ? "kind.panorama"
            : "kind.photo",
  );
  return [kind, dateOf(minutes), place].filter(Boolean).join(", ");
}
