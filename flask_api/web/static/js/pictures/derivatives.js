/** Slopes of the price along one input: the price itself, and how steep it is. */

import { number } from "../format.js";
import { mark, marked, plain } from "./parts.js";

export const outputs = () => [];

/** What is shown of a result: tiles, a sentence, pictures. */
export function view({ derivatives, metadata }, _, naming) {
  const { baseline, units, unit } = metadata;
  const name = naming.label(metadata.name);
  const across = units.grid ? `${name} (${units.grid})` : name;
  const elasticity = (baseline.first_order * baseline.value) / baseline.price;
  const curve = (title, values, words, wide) => ({
    title, wide,
    draw: (colours) => ({
      height: 340,
      data: [{
        x: derivatives.grid, y: values, mode: "lines+markers", line: { color: colours.accent, width: 2 }, marker: { size: 5 },
        hovertemplate: `%{x:.5g}: %{y:.5g} ${plain(words)}<extra></extra>`,
      }],
      layout: {
        margin: { t: 28 },
        xaxis: { title: { text: plain(across) }, zeroline: false },
        yaxis: { title: { text: plain(words) }, zeroline: false, exponentformat: "power" },
        ...marked([mark(colours, { x: baseline.value, words: "today" })]),
      },
    }),
    table: () => ({
      head: [across, `Price (${units.price})`, `Slope, ${unit}`, `Curvature, ${metadata.second_order.unit}`, "Elasticity"],
      rows: derivatives.grid.map((value, at) => [
        value, derivatives.price[at], derivatives.first_order[at], derivatives.second_order[at], derivatives.elasticity[at],
      ].map((one) => number(one, 6))),
    }),
  });
  return {
    tiles: [
      ["Price as it stands", number(baseline.price, 5), units.price],
      [`${name} today`, number(baseline.value, 5), units.grid],
      ["Slope there", number(baseline.first_order, 4), unit],
      Number.isFinite(elasticity) ? ["Elasticity there", number(elasticity, 3)] : null,
    ],
    verdict: Number.isFinite(elasticity)
      ? [
          `At today's value 1 % more of `, ["", name], ` ${elasticity < 0 ? "lowers" : "raises"} the price by `,
          ["", `${number(Math.abs(elasticity), 3)} %`], ".",
        ]
      : [],
    pictures: [
      curve(`The price for each value of ${name}`, derivatives.price, `price (${units.price})`, true),
      curve("How steep it is there", derivatives.first_order, `slope, ${unit}`, true),
    ],
  };
}
