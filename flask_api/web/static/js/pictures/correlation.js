/** How inputs were correlated: the matrix as a heat map. */

import { number } from "../format.js";
import { heatMap } from "./heat.js";
import { plain } from "./parts.js";

/**
 * @param {{names: string[], matrix: number[][], method: ?string}} correlation
 * @returns {import("../pictures.js").Picture}
 */
export function correlated({ names, matrix, method }, naming) {
  return {
    title: "How the inputs were correlated",
    about: `Spearman's rank correlations${method ? `, by ${method.replace("_", "-")}` : ""}.`,
    draw: (colours, narrow) =>
      heatMap(colours, narrow, {
        columns: names, rows: names, cells: matrix, signed: true, ends: [-1, 1], label: naming.label,
        hover: matrix.map((line, i) => line.map((value, j) => `${plain(naming.label(names[i]))}<br>${plain(naming.label(names[j]))}<br>${number(value, 3)}`)),
      }),
    table: () => ({
      head: ["Input", ...names.map(naming.label)],
      rows: matrix.map((line, i) => [naming.label(names[i]), ...line.map((value) => number(value, 3))]),
    }),
  };
}
