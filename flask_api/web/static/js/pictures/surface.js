/** Response surfaces: an output over the values of one decision, or of two. */

import { make } from "../dom.js";
import { count, number } from "../format.js";
import { cells, curve as curveSvg } from "./growing.js";
import { called } from "./naming.js";
import { legendAbove, mark, marked, plain, scale } from "./parts.js";

export function live(box, latest, naming) {
  const { decisions, values, output, of } = latest;
  if (!values?.length) return;
  const title = `${naming.The(output)}${of === "value" ? "" : `, ${shown(of)}`}`;
  const [first, second] = decisions.map((decision) => ({ ...decision, name: axisOf(decision, naming) }));
  if (second) cells(box, { x: first, y: second, values, title, axis: naming.axis(output) });
  else curveSvg(box, first.values.map((x, at) => [x, values[at]]), { title, x: first.name, y: naming.axis(output) });
}

export const outputs = (result) => Object.keys(result.outputs ?? {});

/** p5 -> P5; "value" is the output with all other inputs as they stand. */
const shown = (of) => ({ value: "all other inputs as they stand", mean: "mean", std: "standard deviation" })[of] ?? of.toUpperCase();

const axisOf = ({ id, unit }, naming) => {
  const own = unit ?? naming.inputUnit(id);
  return plain(own ? `${naming.label(id)} (${own})` : naming.label(id));
};

/** The tables of one output: {of: {values, best}}. */
function tablesOf({ values, best, uncertain }) {
  const found = { value: { values, best } };
  if (!uncertain) return found;
  for (const one of uncertain.percentiles) found[`p${one.percentile}`] = one;
  found.mean = { values: uncertain.mean, best: uncertain.best_mean };
  found.std = { values: uncertain.std, best: {} };
  return found;
}

/** What is shown of a result: tiles, a sentence, pictures. */
export function view(result, output, naming) {
  const own = result.outputs[output];
  const tables = tablesOf(own);
  const main = own.uncertain ? tables.p50 ?? tables.mean : tables.value;
  const today = result.today.outputs[output];
  const { lowest, highest } = main.best ?? {};
  const where = (end) => Object.entries(end.at).map(([id, value]) => `${naming.label(id)} = ${[number(value), unitOf(result, id)].filter(Boolean).join(" ")}`).join(" and ");
  const two = result.decisions.length === 2;
  const draw = two ? heat(result, tables, output, naming) : line(result, tables, output, naming);
  return {
    tiles: [
      ["Lowest", number(lowest?.value, 5), naming.unit(output)],
      ["Highest", number(highest?.value, 5), naming.unit(output)],
      ["Today", number(today, 5), naming.unit(output)],
      ["Points", count(result.metadata.points)],
      result.metadata.samples ? ["Draws at each", count(result.metadata.samples)] : null,
    ],
    verdict: lowest
      ? [
          `${own.uncertain ? `${tables.p50 ? "The median" : "The mean"} of ${naming.the(output)}` : naming.The(output)} is lowest, `,
          ["", naming.amount(output, lowest.value)], `, at ${where(lowest)}; highest, `,
          ["", naming.amount(output, highest.value)], `, at ${where(highest)}.`,
          Number.isFinite(today) ? ` Today: ${naming.amount(output, today)}.` : "",
        ]
      : [`There is no value of ${naming.the(output)} on the grid.`],
    warning: own.failed ? `${count(own.failed)} points have no ${called(output)} and stay empty.` : null,
    pictures: [draw],
  };
}

const unitOf = (result, id) => result.decisions.find((decision) => decision.id === id)?.unit ?? "";

function table(result, tables, output, naming) {
  const names = Object.keys(tables);
  return () => {
    const [first, second] = result.decisions;
    const at = (of, i, j) => (second ? tables[of].values?.[i]?.[j] : tables[of].values?.[i]);
    return {
      head: [...result.decisions.map((decision) => axisOf(decision, naming)), ...names.map((of) => (of === "value" ? naming.axis(output) : of.toUpperCase()))],
      rows: first.values.flatMap((x, i) =>
        (second ? second.values : [null]).map((y, j) => [
          number(x, 6), ...(second ? [number(y, 6)] : []), ...names.map((of) => number(at(of, i, j), 5)),
        ]),
      ),
    };
  };
}

function heat(result, tables, output, naming) {
  const [first, second] = result.decisions;
  const names = Object.keys(tables);
  const state = { of: tables.p50 ? "p50" : names[0] };
  return {
    title: `${naming.The(output)} for each pair of values`,
    about: "Triangles: the lowest and the highest cell; ring: today.",
    wide: true,
    controls: names.length > 1
      ? (redraw) => {
          const choice = make(
            "select",
            { "aria-label": "What the colours show", onchange: () => { state.of = choice.value; redraw(); } },
            ...names.map((of) => make("option", { value: of }, shown(of))),
          );
          choice.value = state.of;
          return make("div", { class: "likely" }, make("span", {}, "Colours show"), choice);
        }
      : undefined,
    draw: (colours, narrow) => {
      const { values, best } = tables[state.of];
      const spot = (point, symbol, name, open) => ({
        name, mode: "markers", x: [point[first.id]], y: [point[second.id]], showlegend: true,
        marker: open ? { symbol, size: 14, color: colours.ink, line: { width: 3 } } : { symbol, size: 13, color: colours.high, line: { width: 2, color: colours.surface } },
        hovertemplate: `${name}<extra></extra>`,
      });
      const data = [
        {
          type: "heatmap", x: first.values, y: second.values,
          z: second.values.map((_, j) => first.values.map((_, i) => values[i][j])),
          colorscale: scale(colours), hoverongaps: false,
          colorbar: { thickness: 10, outlinewidth: 0, title: { text: narrow ? "" : plain(naming.axis(output)), side: "right", font: { size: 11, color: colours.muted } } },
          hovertemplate: `${plain(naming.label(first.id))}: %{x:.5g}<br>${plain(naming.label(second.id))}: %{y:.5g}<br>${plain(called(output))}: %{z:.5g}<extra></extra>`,
        },
      ];
      if (best?.lowest) data.push(spot(best.lowest.at, "triangle-down", "lowest"));
      if (best?.highest) data.push(spot(best.highest.at, "triangle-up", "highest"));
      if (inside(first) && inside(second)) data.push(spot({ [first.id]: first.today, [second.id]: second.today }, "circle-open", "today", true));
      return {
        height: narrow ? 400 : 460,
        data,
        layout: {
          showlegend: true,
          legend: legendAbove,
          margin: { t: 44 },
          xaxis: { title: { text: axisOf(first, naming) }, showgrid: false, zeroline: false, nticks: narrow ? 4 : 8 },
          yaxis: { title: { text: axisOf(second, naming) }, showgrid: false, zeroline: false },
        },
      };
    },
    table: table(result, tables, output, naming),
  };
}

const inside = ({ today, values }) => Number.isFinite(today) && today >= Math.min(...values) && today <= Math.max(...values);

function line(result, tables, output, naming) {
  const [decision] = result.decisions;
  const x = decision.values;
  const percents = Object.keys(tables).filter((of) => /^p\d/.test(of)).sort((a, b) => Number(a.slice(1)) - Number(b.slice(1)));
  const [low, high] = [percents[0], percents.at(-1)];
  const band = percents.length > 1;
  const middle = tables.p50 ? "p50" : tables.mean ? "mean" : null;
  const best = (tables[middle ?? "value"].best ?? {});
  return {
    title: `${naming.The(output)} for each value of ${naming.label(decision.id)}`,
    about: band ? `Shaded: from ${shown(low)} to ${shown(high)} of the draws.` : undefined,
    wide: true,
    draw: (colours) => {
      const stroke = (of, name, colour, dash) => ({
        name, x, y: tables[of].values, mode: "lines", line: { color: colour, width: 2, dash },
        hovertemplate: `${name} %{y:.5g} ${plain(naming.unit(output))} at %{x:.5g}<extra></extra>`,
      });
      const spot = (end, symbol, name) => ({
        name, mode: "markers", x: [end.at[decision.id]], y: [end.value], marker: { symbol, size: 12, color: colours.high },
        hovertemplate: `${name} %{y:.5g} at %{x:.5g}<extra></extra>`,
      });
      const data = [];
      if (band) {
        data.push({ x, y: tables[high].values, mode: "lines", line: { width: 0 }, hoverinfo: "skip", showlegend: false });
        data.push({ x, y: tables[low].values, mode: "lines", line: { width: 0 }, fill: "tonexty", fillcolor: colours.soft, hoverinfo: "skip", showlegend: false });
      }
      if (middle) data.push(stroke(middle, middle === "p50" ? "median" : "mean", colours.accent, "solid"));
      data.push(stroke("value", "others as they stand", middle ? colours.muted : colours.accent, middle ? "dash" : "solid"));
      if (best.lowest) data.push(spot(best.lowest, "triangle-down", "lowest"));
      if (best.highest) data.push(spot(best.highest, "triangle-up", "highest"));
      return {
        height: 380,
        data,
        layout: {
          showlegend: true,
          legend: legendAbove,
          margin: { t: 60 },
          xaxis: { title: { text: axisOf(decision, naming) }, zeroline: false },
          yaxis: { title: { text: naming.axis(output) }, zeroline: false },
          ...(inside(decision) ? marked([mark(colours, { x: decision.today, words: "today" })]) : {}),
        },
      };
    },
    table: table(result, tables, output, naming),
  };
}
