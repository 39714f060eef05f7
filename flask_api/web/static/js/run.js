/** The panel of one run: live while it works, then its result. */

import { button, downloads, request } from "./actions.js";
import * as api from "./api.js";
import { asCurl } from "./curl.js";
import { announce, byId, copy, make, note } from "./dom.js";
import * as format from "./format.js";
import { followJob } from "./live.js";
import * as pictures from "./pictures.js";
import { namesIn, namingOf } from "./pictures/naming.js";
import { familyOf } from "./pictures/registry.js";
import * as results from "./results.js";

let job = null; // what is known of the run on show
let parts = {}; // its elements
let stopFollowing = () => {};
let forgetPictures = () => {};
let quarter = 0; // the last quarter a screen reader was told of
let turn = 0; // grows with every run shown: late answers for an earlier one are dropped
let onFailed = () => {};
let onShown = () => {};
let onEdited = null;

/** The id of the run on show, or null. */
export const shown = () => job?.id ?? null;

/** Call `listener(job)` when the run on show fails. */
export function whenFailed(listener) {
  onFailed = listener;
}

/**
 * Offer "Edit and run again" on runs that have ended: calls `listener(job)`, with the job
 * as the server tells it, `params` and `kind` included.
 */
export function whenEdited(listener) {
  onEdited = listener;
}

/** Call `listener()` when another run, or none, is on show. */
export function whenShown(listener) {
  onShown = listener;
}

/** Show nothing. */
export function close() {
  turn += 1;
  leave();
  job = null;
  byId("run-title").textContent = "No run chosen";
  byId("run-body").hidden = true;
  byId("run-empty").hidden = false;
  history.replaceState(null, "", location.pathname + location.search);
  onShown();
}

function leave() {
  stopFollowing();
  forgetPictures();
  stopFollowing = forgetPictures = () => {};
}

/**
 * Show a run and follow it if it has not ended.
 * @param {string} id
 */
export async function show(id) {
  leave();
  const mine = ++turn;
  history.replaceState(null, "", `#run=${encodeURIComponent(id)}`);
  const found = await fetched(id, mine);
  if (!found) return;
  job = found;
  quarter = Math.floor(4 * (job.progress ?? 0));
  build();
  update();
  onShown();
  if (format.ended(job.status)) await finish(mine);
  else follow(mine);
}

/** What the server knows of a run; undefined, and said why, where it cannot be shown. */
async function fetched(id, mine) {
  try {
    const found = await api.getJob(id);
    return mine === turn ? found : undefined;
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    if (mine !== turn) return undefined;
    close();
    note(error.message);
    return undefined;
  }
}

function follow(mine) {
  const closed = () => mine === turn && !format.ended(job.status) && show(job.id);
  stopFollowing = followJob(api.streamAddress(job.id), (type, event) => {
    if (mine !== turn) return;
    // The stream's words for the same things; what an event does not say stays.
    for (const key of ["status", "progress", "step", "total_steps", "phase", "message", "eta_seconds", "rate", "latest_results", "warnings", "error"]) {
      if (event[key] !== undefined && event[key] !== null) job[key] = event[key];
    }
    if (event.eta_seconds === null) job.eta_seconds = null;
    job.stopping = (job.stopping || type === "cancel_requested") && !format.ended(job.status);
    update();
    if (["completed", "failed", "cancelled"].includes(type) || format.ended(job.status)) {
      stopFollowing();
      finish(mine);
    }
  }, (connected) => {
    if (mine === turn && parts.lost) parts.lost.hidden = connected;
  }, closed);
}

const carlo = () => job.kind === "sensitivity.monte_carlo";

function build() {
  byId("run-empty").hidden = true;
  byId("run-title").textContent = job.name || format.analysis(job.kind);
  parts = {
    badge: make("span", { class: "badge" }),
    when: make("span", { class: "muted" }),
    fill: make("div", { class: "fill" }),
    line: make("p", { class: "progress-line" }),
    lost: make("p", { class: "warning", hidden: true }, "The connection is lost; trying again. The run goes on."),
    warnings: make("div", {}),
    problem: make("div", { class: "problem", role: "alert", hidden: true }),
    chart: make("div", { class: "live-chart" }),
    figures: make("div", { class: "figures" }),
    choice: make("div", {}),
    pictures: make("div", { class: "pictures" }),
    actions: make("div", { class: "actions" }),
  };
  parts.bar = make("div", {
    class: "progress", role: "progressbar", "aria-label": "Progress of the run",
    "aria-valuemin": "0", "aria-valuemax": "100",
  }, parts.fill);
  parts.cancel = button("Cancel", async () => {
    await api.cancelJob(job.id);
    if (format.ended(job.status)) return;
    job.stopping = true;
    update();
  }, "danger");
  parts.cancel.id = "cancel";
  const body = byId("run-body");
  body.replaceChildren(
    make("p", { class: "run-head" }, parts.badge, parts.when),
    make("div", { class: "progress-row" }, make("div", { class: "grow" }, parts.bar, parts.line), parts.cancel),
    parts.lost, parts.problem, parts.warnings, parts.choice, parts.figures, parts.chart, parts.pictures, parts.actions,
  );
  body.hidden = false;
}

/** Bring the panel in line with what is known of the run. */
function update() {
  const over = format.ended(job.status);
  const share = job.status === "completed" ? 1 : job.progress ?? 0;
  parts.badge.textContent = job.stopping ? "stopping" : format.status(job.status);
  parts.badge.dataset.status = job.status;
  parts.when.textContent = [
    job.created_at ? format.moment(job.created_at) : "",
    over && Number.isFinite(job.run_seconds) ? `took ${format.duration(job.run_seconds)}` : "",
  ].filter(Boolean).join(" · ");
  parts.fill.style.width = `${100 * share}%`;
  parts.bar.dataset.status = job.status;
  parts.bar.setAttribute("aria-valuenow", String(Math.floor(100 * share)));
  parts.bar.classList.toggle("waiting", job.status === "pending");
  parts.cancel.hidden = over;
  if (job.stopping) parts.cancel.disabled = true;
  const words = progressWords(share, over);
  parts.line.replaceChildren(make("b", {}, format.percent(share)), ...words.map((w) => make("span", {}, w)));
  parts.bar.setAttribute("aria-valuetext", [format.percent(share), ...words].join(", "));
  showWarnings();
  showLive();
  const now = Math.floor(4 * share);
  if (!over && now > quarter && now < 4) announce(`${25 * now} percent`);
  quarter = Math.max(now, quarter);
}

function progressWords(share, over) {
  if (job.status === "pending") return [job.message || "waiting for a free worker"];
  if (job.status === "completed") return [];
  const words = [];
  const told = / of \d/.test(job.message ?? ""); // the message itself says how far it is
  if (!told && job.total_steps > 1) words.push(`${format.count(job.step)} of ${format.count(job.total_steps)}`);
  // what follows a bar in it stands in the tiles
  if (job.message) words.push(carlo() ? job.message : namingOf(job).label(job.message.split(" | ")[0]));
  if (over) return words;
  // Some work is told as a share of the whole: a rate of that says nothing.
  if (job.rate * job.eta_seconds > 1) words.push(format.rate(job.rate));
  if (Number.isFinite(job.eta_seconds)) words.push(`${format.duration(job.eta_seconds)} left`);
  return words;
}

function showWarnings() {
  parts.warnings.replaceChildren(
    ...(job.warnings ?? []).map((item) => make("p", { class: "warning" }, namingOf(job).spoken(item.message ?? String(item)))),
  );
}

function showLive() {
  const latest = job.latest_results;
  if (!latest || job.status === "completed") return;
  const family = familyOf(job.kind, latest.method);
  if (!family?.live) return;
  const naming = namingOf(job);
  family.live(parts.chart, latest, naming, job);
  if (family.liveTiles && parts.chart.hasChildNodes()) parts.figures.replaceChildren(results.tiles(family.liveTiles(latest, naming, job)));
}

/** Draw the live chart anew, at the panel's new width or in new units; it stays where a run was stopped. */
export function redraw() {
  if (job) showLive();
}

/** The run has ended: fetch what is new and show how it went. */
async function finish(mine) {
  try {
    const found = await api.getJob(job.id);
    if (mine !== turn) return;
    const latest = job.latest_results;
    job = found;
    job.latest_results ??= latest;
    update();
    announce(`The run ${job.status === "failed" ? "has failed" : `is ${format.status(job.status)}`}`);
    await showActions(mine);
    if (mine !== turn) return;
    if (job.status === "failed") {
      const { message = "The run failed.", details } = job.error ?? {};
      const { spoken } = namingOf(job);
      const list = Array.isArray(details) ? details.filter((item) => item?.problem && item.problem !== message) : [];
      parts.problem.replaceChildren(
        make("p", {}, spoken(message)),
        list.length ? make("ul", {}, ...list.map((d) => make("li", {}, d.field ? make("b", {}, `${d.field}: `) : "", spoken(d.problem)))) : "",
      );
      parts.problem.hidden = false;
      onFailed(job);
    }
    if (job.status === "completed") await showResult(mine);
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    if (mine === turn) note(error.message);
  }
}

async function showActions(mine) {
  const kept = job.status === "completed" ? [] : await familyOf(job.kind)?.kept?.(job) ?? [];
  if (mine !== turn) return;
  const remove = button("Delete", async () => {
    await api.deleteJob(job.id);
    close();
    byId("run").focus();
  }, "quiet-button");
  parts.actions.replaceChildren(
    ...(job.status === "completed" ? downloads(job) : kept),
    button("Copy as curl", () => copy(asCurl(request(job)))),
    ...(onEdited ? [button("Edit and run again", async () => onEdited(job))] : []),
    button("Run again", async () => {
      const again = await api.rerunJob(job.id);
      await show(again.job_id ?? again.id);
    }),
    remove,
  );
}

async function showResult(mine) {
  const result = await api.getResult(job.id);
  if (mine !== turn) return;
  const family = familyOf(job.kind, result.method);
  if (!family) return;
  const naming = await namesIn(job, result);
  if (mine !== turn) return;
  const outputs = family.outputs(result);
  const first = outputs.includes(result.metadata?.output) ? result.metadata.output : outputs[0];
  if (outputs.length > 1) {
    parts.choice.replaceChildren(results.outputChoice(outputs, first, naming.axis, (output) => showView(mine, family, result, output, naming)));
  }
  await showView(mine, family, result, first, naming);
}

let drawing = 0; // grows with every view drawn: a slower one for another output is dropped

/** Figures, sentence and pictures of one output. */
async function showView(mine, family, result, output, naming) {
  const view = family.view(result, output, naming, job);
  const own = ++drawing;
  parts.figures.replaceChildren(...results.figures(view));
  if (view.pictures.length === 0) return;
  forgetPictures();
  forgetPictures = () => {};
  try {
    const forget = await pictures.show(parts.pictures, view.pictures);
    if (mine !== turn || own !== drawing) return forget();
    forgetPictures = forget;
    parts.chart.replaceChildren();
  } catch (error) {
    note(error.message); // the figures, the live picture and the downloads are there
  }
}
