/** Every value of the plant and every convention, to be changed on the spot. */

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
    value: editable(state.override(input.name) ?? input.value),
    onchange: () => take(found),
  });
  const note = make("small", { class: "was" });
  const item = make(
    "li",
    { class: "input plain", "data-name": input.name },
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
  field.setAttribute("aria-invalid", String(Boolean(problem)));
  if (problem) {
    found.note.className = "was bad";
    found.note.textContent = problem;
    return;
  }
  field.value = editable(value);
  state.set(input.name, value === input.value ? undefined : value);
  mark(found);
  count();
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

function count() {
  const changes = state.changes();
  byId("changed-count").textContent =
    changes === 0 ? "As in the file." : `${changes} ${changes === 1 ? "change" : "changes"}, not saved.`;
  byId("undo").hidden = changes === 0;
}

/** Show the inputs that match the search; unused ones only on request. */
export function filter() {
  const wanted = byId("find").value.trim().toLowerCase();
  const all = byId("show-all").checked || wanted !== "";
  for (const { input, item } of rows) {
    const words = `${input.label} ${input.name} ${input.s_number ?? ""}`.toLowerCase();
    item.hidden = !words.includes(wanted) || !(all || used(input));
  }
}

const words = (choice) => String(choice).replaceAll("_", " ");

/**
 * The conventions as selects, with what each choice does to the price.
 * @param {{convention: string, chosen: *, choices: {choice: *, difference: ?number}[]}[]} audit
 */
export function showConventions(audit) {
  byId("conventions").replaceChildren(
    ...audit.filter((item) => item.settable !== false && item.choices.length > 0).map((item) => {
      const names = [item.chosen, ...item.choices.map(({ choice }) => choice)];
      const select = make(
        "select",
        { onchange: () => { state.set(item.convention, names[select.selectedIndex]); count(); } },
        ...names.map((name) => make("option", {}, words(name))),
      );
      return make("label", { class: "field" }, make("span", {}, words(item.convention)), select);
    }),
  );
}
