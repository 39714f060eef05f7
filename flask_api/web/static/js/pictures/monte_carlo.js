/** Monte Carlo: histogram, chances, contributions, convergence, correlation. */

import { histogram as histogramSvg } from "../charts.js";
import { count, number, percent } from "../format.js";
import { intervalBars } from "./bars.js";
import { correlated } from "./correlation.js";
import { likely } from "./likely.js";
import { called } from "./naming.js";
import { inputAxis, mark, marked, plain } from "./parts.js";

const DRIVERS = 15;

export function live(box, latest, naming) {
  const output = latest.output ?? naming.main;
  histogramSvg(box, latest, naming.unit(output), naming.the(output));
}

/** Figures while it runs, or of a run that was stopped. */
export const liveTiles = (latest, naming) =>
  [["Mean", latest.mean, 5], ["P5", latest.p5], ["Median", latest.p50], ["P95", latest.p95]].map(
    ([name, value, digits]) => [name, number(value, digits), naming.unit(latest.output ?? naming.main)],
  );

export const outputs = (result) => Object.keys(result.results?.outputs ?? { [result.metadata.output]: 0 });

const at = (results, p) => results.percentiles?.find?.(({ percentile }) => percentile === p)?.value;

/** What is shown of a result: tiles, a sentence, pictures. */
export function view(result, output, naming, job) {
  const results = result.results.outputs?.[output] ?? result.results;
  const target = job.params?.config?.target ?? null;
  const alone = output === result.metadata.output ? Object.entries(result.results.per_parameter ?? {}) : [];
  const drivers = (results.contribution ?? []).filter(({ variance_share: share }) => Number.isFinite(share));
  const { correlation } = result.metadata;
  const pictures = [distribution(results, output, naming, target)];
  if ((results.distribution ?? []).length > 1 && results.max > results.min) pictures.push(likely(results, output, naming, target));
  if (drivers.length > 0) pictures.push(contribution(drivers, output, naming));
  if (alone.length > 1) pictures.push(each(alone, output, naming));
  if ((results.convergence ?? []).length > 1) pictures.push(convergence(results.convergence, output, naming));
  if (correlation?.matrix) pictures.push(correlated(correlation, naming));
  const unit = naming.unit(output);
  return {
    tiles: [
      ["Mean", number(results.mean, 5), unit],
      ["Std. deviation", number(results.std), unit],
      ["P5", number(at(results, 5)), unit],
      ["Median", number(at(results, 50)), unit],
      ["P95", number(at(results, 95)), unit],
      ["Draws", count(results.n ?? NaN)],
    ],
    verdict: verdict(results, drivers, output, naming, target),
    warning: results.failed ? `${count(results.failed)} draws gave no ${called(output)} and are left out.` : null,
    pictures,
  };
}

/** A target in words: at most 0.7 $/kg. */
const worded = (target, output, naming) => `${target.op.startsWith("<") ? "at most" : "at least"} ${naming.amount(output, target.value)}`;

function verdict(results, drivers, output, naming, target) {
  const between = results.probability_interval;
  const [top] = [...drivers].sort((a, b) => b.variance_share - a.variance_share);
  const of = naming.the(output);
  const low = at(results, 5);
  const words = [];
  if (target && Number.isFinite(results.probability_of_target)) {
    words.push(
      ["", percent(results.probability_of_target, 1)],
      ` of the draws have ${output === "price" ? "a " : `${of} `}${output === "price" ? "price " : ""}${worded(target, output, naming)}`,
      between ? ` (${percent(between.lower, 2)} to ${percent(between.upper, 2)})` : "", ". ",
    );
  }
  if (Number.isFinite(low)) words.push(`Nine draws of ten have ${of} between ${number(low)} and ${naming.amount(output, at(results, 95))}`);
  if (top && top.variance_share > 0.01) {
    words.push("; ", ["", naming.label(top.id)], ` alone makes ${percent(top.variance_share)} of the variance`);
  }
  words.push(".");
  return words;
}

function distribution(results, output, naming, target) {
  const bins = results.distribution ?? [];
  const unit = plain(naming.unit(output));
  const [low, high] = [at(results, 5), at(results, 95)];
  return {
    title: `What values of ${naming.the(output)} come out`,
    wide: true,
    draw: (colours, narrow) => {
      const lines = [[low, "P5"], [at(results, 50), "P50"], [high, "P95"]]
        .filter(([x]) => Number.isFinite(x))
        .map(([x, words]) => mark(colours, { x, words }));
      if (target) lines.push(mark(colours, { x: target.value, words: "target", dash: "solid", shift: 14 })); // above the percentiles' names
      return {
        height: narrow ? 280 : 320,
        data: [
          {
            type: "bar",
            x: bins.map(({ value }) => value),
            y: bins.map(({ probability }) => 100 * probability),
            marker: { color: bins.map(({ value }) => (value < low || value > high ? colours.low : colours.accent)) },
            hovertemplate: `%{x:.5g} ${unit}<br>%{y:.2f} % of the draws<extra></extra>`,
          },
        ],
        layout: {
          margin: { t: target ? 44 : 28 },
          bargap: 0.06,
          xaxis: { title: { text: naming.axis(output) }, showgrid: false, zeroline: false },
          yaxis: { ticksuffix: " %", rangemode: "tozero", title: { text: "of the draws" } },
          ...marked(lines),
        },
      };
    },
    table: () => ({
      head: [naming.axis(output), "Share of the draws"],
      rows: [
        ...(results.percentiles ?? []).map(({ percentile, value }) => [`P${percentile}: ${number(value, 6)}`, "–"]),
        ...bins.map(({ value, probability }) => [number(value, 6), percent(probability, 3)]),
      ],
    }),
  };
}

function contribution(drivers, output, naming) {
  const sorted = [...drivers].sort((a, b) => b.variance_share - a.variance_share);
  const shown = sorted.slice(0, DRIVERS);
  const own = sorted.some(({ own_share: share }) => Number.isFinite(share));
  const rows = (key) => shown.map((item) => ({ id: item.id, value: 100 * item[key] }));
  return {
    title: `Where the spread of ${naming.the(output)} comes from` + (sorted.length > DRIVERS ? `: the ${DRIVERS} strongest of ${sorted.length}` : ""),
    about: own ? "What an input explains, and what of it no other, correlated input tells too." : "The share of the variance that each input explains alone; the rest is what inputs do together.",
    wide: shown.length > 8,
    draw: (colours, narrow) => {
      const series = [{ name: "explains", rows: rows("variance_share") }];
      if (own) series.push({ name: "only it tells", rows: rows("own_share") });
      return intervalBars(colours, narrow, series, { label: naming.label, axis: "% of the variance" });
    },
    table: () => ({
      head: ["Input", "Share of the variance", ...(own ? ["Only it tells"] : []), "Rank correlation"],
      rows: sorted.map((item) => [
        naming.label(item.id), percent(item.variance_share, 2), ...(own ? [percent(item.own_share, 2)] : []), number(item.rank_correlation, 3),
      ]),
    }),
  };
}

/** From P5 to P95 of each input alone. */
function each(alone, output, naming) {
  const rows = alone
    .map(([id, one]) => ({ id, low: at(one, 5), mid: at(one, 50), high: at(one, 95) }))
    .filter(({ low, high }) => Number.isFinite(low) && Number.isFinite(high))
    .sort((a, b) => b.high - b.low - (a.high - a.low));
  if (rows.length === 0) return null;
  const shown = rows.slice(0, DRIVERS);
  const ids = shown.map(({ id }) => id);
  return {
    title: `What each input does to ${naming.the(output)} alone` + (rows.length > DRIVERS ? `: the ${DRIVERS} widest of ${rows.length}` : ""),
    about: "From P5 to P95, all other inputs as they stand; the line is the median.",
    wide: shown.length > 8,
    draw: (colours, narrow) => ({
      height: 64 + shown.length * (narrow ? 48 : 34),
      data: [
        {
          type: "bar", orientation: "h", y: ids, base: shown.map(({ low }) => low), x: shown.map(({ low, high }) => high - low),
          marker: { color: colours.accent },
          customdata: shown.map((row) => `${plain(naming.label(row.id))}<br>P5 ${number(row.low)}, P50 ${number(row.mid)}, P95 ${number(row.high)}`),
          hovertemplate: "%{customdata}<extra></extra>",
        },
        {
          mode: "markers", y: ids, x: shown.map(({ mid }) => mid), hoverinfo: "skip",
          marker: { symbol: "line-ns", size: 14, line: { width: 2, color: colours.surface } },
        },
      ],
      layout: {
        bargap: 0.45,
        xaxis: { title: { text: naming.axis(output) }, zeroline: false, nticks: narrow ? 4 : 7 },
        yaxis: inputAxis(ids, naming.label, narrow),
      },
    }),
    table: () => ({
      head: ["Input", "P5", "Median", "P95"],
      rows: rows.map((row) => [naming.label(row.id), number(row.low, 5), number(row.mid, 5), number(row.high, 5)]),
    }),
  };
}

function convergence(series, output, naming) {
  const n = series.map((item) => item.n);
  return {
    title: `How the mean of ${naming.the(output)} settles`,
    about: "Shaded: its interval.",
    draw: (colours, narrow) => ({
      data: [
        { x: n, y: series.map(({ high }) => high), mode: "lines", line: { width: 0 }, hoverinfo: "skip" },
        { x: n, y: series.map(({ low }) => low), mode: "lines", line: { width: 0 }, fill: "tonexty", fillcolor: colours.line, hoverinfo: "skip" },
        {
          x: n, y: series.map(({ mean }) => mean), mode: "lines+markers", line: { color: colours.accent, width: 2 }, marker: { size: 4 },
          hovertemplate: `%{x:,} draws<br>mean %{y:.6g} ${plain(naming.unit(output))}<extra></extra>`,
        },
      ],
      layout: {
        xaxis: { type: "log", title: { text: "draws" }, dtick: narrow ? 2 : 1, tickformat: "~s" },
        yaxis: { title: { text: naming.axis(output) }, zeroline: false },
      },
    }),
    table: () => ({
      head: ["Draws", "Mean", "from", "to"],
      rows: series.map((item) => [count(item.n), number(item.mean, 6), number(item.low, 6), number(item.high, 6)]),
    }),
  };
}
