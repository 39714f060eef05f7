/** The list of inputs: their values, which of them vary, and how. */

import * as distributions from "./distributions.js";
import { byId } from "./dom.js";
import * as one from "./input_row.js";
import { same } from "./json.js";

const kept = new Map(); // model and variant -> rows: edits outlive a look at another model
let rows = [];
let view = { asks: "draws", mode: "draws" };
let onChange = () => {};

/** Call `listener()` when something was said of an input. */
export function whenChanged(listener) {
  onChange = listener;
}

/**
 * Show another model's inputs.
 * @param {boolean} [growing] they come and go while a formula is written: rows stay as they are
 */
export function show(key, inputs, growing = false) {
  const any = inputs.some((input) => input.distribution);
  const known = kept.get(key);
  if (!known || growing) {
    const before = new Map((known ?? []).map((row) => [row.input.name, row]));
    const now = inputs.map((input) => before.get(input.name) ?? one.begin(input, any));
    const gone = (known ?? []).filter((row) => !now.includes(row));
    for (const row of gone) row.out = true;
    for (const row of now) row.out = false;
    kept.set(key, [...now, ...gone]);
  }
  rows = kept.get(key).filter((row) => !row.out);
  byId("find").value = "";
  render();
}

/** Show what another analysis asks of each input. @param {{asks: string, mode: string}} wanted */
export function showFor(wanted) {
  view = wanted;
  render();
}

export function undoAll() {
  const any = rows.some((row) => row.input.distribution);
  for (const row of rows) Object.assign(row, one.begin(row.input, any), { node: row.node });
  render();
}

function render() {
  byId("inputs").replaceChildren(...rows.map((row) => one.nodeOf(row, view, summary)));
  filter();
  summary();
}

/** Hide what is not searched for, and inputs that stand at zero and do not vary. */
export function filter() {
  const words = byId("find").value.toLowerCase().split(/\s+/).filter(Boolean);
  const all = byId("show-all").checked;
  let unused = 0;
  for (const row of rows) {
    const { name, s_number: number, label, unit } = row.input;
    const text = `${name} ${number ?? ""} ${label} ${unit}`.toLowerCase();
    const idle = row.input.value === 0 && !one.changed(row) && !row.vary[view.mode];
    if (idle) unused += 1;
    row.node.hidden = words.length > 0
      ? !words.every((word) => text.includes(word))
      : idle && !all && !row.node.contains(document.activeElement);
  }
  byId("show-all-text").textContent = `Show ${unused} unused`;
  byId("show-all").parentElement.hidden = unused === 0;
}

/** Those that vary: in the order of an earlier run where there was one, for the order decides what a seed draws. */
const varying = () => rows.filter((row) => row.vary[view.mode])
  .sort((one, other) => (one.place[view.mode] ?? Infinity) - (other.place[view.mode] ?? Infinity) || 0);
const uncertain = (row) => view.mode in row.role && row.role[view.mode] === "uncertain";

const VERBS = { draws: "drawn at random", range: "moved", moves: "moved", chosen: "to choose", axes: "to look along" };
const HINTS = { chosen: "Tick those that are yours to choose.", axes: "Tick one or two." };

function summary() {
  const drawn = varying().filter(uncertain).length;
  const edits = rows.filter(one.changed).length;
  byId("varied-count").textContent = `${varying().length - drawn} of ${rows.length} inputs ${VERBS[view.mode]}${
    drawn ? `, ${drawn} uncertain` : ""}${edits ? `, ${edits} changed` : ""}. ${varying().length > drawn ? "" : HINTS[view.mode] ?? "Tick at least one."}`;
  byId("reset-inputs").hidden = !rows.some(one.touched);
  onChange();
}

const rowOf = (id) => rows.find(({ input }) => input.name === id || (id && input.s_number === id));

/** Say beside an input what the server found. @returns {?string} its label, null if there is none */
export function complainAbout(name, field, text) {
  const row = rowOf(name);
  if (row) one.complain(row, field, text);
  return row?.input.label ?? null;
}

/** Those that are drawn, as [name, label]: what correlation and groups are about. */
export const drawn = () => varying()
  .filter((row) => !(view.mode in row.role) || uncertain(row))
  .map((row) => [row.given[view.mode]?.id ?? row.input.name, row.input.label]);

/** What one row adds to the request; `refuse(field, problem)` is told what cannot be read. */
function itemOf(row, refuse = () => {}) {
  const id = row.input.name;
  if (row.given[view.mode]) return row.given[view.mode];
  const wanted = one.fieldsFor(row, view.asks, view.mode);
  if (wanted === "moves") return { id };
  const [kind, fields] = wanted === "range" ? ["uniform", row.ends] : [row.kind, row.fields];
  const read = one.reading(row);
  for (const [field, text] of Object.entries(distributions.problems(kind, fields, read))) {
    refuse(field, `${distributions.KINDS[kind].fields[field]}: ${text}`);
  }
  return wanted === "range"
    ? { id, range: { min: read(fields.low), max: read(fields.high) } }
    : { id, distribution: distributions.asRequest(kind, fields, read) };
}

/**
 * What the request says about inputs, or the number of fields that cannot be read.
 * @returns {{overrides: Object<string, number>, values: Object<string, object>,
 *            parameters: object[], uncertain: object[], wrong: number}}
 *   `values`: every input of a formula, with its value
 */
export function read() {
  const said = { overrides: {}, values: {}, parameters: [], uncertain: [], wrong: 0 };
  const items = new Map();
  for (const row of rows) {
    const refuse = (field, text) => {
      if (said.wrong === 0) row.node.scrollIntoView({ block: "center" });
      one.complain(row, field, text);
      said.wrong += 1;
    };
    const { name, entry } = row.input;
    const value = one.valueOf(row);
    if (!Number.isFinite(value)) refuse("value", `“${row.text}” is not a number; write it as 0.05 or 1,200`);
    if (one.changed(row)) said.overrides[name] = value;
    said.values[name] = entry && !one.changed(row) ? entry : { ...entry, value };
    if (row.vary[view.mode]) items.set(row, itemOf(row, refuse));
  }
  for (const row of varying()) said[uncertain(row) ? "uncertain" : "parameters"].push(items.get(row));
  return said;
}

/**
 * Put what an earlier request says of inputs into the rows.
 * @param {{overrides: Object<string, number>, parameters: object[], uncertain: object[]}} asked
 * @returns {{overrides: Object<string, number>, parameters: {item: object, index: number}[],
 *            uncertain: {item: object, index: number}[]}}
 *   what is about no input of this list, with its place
 */
export function fill({ overrides = {}, parameters = [], uncertain: drawnToo = [] }) {
  const any = rows.some((row) => row.input.distribution);
  for (const row of rows) {
    Object.assign(row, one.begin(row.input, any), { node: row.node });
    row.vary[view.mode] = false;
  }
  const left = { overrides: {}, parameters: [], uncertain: [] };
  for (const [name, value] of Object.entries(overrides)) {
    const row = rowOf(name);
    if (row && Number.isFinite(value)) {
      row.text = one.exactly(row, value);
      one.follow(row);
    } else left.overrides[name] = value;
  }
  const take = (item, role, rest, index) => {
    const row = rowOf(item.id);
    if (!row || row.vary[view.mode]) return rest.push({ item, index });
    row.vary[view.mode] = true;
    row.place[view.mode] = index;
    if (view.mode in row.role) row.role[view.mode] = role;
    fillRow(row, item);
    const said = itemOf(row, () => (row.given[view.mode] = item));
    if (!same(said, item)) row.given[view.mode] = item;
    return undefined;
  };
  parameters.forEach((item, index) => take(item, "chosen", left.parameters, index));
  drawnToo.forEach((item, index) => take(item, "uncertain", left.uncertain, index));
  render();
  return left;
}

function fillRow(row, { range, distribution }) {
  if (range) {
    row.ends = { low: one.exactly(row, range.min), high: one.exactly(row, range.max) };
    row.ownEnds = true;
  }
  const fields = distribution && distributions.fieldsOf(distribution);
  if (!fields) return;
  for (const key of Object.keys(fields)) {
    if (Number.isFinite(distribution[key])) fields[key] = one.exactly(row, distribution[key]);
  }
  Object.assign(row, { kind: distribution.kind, fields, ownFields: true });
}
