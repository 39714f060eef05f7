/** A model of one's own: formulas as text, and the inputs that they name. */

import { byId } from "./dom.js";
import * as offer from "./offer.js";

/** What the model's select calls it: no version may have this name. */
export const FORMULA = "=formula";
const RESULT = "result"; // the output of a formula without a name
const START = "units * price - cost";

let entries = {}; // inputs as an earlier run gave them

const text = () => byId("formula").value;

/**
 * Formulas by output. A line `name = ...` begins one; other lines go on with it.
 * @returns {{single: ?string, outputs: Object<string, string>}} `single`: without a name
 */
function parts() {
  const outputs = {};
  const before = [];
  let last = null;
  for (const row of text().split("\n")) {
    const found = row.match(/^\s*([A-Za-z]\w*)\s*=(?!=)\s*(.*)$/);
    if (found) {
      last = found[1];
      outputs[last] = found[2];
    } else if (last) outputs[last] += `\n${row}`;
    else before.push(row);
  }
  for (const name of Object.keys(outputs)) outputs[name] = outputs[name].trim();
  return { single: last ? null : before.join("\n").trim(), outputs };
}

/** Names of the outputs, with what they are called. */
export const outputs = () => {
  const { single, outputs: found } = parts();
  return single === null ? Object.keys(found).map((name) => [name, name]) : [[RESULT, "the result"]];
};

/** Names in the formulas that are no words of formulas and no outputs. */
function names() {
  const { outputs: found } = parts();
  const words = offer.words();
  const bare = text().replace(/^\s*[A-Za-z]\w*\s*=(?!=)/gm, " ").replace(/(?<![A-Za-z_\d])\d*\.?\d+(e[+-]?\d+)?/gi, " ");
  const used = (bare.match(/[A-Za-z_]\w*/g) ?? []).filter((name) => !words.has(name) && !(name in found));
  return [...new Set([...used, ...Object.keys(entries)])];
}

function valueOf({ value, range, distribution: shape = {} }) {
  if (Number.isFinite(value)) return value;
  if (range) return (range.min + range.max) / 2;
  return shape.mode ?? shape.mean ?? shape.value ?? (Number.isFinite(shape.low + shape.high) ? (shape.low + shape.high) / 2 : 1);
}

/** The inputs as the catalogue has those of a plant. */
export const inputs = () => names().map((name) => {
  const entry = entries[name];
  return {
    name, label: entry?.label || name, unit: entry?.unit ?? "", integer: entry?.integer ?? false, own: true, entry,
    value: entry ? valueOf(entry) : 1, range: entry?.range ?? null, distribution: entry?.distribution ?? null,
  };
});

/** `{formula}` or `{outputs}`; complains to `found` where nothing is written. */
export function read(found) {
  const { single, outputs: named } = parts();
  complain("");
  const empty = single === "" ? "write a formula" : Object.keys(named).find((name) => !named[name]);
  if (empty !== undefined) {
    const problem = single === "" ? "write a formula, such as units * price - cost" : `${empty} has no formula yet`;
    complain(problem);
    found.push({ field: "Formula", problem });
  }
  return single === null ? { outputs: named } : { formula: single };
}

/** Show the formulas of an earlier run. */
export function write({ formula = null, outputs: named = {}, inputs: given = {} }) {
  byId("formula").value = formula ?? Object.entries(named).map(([name, words]) => `${name} = ${words}`).join("\n");
  entries = given;
}

/** Forget what an earlier run said of inputs. */
export function forget() {
  entries = {};
}

/** Say below the formula what is wrong; "" takes it back. */
export function complain(problem) {
  const bad = byId("formula-problem");
  bad.textContent = problem;
  bad.hidden = problem === "";
  byId("formula").toggleAttribute("aria-invalid", false);
  if (problem) byId("formula").setAttribute("aria-invalid", "true");
}

/** Begin with an example; call `onChange` when the names in it have changed. */
export function start(onChange) {
  byId("formula").value ||= START;
  let before = names().join();
  byId("formula").addEventListener("input", () => {
    complain("");
    const now = names().join();
    if (now !== before) onChange();
    before = now;
  });
}
