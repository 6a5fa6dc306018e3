"use strict";
(() => {
const $ = (id) => document.getElementById(id);
const data = JSON.parse($("data").textContent);
const groups = data.groups;
const served = data.mode === "served";
const KINDS = {
  "exact": "Exact copies", "same-image": "Same image, other metadata", "similar": "Same picture, another version",
  "burst": "Same moment", "alike": "Merely alike", "bad": "Bad shot",
};
const TOLD = { "keep": "keep", "drop": "drop", "not-duplicate": "not a duplicate" };
const COLUMNS = ["group", "kind", "decision", "hash", "path", "keeper", "reason", "files"];
const NOTED = ["the camera", "the lens", "the exposure", "the altitude"];  // these are told by other lines, or not at all
const GAIN = 4;           // how much stronger a difference is shown than it is
const SEEN = 24;          // of 255: a difference of a pixel that a person would see
const GROUPS_AT_ONCE = 20;
const MOST_IMAGES = 48;   // decoded pictures that are kept for comparing

// --- what was decided ---------------------------------------------------------------------------------------------

const states = groups.map((g) => ({ decisions: g.members.map(() => ""), best: -1 }));
const answers = groups.map((g) => g.members.map(() => null));
const numbers = new Map(groups.map((g, i) => [g.id, i]));
const undone = [];
const key = "catalog-review:" + data.id;

function restore() {
  let kept = {};
  try { kept = JSON.parse(localStorage.getItem(key) || "{}"); } catch (error) { warnOfStorage(); }
  for (const [id, state] of Object.entries(kept && typeof kept === "object" ? kept : {})) {
    const i = numbers.get(id);
    if (i === undefined || !Array.isArray(state.decisions) || state.decisions.length !== groups[i].members.length) continue;
    states[i] = { decisions: state.decisions.map((d) => (d in TOLD ? d : "")), best: Number.isInteger(state.best) ? state.best : -1 };
  }
  for (const answer of data.answers || []) take(answer);
}

function remember() {
  const kept = {};
  states.forEach((s, i) => { if (s.best >= 0 || s.decisions.some(Boolean)) kept[groups[i].id] = s; });
  try { localStorage.setItem(key, JSON.stringify(kept)); } catch (error) { warnOfStorage(); }
}

function warnOfStorage() {
  notice("This browser keeps nothing for this page: " + (served ? "apply" : "save") + " the decisions before you leave it.");
}

function keeperOf(i) {
  const { decisions, best } = states[i];
  const stays = (m) => m >= 0 && m < decisions.length && decisions[m] !== "drop";
  if (groups[i].kind === "bad") return -1;
  if (stays(best)) return best;
  if (stays(groups[i].keeper)) return groups[i].keeper;
  const kept = decisions.findIndex((d, m) => d === "keep" && !isFurther(i, m));
  if (kept >= 0) return kept;
  return groups[i].keeper < 0 && !decisions.includes("drop") ? -1 : decisions.findIndex((d, m) => d !== "drop" && !isFurther(i, m));
}

// What the others are compared with: the keeper, or the first where none is proposed yet.
function anchorOf(i) {
  const keeper = keeperOf(i);
  return keeper < 0 && groups[i].kind !== "bad" && !losesAll(i) ? 0 : keeper;
}

// What is dropped of a group and nothing has that stays.
function lostOf(i) {
  const keeper = keeperOf(i), members = groups[i].members, lost = new Set();
  if (keeper < 0) return [];
  const kept = members.filter((_m, m) => m === keeper || states[i].decisions[m] === "keep");
  const frames = (part) => (/^\d+ frames$/.test(part) ? parseInt(part, 10) : 0);
  members.forEach((member, m) => {
    if (states[i].decisions[m] !== "drop") return;
    const lacks = (other) => member.has.filter((part) => (frames(part) ?
      !other.has.some((o) => frames(o) >= frames(part)) : !other.has.includes(part)));
    if (kept.every((other) => lacks(other).length)) lacks(members[keeper]).forEach((part) => lost.add(part));
  });
  return [...lost];
}

function isDecided(i) {
  const { decisions } = states[i];
  const keeper = keeperOf(i);
  return decisions.some(Boolean) && decisions.every((d, m) => d || m === keeper);
}

const isCopy = (member) => member.kind === "exact";
const isFurther = (i, m) => groups[i].kind !== "exact" && isCopy(groups[i].members[m]);  // a copy of a member before it
const isDone = (i) => isDecided(i) && states[i].decisions.every((d, m) => !d || (answers[i][m] && answers[i][m].outcome !== "failed"));
const hasFailed = (i) => answers[i].some((a) => a && a.outcome === "failed");
const isLocked = (i, m) => Boolean(answers[i][m] && answers[i][m].outcome !== "failed");
const losesAll = (i) => groups[i].kind !== "bad" && states[i].decisions.every((d) => d === "drop");
const isOpen = (i) => groups[i].kind !== "bad" && keeperOf(i) < 0 && !losesAll(i);  // nothing is proposed
const weight = (member) => (member.size || 0) * Math.max(1, member.paths.length);

function change(edits, text) {
  const before = [];
  for (const [i, work] of edits) {
    const state = states[i];
    const old = { decisions: [...state.decisions], best: state.best };
    work(state);
    state.decisions = state.decisions.map((d, m) => (isLocked(i, m) ? old.decisions[m] : d));
    if (state.best === old.best && state.decisions.every((d, m) => d === old.decisions[m])) continue;
    state.decisions.forEach((d, m) => { if (d !== old.decisions[m]) answers[i][m] = null; });
    before.push([i, old]);
  }
  if (!before.length) return;
  undone.push(before);
  after(before.map(([i]) => i), text);
}

function undo() {
  const before = undone.pop();
  if (!before) return;
  for (const [i, old] of before) {
    states[i] = { best: old.best, decisions: old.decisions.map((d, m) => (isLocked(i, m) ? states[i].decisions[m] : d)) };
  }
  after(before.map(([i]) => i), "Undone.");
  if (before.length === 1) go(before[0][0], here.m);
}

function after(changed, text) {
  remember();
  changed.forEach(refresh);
  count();
  say(`${text} ${$("counted").textContent}.`);
}

function decide(i, m, decision) {
  const again = states[i].decisions[m] === decision;
  const whole = decision === "not-duplicate" && m === anchorOf(i);
  if (decision === "not-duplicate" && groups[i].kind === "bad") return;
  change([[i, (s) => {
    if (whole) {
      const off = s.decisions.every((d, o) => o === m || d === decision);
      s.decisions = s.decisions.map((d, o) => (o === m ? d : off ? "" : decision));
    } else {
      s.decisions[m] = again ? "" : decision;
      if (decision === "drop" && s.best === m) s.best = -1;
    }
  }]], whole ? "All others: not duplicates." : `Picture ${m + 1}: ${again ? "undecided" : TOLD[decision]}.`);
}

function proposal(i) {
  return (s) => {
    const keeper = keeperOf(i);
    s.decisions = groups[i].kind === "bad" ? ["drop"] : s.decisions.map((_d, m) => (m === keeper ? "keep" : "drop"));
  };
}

function accept(i) {
  if (losesAll(i)) return false;
  if (isOpen(i)) { say("Nothing is proposed here: make one picture the keeper (B), or keep and drop."); return false; }
  change([[i, proposal(i)]], groups[i].kind === "bad" ? "Drop." : `Keep picture ${keeperOf(i) + 1}, drop the rest.`);
  return true;
}

function makeBest(i, m) {
  if (groups[i].kind === "bad") return;
  while (isFurther(i, m)) m -= 1;
  change([[i, (s) => {
    s.best = m;
    if (s.decisions[m] === "drop") s.decisions[m] = "";
  }]], `Picture ${m + 1} is the keeper.`);
}

function rows(i) {
  const group = groups[i], keeper = anchorOf(i), found = [];
  states[i].decisions.forEach((decision, m) => {
    const member = group.members[m];
    if (decision) found.push({
      group: group.id, kind: isCopy(member) ? "exact" : group.kind, decision, hash: member.hash, path: isCopy(member) ? member.paths[0] : "",
      keeper: keeper < 0 ? "" : group.members[keeper].hash,
      reason: group.reason, files: member.paths.join(" | "),
    });
  });
  return found;
}

function csv() {
  const cell = (text, guard) => {
    if (guard && /^[=+\-@\t\r]/.test(text)) text = "'" + text;  // a spreadsheet would take it for a formula
    return /[;"\r\n]|^\s|\s$/.test(text) ? '"' + text.replaceAll('"', '""') + '"' : text;
  };
  const lines = [COLUMNS.join(";")];
  groups.forEach((_g, i) => rows(i).forEach((row) => {
    lines.push(COLUMNS.map((c) => cell(row[c], c === "reason" || c === "files")).join(";"));
  }));
  return "\ufeff" + lines.join("\r\n") + "\r\n";
}

function save() {
  if (!states.some((s) => s.decisions.some(Boolean))) { say("Nothing is decided yet."); return; }
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([csv()], { type: "text/csv;charset=utf-8" }));
  link.download = `decisions-${data.id}.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  const lost = losses(groups.map((_g, i) => i));
  say(`Saved. Apply them with: catalog resolve ${link.download}`);
  notice(lost.length ? `Some of what is dropped has what its keeper lacks (${lost.join(", ")}): catalog resolve drops it only with --yes.` : "");
}

// --- served by the program: straight to the catalog ---------------------------------------------------------------

const losses = (some) => [...new Set(some.flatMap(lostOf))].map(visible);
const open_rows = (i) => rows(i).filter((row) => !isLocked(i, memberOf(i, row)));
const memberOf = (i, row) => groups[i].members.findIndex((m) => m.hash === row.hash && (isCopy(m) ? m.paths[0] === row.path : !row.path));
let applying = false;

function take(answer) {
  const i = numbers.get(answer.group);
  if (i === undefined) return;
  const m = memberOf(i, answer);
  if (m < 0) return;
  answers[i][m] = answer;
  if (answer.outcome !== "failed") states[i].decisions[m] = answer.decision;
}

async function post(what, body) {
  const reply = await fetch(what, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  const value = await reply.json().catch(() => ({}));
  if (!reply.ok) throw new Error(value.error || `the program answered ${reply.status}`);
  return value;
}

async function apply() {
  const waiting = groups.map((_g, i) => i).filter((i) => open_rows(i).length);
  if (applying || !waiting.length) { if (!applying) say("Nothing is decided that was not applied."); return; }
  const lost = losses(waiting.filter((i) => open_rows(i).some((row) => row.decision === "drop")));
  if (lost.length && !await asked(`Some of what is dropped has what its keeper lacks: ${lost.join(", ")}. Drop it all the same?`, "Drop it")) return;
  applying = true;
  notice("");
  let failed = 0;
  try {
    for (let start = 0; start < waiting.length; start += GROUPS_AT_ONCE) {
      const some = waiting.slice(start, start + GROUPS_AT_ONCE);
      $("apply").textContent = `Applying ${start + some.length} of ${waiting.length}\u2026`;
      const reply = await post("decisions", { decisions: some.flatMap(open_rows) });
      reply.answers.forEach(take);
      failed += reply.answers.filter((a) => a.outcome === "failed").length;
      some.forEach(refresh);
    }
    say(failed ? `Applied; ${failed} failed.` : "Applied.");
    if (failed) notice(`${failed} decision${failed > 1 ? "s" : ""} could not be followed; the groups say why.`);
  } catch (error) {
    notice(`The decisions could not be applied: ${error.message}. Is \`catalog review\` still running?`);
  } finally {
    applying = false;
    remember();
    count();
  }
}

async function finish() {
  const waiting = groups.filter((_g, i) => open_rows(i).length).length;
  if (waiting && !await asked(`${waiting} decided group${waiting > 1 ? "s" : ""} not applied yet. Leave without applying?`, "Leave")) return;
  try {
    await post("done", {});
    document.body.replaceChildren(el("p", { id: "ended", text: "Done. You can close this page." }));
  } catch (error) {
    notice(`The program does not answer (${error.message}); it may have ended already.`);
  }
}

// --- words --------------------------------------------------------------------------------------------------------

function el(tag, { text, ...attributes } = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== null && value !== undefined) made.setAttribute(name, value);
  if (text !== undefined) made.textContent = text;
  made.append(...children);
  return made;
}

// What a name may hold to deceive: controls, and marks that turn the reading direction.
const visible = (text) => String(text).replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
  (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
const grouped = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, "\u2009");

function bytes(count) {
  let value = count;
  for (const unit of ["B", "kB", "MB", "GB", "TB"]) {
    if (value < 1000 || unit === "TB") return unit === "B" ? `${value} B` : `${value.toFixed(1)} ${unit}`;
    value /= 1000;
  }
  return "";
}

const say = (text) => { $("said").textContent = text; };
function notice(text) { $("notice").textContent = text; $("notice").hidden = !text; }

function asked(text, yes) {
  const dialog = $("ask");
  $("ask-text").textContent = text;
  $("ask-yes").textContent = yes;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }));
}

// What is told of a picture, line by line: [name, text, value to compare, how: "pixels" (more is better), "bytes", or ""].
function facts(member) {
  const pixels = member.width && member.height ? member.width * member.height : null;
  const parts = member.has.filter((part) => !NOTED.includes(part)).map(visible);
  const list = (values) => (values && values.length ? values.map(visible).join(", ") : "");
  return [
    ["size in pixels", pixels ? `${member.width} \u00d7 ${member.height} \u00b7 ${megapixels(pixels)}` : "size not known", pixels, "pixels"],
    ["size of the file", member.size ? `${bytes(member.size)}` : "", member.size, "bytes"],
    ["type", member.type ? visible(member.type).toUpperCase() : "", member.type || "", ""],
    ["date", member.taken ? visible(member.taken).replace("T", " ").slice(0, 19) : "", member.taken || "", ""],
    ["camera", visible(member.camera || ""), member.camera || "", ""],
    ["place", visible(member.place || ""), member.place || "", ""],
    ["tags", list(member.tags) && `Tags: ${list(member.tags)}`, list(member.tags), ""],
    ["albums", list(member.albums) && `Albums: ${list(member.albums)}`, list(member.albums), ""],
    ["further parts", parts.length ? `Has ${parts.join(", ")}` : "", parts.join(", "), ""],
    ["favourite", member.favorite ? "\u2605 Favourite" : "", member.favorite ? "yes" : "", ""],
  ];
}

const megapixels = (pixels) => `${(pixels / 1e6).toFixed(pixels < 950000 ? 2 : pixels < 9.5e6 ? 1 : 0)} MP`;

function factLine([_name, text, value, how], other) {
  if (!text) return null;
  if (!other || other[2] === value) return el("li", { text });
  const smaller = (value || 0) < (other[2] || 0);
  const [mark, word] = !how ? ["\u2260", "differs"] : smaller ? ["\u25be", "smaller"] : ["\u25b4", "larger"];
  const line = el("li", { class: how !== "pixels" ? "differs" : smaller ? "less" : "more", title: other[1] ? `Keeper: ${other[1]}` : "The keeper has none" });
  line.append(el("span", { class: "mark", text: mark, "aria-hidden": "true" }), el("b", { text }),
    el("span", { class: "hidden", text: ` (${word}, keeper: ${other[1] || "none"})` }));
  return line;
}

function lackLine(own, others) {
  const lacking = own.filter((fact, n) => !fact[2] && (others[n] ? others[n][2] : ["date", "camera"].includes(fact[0]))).map((fact) => fact[0]);
  if (!lacking.length) return null;
  return el("li", { class: others.length ? "less" : "" }, ...(others.length ? [el("span", { class: "mark", text: "\u2212", "aria-hidden": "true" })] : []),
    el("b", { text: `no ${lacking.join(", ")}` }));
}

function nearness(member) {
  const parts = [];
  if (member.distance > 0) parts.push(`distance ${member.distance}`);
  if (member.turned) parts.push(`turned ${visible(member.turned)}${/\d$/.test(member.turned) ? "\u00b0" : ""}`.replace("turned mirrored", "mirrored"));
  return parts.join(", ");
}

// --- groups on the page -------------------------------------------------------------------------------------------

const sections = [];
const filled = new Set();
let shown = groups.map((_g, i) => i);
let here = { i: 0, m: 0 };
let enlarged = here;
let showsDifference = false;

const near = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    const i = Number(entry.target.dataset.number);
    if (entry.isIntersecting) fill(i); else empty(i);
  }
}, { rootMargin: "1200px 0px" });

function build() {
  const all = document.createDocumentFragment();
  groups.forEach((group, i) => {
    const section = el("section", { class: "group", "data-number": i, "data-group": group.id });
    sections.push(section);
    all.append(section);
  });
  $("groups").append(all);
  estimate();
  sections.forEach((section) => near.observe(section));
  const kinds = Object.keys(KINDS).filter((kind) => groups.some((g) => g.kind === kind));
  $("kind").append(el("option", { value: "", text: "Every kind" }), ...kinds.map((k) => el("option", { value: k, text: KINDS[k] })));
  $("kind").parentElement.hidden = kinds.length < 2;
}

const rowHeight = () => parseFloat(getComputedStyle(document.documentElement).getPropertyValue("--row"));
const wideness = (member) => Math.min(3, Math.max(0.4, (member.width || 4) / (member.height || 3)));

// The pictures of a group as high as lets them stand in one row: somewhat higher or lower than others, or else in several rows.
function fit(i) {
  const usual = rowHeight(), room = sections[i].clientWidth - 34, members = groups[i].members;
  const needed = (row) => members.reduce((sum, member) => sum + Math.max(wideness(member) * row + 12, 228) + 2, -12);
  let row = usual * 1.3;
  while (row > usual * 0.65 && needed(row) > room) row -= 4;
  if (innerWidth <= 640 || needed(row) > room) sections[i].style.removeProperty("--row");
  else sections[i].style.setProperty("--row", `${Math.round(row)}px`);
}

function estimate() {
  const row = rowHeight();
  sections.forEach((section, i) => { if (!filled.has(i)) section.style.height = `${row + 320}px`; });
}

function label(i) {
  const count = groups[i].members.length;
  const position = shown.indexOf(i) + 1;
  return `Group ${position} of ${shown.length}: ${KINDS[groups[i].kind]}, ${count} picture${count > 1 ? "s" : ""}, ${stateOf(i)}`;
}

function stateOf(i) {
  if (hasFailed(i)) return "failed";
  if (isDone(i)) return "applied";
  return isDecided(i) ? "decided" : states[i].decisions.some(Boolean) ? "partly decided" : "undecided";
}

function fill(i) {
  if (filled.has(i)) return;
  filled.add(i);
  const group = groups[i], section = sections[i];
  const head = el("div", { class: "head" },
    el("h2", { text: KINDS[group.kind] }), el("span", { class: "number" }), el("span", { class: "reason", text: visible(group.reason || "") }),
    el("span", { class: "state" }));
  const tools = el("div", { class: "tools" });
  tools.append(button("accept", group.kind === "bad" ? "Drop it" : "Accept proposal", "Enter", () => { go(i, 0, false); accept(i); }));
  if (group.kind !== "bad") {
    tools.append(button("apart", group.kind === "exact" ? "Leave them all" : "Not duplicates", "N", () => decide(i, Math.max(0, anchorOf(i)), "not-duplicate")));
  }
  head.append(tools);
  const list = el("ul", { class: "members" });
  group.members.forEach((member, m) => list.append(memberItem(i, m, member)));
  section.append(head, list);
  section.style.height = "";
  fit(i);
  refresh(i);
}

function empty(i) {
  if (!filled.has(i) || sections[i].contains(document.activeElement)) return;
  sections[i].style.height = `${sections[i].offsetHeight}px`;
  filled.delete(i);
  sections[i].replaceChildren();
}

function button(name, text, hotkey, work) {
  const made = el("button", { type: "button", class: name, text, title: hotkey ? `${text} (${hotkey})` : text });
  made.addEventListener("click", work);
  return made;
}

function memberItem(i, m, member) {
  const item = el("li", { class: "member", tabindex: "-1", "data-member": m });
  item.style.setProperty("--wide", `calc(var(--row) * ${wideness(member).toFixed(4)})`);
  const name = visible(member.paths.length ? member.paths[0].split("/").pop().replace(/^[a-z0-9_-]+:/, "") : member.hash.slice(0, 12));
  const frame = el("button", { type: "button", class: "frame", "aria-label": `Enlarge ${name}` });
  if (member.picture) {
    const img = el("img", { alt: "", decoding: "async", draggable: "false", "data-hash": member.hash });
    img.addEventListener("error", () => { img.remove(); frame.prepend(el("span", { class: "missing", text: "No picture to be had" })); });
    img.addEventListener("load", () => { if (isTiny(img, member)) frame.append(el("span", { class: "tiny", text: "Only a tiny picture is at hand" })); });
    img.src = address(member);
    frame.append(img);
  } else {
    frame.append(el("span", { class: "missing", text: "No picture to be had" }));
  }
  frame.append(el("span", { class: "flag" }));
  frame.addEventListener("click", () => { go(i, m, false); zoom(true); });
  const box = el("div", { class: "facts" });
  const acts = el("div", { class: "acts" });
  acts.append(button("keep", "Keep", "P", () => decide(i, m, "keep")), button("drop", "Drop", "X", () => decide(i, m, "drop")));
  if (groups[i].kind !== "bad") {
    acts.append(button("apart", isCopy(groups[i].members[m]) ? "Leave" : "Not a duplicate", "N", () => decide(i, m, "not-duplicate")));
    acts.append(button("best", "Make keeper", "B", () => makeBest(i, m)));
  }
  item.append(frame, box, acts);
  item.addEventListener("focusin", () => mark(i, m));
  return item;
}

function refresh(i) {
  if (!filled.has(i)) return;
  const group = groups[i], section = sections[i], keeper = keeperOf(i);
  section.querySelector(".head .accept").hidden = isOpen(i);
  section.querySelector(".reason").classList.toggle("warn", group.kind !== "bad" && group.keeper < 0);
  section.setAttribute("role", "group");
  section.setAttribute("aria-label", label(i));
  section.classList.toggle("here", here.i === i);
  section.classList.toggle("decided", isDecided(i));
  section.classList.toggle("done", isDone(i));
  section.classList.toggle("failed", hasFailed(i));
  section.querySelector(".number").textContent = `${shown.indexOf(i) + 1} / ${shown.length}`;
  const state = section.querySelector(".state");
  state.textContent = losesAll(i) ? "Nothing of this group would be kept." : stateOf(i) === "undecided" ? "" : stateOf(i);
  state.classList.toggle("warn", losesAll(i) || hasFailed(i));
  section.querySelectorAll(".head .tools button").forEach((b) => { b.disabled = group.members.every((_m, m) => isLocked(i, m)); });
  section.querySelectorAll(".member").forEach((item, m) => refreshMember(i, m, item, keeper));
}

function refreshMember(i, m, item, keeper) {
  const group = groups[i], member = group.members[m], decision = states[i].decisions[m], answer = answers[i][m];
  const chosen = states[i].best >= 0 || group.keeper !== keeper;
  item.dataset.decision = decision;
  item.classList.toggle("keeper", m === keeper);
  item.classList.toggle("alone", keeper < 0 && !isOpen(i));
  item.tabIndex = here.i === i && here.m === m ? 0 : -1;
  item.setAttribute("aria-label", [`Picture ${m + 1} of ${group.members.length}`, m === keeper ? "keeper" : "", TOLD[decision] || "undecided",
    ...member.paths.map(visible)].filter(Boolean).join(", "));
  const words = [String(m + 1), m === keeper ? (chosen ? "Keeper" : "Proposed keeper") : "", decision ? TOLD[decision] : ""];
  item.querySelector(".flag").textContent = words.filter(Boolean).join(" \u00b7 ");
  const box = item.querySelector(".facts");
  const anchor = anchorOf(i);
  box.replaceChildren(...factsOf(member, anchor >= 0 && m !== anchor ? group.members[anchor] : null, group.kind));
  if (answer) {
    const text = answer.outcome === "failed" ? `Failed: ${visible(answer.reason)}` : answer.reason ? visible(answer.reason) : "Done";
    box.append(el("p", { class: `answer ${answer.outcome === "failed" ? "failed" : "done"}`, text }));
  }
  for (const [name, value] of [["keep", "keep"], ["drop", "drop"], ["apart", "not-duplicate"]]) {
    const made = item.querySelector(`.acts .${name}`);
    if (!made) continue;
    made.setAttribute("aria-pressed", String(decision === value));
    made.disabled = isLocked(i, m);
    if (name === "apart") made.hidden = m === keeper;
  }
  const best = item.querySelector(".best");
  if (best) best.hidden = m === keeper || group.members.some((_m, o) => isLocked(i, o));
  compare(i, m, item.querySelector(".frame"), showsDifference ? "difference" : "");
}

function factsOf(member, keeper, kind) {
  const made = [];
  const parts = member.paths.slice(0, 4).map((path) => {
    const at = path.lastIndexOf("/");
    return at < 0 ? [path.slice(0, path.indexOf(":") + 1), path.slice(path.indexOf(":") + 1)] : [path.slice(0, at + 1), path.slice(at + 1)];
  });
  const names = [...new Set(parts.map(([, name]) => name))];
  if (names.length) made.push(el("p", { class: "name", dir: "auto", title: visible(names[0]), text: visible(names[0]) }));
  parts.forEach(([folder, name]) => {
    const text = visible(name === names[0] ? folder : folder + name);
    made.push(el("p", { class: "where", dir: "auto", title: text, text }));
  });
  if (member.paths.length > 4) made.push(el("p", { class: "where", text: `and ${member.paths.length - 4} more copies` }));
  const list = el("ul");
  const others = keeper ? facts(keeper) : [];
  const own = facts(member);
  list.append(...[...own.map((fact, n) => factLine(fact, others[n])), lackLine(own, others)].filter(Boolean));
  if (keeper && nearness(member)) list.append(el("li", { class: member.turned ? "differs" : "", text: nearness(member) }));
  if (keeper && member.kind && member.kind !== kind && member.kind in KINDS) list.append(el("li", { text: KINDS[member.kind] }));
  made.push(list);
  return made;
}

function count() {
  const decided = groups.filter((_g, i) => isDecided(i)).length;
  let freed = 0;
  states.forEach((s, i) => s.decisions.forEach((d, m) => { if (d === "drop") freed += weight(groups[i].members[m]); }));
  $("counted").textContent = `${grouped(decided)} of ${grouped(groups.length)} decided`;
  $("freed").textContent = freed ? `\u00b7 would free ${bytes(freed)}` : "";
  const meter = $("meter");
  meter.setAttribute("aria-valuemax", groups.length);
  meter.setAttribute("aria-valuenow", decided);
  meter.firstElementChild.style.width = `${groups.length ? 100 * decided / groups.length : 0}%`;
  $("undo").disabled = !undone.length;
  if (!served) return;
  const waiting = groups.filter((_g, i) => open_rows(i).length).length;
  $("apply").textContent = waiting ? `Apply ${grouped(waiting)} group${waiting > 1 ? "s" : ""}` : "Apply decisions";
  $("apply").disabled = !waiting;
}

function filter() {
  const wanted = { all: () => true, open: (i) => !isDecided(i), decided: isDecided, failed: hasFailed }[$("filter").value];
  const kind = $("kind").value;
  shown = groups.map((_g, i) => i).filter((i) => wanted(i) && (!kind || groups[i].kind === kind));
  const visibleOnes = new Set(shown);
  sections.forEach((section, i) => { section.hidden = !visibleOnes.has(i); });
  $("nothing").hidden = shown.length > 0;
  filled.forEach(refresh);
  if (shown.length && !visibleOnes.has(here.i)) go(shown[0], 0, false);
  say(`${shown.length} groups are shown.`);
}

// --- moving about -------------------------------------------------------------------------------------------------

function mark(i, m) {
  const before = here;
  here = { i, m };
  if (before.i !== i || before.m !== m) { refreshPlace(before); refreshPlace(here); }
}

function refreshPlace({ i, m }) {
  sections[i].classList.toggle("here", here.i === i);
  const item = sections[i].querySelectorAll(".member")[m];
  if (item) item.tabIndex = here.i === i && here.m === m ? 0 : -1;
}

function go(i, m, focus = true) {
  if (i === undefined || !groups[i]) return;
  m = Math.max(0, Math.min(m, groups[i].members.length - 1));
  const moved = i !== here.i;
  fill(i);
  mark(i, m);
  if (!focus) return;
  const item = sections[i].querySelectorAll(".member")[m];
  if (!$("zoom").open) item.focus({ preventScroll: true });
  const edge = sections[i].getBoundingClientRect(), bar = $("bar").offsetHeight;
  if (moved || edge.top < bar || edge.top > innerHeight - 200) sections[i].scrollIntoView({ block: "start" });
  const box = item.getBoundingClientRect();
  if (box.bottom > innerHeight || box.top < bar) item.scrollIntoView({ block: box.height > innerHeight - 120 ? "start" : "nearest" });
  if ($("zoom").open) zoom(true);
}

function step(by) {
  const at = shown.indexOf(here.i);
  const next = shown[Math.max(0, Math.min(shown.length - 1, at + by))];
  if (next === here.i && document.activeElement !== document.body) return;
  go(next, 0);
}

function nextOpen() {
  const at = shown.indexOf(here.i);
  const found = [...shown.slice(at + 1), ...shown.slice(0, at + 1)].find((i) => !isDecided(i));
  if (found === undefined) say("Every group shown is decided."); else go(found, 0);
}

// --- pictures -----------------------------------------------------------------------------------------------------

function address(member, large) {
  if (served) return `${large ? "large" : "preview"}/${member.hash}`;
  return "data:image/webp;base64," + $("p-" + member.hash).textContent;
}

const images = new Map();

function image(member, large) {
  const name = `${member.hash} ${large ? "large" : ""}`;
  if (images.has(name)) {
    const kept = images.get(name);
    images.delete(name);
    images.set(name, kept);
    return kept;
  }
  const made = new Promise((resolve, reject) => {
    const img = new Image();
    img.onload = () => resolve(img);
    img.onerror = () => { images.delete(name); reject(new Error("no picture")); };
    img.src = address(member, large);
  });
  images.set(name, made);
  if (images.size > MOST_IMAGES) images.delete(images.keys().next().value);
  return made;
}

// The picture in one of its eight positions (t & 3 quarter turns clockwise, t & 4 mirrored first), filling the canvas.
function turned(img, t, width, height) {
  const canvas = el("canvas", { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.translate(width / 2, height / 2);
  context.rotate((t & 3) * Math.PI / 2);
  if (t & 4) context.scale(-1, 1);
  const [w, h] = t & 1 ? [height, width] : [width, height];
  context.drawImage(img, -w / 2, -h / 2, w, h);
  return canvas;
}

const pixelsOf = (canvas) => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;

// In which position a picture fits another one best: found by trying, so that it does not matter how a turn is named.
function position(img, other, isTurned) {
  if (!isTurned) return 0;
  const side = 24, wanted = pixelsOf(turned(other, 0, side, side));
  let best = 0, least = Infinity;
  for (let t = 0; t < 8; t++) {
    const found = pixelsOf(turned(img, t, side, side));
    let sum = 0;
    for (let at = 0; at < found.length; at++) sum += Math.abs(found[at] - wanted[at]);
    if (sum < least) { least = sum; best = t; }
  }
  return best;
}

// Whether it is the index's tiny picture, since no copy of the file could be had.
const isTiny = (img, member) => Math.max(img.naturalWidth, img.naturalHeight) === data.tiny &&
  Math.max(member.width || 0, member.height || 0) > data.tiny;

function differenceOf(keeper, img, isTurned) {
  const t = position(keeper, img, isTurned);
  const [width, height] = t & 1 ? [keeper.naturalHeight, keeper.naturalWidth] : [keeper.naturalWidth, keeper.naturalHeight];
  const canvas = turned(keeper, t, width, height);
  const one = pixelsOf(canvas);
  const other = pixelsOf(turned(img, 0, width, height));
  const shownPixels = new ImageData(width, height);
  let seen = 0;
  for (let at = 0; at < one.length; at += 4) {
    let most = 0;
    for (let c = 0; c < 3; c++) {
      const apart = Math.abs(one[at + c] - other[at + c]);
      if (apart > most) most = apart;
      shownPixels.data[at + c] = Math.min(255, apart * GAIN);
    }
    shownPixels.data[at + 3] = 255;
    if (most > SEEN) seen++;
  }
  canvas.getContext("2d").putImageData(shownPixels, 0, 0);
  canvas.className = "difference";
  const share = 100 * seen / (width * height);
  return [canvas, share < 0.05 ? "No difference to be seen" : `Differs in ${share < 10 ? share.toFixed(1) : Math.round(share)} % of its area (shown ${GAIN}\u00d7)`];
}

// Lay the difference to the keeper, or the keeper itself (flicker), over a picture; "" takes it away.
async function compare(i, m, frame, way, large = false) {
  const group = groups[i], keeper = anchorOf(i);
  let other = keeper;
  if (m === keeper && way === "flicker") other = group.members.findIndex((_m, o) => o !== m);
  frame.dataset.way = way;
  frame.querySelectorAll("canvas, .note").forEach((old) => old.remove());
  if (!way || other < 0 || other === m || !group.members[m].picture || !group.members[other].picture) return;
  try {
    const [mine, theirs] = await Promise.all([image(group.members[m], large), image(group.members[other], large)]);
    if (frame.dataset.way !== way || !frame.isConnected) return;
    if (way === "difference" && (isTiny(mine, group.members[m]) || isTiny(theirs, group.members[other]))) {
      frame.append(el("span", { class: "note" }, el("span", { text: "Not compared: only a tiny picture is at hand" })));
      return;
    }
    const isTurned = Boolean(group.members[m].turned || group.members[other].turned);
    const [canvas, text] = way === "difference" ? differenceOf(theirs, mine, isTurned) :
      [turned(theirs, position(theirs, mine, isTurned), mine.naturalWidth, mine.naturalHeight), other === keeper ? "Keeper" : `Picture ${other + 1}`];
    frame.querySelectorAll("canvas, .note").forEach((old) => old.remove());
    if (way === "flicker") canvas.className = "flicker";
    frame.append(canvas, el("span", { class: "note" }, el("span", { text })));
  } catch (error) { /* a picture that cannot be had is not compared */ }
}

function setDifference(on) {
  showsDifference = on;
  $("difference").setAttribute("aria-pressed", String(on));
  $("zoom-difference").setAttribute("aria-pressed", String(on));
  filled.forEach(refresh);
  if ($("zoom").open) zoom(true);
  say(on ? "Differences to the keeper are shown." : "Pictures are shown.");
}

function flicker(on) {
  const way = on ? "flicker" : showsDifference ? "difference" : "";
  if ($("zoom").open) { compare(here.i, here.m, $("stage"), way, served); return; }
  const item = sections[here.i].querySelectorAll(".member")[here.m];
  if (item) compare(here.i, here.m, item.querySelector(".frame"), way);
}

function zoom(on) {
  const dialog = $("zoom");
  if (!on) { dialog.close(); return; }
  const { i, m } = here, member = groups[i].members[m], stage = $("stage"), keeper = keeperOf(i);
  enlarged = here;
  if (!dialog.open) dialog.showModal();
  if (stage.dataset.hash !== member.hash || stage.dataset.large !== String(served)) {
    stage.dataset.hash = member.hash;
    stage.dataset.large = String(served);
    stage.replaceChildren();
    if (member.picture) {
      const img = el("img", { alt: "", src: address(member) });
      stage.append(img);
      if (served) image(member, true).then((big) => { if (stage.dataset.hash === member.hash) img.src = big.src; }, () => {});
    } else {
      stage.append(el("p", { text: "No picture to be had" }));
    }
  }
  const decision = states[i].decisions[m];
  $("zoom-name").textContent = `${m + 1} of ${groups[i].members.length} \u00b7 ${m === keeper ? "Keeper \u00b7 " : ""}${visible(member.paths[0] || member.hash)}`;
  $("zoom-facts").textContent = [...facts(member).slice(0, 5).map((f) => f[1]), nearness(member)].filter(Boolean).join(" \u00b7 ");
  $("zoom-keep").setAttribute("aria-pressed", String(decision === "keep"));
  $("zoom-drop").setAttribute("aria-pressed", String(decision === "drop"));
  $("zoom-keep").disabled = $("zoom-drop").disabled = isLocked(i, m);
  compare(i, m, stage, showsDifference ? "difference" : "", served);
  if (!dialog.contains(document.activeElement) || document.activeElement === dialog) stage.focus();
}

function resize(by) {
  const sizes = ["small", "", "large"], root = document.documentElement;
  const at = sizes.findIndex((s) => s && root.classList.contains(s));
  const next = Math.max(0, Math.min(2, (at < 0 ? 1 : at) + by));
  root.classList.remove("small", "large");
  if (sizes[next]) root.classList.add(sizes[next]);
  estimate();
  filled.forEach(fit);
  go(here.i, here.m);
}

// --- keys ---------------------------------------------------------------------------------------------------------

const KEYS = {
  ArrowDown: () => step(1), ArrowUp: () => step(-1), j: () => step(1), k: () => step(-1), Home: () => go(shown[0], 0),
  End: () => go(shown[shown.length - 1], 0), ArrowRight: () => go(here.i, here.m + 1), ArrowLeft: () => go(here.i, here.m - 1),
  o: nextOpen, p: () => act("keep"), x: () => act("drop"), n: () => act("not-duplicate"),
  b: () => { makeBest(here.i, here.m); if ($("zoom").open) zoom(true); },
  Enter: () => { if (accept(here.i)) nextOpen(); }, u: undo, d: () => setDifference(!showsDifference), z: () => zoom(!$("zoom").open),
  "+": () => resize(1), "=": () => resize(1), "-": () => resize(-1), s: () => (served ? apply() : save()), "?": () => $("keys").showModal(),
  " ": () => flicker(true),
};

function act(decision) {
  decide(here.i, here.m, decision);
  if ($("zoom").open) zoom(true);
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || $("keys").open || $("ask").open || !shown.length) return;
  const target = event.target;
  if (target.matches("input, select, textarea")) return;
  if (target.matches("button, a") && (event.key === "Enter" || event.key === " ")) return;
  const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (!$("shortcuts").checked && name.length === 1 && name !== " " && name !== "?") return;
  const digit = /^[1-9]$/.test(name) ? Number(name) - 1 : -1;
  if (digit < 0 && !Object.hasOwn(KEYS, name)) return;
  event.preventDefault();
  if (event.repeat && !name.startsWith("Arrow") && !"jk".includes(name)) return;
  if (digit >= 0) { if (digit < groups[here.i].members.length) go(here.i, digit); } else KEYS[name]();
});
document.addEventListener("keyup", (event) => { if (event.key === " " && !event.target.matches("button, input, select")) flicker(false); });
new ResizeObserver(() => document.documentElement.style.setProperty("--bar", `${$("bar").offsetHeight}px`)).observe($("bar"));
addEventListener("resize", () => filled.forEach(fit));
addEventListener("blur", () => { if (document.querySelector("canvas.flicker")) flicker(false); });

$("filter").addEventListener("change", filter);
$("kind").addEventListener("change", filter);
$("difference").addEventListener("click", () => setDifference(!showsDifference));
$("undo").addEventListener("click", undo);
$("help").addEventListener("click", () => $("keys").showModal());
$("save").addEventListener("click", save);
$("apply").addEventListener("click", apply);
$("done").addEventListener("click", finish);
$("all").addEventListener("click", async () => {
  const open = shown.filter((i) => !isDecided(i) && !losesAll(i) && !isOpen(i));
  if (!open.length) { say("Every group shown is decided, or has no proposal."); return; }
  const freed = open.reduce((sum, i) => sum + groups[i].members.reduce((s, m, at) => s + (at === keeperOf(i) ? 0 : weight(m)), 0), 0);
  const text = `Accept the proposal of ${grouped(open.length)} undecided group${open.length > 1 ? "s" : ""} shown here? ${bytes(freed)} would be freed. It can be undone.`;
  if (await asked(text, "Accept all")) change(open.map((i) => [i, proposal(i)]), `${open.length} proposals accepted.`);
});
$("stage").addEventListener("click", () => zoom(false));
$("zoom-before").addEventListener("click", () => go(here.i, here.m - 1));
$("zoom-after").addEventListener("click", () => go(here.i, here.m + 1));
$("zoom-difference").addEventListener("click", () => setDifference(!showsDifference));
$("zoom-keep").addEventListener("click", () => act("keep"));
$("zoom-drop").addEventListener("click", () => act("drop"));
$("zoom-close").addEventListener("click", () => zoom(false));
for (const name of ["pointerdown", "pointerup", "pointerleave", "pointercancel"]) {
  $("zoom-flicker").addEventListener(name, () => flicker(name === "pointerdown"));
}
$("zoom").addEventListener("close", () => { flicker(false); go(enlarged.i, enlarged.m); });  // the browser went back to where it began

if (served) {
  $("save").hidden = true;
  $("apply").hidden = $("done").hidden = false;
  $("keys-save").textContent = "apply the decisions";
}
restore();
build();
count();
if (groups.length) {
  go(0, 0, false);
  say(`${groups.length} groups. Press question mark for the keys.`);
} else {
  $("nothing").textContent = "There is nothing to review.";
  $("nothing").hidden = false;
}
document.documentElement.dataset.ready = "yes";
})();
