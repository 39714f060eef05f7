/** The form: which model, its settings, and from these a request. */

import { byId, make } from "../dom.js";
import * as offer from "../offer.js";
import * as columns from "./columns.js";
import { titleOf } from "./data.js";
import { fieldOf } from "./fields.js";
import * as preview from "./preview.js";
import * as words from "./words.js";

let models = [];
let shown = []; // fields of the model on show
const made = new Map(); // model and setting -> field, so that a choice survives a look elsewhere

/** Settings that most users meet, besides those that have to be given. */
const FRONT = /^(n_|(min|max)_number$|model$|rotation$|form$|alternatives$|price$|bootstrap_resamples$)/;
/** Settings beside `params` that the form asks for. */
const BESIDE = ["missing"];

/** The model that is chosen. @returns {import("./words.js").Model} */
export const model = () => models.find(({ kind }) => kind === byId("model").value);

function fields(found) {
  const { kind } = found;
  const about = offer.setting(kind, "params");
  const needed = new Set(about.required ?? []);
  const field = (name, path, required) => {
    const key = `${kind} ${path}`;
    if (!made.has(key)) made.set(key, fieldOf(name, offer.setting(kind, path), found, required, path));
    return made.get(key);
  };
  const names = Object.keys(about.properties);
  const first = (name) => needed.has(name) && !("form" in about.properties); // the form of the table decides what follows
  const place = (name) => (name === "seed" ? 2 : first(name) ? 0 : 1);
  const ordered = names.toSorted((a, b) => place(a) - place(b));
  return [
    ...ordered.map((name) => field(name, `params.${name}`, needed.has(name))),
    ...(found.of === "choices" ? [] : BESIDE.map((name) => field(name, name, false))),
  ];
}

function show() {
  const found = model();
  byId("model-about").replaceChildren(make("b", {}, found.answers), found.when ? ` ${found.when}` : "", make("small", { class: "in-api" }, `In the API: ${found.type}`));
  byId("data").classList.toggle("of-choices", found.of === "choices");
  byId("start").textContent = `Start: ${found.title}`;
  shown = fields(found);
  const many = shown.length > 8;
  const front = ({ front: always, name }) => always || (FRONT.test(name) && (!many || !/^n_(init|tune)/.test(name)));
  byId("settings-front").replaceChildren(...shown.filter(front).map(({ node }) => node));
  const rest = shown.filter((field) => !front(field)).map(({ node }) => node);
  byId("settings-rest").replaceChildren(...rest);
  byId("settings-more").hidden = rest.length === 0;
  refresh();
  clear();
}

/** Some settings belong to one choice alone: to tables in the long form, to the number of classes. */
function showForm() {
  const now = (name) => shown.find((field) => field.name === name)?.node.querySelector("select")?.value || offer.setting(model().kind, `params.${name}`)?.default;
  for (const field of shown) {
    const [name, value] = field.belongs ?? [];
    const chosen = name && now(name);
    field.node.hidden = Boolean(chosen) && chosen !== value;
  }
}

/** Draw anew what follows the data. */
export function refresh() {
  for (const field of shown) field.refresh?.();
  showForm();
  byId("start").disabled = byId("copy-form").disabled = !columns.shown();
  byId("start").title = columns.shown() ? "" : "Choose data first";
}

/** Take back all complaints. */
export function clear() {
  byId("form-problem").hidden = true;
  for (const field of shown) field.clear();
  preview.refresh();
}

/** Fill the choice of models; the description of the server has to be there. */
export function start() {
  models = words.models();
  const select = byId("model");
  const groups = [...new Set(models.map(({ group }) => group))];
  select.replaceChildren(...groups.map((group) => make("optgroup", { label: group },
    ...models.filter((one) => one.group === group).map(({ kind, title }) => make("option", { value: kind }, title)))));
  select.disabled = false;
  select.addEventListener("change", show);
  byId("form").addEventListener("change", showForm);
  show();
}

function nameOf(params) {
  const found = model();
  const size = params[found.sizes];
  const many = found.sizes ? `, ${size ?? offer.setting(found.kind, `params.${found.sizes}`)?.default} ${words.settingOf(found.sizes).toLowerCase()}` : "";
  return `${titleOf(columns.shown()).replace(/\.(csv|tsv|txt)$/i, "")}: ${found.title}${many}`.slice(0, 255);
}

/**
 * The request that the form stands for, as `/api/jobs` takes it; null after saying what is wrong.
 * @returns {?{kind: string, name: string, params: object}}
 */
export function read() {
  clear();
  const found = [];
  const request = { data_id: columns.shown().data_id, params: {} };
  const products = model().of === "choices" ? undefined : columns.asked();
  if (products) request.product_columns = products;
  for (const field of shown) {
    if (field.node.hidden) continue;
    const value = field.read(found);
    if (value === undefined) continue;
    if (field.path.startsWith("params.")) request.params[field.name] = value;
    else request[field.name] = value;
  }
  if (found.length > 0) {
    refuse("This has to be mended before the run can start:", found);
    return null;
  }
  return { kind: model().kind, name: byId("run-name").value.trim() || nameOf(request.params), params: request };
}

/** Fill the form as an earlier request had it. */
export function write({ kind, params }) {
  if (!models.some((one) => one.kind === kind)) return;
  byId("model").value = kind;
  show();
  const given = params.params ?? {};
  const covariates = Object.entries(given).filter(([name]) => /_columns$/.test(name)).flatMap(([, value]) => value ?? []);
  if (model().of !== "choices") columns.takeAsIn(params.product_columns, covariates);
  for (const field of shown) field.write((field.path.startsWith("params.") ? given : params)[field.name] ?? undefined);
  showForm();
  byId("run-name").value = "";
  clear();
}

/** Mark the field or the column that a complaint names. @returns {string} what it is called */
function mark(name, problem) {
  const parts = String(name).split(/[.[\]]+/).filter((word) => word && word !== "params");
  const field = shown.find((one) => one.name === parts[0]);
  preview.blame(problem);
  if (problem.includes("`missing`")) shown.find((one) => one.name === "missing")?.complain("say here what to do about them");
  if (!field) return { product_columns: "Products", data: "Data", body: "" }[parts[0]] ?? name;
  field.complain(words.spoken(model().kind, problem), parts.slice(1));
  return field.title;
}

/** The sentence without the name of its field: that stands before it. */
const bare = (field, problem) => [`params.${field}: `, `${field}: `].reduce((said, start) => (said.startsWith(start) ? said.slice(start.length) : said), problem);

/**
 * Say at the foot of the form what is wrong, and mark fields and columns.
 * @param {{field?: string, problem: string}[]} details
 */
export function refuse(message, details = [], fromServer = false) {
  const lines = details.map(({ field = "", problem }) => {
    const said = bare(field, problem);
    const title = fromServer ? mark(field, said) : field;
    return make("li", {}, title ? make("b", {}, `${title}: `) : "", words.spoken(model().kind, said));
  });
  byId("form-problem").replaceChildren(
    make("p", {}, fromServer && lines.length > 0 ? "The server refuses this:" : message),
    lines.length > 0 ? make("ul", {}, ...lines) : "");
  byId("form-problem").hidden = false;
  byId("form").querySelector('[aria-invalid="true"]')?.scrollIntoView({ block: "center" });
}
