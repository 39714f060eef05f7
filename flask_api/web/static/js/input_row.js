/** One input in the form: its value, whether it varies, and how. */

import * as distributions from "./distributions.js";
import { make } from "./dom.js";
import { editable, parse } from "./format.js";

/**
 * One input as the user has it.
 * @typedef {{
 *   input: object, text: string, vary: Object<string, boolean>, role: Object<string, string>,
 *   kind: string, fields: Object<string, string>, ends: {low: string, high: string},
 *   ownFields: boolean, ownEnds: boolean, given: Object<string, object>, place: Object<string, number>,
 *   exact: Map<string, number>, node: ?HTMLElement
 * }} Row
 *
 * `vary` and `role` are kept for each way of asking; `given` holds, likewise, items of an
 * earlier run that the fields cannot say: they go into the request as they are. `place` is
 * where such a run had the input.
 * `exact` knows numbers with more digits than their text shows.
 */

// The model solves for this one: moving it moves nothing.
const SOLVED_FOR = "selling_price";

/** @returns {Row} an input as its model has it */
export function begin(input, anyDistribution) {
  const used = input.own || (input.value !== 0 && input.name !== SOLVED_FOR && Boolean(input.range));
  // Whole years change the calculation's shape with each draw, which is slow: only who
  // asks for it gets it.
  const draws = input.own || (anyDistribution ? Boolean(input.distribution) : used && !input.integer);
  // by 20 percent it would not come to the next whole number
  const fixed = input.integer && Math.abs(input.value) < 2.5;
  const row = {
    input, text: editable(input.value), vary: { draws, range: used, moves: used && !fixed, chosen: false, axes: false },
    role: { chosen: "chosen", axes: "chosen" }, kind: distributions.firstKind(input),
    fields: {}, ends: {}, ownFields: false, ownEnds: false, given: {}, place: {}, exact: new Map(), node: null,
  };
  follow(row);
  return row;
}

export const changed = (row) => row.text !== editable(row.input.value);
export const touched = (row) => changed(row) || row.ownFields || row.ownEnds || Object.keys(row.given).length > 0;

/** A number that a field of the row shows. */
export const reading = (row) => (text) => row.exact.get(text) ?? parse(text);

/** The text of a number; it is read back with all its digits. */
export function exactly(row, value) {
  const text = editable(value);
  row.exact.set(text, value);
  return text;
}

/** The value the user gave; NaN if it is no number. */
export const valueOf = (row) => (changed(row) ? reading(row)(row.text) : row.input.value);

/** Let what the user has not touched follow the value. */
export function follow(row) {
  const value = valueOf(row);
  if (!Number.isFinite(value)) return;
  if (!row.ownFields) row.fields = distributions.firstFields(row.input, value, row.kind);
  if (!row.ownEnds) {
    const [low, high] = distributions.span(row.input, value);
    row.ends = { low: editable(low), high: editable(high) };
  }
}

/** Which fields a row shows: "draws", "range", or "moves" for none. */
export function fieldsFor(row, asks, mode) {
  if (mode !== "chosen" && mode !== "axes") return asks;
  return row.role[mode] === "uncertain" ? "draws" : "range";
}

/** An item of a request in words, for what has no fields here. */
function inWords(item) {
  const said = Object.entries(item).filter(([key]) => key !== "id");
  const word = (value) => (Array.isArray(value) ? value.map(word).join(" ")
    : Number.isFinite(value?.min) && Number.isFinite(value.max) ? `${editable(value.min)} to ${editable(value.max)}`
    : value && typeof value === "object" ? Object.entries(value).map(([key, inner]) => `${key} ${word(inner)}`).join(", ")
      : typeof value === "number" ? editable(value) : String(value));
  return said.length === 0 ? "as the model has it" : said.map(([key, value]) => `${key.replaceAll("_", " ")}: ${word(value)}`).join("; ");
}

/** Say, or with "" no longer say, what is wrong with a field of an input. */
export function complain(row, field, text) {
  const problem = row.node.querySelector(".bad");
  problem.textContent = text;
  problem.hidden = text === "";
  for (const box of row.node.querySelectorAll("[aria-invalid]")) box.removeAttribute("aria-invalid");
  if (text === "") return;
  const box = row.node.querySelector(`[data-field="${CSS.escape(field)}"]`) ?? row.node.querySelector(".amount input");
  box.setAttribute("aria-invalid", "true");
  row.node.hidden = false;
}

/**
 * The row's element.
 * @param {{asks: string, mode: string}} view what is asked of inputs now
 * @param {() => void} onChange something was said
 */
export function nodeOf(row, { asks, mode }, onChange) {
  const { input } = row;
  const id = `input-${input.name}`;
  const problem = make("p", { class: "bad", id: `${id}-problem`, hidden: true });
  const more = make("div", { class: "more" });
  const was = make("button", {
    type: "button", class: "link was",
    onclick: () => {
      value.value = row.text = editable(input.value);
      edited();
      value.focus();
    },
  });
  const value = make("input", {
    id, value: row.text, inputmode: "decimal", autocomplete: "off", "aria-describedby": `${id}-problem`,
    oninput: () => {
      row.text = value.value;
      edited();
    },
  });
  const vary = make("input", {
    type: "checkbox", checked: row.vary[mode], "aria-label": `Vary ${input.label}`,
    onchange: () => {
      row.vary[mode] = vary.checked;
      showMore();
      onChange();
    },
  });
  const showMore = () => {
    more.replaceChildren(...(row.vary[mode] ? scatter(row, id, asks, mode, showMore, onChange) : []));
    row.node.classList.toggle("varied", row.vary[mode]);
  };
  const showWas = () => {
    was.textContent = changed(row) ? `was ${editable(input.value)} · undo` : "";
    was.hidden = !changed(row);
    row.node.classList.toggle("changed", changed(row));
  };
  function edited() {
    complain(row, "value", "");
    follow(row);
    showWas();
    showMore();
    onChange();
  }
  // A long name may break after an underscore, and nowhere else.
  const names = input.name === input.label ? [] : input.name.split("_").flatMap((part, index) => (index ? [make("wbr"), `_${part}`] : [part]));
  if (input.s_number) names.push(` · ${input.s_number}`);
  row.node = make(
    "li",
    { class: "input", "data-name": input.name },
    make("span", { class: "vary" }, vary),
    make("label", { class: "name", for: id, title: input.source || null }, input.label, names.length > 0 ? make("small", {}, ...names) : null),
    make("span", { class: "amount" }, value, make("span", { class: "unit" }, input.unit)),
    was,
    more,
    problem,
  );
  showWas();
  showMore();
  return row.node;
}

/** The controls that say how far one input moves, or how it scatters. */
function scatter(row, id, asks, mode, again, onChange) {
  if (row.given[mode]) return [asGiven(row, mode, again, onChange)];
  const cell = (name, title, source, own) => {
    const box = make("input", {
      value: source[name], inputmode: distributions.KINDS[row.kind].lists ? null : "decimal", autocomplete: "off", "data-field": name,
      "aria-label": `${row.input.label}: ${title}`, "aria-describedby": `${id}-problem`,
      oninput: () => {
        source[name] = box.value;
        row[own] = true;
        complain(row, name, "");
        onChange();
      },
    });
    return make("label", { class: "cell" }, make("span", {}, title), box);
  };
  const wanted = fieldsFor(row, asks, mode);
  const found = mode in row.role ? [roleOf(row, mode, again, onChange)] : [];
  if (wanted === "moves") return found;
  if (wanted === "range") return [...found, cell("low", "low", row.ends, "ownEnds"), cell("high", "high", row.ends, "ownEnds")];
  const choice = make("select", {
    "aria-label": `${row.input.label}: distribution`,
    onchange: () => {
      row.kind = choice.value;
      row.fields = distributions.firstFields(row.input, valueOf(row), row.kind);
      row.ownFields = row.kind !== distributions.firstKind(row.input);
      complain(row, "value", "");
      again();
      onChange();
      row.node.querySelector("select[data-field=kind]").focus();
    },
    "data-field": "kind",
  }, ...Object.entries(distributions.KINDS).map(([kind, { title }]) => make("option", { value: kind, selected: kind === row.kind }, title)));
  return [
    ...found, make("label", { class: "cell" }, make("span", {}, "shape"), choice),
    ...Object.entries(distributions.KINDS[row.kind].fields).map(([name, title]) => cell(name, title, row.fields, "ownFields")),
  ];
}

function roleOf(row, mode, again, onChange) {
  const choice = make("select", {
    "aria-label": `${row.input.label}: chosen or uncertain`, "data-field": "role",
    onchange: () => {
      row.role[mode] = choice.value;
      again();
      onChange();
      row.node.querySelector("select[data-field=role]").focus();
    },
  }, ...[["chosen", mode === "axes" ? "an axis" : "to choose"], ["uncertain", "uncertain"]]
    .map(([value, words]) => make("option", { value, selected: value === row.role[mode] }, words)));
  return make("label", { class: "cell" }, make("span", {}, "it is"), choice);
}

function asGiven(row, mode, again, onChange) {
  return make("p", { class: "as-given" }, "As in that run: ", make("b", {}, inWords(row.given[mode])), " ", make("button", {
    type: "button", class: "link",
    onclick: () => {
      delete row.given[mode];
      again();
      onChange();
      row.node.querySelector(".more input, .more select, .vary input").focus();
    },
  }, "set it here instead"));
}
