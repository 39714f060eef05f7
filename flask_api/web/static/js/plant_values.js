/** Every value of the plant, to be changed on the spot. */

import { byId, make } from "./dom.js";
import { editable, number, parse } from "./format.js";
import * as state from "./plant_state.js";

let rows = []; // {input, field, note, item}

const used = (input) => input.value !== 0 || state.override(input.name) !== undefined;

/**
 * Show the inputs of a model.
 * @param {object[]} inputs rows of the catalogue, with the values of the chosen variant
 */
export function show(inputs) {
  rows = inputs.map(row);
  byId("inputs").replaceChildren(...rows.map(({ item }) => item));
  filter();
  count();
}

function row(input) {
  const field = make("input", {
    id: `value-${input.name}`,
    inputmode: "decimal",
    autocomplete: "off",
    "aria-describedby": `note-${input.name}`,
    value: editable(state.override(input.name) ?? input.value),
    onchange: () => take(found),
  });
  const note = make("small", { id: `note-${input.name}`, class: "was" });
  const item = make(
    "li",
    { class: "input plain", "data-name": input.name, title: input.source ?? null },
    make("label", { class: "name", for: field.id }, input.label, make("small", {}, [input.s_number, input.name].filter(Boolean).join(" · "))),
    make("span", { class: "amount" }, field, make("span", { class: "unit" }, input.unit)),
    note,
  );
  const found = { input, field, note, item };
  mark(found);
  return found;
}

/** What was typed becomes an override, or gives the file's value back. */
function take(found) {
  const { input, field } = found;
  const value = field.value.trim() === "" ? input.value : parse(field.value);
  const problem = judge(input, value);
  if (problem) return complain(found, problem);
  field.value = editable(value);
  state.set(input.name, value === input.value ? undefined : value);
  mark(found);
}

function complain({ field, note }, problem) {
  field.setAttribute("aria-invalid", "true");
  note.className = "was bad";
  note.textContent = problem;
}

function judge(input, value) {
  if (!Number.isFinite(value)) return "a number is needed, such as 0.05 or 1,200";
  if (input.integer && value !== Math.round(value)) return `whole ${input.unit} are needed`;
  if (Number.isFinite(input.minimum) && value < input.minimum) return `at least ${number(input.minimum)}`;
  if (Number.isFinite(input.maximum) && value > input.maximum) return `at most ${number(input.maximum)}`;
  return "";
}

function mark({ input, field, note, item }) {
  const changed = state.override(input.name) !== undefined;
  item.classList.toggle("changed", changed);
  field.removeAttribute("aria-invalid");
  note.className = "was";
  note.textContent = changed ? `was ${number(input.value, 6)}` : "";
}

/**
 * Say at its field what the server refuses.
 * @param {{field: string, problem: string}[]} details none: nothing is wrong any more
 */
export function refused(details = []) {
  for (const found of rows) {
    const told = details.find(({ field }) => field?.endsWith(`overrides.${found.input.name}`));
    if (told) complain(found, told.problem);
    else if (found.note.textContent === "" || details.length === 0) settle(found);
  }
}

/** The field as the plant has it, unless what stands in it was never taken. */
function settle(found) {
  const taken = state.override(found.input.name) ?? found.input.value;
  if (editable(taken) === found.field.value) mark(found);
}

/** Say how much was changed: values and conventions. */
export function count() {
  const changes = state.changes();
  byId("changed-count").textContent =
    changes === 0 ? "As in the file." : `${changes} ${changes === 1 ? "change" : "changes"}, not in the file.`;
  byId("undo").hidden = changes === 0;
  byId("write").hidden = changes === 0;
}

/** Show the inputs that match the search; unused ones only on request. */
export function filter() {
  const wanted = byId("find").value.trim().toLowerCase();
  const all = byId("show-all").checked || wanted !== "";
  let seen = 0;
  for (const { input, item } of rows) {
    const words = `${input.label} ${input.name} ${input.s_number ?? ""}`.toLowerCase();
    item.hidden = !words.includes(wanted) || !(all || used(input));
    seen += Number(!item.hidden);
  }
  byId("none-found").hidden = seen > 0;
}
