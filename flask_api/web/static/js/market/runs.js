/** The list of runs: filtered and ordered by the server, kept up to date by its events. */

import * as api from "../api.js";
import { byId, make, note } from "../dom.js";
import * as format from "../format.js";
import { followList } from "../live.js";
import { models, titleOf } from "./words.js";

const PAGE = 20;
const STATES = [["", "Any state"], ["running", "Running"], ["pending", "Waiting"], ["completed", "Finished"], ["failed", "Failed"], ["cancelled", "Cancelled"]];
const ORDERS = [["created_at desc", "Newest first"], ["created_at asc", "Oldest first"], ["completed_at desc", "Last finished first"], ["name asc", "By name"]];
/** The figure that a list shows of a run, the first there is. */
const FIGURES = [["bic", "BIC"], ["log_likelihood", "LL"], ["rmsea", "RMSEA"], ["reconstruction_error", "error"], ["total_inertia", "inertia"], ["elbo", "ELBO"], ["r_hat_max", "R-hat"]];

const rows = new Map(); // id -> row
const nodes = new Map(); // id -> its element
const picked = new Set(); // ids to compare
let total = 0;
let page = {};

async function attempt(act) {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    note(error.message);
  }
}

function query(limit, offset) {
  const [by, dir] = byId("order").value.split(" ");
  const asked = new URLSearchParams({ limit, offset, order_by: by, order_dir: dir });
  if (byId("filter-model").value) asked.set("model_type", byId("filter-model").value);
  if (byId("filter-status").value) asked.set("status", byId("filter-status").value);
  return `api/v1/runs?${asked}`;
}

let turn = 0; // of two questions under way, the later one counts

async function load(limit, offset) {
  const mine = ++turn;
  const told = await api.call("GET", query(limit, offset));
  if (mine !== turn) return;
  if (offset === 0) rows.clear();
  for (const row of told.runs) rows.set(row.id, row);
  total = told.total;
  render();
}

/** Read the list anew, as much of it as is on show. */
export const refresh = () => attempt(() => load(Math.min(Math.max(PAGE, rows.size), 500), 0));

let waiting = 0;

/** Soon, and once for many events. */
function refreshSoon() {
  if (waiting) return;
  waiting = setTimeout(() => {
    waiting = 0;
    refresh();
  }, 250);
}

/** An event of any job: those of market models move their row, the end of one brings its figures. */
function heard(job) {
  const id = job.id ?? job.job_id;
  const row = rows.get(id);
  if (!row) {
    if (String(job.kind).startsWith("market.")) refreshSoon();
    return;
  }
  const before = row.status;
  Object.assign(row, { status: job.status ?? row.status, progress: job.progress ?? row.progress });
  replace(id);
  if (before === row.status) return;
  refreshSoon();
  page.told(id, row.status);
}

function matches(row) {
  const wanted = byId("find-run").value.trim().toLowerCase();
  return !wanted || `${row.name ?? ""} ${titleOf(row.model_type)}`.toLowerCase().includes(wanted);
}

function render() {
  nodes.clear();
  const shown = [...rows.values()].filter(matches);
  byId("jobs-list").replaceChildren(...shown.map((row) => made(row.id)));
  byId("jobs-count").textContent = total ? `${format.count(total)} in all` : "";
  byId("jobs-empty").hidden = shown.length > 0;
  const filtered = byId("find-run").value || byId("filter-model").value || byId("filter-status").value;
  byId("jobs-empty").textContent = filtered ? "No run is like this." : "No runs yet.";
  byId("jobs-more").hidden = rows.size >= total;
  const shownRun = rows.get(page.shown());
  if (shownRun) page.told(shownRun.id, shownRun.status);
}

function made(id) {
  const node = rowOf(rows.get(id));
  nodes.set(id, node);
  return node;
}

function replace(id) {
  const old = nodes.get(id);
  if (!old) return;
  const at = [...old.querySelectorAll("button, input")].indexOf(document.activeElement);
  old.replaceWith(made(id));
  // whoever stands on a row with the keyboard stays there
  if (at >= 0) nodes.get(id).querySelectorAll("button, input")[at]?.focus();
}

function about(row) {
  const { n_obs: households, n_items: items } = row.data_shape ?? {};
  const shape = !households ? "" : items ? `${format.count(households)} × ${format.count(items)}` : `${format.count(households)} rows`;
  const figure = FIGURES.find(([name]) => Number.isFinite(row.metrics?.[name]));
  return [
    shape,
    figure ? `${figure[1]} ${format.number(row.metrics[figure[0]], 6)}` : "",
    row.status === "running" ? format.percent(row.progress) : "",
    format.ended(row.status) && Number.isFinite(row.run_duration) ? format.duration(row.run_duration) : "",
    row.created_at ? format.moment(row.created_at) : "",
  ].filter(Boolean).join(" · ");
}

const act = (words, label, call) =>
  make("button", { type: "button", class: "small", "aria-label": label, onclick: () => attempt(call) }, words);

function pick(row, name) {
  if (row.status !== "completed") return make("span", { class: "no-pick" });
  const box = make("input", {
    type: "checkbox", class: "pick", checked: picked.has(row.id), "aria-label": `Compare: ${name}`,
    onchange: () => {
      if (box.checked) picked.add(row.id);
      else picked.delete(row.id);
      showPicked();
    },
  });
  return box;
}

function rowOf(row) {
  const name = row.name || titleOf(row.model_type);
  const here = row.id === page.shown();
  const node = make("li", { class: `job${here ? " here" : ""}`, "data-id": row.id, "data-status": row.status },
    pick(row, name),
    make("span", { class: "badge", "data-status": row.status }, format.status(row.status)),
    make("button", { type: "button", class: "job-name", "aria-current": here ? "true" : null, onclick: () => page.open(row.id) }, name),
    make("span", { class: "job-about" }, about(row)),
    make("span", { class: "job-actions" }, format.ended(row.status)
      ? act("Delete", `Delete: ${name}`, async () => {
        await api.deleteJob(row.id);
        drop(row.id);
      })
      : act("Cancel", `Cancel: ${name}`, () => api.cancelJob(row.id))));
  if (row.status === "running") {
    const bar = make("span", { class: "thin" });
    bar.style.width = `${100 * (row.progress ?? 0)}%`;
    node.append(bar);
  }
  return node;
}

function drop(id) {
  if (!rows.delete(id)) return;
  total -= 1;
  picked.delete(id);
  showPicked();
  render();
  page.removed(id);
}

function showPicked() {
  byId("compare-bar").hidden = picked.size === 0;
  byId("compare-count").textContent = picked.size === 1 ? "1 run ticked: tick another to compare" : `${picked.size} runs ticked`;
  byId("compare-start").disabled = picked.size < 2;
}

/** The state of a run as the server tells it now. @returns {Promise<?string>} */
export async function state(id) {
  if (!id) return null;
  try {
    return (await api.call("GET", `api/v1/runs/${encodeURIComponent(id)}`)).status;
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    return null; // no run of a market model
  }
}

/** Mark the run that is on show. */
export function highlight() {
  for (const [id, node] of nodes) {
    const here = id === page.shown();
    node.classList.toggle("here", here);
    const name = node.querySelector(".job-name");
    if (here) name.setAttribute("aria-current", "true");
    else name.removeAttribute("aria-current");
  }
}

function choices(id, options) {
  byId(id).replaceChildren(...options.map(([value, words]) => make("option", { value }, words)));
  byId(id).addEventListener("change", () => attempt(() => load(PAGE, 0)));
}

/**
 * Show the list and keep it up to date.
 * @param {{shown: () => ?string, open: (id: string) => void, removed: (id: string) => void,
 *          told: (id: string, status: string) => void,
 *          compare: (ids: string[]) => void}} about
 */
export async function start(about) {
  page = about;
  choices("filter-model", [["", "All models"], ...models().map(({ type, title }) => [type, title])]);
  choices("filter-status", STATES);
  choices("order", ORDERS);
  byId("find-run").addEventListener("input", render);
  byId("jobs-more").addEventListener("click", () => attempt(() => load(PAGE, rows.size)));
  byId("compare-start").addEventListener("click", () => attempt(() => page.compare([...picked])));
  byId("compare-clear").addEventListener("click", () => {
    picked.clear();
    showPicked();
    render();
    byId("jobs").focus();
  });
  await refresh();
  let lost = false;
  followList(
    api.listStreamAddress(),
    (type, row) => (type === "deleted" ? drop(row.job_id) : heard(row)),
    (connected) => {
      if (connected && lost) refresh(); // nobody kept the changes for us meanwhile
      lost = !connected;
    },
    refresh,
  );
}
