/** The page: brings form, run, comparison and list together. */

import * as api from "./api.js";
import * as choices from "./choices.js";
import * as compare from "./compare.js";
import { asCurl } from "./curl.js";
import { announce, byId, copy } from "./dom.js";
import * as edit from "./edit.js";
import * as formula from "./formula.js";
import * as inputs from "./inputs.js";
import * as jobs from "./jobs.js";
import * as models from "./models.js";
import * as offer from "./offer.js";
import * as request from "./request.js";
import * as run from "./run.js";
import * as settings from "./settings.js";

let started = null; // the run this form started last: its complaints belong to the form

function showAnalysis() {
  const choice = choices.chosen();
  const alone = choice.asks === "data";
  byId("model-block").hidden = byId("inputs-block").hidden = alone;
  byId("start").textContent = `Start: ${choice.title}`;
  if (!alone) inputs.showFor({ asks: choice.asks, mode: choice.asks });
  settings.show(choice);
  request.clear();
  edit.analysisChanged();
}

function showModel(growing = false) {
  inputs.show(`${models.model().version}/${models.extension()}`, models.inputs(), growing || models.isFormula());
  settings.refresh();
  request.clear();
}

/** On a narrow screen panels stand below the form: bring one's head into view, unless it is. */
function bringIntoView(id) {
  const { top } = byId(id).getBoundingClientRect();
  if (top < 0 || top > innerHeight / 2) byId(id).scrollIntoView();
}

async function openRun(id) {
  const before = run.shown();
  await run.show(id);
  if (before !== id) bringIntoView("run");
}

async function start(event) {
  event.preventDefault();
  const asked = request.read();
  if (!asked) return;
  const button = byId("start");
  if (button.getAttribute("aria-disabled") === "true") return;
  // Not `disabled`: that would throw the keyboard's focus away.
  button.setAttribute("aria-disabled", "true");
  try {
    const answer = await api.startJob(asked);
    started = answer.id ?? answer.job_id;
    edit.started(asked.name);
    announce(`Started: ${asked.name}`);
    await openRun(started);
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    request.showProblem(error.message, error.details, true);
  } finally {
    button.removeAttribute("aria-disabled");
  }
}

function wire() {
  const form = byId("form");
  form.addEventListener("submit", start);
  form.addEventListener("keydown", (event) => {
    // searching starts nothing
    if (event.key === "Enter" && event.target.id === "find") event.preventDefault();
  });
  byId("find").addEventListener("input", inputs.filter);
  byId("show-all").addEventListener("change", inputs.filter);
  byId("reset-inputs").addEventListener("click", () => {
    inputs.undoAll();
    byId("find").focus();
  });
  byId("copy-form").addEventListener("click", () => {
    const asked = request.read();
    if (asked) copy(asCurl(asked));
  });
  inputs.whenChanged(settings.refresh);
  run.whenShown(jobs.highlight);
  run.whenEdited(edit.begin);
  run.whenFailed((job) => {
    if (job.id !== started && job.job_id !== started) return;
    const details = Array.isArray(job.error?.details) ? job.error.details : [];
    if (details.length > 0) request.showProblem(job.error.message, details, true);
  });
  new ResizeObserver(() => run.redraw()).observe(byId("run"));
}

const RETRY_MS = 3000;

async function loadForm() {
  try {
    await offer.load();
    choices.fill(showAnalysis);
    formula.start(() => models.isFormula() && showModel(true));
    await models.load(() => showModel());
    showAnalysis();
    byId("start").disabled = byId("copy-form").disabled = false;
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    byId("model-about").textContent = "";
    request.showProblem(`The models could not be read: ${error.message} Trying again …`);
    setTimeout(loadForm, RETRY_MS);
  }
}

function showConnection(connected) {
  const box = byId("connection");
  box.textContent = connected ? "live" : "reconnecting …";
  box.dataset.state = connected ? "on" : "off";
}

/** An id out of the address; one that somebody cut off in the middle stays as it is. */
function decoded(words) {
  try {
    return decodeURIComponent(words);
  } catch {
    return words;
  }
}

/** What the address names: {run: id} or {compare: ids}. */
function wanted() {
  const [, what, words] = location.hash.match(/^#(run|compare)=(.+)$/) ?? [];
  if (what === "run") return { run: decoded(words) };
  return what === "compare" ? { compare: words.split(",").map(decoded).filter(Boolean) } : {};
}

async function follow() {
  const { run: id, compare: ids } = wanted();
  if (id && id !== run.shown()) await openRun(id);
  if (ids) {
    await compare.show(ids);
    bringIntoView("compare");
  }
}

wire();
await loadForm();
// From the very moment at which the address is read: else a link followed meanwhile is lost.
window.addEventListener("hashchange", follow);
const first = wanted();
if (first.run) await run.show(first.run);
await jobs.start({
  shown: run.shown,
  open: openRun,
  removed: (id) => id === run.shown() && run.close(),
  connected: showConnection,
  compare: async (ids) => {
    await compare.show(ids);
    bringIntoView("compare");
  },
  heard: compare.heard,
});
if (first.compare) await follow();
