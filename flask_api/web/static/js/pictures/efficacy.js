/** Efficacy: the scores of an analysis, and its levers by leverage and certainty. */

import { number } from "../format.js";
import { spread } from "./labels.js";
import { plain } from "./parts.js";
import { listed } from "./ranking.js";

const LEVELS = [0.25, 0.5, 0.75];

export const outputs = () => [];

const scoresOf = (result) => {
  const { parts, parts_of_confidence: of, parts_of_stability: steady } = result.metadata;
  return [
    ["overall", result.overall_score], ["confidence", result.confidence_score], ["stability", result.stability_score],
    ["accuracy", parts.accuracy], ["performance", parts.performance], ["consistency", of.consistency], ["convergence", of.convergence],
    ["stability of the values", steady.value], ["stability of the prices", steady.price], ["stability of how they go together", steady.correlation],
  ];
};

/** What is shown of a result: tiles, a sentence, pictures. */
export function view(result, _, naming) {
  const known = scoresOf(result).filter(([, value]) => Number.isFinite(value));
  const missing = result.metadata.missing ?? [];
  const levers = [...(result.levers ?? [])].sort((a, b) => b.efficacy - a.efficacy);
  const pictures = [];
  if (levers.length) pictures.push(plane(levers, naming));
  if (known.length) pictures.push(scores(known, missing));
  return { tiles: tiles(result), verdict: verdict(result, known, levers, missing, naming), warning: null, pictures };
}

const tiles = (result) =>
  [["Overall", result.overall_score], ["Confidence", result.confidence_score], ["Stability", result.stability_score], ["Accuracy", result.metadata.parts.accuracy]]
    .map(([name, value]) => [name, Number.isFinite(value) ? number(value, 3) : "–", Number.isFinite(value) ? "of 1" : ""]);

function verdict(result, known, levers, missing, naming) {
  const words = [];
  const best = levers.find(({ efficacy }) => efficacy > 0);
  if (best) {
    words.push(
      ["", naming.label(best.id)],
      ` is the best lever: leverage ${number(best.leverage, 3)} of 1, known with a certainty of ${number(best.certainty, 3)}. `,
    );
  }
  const parts = known.slice(1).sort((a, b) => a[1] - b[1]);
  if (parts.length > 1) words.push(`The analysis is weakest in ${parts[0][0]} (${number(parts[0][1], 2)}) and strongest in ${parts.at(-1)[0]} (${number(parts.at(-1)[1], 2)}).`);
  if (missing.length) words.push(` Not scored for want of data: ${listed(missing.map(({ part }) => part.replace("stability.", "stability of ")))}.`);
  return words;
}

function scores(known, missing) {
  return {
    title: "How good the analysis is, part by part",
    about: "0: worthless, 1: as good as can be.",
    wide: known.length > 6,
    draw: (colours, narrow) => ({
      height: 64 + known.length * (narrow ? 38 : 30),
      data: [
        {
          type: "bar", orientation: "h", y: known.map(([name]) => name), x: known.map(([, value]) => value),
          text: known.map(([, value]) => number(value, 3)), textposition: "inside", insidetextanchor: "end", textangle: 0,
          marker: { color: known.map((_, index) => (index === 0 ? colours.high : colours.accent)) },
          hovertemplate: "%{y}: %{x:.3f}<extra></extra>",
        },
      ],
      layout: { bargap: 0.4, xaxis: { range: [0, 1.02], title: { text: "score" } }, yaxis: { autorange: "reversed", showgrid: false } },
    }),
    table: () => ({
      head: ["Part", "Score"],
      rows: [...known.map(([name, value]) => [name, number(value, 5)]), ...missing.map(({ part, needs }) => [part, `needs ${needs}`])],
    }),
  };
}

function plane(levers, naming) {
  return {
    title: "Which lever moves much, and surely",
    about: "To the right: moves the output far. Up: known well. Dotted: the same efficacy, leverage times certainty.",
    wide: true,
    draw: (colours, narrow) => {
      const height = narrow ? 340 : 420;
      const names = spread(levers.map(({ id, leverage, certainty }) => ({ x: leverage / 1.1, y: certainty / 1.1, words: naming.label(id) })), narrow ? 280 : 740, height - 60);
      const steps = Array.from({ length: 60 }, (_, index) => (index + 1) / 60);
      return {
        height,
        data: [
          ...LEVELS.map((level) => {
            const x = steps.filter((step) => level / step <= 1.1);
            return { mode: "lines", x, y: x.map((step) => level / step), line: { color: colours.muted, width: 1, dash: "dot" }, hoverinfo: "skip" };
          }),
          {
            mode: "markers+text",
            x: levers.map(({ leverage }) => leverage), y: levers.map(({ certainty }) => certainty),
            text: names.map(({ words }) => plain(words)), textposition: names.map(({ place }) => place), textfont: { size: 11, color: colours.ink },
            marker: { color: colours.accent, size: 9 }, cliponaxis: false,
            customdata: levers.map((lever) => `${plain(naming.label(lever.id))}<br>leverage ${number(lever.leverage, 3)}, certainty ${number(lever.certainty, 3)}<br>efficacy ${number(lever.efficacy, 3)}`),
            hovertemplate: "%{customdata}<extra></extra>",
          },
        ],
        layout: {
          xaxis: { range: [-0.02, 1.1], title: { text: "leverage" } },
          yaxis: { range: [-0.02, 1.1], title: { text: "certainty" } },
        },
      };
    },
    table: () => ({
      head: ["Input", "Leverage", "Certainty", "Efficacy"],
      rows: levers.map((lever) => [naming.label(lever.id), ...[lever.leverage, lever.certainty, lever.efficacy].map((value) => number(value, 4))]),
    }),
  };
}
