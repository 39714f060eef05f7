/** The map of products and households (MCA): biplot, inertia, and what makes the dimensions. */

import { number, percent } from "../../format.js";
import { keptArray } from "./kept.js";
import { loadings } from "./loadings.js";
import { array, columnsOf, flat, metric, rowsOf, said, table } from "./outcome.js";
import { plane } from "./plane.js";
import { explained, over } from "./shares.js";
import { likeness } from "./similarity.js";

export const outputs = () => [];

/** What a column is called: bread__1 is bread, bread__0 is bread not bought. */
const columnName = (label) => label.replace(/__1$/, "").replace(/__0$/, ", not bought");

/** Points of bought products, and of those not bought. */
function sets(result) {
  const every = array(result, "column_coordinates") ?? [];
  const points = rowsOf(result, "column_coordinates").map((label, index) => ({ label, name: columnName(label), at: every[index] }));
  return [
    { name: "Bought", colour: "accent", symbol: "circle", points: result.product_columns.map((name, index) => ({ name, at: result.product_embeddings[index] })) },
    { name: "Not bought", colour: "high", symbol: "diamond-open", points: points.filter(({ label, at }) => at && label.endsWith("__0")) },
  ].filter(({ points: found }) => found.length > 0);
}

const share = (value, words) => (Number.isFinite(value) ? [words, percent(value / 100, 1)] : null);

export function view(result, output, naming, job) {
  const { product_columns: products, product_embeddings: places, variance_explained: shares, metrics } = result;
  const plainNames = columnsOf(result, result.embeddings?.product).map(said);
  const dimensions = plainNames.map((name, index) => (Number.isFinite(shares?.[index]) ? `${name} (${number(shares[index], 3)} %)` : name));
  const eigenvalues = array(result, "eigenvalues");
  const first = Array.isArray(shares) ? (shares[0] + (shares[1] ?? 0)) / 100 : NaN;
  return {
    tiles: [
      metric(result, "total_inertia", "Total inertia", 4), ["Dimensions", String(plainNames.length)],
      share(metrics.explained_pct, "Inertia shown"), share(metrics.benzecri_pct, "Corrected (Benzécri)"), share(metrics.greenacre_pct, "Corrected (Greenacre)"),
    ],
    verdict: Number.isFinite(first) ? [["", `${percent(first)} of the inertia`], " lies in the first two dimensions."] : [],
    pictures: [
      Array.isArray(places?.[0]) ? plane({
        title: "Map of products and households", equal: true, cloud: true, dimensions, sets: sets(result),
        households: result.household_embeddings, fetch: keptArray(result, result.embeddings.household, job),
        about: "Products near each other are bought by the same households; those far from the centre are bought by few, or by households unlike the others. Dots in grey are households.",
      }) : null,
      Array.isArray(shares) ? explained(shares, plainNames, { title: "What each dimension shows", about: "Share of the inertia; the dotted line adds up." }) : null,
      Array.isArray(eigenvalues) && eigenvalues.length > 1 ? over({ title: "Eigenvalues", about: "Where the line bends, what follows is hardly more than chance.", x: "Dimension", y: "eigenvalue", at: eigenvalues.slice(0, 30).map((_, index) => index + 1), lines: [{ name: "Eigenvalue", values: eigenvalues.slice(0, 30) }], table: () => flat(table(result, "dimensions")) }) : null,
      loadings(result, { title: "What makes the dimensions", about: "Share of a dimension that a product, bought or not, accounts for.", words: "share", what: "Shown", arrays: [["column_contributions", "contributions"], ["column_cos2", "how well shown (cos²)"], ["column_coordinates", "coordinates"]], rename: columnName, head: "Column" }),
      likeness(products, result.similarity_matrix, { title: "Products that are alike", about: "Products that are alike on the map stand side by side.", words: "similarity" }),
    ].filter(Boolean),
  };
}
