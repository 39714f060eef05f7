/** The page: brings form, run and list together. */

import * as api from "./api.js";
import { asCurl } from "./curl.js";
import { announce, byId, copy } from "./dom.js";
import * as inputs from "./inputs.js";
import * as jobs from "./jobs.js";
import * as models from "./models.js";
import * as request from "./request.js";
import * as run from "./run.js";

let started = null; // the run this form started last: its complaints belong to the form

function showAnalysis() {
  const name = request.analysis();
  byId("settings-monte-carlo").hidden = name !== "monte_carlo";
  byId("settings-tornado").hidden = name !== "tornado";
  byId("start").textContent = name === "tornado" ? "Start the tornado" : "Start Monte Carlo";
  inputs.showFor(name);
  request.clear();
}

async function openRun(id) {
  const before = run.shown();
  await run.show(id);
  // On a narrow screen the panel stands below the form: bring its head, with the bar,
  // into view, unless it is there already.
  const { top } = byId("run").getBoundingClientRect();
  if (before !== id && (top < 0 || top > innerHeight / 2)) byId("run").scrollIntoView();
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
  for (const choice of form.elements.analysis) choice.addEventListener("change", showAnalysis);
  byId("find").addEventListener("input", inputs.filter);
  byId("find").addEventListener("keydown", (event) => {
    if (event.key === "Enter") event.preventDefault(); // searching starts nothing
  });
  byId("show-all").addEventListener("change", inputs.filter);
  byId("reset-inputs").addEventListener("click", () => {
    inputs.undoAll();
    byId("find").focus();
  });
  byId("copy-form").addEventListener("click", () => {
    const asked = request.read();
    if (asked) copy(asCurl(asked));
  });
  run.whenShown(jobs.highlight);
  run.whenFailed((job) => {
    if (job.id !== started && job.job_id !== started) return;
    const details = Array.isArray(job.error?.details) ? job.error.details : [];
    if (details.length > 0) request.showProblem(job.error.message, details, true);
  });
  new ResizeObserver(() => run.redraw()).observe(byId("run"));
}

const RETRY_MS = 3000;

async function loadModels() {
  try {
    await models.load(() => {
      inputs.show(`${models.model().version}/${models.extension()}`, models.inputs());
      request.clear();
    });
    showAnalysis();
    byId("start").disabled = byId("copy-form").disabled = false;
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    byId("model-about").textContent = "";
    request.showProblem(`The models could not be read: ${error.message} Trying again …`);
    setTimeout(loadModels, RETRY_MS);
  }
}

function showConnection(connected) {
  const box = byId("connection");
  box.textContent = connected ? "live" : "reconnecting …";
  box.dataset.state = connected ? "on" : "off";
}

const wanted = () => {
  const found = location.hash.match(/^#run=(.+)$/);
  return found ? decodeURIComponent(found[1]) : null;
};

wire();
await loadModels();
if (wanted()) await run.show(wanted());
await jobs.start({
  shown: run.shown,
  open: openRun,
  removed: (id) => id === run.shown() && run.close(),
  connected: showConnection,
});
window.addEventListener("hashchange", () => {
  if (wanted() && wanted() !== run.shown()) openRun(wanted());
});
