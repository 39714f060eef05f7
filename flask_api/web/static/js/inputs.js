/** The list of inputs: their values, which of them vary, and how. */

import * as distributions from "./distributions.js";
import { byId, make } from "./dom.js";
import { editable, parse } from "./format.js";

/**
 * One input as the user has it.
 * @typedef {{
 *   input: object, text: string, vary: Object<string, boolean>, kind: string,
 *   fields: Object<string, string>, ends: {low: string, high: string},
 *   ownFields: boolean, ownEnds: boolean, node: ?HTMLElement
 * }} Row
 */

const kept = new Map(); // model and variant -> rows: edits outlive a look at another model
let rows = [];
let analysis = "monte_carlo";

// The model solves for this one: moving it moves nothing.
const SOLVED_FOR = "selling_price";

function begin(input, anyDistribution) {
  const used = input.value !== 0 && input.name !== SOLVED_FOR;
  const row = {
    input,
    text: editable(input.value),
    vary: {
      // Whole years change the calculation's shape with each draw, which is slow: only
      // who asks for it gets it.
      monte_carlo: anyDistribution
        ? Boolean(input.distribution)
        : used && Boolean(input.range) && !input.integer,
      tornado: used && Boolean(input.range),
    },
    kind: distributions.firstKind(input),
    fields: {},
    ends: {},
    ownFields: false,
    ownEnds: false,
    node: null,
  };
  follow(row);
  return row;
}

/** The value the user gave; NaN if it is no number. */
const valueOf = (row) => (changed(row) ? parse(row.text) : row.input.value);
const changed = (row) => row.text !== editable(row.input.value);

/** Let what the user has not touched follow the value. */
function follow(row) {
  const value = valueOf(row);
  if (!Number.isFinite(value)) return;
  if (!row.ownFields) row.fields = distributions.firstFields(row.input, value, row.kind);
  if (!row.ownEnds) {
    const [low, high] = distributions.span(row.input, value);
    row.ends = { low: editable(low), high: editable(high) };
  }
}

/** Show another model's inputs. */
export function show(key, inputs) {
  if (!kept.has(key)) {
    const any = inputs.some((input) => input.distribution);
    kept.set(key, inputs.map((input) => begin(input, any)));
  }
  rows = kept.get(key);
  byId("find").value = "";
  render();
}

/** Show what the other analysis asks of each input. */
export function showFor(name) {
  analysis = name;
  render();
}

export function undoAll() {
  const any = rows.some((row) => row.input.distribution);
  for (const row of rows) Object.assign(row, begin(row.input, any), { node: row.node });
  render();
}

function render() {
  byId("inputs").replaceChildren(...rows.map(rowNode));
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
    const idle = row.input.value === 0 && !changed(row) && !row.vary[analysis];
    if (idle) unused += 1;
    row.node.hidden = words.length > 0
      ? !words.every((word) => text.includes(word))
      : idle && !all && !row.node.contains(document.activeElement);
  }
  byId("show-all-text").textContent = `Show ${unused} unused`;
  byId("show-all").parentElement.hidden = unused === 0;
}

function summary() {
  const vary = rows.filter((row) => row.vary[analysis]).length;
  const edits = rows.filter(changed).length;
  const verb = analysis === "monte_carlo" ? "drawn at random" : "moved";
  byId("varied-count").textContent =
    `${vary} of ${rows.length} inputs ${verb}${edits ? `, ${edits} changed` : ""}. `;
  byId("reset-inputs").hidden = !rows.some((row) => changed(row) || row.ownFields || row.ownEnds);
}

function rowNode(row) {
  const { input } = row;
  const id = `input-${input.name}`;
  const problem = make("p", { class: "bad", id: `${id}-problem`, hidden: true });
  const more = make("div", { class: "more" });
  const was = make("button", {
    type: "button",
    class: "link was",
    onclick: () => {
      value.value = row.text = editable(input.value);
      edited();
      value.focus();
    },
  });
  const value = make("input", {
    id,
    value: row.text,
    inputmode: "decimal",
    autocomplete: "off",
    "aria-describedby": `${id}-problem`,
    oninput: () => {
      row.text = value.value;
      edited();
    },
  });
  const vary = make("input", {
    type: "checkbox",
    checked: row.vary[analysis],
    "aria-label": `Vary ${input.label}`,
    onchange: () => {
      row.vary[analysis] = vary.checked;
      showMore();
      summary();
    },
  });
  const showMore = () => {
    more.replaceChildren(...(row.vary[analysis] ? scatter(row, id) : []));
    row.node.classList.toggle("varied", row.vary[analysis]);
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
    summary();
  }
  // A long name may break after an underscore, and nowhere else.
  const names = input.name.split("_").flatMap((part, index) => (index ? [make("wbr"), `_${part}`] : [part]));
  if (input.s_number) names.push(` · ${input.s_number}`);
  row.node = make(
    "li",
    { class: "input", "data-name": input.name },
    make("span", { class: "vary" }, vary),
    make("label", { class: "name", for: id, title: input.source || null }, input.label, make("small", {}, ...names)),
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
function scatter(row, id) {
  const cell = (name, title, source, own) => {
    const box = make("input", {
      value: source[name],
      inputmode: "decimal",
      autocomplete: "off",
      "data-field": name,
      "aria-label": `${row.input.label}: ${title}`,
      "aria-describedby": `${id}-problem`,
      oninput: () => {
        source[name] = box.value;
        row[own] = true;
        complain(row, name, "");
        summary();
      },
    });
    return make("label", { class: "cell" }, make("span", {}, title), box);
  };
  if (analysis === "tornado") {
    return [cell("low", "low", row.ends, "ownEnds"), cell("high", "high", row.ends, "ownEnds")];
  }
  const cells = () =>
    Object.entries(distributions.KINDS[row.kind].fields).map(([name, title]) =>
      cell(name, title, row.fields, "ownFields"),
    );
  const choice = make(
    "select",
    {
      "aria-label": `${row.input.label}: distribution`,
      onchange: () => {
        row.kind = choice.value;
        row.fields = distributions.firstFields(row.input, valueOf(row), row.kind);
        row.ownFields = row.kind !== distributions.firstKind(row.input);
        complain(row, "value", "");
        const at = choice.closest(".more");
        at.replaceChildren(at.firstChild, ...cells());
        summary();
      },
    },
    ...Object.entries(distributions.KINDS).map(([kind, { title }]) =>
      make("option", { value: kind, selected: kind === row.kind }, title),
    ),
  );
  return [make("label", { class: "cell" }, make("span", {}, "shape"), choice), ...cells()];
}

/** Say, or with "" no longer say, what is wrong with a field of an input. */
function complain(row, field, text) {
  const problem = row.node.querySelector(".bad");
  problem.textContent = text;
  problem.hidden = text === "";
  for (const box of row.node.querySelectorAll("[aria-invalid]")) box.removeAttribute("aria-invalid");
  if (text === "") return;
  const box = row.node.querySelector(`[data-field="${CSS.escape(field)}"]`) ?? row.node.querySelector(".amount input");
  box.setAttribute("aria-invalid", "true");
  row.node.hidden = false;
}

/** Say beside an input what the server found. @returns {?string} its label, null if there is none */
export function complainAbout(name, field, text) {
  const row = rows.find((item) => item.input.name === name);
  if (row) complain(row, field, text);
  return row?.input.label ?? null;
}

/** The inputs that vary, in the order of the request's `parameters`. */
export const varied = () => rows.filter((row) => row.vary[analysis]).map((row) => row.input.name);

/**
 * What the request says about inputs, or the number of fields that cannot be read.
 * @returns {{overrides: Object<string, number>, parameters: object[], wrong: number}}
 */
export function read() {
  const overrides = {};
  const parameters = [];
  let wrong = 0;
  const refuse = (row, field, text) => {
    if (wrong === 0) row.node.scrollIntoView({ block: "center" });
    complain(row, field, text);
    wrong += 1;
  };
  for (const row of rows) {
    const { name } = row.input;
    if (changed(row)) {
      overrides[name] = parse(row.text);
      if (!Number.isFinite(overrides[name])) {
        refuse(row, "value", `“${row.text}” is not a number; write it as 0.05 or 1,200`);
      }
    }
    if (!row.vary[analysis]) continue;
    const uniform = analysis === "tornado";
    const fields = uniform ? row.ends : row.fields;
    const kind = uniform ? "uniform" : row.kind;
    const titles = distributions.KINDS[kind].fields;
    for (const [field, text] of Object.entries(distributions.problems(kind, fields))) {
      refuse(row, field, `${titles[field]}: ${text}`);
    }
    if (uniform) parameters.push({ id: name, range: { min: parse(fields.low), max: parse(fields.high) } });
    else parameters.push({ id: name, distribution: distributions.asRequest(kind, fields) });
  }
  return { overrides, parameters, wrong };
}
