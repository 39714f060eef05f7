/** How products lean on dimensions: a heat map with a choice of rotation, and what is shared. */

import { make } from "../../dom.js";
import { number } from "../../format.js";
import { plain } from "../../pictures/parts.js";
import { matrix } from "./matrix.js";
import { array, columnsOf, rowsOf, said } from "./outcome.js";

const MOST = 60;

/** Products in the order of the dimension they lean on most, the strongest first. */
function order(values) {
  const lead = values.map((row) => row.reduce((best, value, at) => (Math.abs(value ?? 0) > Math.abs(row[best] ?? 0) ? at : best), 0));
  return values.map((_, index) => index).sort((a, b) => lead[a] - lead[b] || Math.abs(values[b][lead[b]]) - Math.abs(values[a][lead[a]]));
}

/** The strongest of each dimension, as many as fit, in their order. */
function strongest(values) {
  const sorted = order(values);
  const lead = (row) => row.reduce((best, value, at) => (Math.abs(value ?? 0) > Math.abs(row[best] ?? 0) ? at : best), 0);
  const seen = new Map(); // dimension -> products of it so far
  const rank = new Map(sorted.map((index) => {
    const dimension = lead(values[index]);
    seen.set(dimension, (seen.get(dimension) ?? 0) + 1);
    return [index, seen.get(dimension)];
  }));
  const kept = new Set(sorted.toSorted((a, b) => rank.get(a) - rank.get(b)).slice(0, MOST));
  return sorted.filter((index) => kept.has(index));
}

/** Decimals with which the largest of the numbers has two digits that count. */
const decimals = (rows) => {
  const size = Math.max(...rows.flat().filter(Number.isFinite).map(Math.abs), 0);
  return size > 0 ? Math.min(Math.max(1 - Math.floor(Math.log10(size)), 2), 6) : 2;
};

/**
 * A heat map of products by dimensions.
 * @param {object} result
 * @param {{title: string, about: string, words: string, arrays: [string, string][], what?: string,
 *   rename?: (name: string) => string, column?: (name: string) => string, head?: string}} given
 *   `arrays`: names and words of what can be shown, such as rotations; those missing are left out;
 *   `rename` and `column`: what rows and columns are called
 * @returns {?import("../../pictures.js").Picture}
 */
export function loadings(result, { title, about, words, arrays, what = "Rotation", rename = String, column = said, head = "Product" }) {
  const there = arrays.filter(([name]) => Array.isArray(array(result, name)?.[0]));
  if (there.length === 0) return null;
  let [[chosen]] = there;
  const shown = () => {
    const values = array(result, chosen);
    return { values, names: rowsOf(result, chosen).map(rename), columns: columnsOf(result, chosen).map(column), rows: strongest(values) };
  };
  return {
    title,
    about: `${about}${array(result, chosen).length > MOST ? ` The strongest ${MOST} of ${array(result, chosen).length} ${head.toLowerCase()}s; the table has all.` : ""}`,
    wide: array(result, chosen)[0].length > 4,
    controls(redraw) {
      if (there.length < 2) return null;
      const select = make("select", { onchange: () => {
        chosen = select.value;
        redraw();
      } }, ...there.map(([name, called]) => make("option", { value: name }, called)));
      return make("p", { class: "picture-bar" }, make("label", {}, what, select));
    },
    draw(colours, narrow) {
      const { values, names, columns, rows } = shown();
      return matrix(colours, narrow, {
        columns, rows: rows.map((index) => names[index]), words, digits: decimals(values), signed: values.flat().some((value) => value < 0),
        cells: rows.map((index) => values[index]),
        hover: rows.map((index) => values[index].map((value, k) => `${plain(names[index])}<br>${plain(columns[k])}: ${number(value, 4)}`)),
      });
    },
    table() {
      const { values, names, columns } = shown();
      return { head: [head, ...columns], rows: values.map((row, index) => [names[index], ...row.map((value) => number(value, 4))]) };
    },
  };
}
