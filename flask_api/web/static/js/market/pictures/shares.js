/** Numbers by dimension: a scree of eigenvalues, shares explained, and tests of how many. */

import { number } from "../../format.js";
import { flat } from "./outcome.js";

/**
 * Lines over a whole number: how many dimensions, classes or factors.
 * @param {{title: string, about: string, x: string, y: string, at: number[], digits?: number,
 *   lines: {name: string, values: (?number)[]}[], mark?: ?number, rows?: object[], wide?: boolean,
 *   table?: () => object, controls?: () => Node}} given
 *   `mark`: where the answer lies; `rows`: the table of the result behind it
 */
export function over({ title, about, x, y, at, lines, mark, rows, table, controls, wide = false }) {
  return {
    title, about, wide, controls,
    draw: (colours) => {
      const hues = [colours.accent, colours.high, colours.low, colours.warm, colours.good];
      const symbols = ["circle", "square", "diamond", "cross", "x"];
      return {
        height: 320,
        data: lines.map(({ name, values }, index) => ({
          type: "scatter", mode: "lines+markers", name, x: at, y: values, connectgaps: false,
          line: { color: hues[index % 5], width: 2, dash: index ? "dot" : "solid" }, marker: { size: 8, symbol: symbols[index % 5] },
          customdata: values.map((value, place) => `${x} ${at[place]}<br>${name}: ${number(value, 7)}`), hovertemplate: "%{customdata}<extra></extra>",
        })),
        layout: {
          showlegend: lines.length > 1, legend: { orientation: "h", y: -0.22, x: 0, yanchor: "top" },
          xaxis: { title: { text: x }, tick0: at[0], dtick: at.length > 16 ? Math.ceil(at.length / 12) : 1 }, yaxis: { title: { text: y } },
          ...(Number.isFinite(mark) ? { shapes: [{ type: "line", x0: mark, x1: mark, yref: "paper", y0: 0, y1: 1, line: { color: colours.ink, width: 1, dash: "dot" } }] } : {}),
        },
      };
    },
    table: table ?? (() => (rows ? flat(rows) : { head: [x, ...lines.map(({ name }) => name)], rows: at.map((number_, place) => [String(number_), ...lines.map(({ values }) => number(values[place], 5))]) })),
  };
}

/** The share that each dimension explains, in percent. */
export const explained = (values, dimensions, { title, about }) => ({
  title, about,
  draw: (colours) => ({
    height: 300,
    data: [
      { type: "bar", x: dimensions, y: values, marker: { color: colours.accent }, hovertemplate: "%{x}: %{y:.2f} %<extra></extra>" },
      ...(values.length > 1 ? [{ type: "scatter", mode: "lines+markers", x: dimensions, y: values.map((_, at) => values.slice(0, at + 1).reduce((sum, value) => sum + value, 0)), line: { color: colours.high, width: 1.5, dash: "dot" }, hovertemplate: "up to %{x}: %{y:.2f} %<extra></extra>" }] : []),
    ],
    layout: { xaxis: { type: "category" }, yaxis: { ticksuffix: " %", rangemode: "tozero" }, bargap: 0.4 },
  }),
  table: () => ({ head: ["Dimension", "Explained (%)"], rows: values.map((value, at) => [dimensions[at], number(value, 4)]) }),
});
