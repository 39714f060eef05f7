/** Which products are alike: a tree of merges, and the heat map in its order. */

import { make } from "../../dom.js";
import { number } from "../../format.js";
import { plain, twoSided } from "../../pictures/parts.js";
import { written } from "./matrix.js";
import { rowNames, short } from "./names.js";
import { merges } from "./tree.js";

/** More products than this make a picture nobody can read; the table has all. */
const MOST = 120;
/** Products up to which the numbers stand in their cells. */
const WRITTEN = 12;
const LINKAGES = [["average", "average"], ["complete", "farthest"], ["single", "nearest"]];

/** Places of the products in which their names stand: as wide as the tree leaves room. */
const layout = (names, narrow, ends) => ({
  xaxis: { type: "linear", domain: [0, narrow ? 0.68 : 0.76], showgrid: false, zeroline: false, showticklabels: !narrow && names.length <= 30,
    tickvals: names.map((_, at) => at), ticktext: names.map((name) => plain(short(name, names.length > 8 ? 14 : 12))), tickangle: names.length > 8 ? -60 : 0, ticks: "" },
  yaxis: { type: "linear", range: [names.length - 0.5, -0.5], showgrid: false, zeroline: false,
    tickvals: names.map((_, at) => at), ticktext: rowNames(names, narrow), ticks: "" },
  xaxis2: { domain: [narrow ? 0.7 : 0.78, 1], range: ends, showgrid: false, zeroline: false, showticklabels: false, ticks: "" },
});

/**
 * @param {string[]} names
 * @param {(?number)[][]} similarity symmetric, 1 = alike
 * @param {{title: string, about: string, words: string}} said `words`: what the colours count
 * @returns {?import("../../pictures.js").Picture} null where there is nothing to compare
 */
export function likeness(names, similarity, { title, about, words }) {
  if (names.length < 3 || names.length > MOST || !Array.isArray(similarity?.[0])) return null;
  let linkage = "average";
  const at = (i, j) => (i === j ? null : similarity[i][j]);
  const size = Math.max(...similarity.flatMap((row, i) => row.filter((value, j) => i !== j && Number.isFinite(value)).map(Math.abs)), 0) || 1;
  return {
    title, about, wide: true,
    controls: (redraw) => {
      const select = make("select", { onchange: () => {
        linkage = select.value;
        redraw();
      } }, ...LINKAGES.map(([value, said]) => make("option", { value }, said)));
      return make("p", { class: "picture-bar" }, make("label", {}, "Groups are as far apart as their members on", select));
    },
    draw(colours, narrow) {
      const tree = merges(names.length, (i, j) => 1 - (similarity[i][j] ?? 0), linkage);
      const order = tree.order;
      const lines = tree.brackets;
      const far = Math.max(...lines.flatMap(({ x }) => x), 1e-9);
      const sorted = order.map((index) => names[index]);
      const row = names.length > 25 ? 20 : 28;
      const foot = narrow || names.length > 30 ? 20 : names.length > 8 ? 92 : 38; // px that the names below need
      const z = order.map((i) => order.map((j) => at(i, j)));
      const numbers = names.length <= (narrow ? 5 : WRITTEN) ? [written(
        { x: order.map((_, place) => place), y: order.map((_, place) => place), z, zmin: -size, zmax: size, colorscale: twoSided(colours) },
        z.map((line) => line.map((value) => (Number.isFinite(value) ? value.toFixed(2).replace(/^-(0\.00)$/, "$1") : ""))))] : [];
      return {
        height: foot + 76 + names.length * row,
        data: [
          {
            type: "heatmap", x: order.map((_, place) => place), y: order.map((_, place) => place), z,
            zmin: -size, zmax: size, colorscale: twoSided(colours), xgap: 1, ygap: 1, hoverongaps: false,
            customdata: order.map((i) => order.map((j) => `${plain(names[i])}<br>${plain(names[j])}<br>${words}: ${number(similarity[i][j], 3)}`)),
            hovertemplate: "%{customdata}<extra></extra>",
            colorbar: {
              thickness: 10, outlinewidth: 0, orientation: "h", x: 0, xanchor: "left", len: 0.6, yref: "paper", yanchor: "top", y: -foot / (names.length * row),
              nticks: narrow ? 3 : 6, tickangle: 0,
              title: { text: narrow ? "" : words, font: { size: 11, color: colours.muted } },
            },
          },
          ...numbers,
          {
            type: "scatter", mode: "lines", xaxis: "x2", x: lines.flatMap(({ x }) => [...x, null]), y: lines.flatMap(({ y }) => [...y, null]),
            line: { color: colours.ink, width: 1.25 }, hoverinfo: "skip",
          },
        ],
        layout: { ...layout(sorted, narrow, [0, 1.04 * far]), margin: { t: 8, b: foot + 64 } },
      };
    },
    table: () => ({
      head: ["Product", ...names],
      rows: names.map((name, i) => [name, ...names.map((_, j) => number(similarity[i][j], 3))]),
    }),
  };
}
