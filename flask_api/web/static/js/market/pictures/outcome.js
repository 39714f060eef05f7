/** Reading what a run found: arrays with their labels, tables, and figures for the tiles. */

import { number } from "../../format.js";

/** An array by name; null where it is missing or too large to stand in the result. */
export const array = (result, name) => result.results?.[name] ?? null;

const about = (result, name) => result.arrays?.find((one) => one.name === name);

/** Names of an array's rows, or numbers from 1. */
export const rowsOf = (result, name) =>
  about(result, name)?.row_labels ?? Array.from({ length: about(result, name)?.shape?.[0] ?? 0 }, (_, index) => String(index + 1));

/** Names of an array's columns. */
export const columnsOf = (result, name) => about(result, name)?.column_labels ?? [];

/** A table by name: rows of {column: value}; none: empty. */
export const table = (result, name) => result.tables?.[name] ?? [];

/** The first array there is, of several names that models have for it. @returns {?string} */
export const firstOf = (result, names) => names.find((name) => Array.isArray(array(result, name))) ?? null;

/** A tile of a metric, or null where the run has none. */
export function metric(result, name, words, digits = 6) {
  const value = result.metrics?.[name];
  return Number.isFinite(value) ? [words, isLikelihood(name) ? likelihood(value) : number(value, digits)] : null;
}

const DECIMALS = new Intl.NumberFormat("en-US", { minimumFractionDigits: 3, maximumFractionDigits: 3 });

/** Log-likelihoods and criteria, which stand beside each other: three decimals, as papers print them. */
export const likelihood = (value) => (Number.isFinite(value) ? DECIMALS.format(value) : "–");

/** Is a figure of that name such a one? */
export const isLikelihood = (name) => /^(log_likelihood.*|a?bic|aic3?|caic|icl|elbo|waic|loo|g2|x2|below_best)$/.test(name);

const SHORT = /^(aic3?|bic|caic|abic|icl|g2|x2|rmsea|srmr|tli|cfi|elbo|waic|ess|kmo|rmse|rmsr|ll|p|z)$/;
const LONG = { g2: "G²", x2: "X²", rho2: "ρ²", dim: "Dimension", loo: "LOO" };

/** Names such as class_1, Dim_2, g2_p or log_likelihood as people say them. */
export function said(name) {
  const words = String(name).split("_").map((word) => LONG[word.toLowerCase()] ?? (SHORT.test(word) && word.length > 1 ? word.toUpperCase() : word)).join(" ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** A matrix with its rows as columns. */
export const turned = (matrix) => (matrix[0] ?? []).map((_, at) => matrix.map((row) => row[at]));

/** A table of the result as a picture shows it: [head, rows] with numbers as people read them. */
export function flat(rows, heads = {}) {
  const names = Object.keys(rows[0] ?? {});
  return {
    head: names.map((name) => heads[name] ?? said(name)),
    rows: rows.map((row) => names.map((name) => {
      const value = row[name];
      if (value === null || value === undefined) return "–";
      if (typeof value === "boolean") return value ? "yes" : "no";
      return typeof value !== "number" ? String(value) : isLikelihood(name) ? likelihood(value) : number(value, 5);
    })),
  };
}
