/** Horizontal bars with intervals: the picture of most methods. */

import { number } from "../format.js";
import { inputAxis, legendAbove, mark, marked, plain, whiskers } from "./parts.js";

/** Inputs that a picture shows at most; the table has all. */
export const MOST = 30;

/**
 * Bars with intervals, one group for each input.
 * @param {object} colours
 * @param {boolean} narrow
 * @param {{name: string, rows: {id: string, value: ?number, lower: ?number, upper: ?number}[]}[]} series
 *   each with the same ids, in the order from top to bottom
 * @param {{label: (id: string) => string, axis: string, marks?: {x: number, words: string}[], range?: number[]}} about
 */
export function intervalBars(colours, narrow, series, { label, axis, marks = [], range }) {
  const ids = series[0].rows.map(({ id }) => id);
  const fills = [colours.accent, colours.high, colours.low, colours.warm];
  const lines = marks.map((item) => mark(colours, item));
  const several = series.length > 1;
  return {
    height: 64 + (several ? 28 : 0) + (marks.length ? 16 : 0) + ids.length * Math.max(13 * series.length + 8, narrow ? 48 : 34),
    data: series.map(({ name, rows }, index) => ({
      type: "bar",
      orientation: "h",
      name: plain(name),
      y: ids,
      x: rows.map(({ value }) => value),
      error_x: whiskers(rows, colours.ink),
      marker: { color: fills[index % fills.length] },
      customdata: rows.map((row) => `${plain(label(row.id))}<br>${plain(name)}: ${number(row.value)}${interval(row)}`),
      hovertemplate: "%{customdata}<extra></extra>",
    })),
    layout: {
      barmode: "group",
      bargap: several ? 0.28 : 0.4,
      showlegend: several,
      legend: { ...legendAbove, traceorder: "normal" },
      margin: { t: (several ? 30 : 8) + (marks.length ? 18 : 0) },
      xaxis: { title: { text: axis }, rangemode: "tozero", ...(range ? { range } : {}) },
      yaxis: inputAxis(ids, label, narrow),
      ...marked(lines),
    },
  };
}

const interval = ({ lower, upper }) =>
  Number.isFinite(lower) && Number.isFinite(upper) && upper > lower ? ` (${number(lower)} to ${number(upper)})` : "";
