/** Finished runs side by side: figures, pictures, and what their requests differ in. */

import * as api from "./api.js";
import { pictures as sharedPictures } from "./compare_pictures.js";
import { byId, copy, make, note } from "./dom.js";
import * as format from "./format.js";
import { leaves, same } from "./json.js";
import * as models from "./models.js";
import * as pictures from "./pictures.js";
import { namesIn } from "./pictures/naming.js";
import { familyOf } from "./pictures/registry.js";
import { titleOf } from "./settings.js";

const MOST = 6;
const COLOURS = ["accent", "high", "low", "warm", "good", "bad"];

let ids = []; // of the comparison on show
let turn = 0; // grows with every comparison: late answers for an earlier one are dropped
let forget = () => {};

const addressOf = (list) => `#compare=${list.map(encodeURIComponent).join(",")}`;

/** Show nothing. */
function close() {
  turn += 1;
  ids = [];
  forget();
  forget = () => {};
  byId("compare").hidden = true;
  if (location.hash.startsWith("#compare=")) history.replaceState(null, "", location.pathname + location.search);
  byId("jobs").focus();
}

/** A row of the list has changed: a run that was awaited may have finished. */
export function heard(id, status) {
  if (ids.includes(id) && format.ended(status)) draw();
}

/**
 * Show two or more runs beside each other.
 * @param {string[]} wanted their ids
 */
export async function show(wanted) {
  ids = [...new Set(wanted)].slice(0, MOST);
  if (new Set(wanted).size > MOST) note(`At most ${MOST} runs are compared: the first ${MOST} are shown.`);
  history.replaceState(null, "", addressOf(ids));
  await draw();
}

async function draw() {
  const mine = ++turn;
  const asked = await Promise.all(ids.map(fetched));
  if (mine !== turn) return;
  forget();
  forget = () => {};
  const runs = asked.filter(({ result }) => result).map((run, index) => ({ ...run, colour: COLOURS[index] }));
  name(runs);
  const drawn = make("div", { class: "pictures" });
  byId("compare").hidden = false;
  byId("compare-body").replaceChildren(
    ...asked.filter(({ problem }) => problem).map(({ problem }) => make("p", { class: "warning" }, problem)),
    ...(runs.length < 2 ? [make("p", { class: "empty" }, runs.length === 0
      ? "None of these runs can be compared. Tick two or more finished runs in the list below."
      : "One run alone has nothing to be compared with. Tick another finished one in the list below.")] : []),
    ...(runs.length > 1 ? [figures(runs), differences(runs), drawn] : []),
    make("div", { class: "actions" },
      ...(runs.length > 1 ? [make("button", { type: "button", class: "secondary", onclick: () => copy(new URL(addressOf(ids), location.href).href) }, "Copy the address")] : []),
      make("button", { type: "button", class: "quiet-button", onclick: close }, "Close the comparison")),
  );
  byId("compare-title").textContent = runs.length > 1 ? `${runs.length} runs compared` : "Comparison";
  if (runs.length > 1) await drawPictures(runs, drawn, mine);
}

/** A run and its result, or in words why it cannot be compared. */
async function fetched(id) {
  try {
    const job = await api.getJob(id);
    const words = `“${job.name || format.analysis(job.kind)}”`;
    if (job.status !== "completed") {
      return { problem: format.ended(job.status)
        ? `${words} ${job.status === "failed" ? "has failed" : "was cancelled"}: it has no result to compare.`
        : `${words} is not finished yet: it joins as soon as it is.` };
    }
    const result = await api.getResult(id);
    const naming = await namesIn(job, result);
    const family = familyOf(job.kind, result.method);
    const outputs = family?.outputs(result) ?? [];
    const output = outputs.includes(result.metadata?.output) ? result.metadata.output : outputs[0];
    return { id, job, result, naming, family, output };
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    return { problem: error.status === 404 ? `There is no run “${id.slice(0, 40)}” here: it was deleted, or belongs to somebody else.` : `“${id.slice(0, 40)}”: ${error.message}` };
  }
}

/** Names to tell the runs apart: their own; of two alike, with the time beside. */
function name(runs) {
  for (const run of runs) run.name = run.job.name || format.analysis(run.job.kind);
  for (const run of runs) run.full = run.name;
  const count = (words) => runs.filter(({ full }) => full === words).length;
  runs.forEach((run, index) => {
    if (count(run.full) > 1) run.name = `${run.full} (${index + 1})`;
  });
}

const heads = (runs) => make("thead", {}, make("tr", {}, make("td", {}), ...runs.map((run) => make("th", { scope: "col" },
  make("span", { class: "run-colour", "data-colour": run.colour }), make("a", { href: `#run=${encodeURIComponent(run.id)}` }, run.name)))));

const table = (title, runs, rows, cls = "") => make("div", { class: `compare-table ${cls}`, tabindex: "0", role: "region", "aria-label": title },
  make("table", {}, heads(runs), make("tbody", {}, ...rows.map(([words, ...cells]) =>
    make("tr", {}, make("th", { scope: "row" }, words), ...cells.map((cell) => make("td", {}, cell)))))));

/** Figures of all runs, in the order in which they first come. */
function figures(runs) {
  const tiles = runs.map(({ family, result, output, naming, job }) => family?.view(result, output, naming, job).tiles.filter(Boolean) ?? []);
  const names = [...new Set(tiles.flat().map(([title]) => title))];
  const cell = (own, title) => {
    const found = own.find(([words]) => words === title);
    return found ? [found[1], found[2]].filter(Boolean).join(" ") : "–";
  };
  const rows = [
    ["Analysis", ...runs.map(({ job, result }) => (result.method ? `${format.analysis(job.kind)}: ${result.method}` : format.analysis(job.kind)))],
    ...names.map((title) => [title, ...tiles.map((own) => cell(own, title))]),
    ["Took", ...runs.map(({ job }) => format.duration(job.run_seconds) || "–")],
  ];
  return make("section", {}, make("h3", {}, "Key figures"), table("Key figures", runs, rows));
}

/** A request as [path, value] with inputs by their name instead of their place. */
function flat({ job }) {
  const params = { ...job.params };
  const model = params.model ?? {};
  for (const key of ["parameters", "uncertain"]) {
    const items = params[key];
    if (Array.isArray(items)) params[key] = Object.fromEntries(items.map(({ id, ...item }, index) => [id ?? `item ${index + 1}`, item]));
  }
  // the model's version may stand in two places
  params.model = { version: String(params.version ?? "1"), ...model, ...(model.version !== undefined ? { version: String(model.version) } : {}) };
  if (model.formula || model.outputs) delete params.model.version;
  delete params.version;
  return new Map(leaves(params));
}

const shownValue = (value) => {
  if (value === undefined) return "–";
  if (typeof value === "number") return format.editable(value);
  if (value !== null && typeof value === "object" && Object.keys(value).length === 0) return "yes";
  const words = typeof value === "string" ? value : JSON.stringify(value);
  return words.length > 80 ? `${words.slice(0, 77)} …` : words;
};

/** A path in words: an input's label, then what of it. */
function pathWords(path, runs) {
  const [first, id, ...rest] = path.split(".");
  if (["parameters", "uncertain"].includes(first) && id) {
    return [runs.map(({ naming }) => naming.label(id)).find((words) => words !== id) ?? id, rest.join(" ").replaceAll("_", " ") || (first === "uncertain" ? "uncertain" : "varies")];
  }
  if (first === "model" && id === "overrides") return [runs.map(({ naming }) => naming.label(rest[0])).find((words) => words !== rest[0]) ?? rest[0], "value"];
  const [name, ...parts] = first === "config" || first === "budget" ? [id, ...rest] : path.split(".");
  return [titleOf(name), parts.join(" ").replaceAll("_", " ")];
}

function differences(runs) {
  const requests = runs.map(flat);
  const paths = [...new Set(requests.flatMap((request) => [...request.keys()]))];
  const rows = paths.filter((path) => requests.some((request) => !same(request.get(path) ?? null, requests[0].get(path) ?? null)));
  const words = (path, value) => (path === "model.version" && value !== undefined ? models.titleOf(value) : shownValue(value));
  const cells = rows.map((path) => {
    const [title, part] = pathWords(path, runs);
    return [[title, part ? make("small", {}, ` ${part}`) : ""], ...requests.map((request) => words(path, request.get(path)))];
  });
  const alike = paths.length - rows.length;
  return make("section", {}, make("h3", {}, "What the requests differ in"),
    rows.length === 0
      ? make("p", { class: "muted" }, runs.some(({ job }) => job.kind !== runs[0].job.kind) ? "Nothing but the analysis." : "Nothing: they are the same request. Without a seed, each run draws its own numbers.")
      : table("What the requests differ in", runs, cells, "differs"),
    rows.length > 0 && alike > 0 ? make("p", { class: "muted" }, `${format.count(alike)} further settings are the same.`) : null);
}

async function drawPictures(runs, box, mine) {
  const found = sharedPictures(runs);
  if (found.length === 0) {
    box.replaceWith(make("p", { class: "muted" }, "These runs have no picture in common: open each for its own."));
    return;
  }
  try {
    const done = await pictures.show(box, found);
    if (mine !== turn) return done();
    forget = done;
  } catch (error) {
    note(error.message); // figures and differences are there
  }
}
