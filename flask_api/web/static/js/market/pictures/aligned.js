/** Two runs on one picture: the dimensions of one beside those of the other that answer to them. */

import { number } from "../../format.js";
import { plain } from "../../pictures/parts.js";
import { matrix } from "./matrix.js";
import { array, columnsOf, firstOf, said, turned } from "./outcome.js";

const MOST = 40; // products

/** What a run says of products, one column for each of its dimensions. */
function places(result) {
  const name = firstOf(result, ["loadings"]) ?? result.embeddings?.product;
  const values = name ? array(result, name) : null;
  if (!Array.isArray(values?.[0])) return null;
  return { values, columns: columnsOf(result, name) };
}

/**
 * @param {{name: string, result: object}} one
 * @param {{name: string, result: object}} other
 * @param {{one: number, other: number, value: number}[]} pairs dimensions, from 1, and their congruence
 * @returns {?import("../../pictures.js").Picture}
 */
export function aligned(one, other, pairs) {
  const [left, right] = [places(one.result), places(other.result)];
  if (!left || !right) return null;
  const [mine, theirs] = [turned(left.values), turned(right.values)];
  const products = one.result.product_columns;
  const columns = pairs.flatMap((pair, index) => [{ from: 0, at: pair.one - 1, id: `${index}a`, pair }, { from: 1, at: pair.other - 1, id: `${index}b`, pair }]);
  const value = ({ from, at, pair }, product) => {
    const found = (from ? theirs : mine)[at]?.[product];
    return from && pair.value < 0 ? -found : found; // a factor may point the other way
  };
  const nameOf = ({ from, at, pair }) => `${from && pair.value < 0 ? "− " : ""}${from ? "B" : "A"}: ${said((from ? right : left).columns[at] ?? `Dim_${at + 1}`)}`;
  const spread = (product) => Math.max(...mine.map((column) => Math.abs(column[product])));
  const order = products.map((_, index) => index).sort((a, b) => spread(b) - spread(a)).slice(0, MOST);
  const signed = columns.some((column) => order.some((product) => value(column, product) < 0));
  return {
    title: `A: ${one.name} beside B: ${other.name}`, wide: true,
    about: `Each dimension of the one stands left of that of the other which answers to it best; their congruence is ${pairs.map((pair) => number(Math.abs(pair.value), 2)).join(", ")} (above 0.95: the same).`,
    draw: (colours, narrow) => matrix(colours, narrow, {
      columns: columns.map(({ id }) => id), rows: order.map((product) => products[product]), signed, digits: 2,
      label: (id) => (columns.find((column) => column.id === id) ? nameOf(columns.find((column) => column.id === id)) : id),
      cells: order.map((product) => columns.map((column) => value(column, product))),
      hover: order.map((product) => columns.map((column) => `${plain(products[product])}<br>${plain(nameOf(column))}: ${number(value(column, product), 4)}`)),
    }),
    table: () => ({ head: ["Product", ...columns.map(nameOf)], rows: order.map((product) => [products[product], ...columns.map((column) => number(value(column, product), 4))]) }),
  };
}
