/** Distributions fitted to data: QQ plot, density beside the data, the ranking. */

import { make } from "../dom.js";
import { count, number, percent } from "../format.js";
import { effects } from "./growing.js";
import { legendAbove, plain, strokes } from "./parts.js";
import { listed } from "./ranking.js";

/** Candidates whose density is drawn. */
const CURVES = 3;
/** Weight from which on a candidate may as well be the true one. */
const LIKELY = 0.05;

export function live(box, { fits = [] }) {
  effects(box, fits.map(({ kind, weight }) => ({ id: kind, effect: weight })), { label: String, title: "Akaike weights of the candidates so far", axis: "weight" });
}

export const outputs = () => [];

/** What is shown of a result: tiles, a sentence, pictures. */
export function view(result, _, naming, job) {
  const [best] = result.fits;
  const rivals = result.fits.slice(1).filter(({ weight }) => weight > LIKELY).map(({ kind }) => kind);
  const data = Array.isArray(job.params?.data) ? job.params.data : [];
  return {
    tiles: [
      ["Best candidate", best.kind],
      ["Akaike weight", number(best.weight, 3)],
      ["Largest gap (KS)", number(best.ks, 3)],
      ["Numbers", count(result.data.n)],
      ["Mean", number(result.data.mean)],
      ["Std. deviation", number(result.data.std)],
    ],
    verdict: [
      ["", best.kind], ` fits best: ${parameters(best)}. `,
      rivals.length
        ? `${listed(rivals)} ${rivals.length > 1 ? "do" : "does"} nearly as well, so the data do not decide between them.`
        : `It has ${best.weight > 0.995 ? "practically all" : percent(best.weight)} of the evidence: no other candidate comes near.`,
    ],
    warning: result.unfit.length ? result.unfit.map(({ kind, reason }) => `${kind}: ${reason}`).join("; ") : null,
    pictures: [quantiles(result), density(result, data), ranking(result)],
  };
}

function parameters({ distribution, standard_errors: errors = {} }) {
  return Object.entries(distribution)
    .filter(([name, value]) => name !== "kind" && Number.isFinite(value))
    .map(([name, value]) => `${name} = ${number(value)}${Number.isFinite(errors?.[name]) ? ` ± ${number(errors[name], 2)}` : ""}`)
    .join(", ");
}

/** Quantiles of the data against those of a candidate that one chooses. */
function quantiles(result) {
  const kinds = result.fits.map(({ kind }) => kind);
  const state = { kind: kinds[0] };
  const rows = result.quantiles;
  return {
    title: "Quantiles of the data against those of the fit (QQ plot)",
    about: "Points on the line: the candidate is right. Points that leave it at an end: its tail is too short or too long.",
    wide: true,
    controls: (redraw) => {
      const choice = make(
        "select",
        { "aria-label": "Candidate", onchange: () => { state.kind = choice.value; redraw(); } },
        ...kinds.map((kind) => make("option", { value: kind }, kind)),
      );
      return make("div", { class: "likely" }, make("span", {}, "Candidate"), choice);
    },
    draw: (colours, narrow) => {
      const points = rows.filter((row) => Number.isFinite(row[state.kind]) && Number.isFinite(row.data));
      const all = points.flatMap((row) => [row[state.kind], row.data]);
      const ends = [Math.min(...all), Math.max(...all)];
      return {
        height: narrow ? 340 : 420,
        data: [
          { x: ends, y: ends, mode: "lines", line: { color: colours.muted, width: 1, dash: "dot" }, hoverinfo: "skip" },
          {
            x: points.map((row) => row[state.kind]), y: points.map(({ data }) => data), mode: "markers",
            marker: { color: colours.accent, size: 6 },
            customdata: points.map(({ probability }) => 100 * probability),
            hovertemplate: `share %{customdata:.1f} %<br>${plain(state.kind)} %{x:.5g}<br>data %{y:.5g}<extra></extra>`,
          },
        ],
        layout: {
          xaxis: { title: { text: `quantile of the ${plain(state.kind)}` }, zeroline: false },
          yaxis: { title: { text: "quantile of the data" }, zeroline: false },
        },
      };
    },
    table: () => ({
      head: ["Share below", "Data", ...kinds],
      rows: rows.map((row) => [percent(row.probability, 2), number(row.data, 5), ...kinds.map((kind) => number(row[kind], 5))]),
    }),
  };
}

/** Density between neighbouring quantiles: what lies between them by their distance. */
function slope(rows, kind) {
  const found = [];
  for (let at = 1; at < rows.length; at += 1) {
    const [a, b] = [rows[at - 1], rows[at]];
    if (b[kind] > a[kind]) found.push({ x: (a[kind] + b[kind]) / 2, y: (b.probability - a.probability) / (b[kind] - a[kind]) });
  }
  return found;
}

function density(result, data) {
  const kinds = result.fits.slice(0, CURVES).map(({ kind }) => kind);
  const curves = kinds.map((kind) => slope(result.quantiles, kind));
  const { min, max, n } = result.data;
  const bins = Math.min(Math.max(Math.ceil(2 * Math.cbrt(n)), 8), 60);
  const size = (max - min) / bins;
  return {
    title: data.length ? "The data and the likeliest densities" : "The likeliest densities",
    wide: true,
    draw: (colours, narrow) => {
      const stroke = strokes({ ...colours, accent: colours.high, high: colours.accent });
      return {
        height: narrow ? 300 : 340,
        data: [
          ...(data.length && size > 0
            ? [{
                type: "histogram", name: "data", x: data, histnorm: "probability density", autobinx: false,
                xbins: { start: min, end: max + 1e-9 * (max - min), size }, marker: { color: colours.soft, line: { color: colours.accent, width: 1 } },
                hovertemplate: "%{x}: %{y:.3g}<extra>data</extra>",
              }]
            : []),
          ...curves.map((points, index) => ({
            name: plain(kinds[index]), mode: "lines", x: points.map(({ x }) => x), y: points.map(({ y }) => y), line: stroke(index),
            hovertemplate: `${plain(kinds[index])} %{y:.3g} at %{x:.4g}<extra></extra>`,
          })),
        ],
        layout: {
          showlegend: true,
          legend: legendAbove,
          margin: { t: 40 },
          bargap: 0.02,
          xaxis: { title: { text: "value" }, zeroline: false },
          yaxis: { title: { text: "density" }, rangemode: "tozero" },
        },
      };
    },
    table: () => ({
      head: ["Candidate", "Value", "Density"],
      rows: kinds.flatMap((kind, index) => curves[index].map(({ x, y }) => [kind, number(x, 5), number(y, 4)])),
    }),
  };
}

function ranking(result) {
  const best = result.fits[0].aic;
  return {
    title: "The candidates, the likeliest first",
    about: "Akaike's criterion above that of the best: 2 is next to nothing, 10 rules a candidate out.",
    wide: true,
    draw: (colours, narrow) => ({
      height: 64 + result.fits.length * (narrow ? 38 : 30),
      data: [
        {
          type: "bar", orientation: "h", y: result.fits.map(({ kind }) => kind), x: result.fits.map(({ aic }) => aic - best),
          text: result.fits.map(({ aic }) => number(aic - best, 3)), textposition: "outside", cliponaxis: false, textangle: 0,
          marker: { color: result.fits.map((_, index) => (index === 0 ? colours.high : colours.accent)) },
          hovertemplate: "%{y}: %{x:.4g} above the best<extra></extra>",
        },
      ],
      layout: {
        margin: { r: 48 },
        xaxis: { title: { text: "AIC above the best" }, rangemode: "tozero" },
        yaxis: { autorange: "reversed", showgrid: false },
      },
    }),
    table: () => ({
      head: ["Candidate", "Its numbers", "AIC", "BIC", "Weight", "KS", "Anderson-Darling", "Log likelihood"],
      rows: result.fits.map((one) => [
        one.kind, parameters(one), ...[one.aic, one.bic, one.weight, one.ks, one.anderson_darling, one.log_likelihood].map((value) => number(value, 5)),
      ]),
    }),
  };
}
