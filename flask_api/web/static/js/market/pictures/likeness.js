/** How alike many runs are: each with each other, on one picture. */

import { make } from "../../dom.js";
import { number } from "../../format.js";
import { plain } from "../../pictures/parts.js";
import { matrix } from "./matrix.js";

/** What is told of two runs, and how it is read. */
const MEASURES = {
  similarity_correlation: "how their similarities of products correlate",
  adjusted_rand: "how alike they group households (adjusted Rand index)",
  mean_congruence: "how their dimensions agree (congruence)",
};

/**
 * @param {{id: string, name: string}[]} runs
 * @param {object[]} pairs `one`, `other`, and a number for each measure there is
 * @returns {?import("../../pictures.js").Picture} null where nothing is told
 */
export function likenessOfRuns(runs, pairs) {
  const there = Object.entries(MEASURES).filter(([name]) => pairs.some((pair) => Number.isFinite(pair[name])));
  if (there.length === 0) return null;
  let [[chosen]] = there;
  const of = (one, other, name) => pairs.find((pair) => [pair.one, pair.other].includes(one) && [pair.one, pair.other].includes(other))?.[name];
  const cells = (name) => runs.map(({ id: one }) => runs.map(({ id: other }) => (one === other ? null : of(one, other, name) ?? null)));
  const called = runs.map(({ name }, index) => `${index + 1}: ${name}`);
  return {
    title: "How alike the runs are", wide: true, about: "1: the same. Runs that have nothing in common to be measured stay empty.",
    controls(redraw) {
      const select = make("select", { onchange: () => {
        chosen = select.value;
        redraw();
      } }, ...there.map(([name, words]) => make("option", { value: name }, words)));
      return make("p", { class: "picture-bar" }, make("label", {}, "By", select));
    },
    draw: (colours, narrow) => matrix(colours, narrow, {
      columns: runs.map((_, index) => String(index + 1)), rows: called, cells: cells(chosen), signed: true, ends: [-1, 1], digits: 2,
      hover: cells(chosen).map((line, i) => line.map((value, j) => `${plain(called[i])}<br>${plain(called[j])}: ${number(value, 3)}`)),
    }),
    table: () => ({
      head: ["Run", "and", ...there.map(([name]) => ({ similarity_correlation: "Similarities", adjusted_rand: "Adjusted Rand", mean_congruence: "Congruence" })[name])],
      rows: pairs.map((pair) => [...[pair.one, pair.other].map((id) => runs.find((run) => run.id === id)?.name ?? id), ...there.map(([name]) => number(pair[name], 3))]),
    }),
  };
}
