/** The tree of a hierarchical clustering, as the server joined it. */

import { number } from "../../format.js";
import { wrapped } from "../../pictures/parts.js";

/** Brackets of the merges: x the distances, y the places of their ends. */
function brackets({ linkage, leaf_order: order }) {
  const place = new Map(order.map((index, at) => [index, at]));
  const nodes = order.map((_, index) => ({ at: place.get(index), height: 0 }));
  return linkage.map(([one, other, height]) => {
    const [a, b] = [nodes[one], nodes[other]];
    nodes.push({ at: (a.at + b.at) / 2, height });
    return { x: [a.height, height, height, b.height], y: [a.at, a.at, b.at, b.at] };
  });
}

/** @param {{linkage: number[][], leaf_order: number[], names: string[], n_clusters: number}} told */
export function linkagePicture(told) {
  const lines = brackets(told);
  const names = told.leaf_order.map((index) => told.names[index]);
  const heights = lines.map(({ x }) => x[1]).sort((a, b) => a - b);
  const below = heights.at(-told.n_clusters) ?? 0;
  const above = heights.at(1 - told.n_clusters) ?? below;
  return {
    title: "The tree of merges", about: "Read from the left: what is joined early is alike. The dotted line cuts the tree into the groups.", wide: true,
    draw: (colours, narrow) => ({
      height: 90 + names.length * (names.length > 25 ? 18 : 26),
      data: [{ type: "scatter", mode: "lines", x: lines.flatMap(({ x }) => [...x, null]), y: lines.flatMap(({ y }) => [...y, null]), line: { color: colours.accent, width: 1.5 }, hoverinfo: "skip" }],
      layout: {
        xaxis: { title: { text: "distance" }, rangemode: "tozero" },
        yaxis: { range: [names.length - 0.5, -0.5], tickvals: names.map((_, at) => at), ticktext: names.map((name) => wrapped(name, narrow)), showgrid: false, zeroline: false, ticks: "" },
        shapes: told.n_clusters > 1 ? [{ type: "line", x0: (below + above) / 2, x1: (below + above) / 2, yref: "paper", y0: 0, y1: 1, line: { color: colours.ink, width: 1, dash: "dot" } }] : [],
      },
    }),
    table: () => ({ head: ["Merge", "Distance", "Members"], rows: told.linkage.map(([, , height, members], index) => [String(index + 1), number(height, 4), number(members)]) }),
  };
}
