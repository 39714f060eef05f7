/** A model without pictures of its own: its tables, its map of products, and its trace. */

import { number } from "../../format.js";
import { plain } from "../../pictures/parts.js";
import { trace } from "./growing.js";
import { matrix } from "./matrix.js";
import { columnsOf, metric, said } from "./outcome.js";
import { likeness } from "./similarity.js";

export const outputs = () => [];

/** A tile for each of the run's figures, those that are numbers. */
const figures = (result) => Object.keys(result.metrics ?? {}).slice(0, 8).map((name) => metric(result, name, said(name), 5));

/** Where the model places the products. */
function embedding(result) {
  const places = result.product_embeddings;
  const names = result.product_columns ?? [];
  if (!Array.isArray(places) || places.length !== names.length || !Array.isArray(places[0])) return null;
  const columns = columnsOf(result, result.embeddings?.product).map(said);
  return {
    title: "Where the model places the products", wide: true,
    draw: (colours, narrow) => matrix(colours, narrow, {
      columns, rows: names, cells: places, signed: places.flat().some((value) => value < 0),
      hover: places.map((line, i) => line.map((value, j) => `${plain(names[i])}<br>${plain(columns[j])}: ${number(value, 4)}`)),
    }),
    table: () => ({ head: ["Product", ...columns], rows: places.map((line, i) => [names[i], ...line.map((value) => number(value, 4))]) }),
  };
}

export function view(result) {
  return {
    tiles: figures(result),
    verdict: [],
    pictures: [
      embedding(result),
      likeness(result.product_columns ?? [], result.similarity_matrix, {
        title: "Products that are alike", about: "Similarity as the model sees it, products that are alike side by side.", words: "similarity",
      }),
    ].filter(Boolean),
  };
}

export function live(box, latest) {
  trace(box, latest, { title: "So far", y: "value" });
}

/** What the run tells of itself, in its own words. */
export const liveTiles = (latest) =>
  Object.entries(latest.extra ?? {}).filter(([, value]) => Number.isFinite(value)).slice(0, 6).map(([name, value]) => [said(name), number(value, 6)]);
