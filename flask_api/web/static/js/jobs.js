/** The list of runs: from the server, so it outlives a reload; changes come by themselves. */

import * as api from "./api.js";
import { byId, make, note } from "./dom.js";
import * as format from "./format.js";
import { followList } from "./live.js";

const PAGE = 20;
const rows = new Map(); // id -> row, as far as the list is shown
let total = 0;
let chosen = () => null;
let open = () => {};
let removed = () => {};
let compare = () => {};
let heard = () => {};
const picked = new Set(); // ids to compare, in the order in which they were ticked

async function attempt(act) {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    note(error.message);
  }
}

/** Read the newest rows anew, as many as are on show. */
export const refresh = () =>
  attempt(async () => {
    const answer = await api.jobs(Math.min(Math.max(PAGE, rows.size), 500));
    rows.clear();
    for (const row of answer.jobs) rows.set(row.id ?? row.job_id, row);
    total = answer.total;
    render();
  });

const more = () =>
  attempt(async () => {
    const answer = await api.jobs(PAGE, rows.size);
    for (const row of answer.jobs) rows.set(row.id ?? row.job_id, row);
    total = answer.total;
    render();
  });

/**
 * Show the list and keep it up to date.
 * @param {{shown: () => ?string, open: (id: string) => void, removed: (id: string) => void,
 *          connected: (yes: boolean) => void, compare: (ids: string[]) => void,
 *          heard: (id: string, status: string) => void}} page
 */
export async function start(page) {
  ({ shown: chosen, open, removed, compare, heard } = page);
  byId("jobs-more").addEventListener("click", more);
  byId("compare-start").addEventListener("click", () => attempt(() => compare([...picked])));
  byId("compare-clear").addEventListener("click", () => {
    picked.clear();
    for (const box of byId("jobs-list").querySelectorAll(".pick")) box.checked = false;
    showPicked();
    byId("jobs").focus();
  });
  await refresh();
  let lost = false;
  followList(
    api.listStreamAddress(),
    (type, row) => {
      if (type === "deleted") drop(row.job_id);
      else put(row);
    },
    (connected) => {
      // Nobody kept the changes for us while the connection was gone.
      if (connected && lost) refresh();
      lost = !connected;
      page.connected(connected);
    },
    refresh,
  );
}

/** Take a new or changed row. */
export function put(row) {
  const id = row.id ?? row.job_id;
  const known = rows.get(id);
  const merged = { ...known, ...row };
  if (known) {
    rows.set(id, merged);
    known.node?.replaceWith(nodeOf(id, merged));
    count();
    if (known.status !== merged.status) heard(id, merged.status);
    return;
  }
  const rest = [...rows];
  rows.clear();
  rows.set(id, merged);
  for (const [key, value] of rest) rows.set(key, value);
  total += 1;
  byId("jobs-list").prepend(nodeOf(id, merged));
  count();
}

function drop(id) {
  const row = rows.get(id);
  if (!row) return;
  row.node?.remove();
  rows.delete(id);
  picked.delete(id);
  showPicked();
  total -= 1;
  count();
  removed(id);
}

function count() {
  const active = [...rows.values()].filter((row) => !format.ended(row.status)).length;
  byId("jobs-count").textContent = total ? `${format.count(total)} in all${active ? `, ${active} under way` : ""}` : "";
  byId("jobs-empty").hidden = total > 0;
  byId("jobs-more").hidden = rows.size >= total;
}

function render() {
  byId("jobs-list").replaceChildren(...[...rows].map(([id, row]) => nodeOf(id, row)));
  count();
}

/** Marks the run that is on show. */
export function highlight() {
  for (const [id, { node }] of rows) {
    const here = id === chosen();
    node?.classList.toggle("here", here);
    const name = node?.querySelector(".job-name");
    if (here) name?.setAttribute("aria-current", "true");
    else name?.removeAttribute("aria-current");
  }
}

/** The bar that says what is ticked, and starts the comparison. */
function showPicked() {
  byId("compare-bar").hidden = picked.size === 0;
  byId("compare-count").textContent = picked.size === 1 ? "1 run ticked: tick another to compare" : `${picked.size} runs ticked`;
  byId("compare-start").disabled = picked.size < 2;
}

/** The box that picks a finished run; others have none. */
function picker(id, row, name) {
  if (row.status !== "completed") return make("span", { class: "no-pick" });
  const box = make("input", {
    type: "checkbox", class: "pick", checked: picked.has(id), "aria-label": `Compare: ${name}`,
    onchange: () => {
      if (box.checked) picked.add(id);
      else picked.delete(id);
      showPicked();
    },
  });
  return box;
}

function act(words, label, call) {
  return make("button", { type: "button", class: "small", "aria-label": label, onclick: () => attempt(call) }, words);
}

function nodeOf(id, row) {
  const over = format.ended(row.status);
  const name = row.name || format.analysis(row.kind);
  const share = row.status === "completed" ? 1 : row.progress ?? 0;
  const focused = row.node?.contains(document.activeElement)
    ? [...row.node.querySelectorAll("button, input")].indexOf(document.activeElement)
    : -1;
  const about = [
    row.created_at ? format.moment(row.created_at) : "",
    over && Number.isFinite(row.run_seconds ?? row.duration) ? format.duration(row.run_seconds ?? row.duration) : "",
    row.status === "running" ? format.percent(share) : "",
  ].filter(Boolean).join(" · ");
  const node = make(
    "li",
    { class: `job${id === chosen() ? " here" : ""}`, "data-id": id, "data-status": row.status },
    picker(id, row, name),
    make("span", { class: "badge", "data-status": row.status }, format.status(row.status)),
    make(
      "button",
      { type: "button", class: "job-name", "aria-current": id === chosen() ? "true" : null, onclick: () => open(id) },
      name,
    ),
    make("span", { class: "job-about" }, about),
    make(
      "span",
      { class: "job-actions" },
      ...(over
        ? [
            act("Run again", `Run again: ${name}`, async () => {
              const again = await api.rerunJob(id);
              open(again.job_id ?? again.id);
            }),
            act("Delete", `Delete: ${name}`, async () => {
              await api.deleteJob(id);
              drop(id);
            }),
          ]
        : [act("Cancel", `Cancel: ${name}`, () => api.cancelJob(id))]),
    ),
  );
  if (row.status === "running") {
    const bar = make("span", { class: "thin" });
    bar.style.width = `${100 * share}%`;
    node.append(bar);
  }
  row.node = node;
  // A row is made anew at each change; whoever stands on it with the keyboard stays there.
  if (focused >= 0) queueMicrotask(() => node.querySelectorAll("button, input")[focused]?.focus());
  return node;
}
