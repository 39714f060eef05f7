/** How an input may scatter: the fields of each distribution and sensible first values. */

import { editable, parse } from "./format.js";
import { listed } from "./controls.js";

/** Kind -> its fields, in the order of the request. `lists` hold several numbers, `free` may stay empty. */
export const KINDS = {
  triangular: { title: "Triangular", fields: { low: "low", mode: "most likely", high: "high" } },
  pert: { title: "PERT", fields: { low: "low", mode: "most likely", high: "high" } },
  normal: { title: "Normal", fields: { mean: "mean", std: "std. deviation" } },
  lognormal: { title: "Lognormal", fields: { mean: "mean", std: "std. deviation" } },
  uniform: { title: "Uniform", fields: { low: "low", high: "high" } },
  beta: { title: "Beta", fields: { a: "exponent a", b: "exponent b", low: "low", high: "high" }, free: ["low", "high"] },
  gamma: { title: "Gamma", fields: { shape: "shape", scale: "scale", location: "starts at" }, free: ["location"] },
  weibull: { title: "Weibull", fields: { shape: "shape", scale: "scale", location: "starts at" }, free: ["location"] },
  discrete: { title: "Discrete", fields: { values: "values", weights: "weights" }, lists: true },
  empirical: { title: "Your data", fields: { data: "values seen" }, lists: true },
};

const LEAST = 0.2; // of the value, either way, where the model file names no range

/**
 * Lowest and highest value to consider.
 * @param {{value: number, range: ?{min: number, max: number}}} input
 * @param {number} value what the user made of it
 */
export function span(input, value) {
  const range = input.range;
  const low = range?.min ?? range?.low;
  const high = range?.max ?? range?.high;
  if (low !== undefined && high !== undefined && low <= value && value <= high) return [low, high];
  const half = LEAST * Math.abs(value);
  return [value - half, value + half];
}

/** The kind an input begins with: the file's if the page can show it, else triangular. */
export const firstKind = (input) =>
  KINDS[input.distribution?.kind] ? input.distribution.kind : "triangular";

const shown = (value) => (Array.isArray(value) ? value.map(String).join(" ") : Number.isFinite(value) ? editable(value) : "");

/** Fields of a given distribution as text, or null where this page has no fields for what it says. */
export function fieldsOf(given) {
  const form = KINDS[given?.kind];
  if (!form || Object.keys(given).some((key) => key !== "kind" && !(key in form.fields))) return null;
  const whole = Object.keys(form.fields).every((key) => given[key] !== undefined || form.free?.includes(key));
  return whole ? Object.fromEntries(Object.keys(form.fields).map((key) => [key, shown(given[key])])) : null;
}

/**
 * First values of a distribution's fields, as text.
 * @param {object} input a row of the catalogue
 * @param {number} value the input's value now
 * @param {string} kind
 * @returns {Object<string, string>}
 */
export function firstFields(input, value, kind) {
  const given = input.distribution;
  if (value === input.value && given?.kind === kind) {
    const found = fieldsOf(given);
    if (found) return found;
  }
  const [low, high] = span(input, value);
  // A normal that keeps 95 % of its draws in the range: four deviations wide.
  const std = (high - low) / 4;
  const start = { low, high, mode: value, mean: value, std, a: 2, b: 2, values: [low, value, high], weights: [1, 2, 1], data: [] };
  // The same mean and deviation; a Weibull of shape 2 has its mean at 0.886 of its scale.
  if (kind === "gamma") Object.assign(start, { shape: (value / std) ** 2, scale: std ** 2 / value });
  if (kind === "weibull") Object.assign(start, { shape: 2, scale: value / 0.8862269 });
  return Object.fromEntries(Object.keys(KINDS[kind].fields).map((name) => [name, shown(start[name])]));
}

/**
 * What is wrong with the fields, by field; empty if nothing. The server judges again:
 * this only spares a round trip for what can be seen here.
 * @param {(text: string) => number} read
 * @returns {Object<string, string>}
 */
export function problems(kind, fields, read = parse) {
  const { fields: names, free = [], lists } = KINDS[kind];
  const found = {};
  const value = {};
  for (const name of Object.keys(names)) {
    if (lists) {
      const items = listed(fields[name]);
      const wrong = items.find((item) => !Number.isFinite(item.value));
      if (wrong) found[name] = `“${wrong.word}” is not a number; write them apart by spaces`;
      else if (items.length === 0) found[name] = "numbers are needed, apart by spaces";
      continue;
    }
    if (free.includes(name) && fields[name].trim() === "") continue;
    value[name] = read(fields[name]);
    if (!Number.isFinite(value[name])) found[name] = "a number is needed, such as 0.05 or 1,200";
  }
  if (Object.keys(found).length > 0 || lists) return found;
  for (const name of ["std", "a", "b", "shape", "scale"]) if (value[name] <= 0) found[name] = "must be above 0";
  if (kind === "lognormal" && value.mean <= 0) found.mean = "must be above 0";
  if (value.low >= value.high) found.high = "must be above the low end";
  else if ("mode" in value && (value.mode < value.low || value.mode > value.high)) {
    found.mode = "must lie between low and high";
  }
  return found;
}

/** The distribution as the server takes it. */
export function asRequest(kind, fields, read = parse) {
  const { fields: names, lists } = KINDS[kind];
  const said = Object.keys(names).filter((name) => lists || fields[name].trim() !== "");
  return {
    kind,
    ...Object.fromEntries(said.map((name) => [name, lists ? listed(fields[name]).map((item) => item.value) : read(fields[name])])),
  };
}
