/** How an input may scatter: the fields of each distribution and sensible first values. */

import { editable, parse } from "./format.js";

/** Kind -> its fields, in the order of the request. */
export const KINDS = {
  triangular: { title: "Triangular", fields: { low: "low", mode: "most likely", high: "high" } },
  normal: { title: "Normal", fields: { mean: "mean", std: "std. deviation" } },
  lognormal: { title: "Lognormal", fields: { mean: "mean", std: "std. deviation" } },
  uniform: { title: "Uniform", fields: { low: "low", high: "high" } },
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

/**
 * First values of a distribution's fields, as text.
 * @param {object} input a row of the catalogue
 * @param {number} value the input's value now
 * @param {string} kind
 * @returns {Object<string, string>}
 */
export function firstFields(input, value, kind) {
  const given = input.distribution;
  const names = Object.keys(KINDS[kind].fields);
  const untouched = value === input.value;
  if (untouched && given?.kind === kind && names.every((name) => Number.isFinite(given[name]))) {
    return Object.fromEntries(names.map((name) => [name, editable(given[name])]));
  }
  const [low, high] = span(input, value);
  // A normal that keeps 95 % of its draws in the range: four deviations wide.
  const start = { low, high, mode: value, mean: value, std: (high - low) / 4 };
  return Object.fromEntries(names.map((name) => [name, editable(start[name])]));
}

/**
 * What is wrong with the fields, by field; empty if nothing. The server judges again:
 * this only spares a round trip for what can be seen here.
 * @returns {Object<string, string>}
 */
export function problems(kind, fields) {
  const found = {};
  const value = {};
  for (const name of Object.keys(KINDS[kind].fields)) {
    value[name] = parse(fields[name]);
    if (!Number.isFinite(value[name])) found[name] = "a number is needed, such as 0.05 or 1,200";
  }
  if (Object.keys(found).length > 0) return found;
  if ("std" in value && value.std <= 0) found.std = "must be above 0";
  if (kind === "lognormal" && value.mean <= 0) found.mean = "must be above 0";
  if ("high" in value && value.low >= value.high) found.high = "must be above the low end";
  else if ("mode" in value && (value.mode < value.low || value.mode > value.high)) {
    found.mode = "must lie between low and high";
  }
  return found;
}

/** The distribution as the server takes it. */
export const asRequest = (kind, fields) => ({
  kind,
  ...Object.fromEntries(Object.keys(KINDS[kind].fields).map((name) => [name, parse(fields[name])])),
});
