/** A finished run put back into the form: all of its request, and what the form cannot show. */

import * as choices from "./choices.js";
import { announce, byId, make, note } from "./dom.js";
import { analysis } from "./format.js";
import * as formula from "./formula.js";
import * as inputs from "./inputs.js";
import { at, drop, leaves, put } from "./json.js";
import * as models from "./models.js";
import * as settings from "./settings.js";

/** @type {?{job: object, choice: string, left: object, rounded: boolean}} `left`: what has no field in the form */
let editing = null;

const copyOf = (value) => JSON.parse(JSON.stringify(value));

/** A name after another's: "Base, changed", "Base, changed 2". */
function nextName(name) {
  const found = name.match(/^(.*), changed(?: (\d+))?$/s);
  const next = found ? `${found[1]}, changed ${Number(found[2] ?? 1) + 1}` : `${name}, changed`;
  return next.length <= 255 ? next : `${name.slice(0, 244)}, changed`;
}

/** The model of a request, wherever it names one. */
function modelOf(params) {
  const items = [...(params.parameters ?? []), params.parameter ?? {}];
  const first = (key) => params.model?.[key] ?? params[key] ?? items.find((item) => item[key])?.[key];
  return { version: String(first("version") ?? "1"), extension: first("extension") ?? "" };
}

/**
 * Put a run's request into the form.
 * @param {{id: string, kind: string, name?: string, params: object}} job
 * @returns {boolean} false, and said why, where the form has no place for it
 */
export function begin(job) {
  const choice = choices.of(job);
  if (!choice) {
    note(`A run of the kind “${analysis(job.kind)}” is not set up in this form. Use “Copy as curl” or “Run again”.`);
    return false;
  }
  const params = copyOf(job.params ?? {});
  const ownModel = Boolean(params.model?.formula || params.model?.outputs);
  const { version, extension } = modelOf(params);
  if (choice.asks !== "data" && !ownModel && !models.known(version)) {
    note(`The model “${version}” of that run is not in the catalogue any more, so its form cannot be shown.`);
    return false;
  }
  editing = null; // what follows is no change by the user
  choices.choose(choice.id);
  if (choice.asks !== "data") fillModel(params, ownModel, version, extension);
  for (const key of Object.keys(choice.params)) delete params[key];
  const seed = at(params, "config.seed");
  const rounded = seed !== undefined && !Number.isSafeInteger(seed);
  if (rounded) drop(params, "config.seed");
  settings.write(params);
  editing = { job, choice: choice.id, left: params, rounded };
  byId("run-name").value = nextName(job.name || analysis(job.kind));
  show();
  byId("setup").scrollIntoView();
  byId("setup").focus({ preventScroll: true });
  announce(`The request of ${job.name || "the run"} is in the form`);
  return true;
}

/** Model and inputs; takes from `params` what the form now says. */
function fillModel(params, ownModel, version, extension) {
  if (ownModel) {
    formula.write(params.model);
    models.choose(formula.FORMULA);
    delete params.model;
  } else {
    formula.forget();
    // a variant that is gone stays in the request, so that the server says so
    models.choose(version, models.hasVariant(version, extension) ? extension : "");
    for (const path of ["version", "extension", "model.version"]) drop(params, path);
    if (models.extension() === extension) drop(params, "model.extension");
    else if (extension) put(params, "model.extension", extension);
  }
  if (params.parameter) {
    params.parameters = [params.parameter];
    delete params.parameter;
  }
  const steps = new Set((params.parameters ?? []).map((item) => item.steps));
  if (steps.size === 1 && settings.writeSteps([...steps][0])) for (const item of params.parameters) delete item.steps;
  const left = inputs.fill({ overrides: at(params, "model.overrides"), parameters: params.parameters, uncertain: params.uncertain });
  drop(params, "model.overrides");
  for (const [name, value] of Object.entries(left.overrides)) put(params, `model.overrides.${name}`, value);
  for (const key of ["parameters", "uncertain"]) {
    delete params[key];
    if (left[key].length > 0) params[key] = left[key];
  }
}

const LISTS = ["parameters", "uncertain"];
/** What holds settings; what stands in them is one setting each. */
const HOLDERS = new Set(["config", "budget", "model", "model.overrides"]);
const settingsOf = (left) => leaves(Object.fromEntries(Object.entries(left).filter(([key]) => !LISTS.includes(key))), (path) => HOLDERS.has(path))
  .filter(([, value]) => !isEmpty(value));
const isEmpty = (value) => value !== null && typeof value === "object" && Object.keys(value).length === 0;

/** What is kept: [path, value, take it away]. */
function keptParts() {
  const { left } = editing;
  const listed = LISTS.flatMap((key) => (left[key] ?? []).map((kept) => [
    `${key === "uncertain" ? "uncertain " : ""}input ${kept.item.id ?? "(all inputs)"}`, kept.item,
    () => (left[key] = left[key].filter((other) => other !== kept)),
  ]));
  return [...listed, ...settingsOf(left).map(([path, value]) => [path, value, () => drop(left, path)])];
}

/** Add to a request what is kept of the edited one; the form's own word wins. */
export function merge(params) {
  if (!editing) return;
  for (const key of LISTS) {
    // at their old places: the same seed draws the same numbers only in the same order
    for (const { item, index } of editing.left[key] ?? []) (params[key] ??= []).splice(index, 0, item);
  }
  for (const [path, value] of settingsOf(editing.left)) {
    if (at(params, path) === undefined) put(params, path, value);
  }
}

/** Another analysis was chosen: settings of the old one are not for it. */
export function analysisChanged() {
  if (!editing || choices.chosen().id === editing.choice) return;
  const { parameters, uncertain, model } = editing.left;
  editing.left = { ...(parameters && { parameters }), ...(uncertain && { uncertain }), ...(model && { model }) };
  editing.choice = choices.chosen().id;
  show();
}

/** The edited run was started: the next one has the next name. */
export function started(name) {
  if (editing) byId("run-name").value = nextName(name);
  else byId("run-name").value = "";
}

/** No longer edit; the form stays as it is. */
function end() {
  editing = null;
  byId("run-name").value = "";
  show();
  byId("setup").focus();
}

function show() {
  const box = byId("editing");
  box.hidden = !editing;
  if (!editing) return box.replaceChildren();
  const parts = keptParts();
  const lines = parts.map(([path, value, remove]) => make("li", {}, make("code", {}, path), " ", make("span", {}, shortened(value)), " ", make("button", {
    type: "button", class: "link", "aria-label": `Remove ${path} from the request`,
    onclick: () => {
      remove();
      show();
      box.querySelector("button").focus();
    },
  }, "remove")));
  return box.replaceChildren(
    make("p", {}, "Changing ", make("a", { href: `#run=${encodeURIComponent(editing.job.id)}` }, editing.job.name || "an earlier run"),
      ". Start makes a new run; that one stays as it is. ", make("button", { type: "button", class: "link", onclick: end }, "Stop changing it")),
    ...(editing.rounded ? [make("p", {}, "Its seed has more digits than a browser can hold and is left out. “Run again” draws the same numbers.")] : []),
    ...(lines.length > 0 ? [make("p", {}, "Also part of the request, though this form has no fields for it:"), make("ul", {}, ...lines)] : []),
  );
}

function shortened(value) {
  const words = JSON.stringify(value);
  return words.length > 120 ? `${words.slice(0, 117)} …` : words;
}
