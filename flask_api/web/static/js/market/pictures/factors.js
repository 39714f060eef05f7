/** Factors behind purchases: loadings in each rotation, what they explain, and how well they fit. */

import { count, number, percent } from "../../format.js";
import { intervalBars, MOST } from "../../pictures/bars.js";
import { plain } from "../../pictures/parts.js";
import { trace } from "./growing.js";
import { keptArray } from "./kept.js";
import { loadings } from "./loadings.js";
import { matrix } from "./matrix.js";
import { barName } from "./names.js";
import { array, columnsOf, metric, said } from "./outcome.js";
import { plane } from "./plane.js";
import { explained, over } from "./shares.js";
import { likeness } from "./similarity.js";

export const outputs = () => [];

const LOADINGS = [["loadings", "as asked for"], ["structure", "correlations with the factors"], ["unrotated_loadings", "unrotated"]];

function scree(result) {
  const values = array(result, "eigenvalues");
  if (!Array.isArray(values)) return null;
  const chance = [["chance_mean", "Chance, mean"], ["chance_95", "Chance, 95th percentile"]].filter(([name]) => Array.isArray(array(result, name)));
  const shown = values.slice(0, 30);
  return over({
    title: "Eigenvalues of the correlations", x: "Factor", y: "eigenvalue", at: shown.map((_, index) => index + 1), mark: result.results_summary?.n_factors,
    about: `The dotted line is the number of factors fitted.${chance.length > 0 ? " Factors above the lines of chance are more than chance (parallel analysis)." : " Where the line bends, factors begin to be chance."}`,
    lines: [{ name: "Data", values: shown }, ...chance.map(([name, words]) => ({ name: words, values: array(result, name).slice(0, 30) }))],
  });
}

function communalities(result) {
  const values = array(result, "communalities");
  if (!Array.isArray(values)) return null;
  const rows = result.product_columns.map((name, index) => ({ id: name, value: values[index] })).toSorted((a, b) => b.value - a.value);
  return {
    title: "How much of each product the factors explain", about: "Communality: the share of a product's liking that the factors account for.",
    draw: (colours, narrow) => intervalBars(colours, narrow, [{ name: "Communality", rows: rows.slice(0, MOST) }], { label: barName, axis: "share", range: [0, 1] }),
    table: () => ({ head: ["Product", "Communality"], rows: rows.map(({ id, value }) => [id, number(value, 4)]) }),
  };
}

function between(result) {
  const values = array(result, "factor_correlations");
  if (!Array.isArray(values?.[0]) || values.length < 2 || values.every((row, i) => row.every((value, j) => i === j || Math.abs(value) < 1e-9))) return null;
  const names = columnsOf(result, result.embeddings?.product ?? "loadings").map(said);
  return {
    title: "How the factors go together", about: "Correlations between factors, which an oblique rotation allows.",
    draw: (colours, narrow) => matrix(colours, narrow, {
      columns: names, rows: names, cells: values, signed: true, ends: [-1, 1], digits: 2,
      hover: values.map((row, i) => row.map((value, j) => `${plain(names[i])}<br>${plain(names[j])}: ${number(value, 3)}`)),
    }),
    table: () => ({ head: ["Factor", ...names], rows: values.map((row, i) => [names[i], ...row.map((value) => number(value, 4))]) }),
  };
}

export function view(result, output, naming, job) {
  const { metrics, variance_explained: variance, product_columns: products } = result;
  const dimensions = columnsOf(result, result.embeddings?.product ?? "loadings").map(said);
  const places = result.product_embeddings ?? result.loadings;
  return {
    tiles: [
      metric(result, "rmsea", "RMSEA", 3), metric(result, "rmsr", "RMSR", 3), metric(result, "tli", "TLI", 3),
      metric(result, "bic", "BIC", 6), metrics.heywood_cases > 0 ? ["Heywood cases", count(metrics.heywood_cases)] : null,
      Number.isFinite(metrics.parallel_factors) ? ["Beyond chance", `${count(metrics.parallel_factors)} ${metrics.parallel_factors === 1 ? "factor" : "factors"}`] : null,
    ],
    verdict: [
      ["", `${dimensions.length} ${dimensions.length === 1 ? "factor" : "factors"}`],
      Array.isArray(variance) ? ` ${dimensions.length === 1 ? "explains" : "explain"} ${percent(variance.reduce((sum, value) => sum + value, 0) / 100)} of the variance.` : ".",
      result.converged === false ? " The search has not converged." : "",
    ],
    pictures: [
      loadings(result, { title: "How products lean on the factors", about: "From −1 to 1; products that lean on the same factor stand together.", words: "loading", arrays: LOADINGS }),
      communalities(result),
      Array.isArray(places?.[0]) ? plane({
        title: "Map of the products", about: "Products that lie in the same direction go together.", dimensions, households: result.household_embeddings, fetch: keptArray(result, result.embeddings?.household, job),
        sets: [{ name: "Products", colour: "accent", symbol: "circle", points: products.map((name, index) => ({ name, at: places[index] })) }],
      }) : null,
      scree(result), between(result),
      Array.isArray(variance) && variance.length > 1 ? explained(variance, dimensions, { title: "What each factor explains", about: "Of all variance; the dotted line adds up." }) : null,
      dimensions.length < 2 ? null : likeness(products, result.similarity_matrix, { title: "Products that are alike", about: "Cosines of their loadings; products that are alike stand side by side.", words: "cosine" }),
    ].filter(Boolean),
  };
}

export function live(box, latest) {
  trace(box, latest, { title: "Misfit so far, start after start", y: "misfit", worse: (value, other) => value > other });
}

export function liveTiles(latest) {
  const extra = latest.extra ?? {};
  return [
    Number.isFinite(extra.start) && extra.start > 0 ? ["Start", extra.starts ? `${extra.start} of ${extra.starts}` : count(extra.start)] : null,
    Number.isFinite(extra.iteration) ? ["Iteration", count(extra.iteration)] : null,
    Number.isFinite(extra.misfit) ? ["Misfit", number(extra.misfit, 5)] : null,
    Number.isFinite(latest.best_misfit) ? ["Best so far", number(latest.best_misfit, 5)] : null,
    Number.isFinite(extra.replicate) ? ["Table of chance", `${extra.replicate} of ${extra.replicates}`] : null,
    Number.isFinite(extra.delta) ? ["Change", number(extra.delta, 3)] : null,
  ];
}
