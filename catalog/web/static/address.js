/** What the address of the page holds: the view, and where in it. All behind `#`, so that no server logs it. */

export const SORTS = [
  ["taken", "sort.taken"],
  ["added", "sort.added"],
  ["size", "sort.size"],
  ["quality", "sort.quality"],
  ["random", "sort.random"],
];
export const GROUPS = [
  ["day", "group.day"],
  ["place", "group.place"],
  ["folder", "group.folder"],
  ["camera", "group.camera"],
  ["none", "group.none"],
];

const known = (table, value) => (table.some(([name]) => name === value) ? value : table[0][0]);

/** {sort, group, q, seed, at, by, show}: `at` the picture on top, `by` how far it is scrolled, `show` the open one. */
export function readAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  const [at, by] = (given.get("at") ?? "").split("~");
  const id = (text) => (/^[0-9a-f]{16}$/.test(text ?? "") ? text : "");
  return {
    sort: known(SORTS, given.get("sort")),
    group: known(GROUPS, given.get("group")),
    q: given.get("q") ?? "",
    seed: Number.parseInt(given.get("seed") ?? "", 10) || 1,
    at: id(at),
    by: Number.parseInt(by ?? "", 10) || 0,
    show: id(given.get("show")),
  };
}

/** The address of a state. */
export function addressOf({ sort, group, q, seed, at, by, show }) {
  const given = new URLSearchParams();
  if (q) given.set("q", q);
  if (sort !== "taken") given.set("sort", sort);
  if (sort === "random") given.set("seed", seed);
  if (group !== "day") given.set("group", group);
  if (at) given.set("at", by ? `${at}~${by}` : at);
  if (show) given.set("show", show);
  return `#${given}`.replaceAll("%7E", "~");
}
