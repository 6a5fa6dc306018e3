/** What the page asks the server. */

/** The server said no, in words; `status` as in HTTP. */
export class Refused extends Error {
  constructor(status, words, hint = "") {
    super(words);
    this.status = status;
    this.hint = hint;
  }
}

/** Tells "gone" when the server does not answer, "back" when it does again. */
export const line = new EventTarget();
let isGone = false;

function tell(gone) {
  if (gone === isGone) return;
  isGone = gone;
  line.dispatchEvent(new Event(gone ? "gone" : "back"));
}

/** One request; raises Refused, or what fetch raises where nobody answers. */
export async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name !== "AbortError") tell(true);
    throw error;
  }
  if ([502, 503, 504].includes(answer.status)) tell(true);
  else tell(false);
  if (answer.ok) return answer;
  if (answer.status === 401 && location.pathname !== "/login") {
    location.assign(`/login${location.hash}`);
  }
  const said = await answer.json().catch(() => ({}));
  throw new Refused(
    answer.status,
    said.error || answer.statusText || String(answer.status),
    said.hint,
  );
}

/** The same for JSON. */
export async function askJson(path, options) {
  return (await ask(path, options)).json();
}

/** The parameters of a view: how it is sorted and grouped, and what it shows. */
export function parametersOf({ sort, group, q, seed }) {
  const given = new URLSearchParams({ sort, group });
  if (q) given.set("q", q);
  if (sort === "random") given.set("seed", seed);
  return given;
}

const plain = (etag) => (etag ?? "").replace(/^W\//, "").replaceAll('"', "");

/** What there is: {etag, count, marks, version, state}. */
export function askTimeline(view, signal) {
  return askJson(`/api/v1/timeline?${parametersOf(view)}`, { signal });
}

/** {bytes, etag}: one byte a picture. */
export async function askLayout(view, signal) {
  const answer = await ask(`/api/v1/timeline/layout?${parametersOf(view)}`, { signal });
  return {
    etag: plain(answer.headers.get("ETag")),
    bytes: new Uint8Array(await answer.arrayBuffer()),
  };
}

/** {bytes, etag} of a window; Refused 412 where the timeline has changed since `etag`. */
export async function askWindow(view, start, stop, etag, signal) {
  const given = parametersOf(view);
  given.set("start", start);
  given.set("stop", stop);
  const headers = etag ? { "If-Match": `"${etag}"` } : {};
  const answer = await ask(`/api/v1/timeline/window?${given}`, { headers, signal });
  return { etag: plain(answer.headers.get("ETag")), bytes: await answer.arrayBuffer() };
}

/** The position of a picture (`{id}`) or a day (`{date}`); null where there is none. */
export async function askPosition(view, what, signal) {
  const given = parametersOf(view);
  for (const [name, value] of Object.entries(what)) given.set(name, value);
  try {
    return (await askJson(`/api/v1/timeline/position?${given}`, { signal })).position;
  } catch (error) {
    if (error instanceof Refused && error.status === 404) return null;
    throw error;
  }
}

/** The address of a picture of at most so many pixels a side. */
export function previewOf(id, side, version) {
  return `/preview/${id}?side=${side}&v=${version}`;
}
