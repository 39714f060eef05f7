/** Heat maps: a number for each pair. */

import { scale, twoSided, wrapped } from "./parts.js";

/** Columns up to which the numbers stand in their cells. */
const WRITTEN = 8;

/**
 * A heat map with names on both axes; cells without a number stay empty.
 * @param {object} colours
 * @param {boolean} narrow
 * @param {{columns: string[], rows: string[], cells: (?number)[][], hover: string[][],
 *   words?: string, ends?: number[], signed?: boolean, label?: (id: string) => string,
 *   axes?: {x?: string, y?: string}, digits?: number}} about `cells` row by row, from the top;
 *   `digits`: decimals of the numbers in cells
 */
export function heatMap(colours, narrow, { columns, rows, cells, hover, words = "", ends, signed, label = String, axes = {}, digits }) {
  const size = Math.max(...cells.flat().filter(Number.isFinite).map(Math.abs), 0) || 1;
  const [low, high] = ends ?? (signed ? [-size, size] : [0, size]);
  const decimals = digits ?? Math.min(Math.max(1 - Math.floor(Math.log10(Math.max(-low, high))), 0), 6);
  const written = columns.length <= (narrow ? 4 : WRITTEN);
  return {
    height: 110 + rows.length * (rows.length > 12 ? 26 : 36),
    data: [
      {
        type: "heatmap",
        x: columns,
        y: rows,
        z: cells,
        text: cells.map((line) => line.map((value) => (written && Number.isFinite(value) ? value.toFixed(decimals).replace(/^-(0\.?0*)$/, "$1") : ""))),
        texttemplate: "%{text}",
        customdata: hover,
        hovertemplate: "%{customdata}<extra></extra>",
        hoverongaps: false,
        zmin: low,
        zmax: high,
        colorscale: signed ? twoSided(colours) : scale(colours),
        colorbar: { thickness: 10, outlinewidth: 0, len: 1, title: { text: words, side: "right", font: { size: 11, color: colours.muted } } },
        xgap: 1,
        ygap: 1,
      },
    ],
    layout: {
      xaxis: category(columns, label, narrow, axes.x, tilted(columns, label, narrow)),
      yaxis: { ...category(rows, label, narrow, axes.y, 0), autorange: "reversed" },
    },
  };
}

/** Names that would not stand side by side. */
const tilted = (ids, label, narrow) => (ids.length * Math.max(...ids.map((id) => Math.min(label(id).length, 15))) > (narrow ? 28 : 80) ? -45 : 0);

const category = (ids, label, narrow, title, tickangle) => ({
  type: "category",
  tickmode: "array",
  tickvals: ids,
  ticktext: ids.map((id) => wrapped(label(id), narrow)),
  tickangle,
  showgrid: false,
  ticks: "",
  ...(title ? { title: { text: title } } : {}),
});
