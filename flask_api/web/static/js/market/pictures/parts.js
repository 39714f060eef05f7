/** Typical baskets that add up to the purchases (NMF). */

import { count, number, percent } from "../../format.js";
import { intervalBars } from "../../pictures/bars.js";
import { trace } from "./growing.js";
import { keptArray } from "./kept.js";
import { loadings } from "./loadings.js";
import { columnsOf, flat, metric, said, table } from "./outcome.js";
import { plane } from "./plane.js";
import { explained } from "./shares.js";
import { likeness } from "./similarity.js";

export const outputs = () => [];

/** Component_1 is the first basket. */
const basket = (name) => said(name).replace(/^(Dimension|Component)/, "Basket");

/** Does each basket come out of every start? */
function stability(result, names) {
  const rows = table(result, "components");
  if (!rows.some((row) => Number.isFinite(row.stability))) return null;
  return {
    title: "How stable the baskets are", about: "How alike a basket is in the other starts; near 1, it is always found.",
    draw: (colours, narrow) => intervalBars(colours, narrow, [{ name: "Stability", rows: rows.map((row, index) => ({ id: names[index], value: row.stability })) }], { label: (id) => id, axis: "cosine", range: [0, 1] }),
    table: () => flat(rows),
  };
}

export function view(result, output, naming, job) {
  const { metrics, variance_explained: shares, product_columns: products } = result;
  const names = columnsOf(result, result.embeddings?.product ?? "loadings").map(basket);
  const places = result.product_embeddings ?? result.loadings;
  const known = metrics.explained;
  return {
    tiles: [
      metric(result, "reconstruction_error", "Reconstruction error", 5), metric(result, "rmse", "RMSE per cell", 4),
      Number.isFinite(known) ? ["Explained", percent(known)] : null, Number.isFinite(result.results_summary?.n_iter) ? ["Rounds", count(result.results_summary.n_iter)] : null,
    ],
    verdict: [["", `${names.length} baskets`], Number.isFinite(known) ? ` give back ${percent(known)} of what was bought.` : ".", result.converged === false ? " The search has not converged." : ""],
    pictures: [
      loadings(result, { title: "What is in each basket", about: "Weights of the products; a basket has the length 1.", words: "weight", column: basket, arrays: [["loadings", ""]] }),
      Array.isArray(shares) ? explained(shares, names, { title: "How much each basket gives back", about: "In percent of what was bought; the dotted line adds up." }) : null,
      stability(result, names),
      Array.isArray(places?.[0]) ? plane({
        title: "Map of the products", about: "How much of each product stands in two of the baskets.", dimensions: names, households: result.household_embeddings, fetch: keptArray(result, result.embeddings?.household, job),
        sets: [{ name: "Products", colour: "accent", symbol: "circle", points: products.map((name, index) => ({ name, at: places[index] })) }],
      }) : null,
      names.length < 2 ? null : likeness(products, result.similarity_matrix, { title: "Products that are alike", about: "Cosines of their weights; products that stand in the same baskets are side by side.", words: "cosine" }),
    ].filter(Boolean),
  };
}

export function live(box, latest) {
  trace(box, latest, { title: "Reconstruction error so far, start after start", y: "error", worse: (value, other) => value > other });
}

export function liveTiles(latest) {
  const extra = latest.extra ?? {};
  return [
    Number.isFinite(extra.start) && extra.start > 0 ? ["Start", extra.starts ? `${extra.start} of ${extra.starts}` : count(extra.start)] : null,
    Number.isFinite(extra.iteration) ? ["Round", count(extra.iteration)] : null,
    Number.isFinite(extra.reconstruction_error) ? ["Error", number(extra.reconstruction_error, 6)] : null,
    Number.isFinite(latest.best_reconstruction_error) ? ["Best so far", number(latest.best_reconstruction_error, 6)] : null,
  ];
}
