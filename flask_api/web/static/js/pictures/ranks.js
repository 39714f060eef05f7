/** How sure the order of the inputs is, where a bootstrap tells. */

import { count, number, percent } from "../format.js";
import { heatMap } from "./heat.js";

/** Inputs whose ranks are drawn, at most. */
const MOST = 15;

/** A sentence about an input's rank, or none. */
export function stable(ranks, label) {
  if (!Number.isFinite(ranks?.stability)) return "";
  return ` ${label} has rank ${ranks.rank} in ${percent(ranks.stability)} of the resamples.`;
}

/** Columns of a table about ranks; none without a bootstrap. */
export function rankColumns(all) {
  if (!all.some((ranks) => Number.isFinite(ranks?.stability))) return { head: [], cells: () => [] };
  return {
    head: ["Rank", "in resamples", "from rank", "to rank"],
    cells: (ranks) => (ranks ? [count(ranks.rank), percent(ranks.stability), count(ranks.lower), count(ranks.upper)] : ["–", "–", "–", "–"]),
  };
}

/**
 * How often an input has which rank, where the result keeps its resamples.
 * @param {Object<string, (?number)[]>} resampled values of each input, one a resample
 * @param {string[]} order the inputs, the strongest first
 */
export function rankShares(resampled, order, naming, output) {
  if (!resampled || order.length < 2) return null;
  const ids = order.slice(0, MOST);
  const size = resampled[order[0]].length;
  const often = new Map(order.map((id) => [id, order.map(() => 0)]));
  for (let at = 0; at < size; at += 1) {
    const value = (id) => resampled[id][at] ?? -Infinity;
    [...order].sort((a, b) => value(b) - value(a)).forEach((id, rank) => (often.get(id)[rank] += 1 / size));
  }
  const columns = order.slice(0, MOST).map((_, rank) => String(rank + 1));
  return {
    title: `How sure the order is for ${naming.the(output)}` + (order.length > MOST ? `: the first ${MOST} of ${order.length} inputs` : ""),
    about: `How often an input has which rank in ${count(size)} resamples of the same rows.`,
    wide: ids.length > 6,
    draw: (colours, narrow) =>
      heatMap(colours, narrow, {
        columns,
        rows: ids,
        cells: ids.map((id) => columns.map((_, rank) => often.get(id)[rank])),
        hover: ids.map((id) => columns.map((name, rank) => `${naming.label(id)}<br>rank ${name} in ${percent(often.get(id)[rank], 1)}`)),
        label: (name) => (columns.includes(name) && !ids.includes(name) ? name : naming.label(name)),
        words: narrow ? "" : "share of the resamples",
        axes: { x: "rank" },
        ends: [0, 1],
      }),
    table: () => ({
      head: ["Input", ...columns.map((name) => `Rank ${name}`)],
      rows: ids.map((id) => [naming.label(id), ...columns.map((_, rank) => number(often.get(id)[rank], 3))]),
    }),
  };
}
