/** The page of market structure: data, a model, its run, and the list of runs. */

import * as api from "../api.js";
import { asCurl } from "../curl.js";
import { announce, byId, copy, make, note } from "../dom.js";
import * as offer from "../offer.js";
import * as run from "../run.js";
import * as calls from "./calls.js";
import * as columns from "./columns.js";
import * as compare from "./compare.js";
import * as data from "./data.js";
import * as form from "./form.js";
import * as groups from "./groups.js";
import * as preview from "./preview.js";
import * as runs from "./runs.js";

const RETRY_MS = 3000;
let started = null; // the run this form started last: its complaints belong to the form

/** On a narrow screen panels stand below the form: bring one's head into view, unless it is. */
function bringIntoView(id) {
  const { top } = byId(id).getBoundingClientRect();
  if (top < 0 || top > innerHeight / 2) byId(id).scrollIntoView();
}

async function open(id) {
  const before = run.shown();
  await run.show(id);
  if (before !== id) bringIntoView("run");
}

/** Groups are to be had of what a finished run has placed. */
const offerGroups = (status) => groups.offerFor(status === "completed" ? run.shown() : null);

async function start(event) {
  event.preventDefault();
  const button = byId("start");
  if (!columns.shown() || button.getAttribute("aria-disabled") === "true") return;
  const asked = form.read();
  if (!asked) return;
  // Not `disabled`: that would throw the keyboard's focus away.
  button.setAttribute("aria-disabled", "true");
  try {
    started = await calls.start(asked);
    byId("editing").hidden = true;
    announce(`Started: ${asked.name}`);
    await open(started);
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    form.refuse(error.message, error.details, true);
  } finally {
    button.removeAttribute("aria-disabled");
  }
}

/** The form as it was for a run, so that something can be changed. */
async function edit(job) {
  try {
    if (job.params.data_id) await data.open(job.params.data_id);
    else if (!columns.shown()) note("This run brought its data with it: choose the same file.");
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    note(`Its data are gone: ${error.message}`);
  }
  if (!columns.shown()) return;
  form.write(job);
  byId("editing").replaceChildren(make("p", {}, "The form is as it was for ", make("b", {}, job.name || "this run"), "; change something and start."));
  byId("editing").hidden = false;
  bringIntoView("setup");
  byId("model").focus();
}

function wire() {
  byId("form").addEventListener("submit", start);
  byId("copy-form").addEventListener("click", () => {
    const asked = form.read();
    if (asked) copy(asCurl(asked));
  });
  columns.whenChanged((same) => {
    if (same) preview.refresh();
    else preview.show();
    form.refresh();
  });
  run.whenShown(() => {
    runs.highlight();
    runs.state(run.shown()).then(offerGroups);
  });
  byId("compare-close").addEventListener("click", () => {
    compare.close();
    byId("jobs").focus();
  });
  run.whenEdited(edit);
  run.whenFailed((job) => {
    if ((job.id ?? job.job_id) !== started) return;
    const details = Array.isArray(job.error?.details) ? job.error.details.filter((item) => item?.problem) : [];
    if (details.length > 0) form.refuse(job.error.message, details, true);
  });
  new ResizeObserver(() => run.redraw()).observe(byId("run"));
}

async function load() {
  try {
    await offer.load();
    form.start();
    groups.start();
    await data.start();
    await runs.start({
      shown: run.shown, open, compare: compareRuns,
      removed: (id) => id === run.shown() && run.close(),
      told: (id, status) => id === run.shown() && offerGroups(status),
    });
    return true;
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    byId("model-about").textContent = `The models could not be read: ${error.message} Trying again …`;
    setTimeout(async () => (await load()) && follow(), RETRY_MS);
    return false;
  }
}

async function compareRuns(ids) {
  await compare.show(ids);
  bringIntoView("compare");
}

/** What the address names: a run or runs to compare. */
async function follow() {
  const [, what, words] = location.hash.match(/^#(run|compare)=(.+)$/) ?? [];
  if (what === "run" && words !== run.shown()) await open(decodeURIComponent(words));
  if (what === "compare") await compareRuns(words.split(",").map(decodeURIComponent).filter(Boolean));
}

wire();
const loaded = await load();
// From the very moment at which the address is read: else a link followed meanwhile is lost.
window.addEventListener("hashchange", follow);
if (loaded) await follow();
