/** Pictures of several runs in one: distributions, rankings, tornados, traces. */

import { number } from "./format.js";
import { knots } from "./pictures/likely.js";
import { inputAxis, plain } from "./pictures/parts.js";

/**
 * One finished run.
 * @typedef {{job: object, result: object, naming: object, output: string, name: string, colour: string}} Run
 * `colour`: the name of a colour of the palette
 */

const MOST = 15; // inputs in one picture
const legend = (shown, narrow) => (shown.length > 1 ? { showlegend: true, legend: { orientation: "h", y: narrow ? -0.25 : -0.2, x: 0, yanchor: "top" } } : {});
const ofInterest = ({ job, result, output }) =>
  (job.kind === "sensitivity.monte_carlo" ? result.results?.outputs?.[output] ?? result.results : null);

/** The names of the axis, where all runs have the same; else without a unit. */
function axisOf(runs) {
  const names = [...new Set(runs.map(({ naming, output }) => naming.axis(output)))];
  return plain(names.join(" / "));
}

/** The label of an input in the first run that knows it. */
const labelIn = (runs) => (id) => runs.map(({ naming }) => naming.label(id)).find((words) => words !== id) ?? id;

/** All pictures that two or more of the runs can share. @param {Run[]} runs */
export function pictures(runs) {
  const carlo = runs.filter((run) => (ofInterest(run)?.distribution ?? []).length > 1);
  const ranked = runs.filter((run) => effects(run).length > 0);
  const moved = runs.filter((run) => bars(run).length > 0 && ["oat", "tornado", "spider"].includes(run.result.method));
  const searched = runs.filter(({ result }) => (result.trace ?? []).length > 1);
  return [
    ...(carlo.length > 1 ? [cumulative(carlo), histograms(carlo)] : []),
    ...(moved.length > 1 ? moved.map((run) => tornado(run, moved)) : []),
    ...(ranked.length > 1 && moved.length < ranked.length ? [ranking(ranked)] : []),
    ...(searched.length > 1 ? [traces(searched)] : []),
  ];
}

function cumulative(runs) {
  return {
    title: "Chance of at most", about: "The curve farther left has the lower values.", wide: true,
    draw: (colours, narrow) => ({
      height: 360,
      data: runs.map((run) => {
        const known = knots(ofInterest(run));
        return {
          type: "scatter", mode: "lines", name: plain(run.name), x: known.map(({ value }) => value), y: known.map(({ share }) => 100 * share),
          line: { color: colours[run.colour], width: 2 }, hovertemplate: `%{y:.1f} % at most %{x:.5g}<extra>${plain(run.name)}</extra>`,
        };
      }),
      layout: { ...legend(runs, narrow), xaxis: { title: { text: axisOf(runs) } }, yaxis: { ticksuffix: " %", range: [0, 100] } },
    }),
  };
}

function histograms(runs) {
  return {
    title: "What comes out", about: "Height: draws per unit of the value, so that runs with other bars compare.", wide: true,
    draw: (colours, narrow) => ({
      height: 340,
      data: runs.map((run) => {
        const found = ofInterest(run).distribution;
        const step = found[1].value - found[0].value;
        return {
          type: "scatter", mode: "lines", name: plain(run.name), fill: "tozeroy", opacity: 0.85,
          x: [found[0].value - step / 2, ...found.map(({ value }) => value - step / 2), found.at(-1).value + step / 2, found.at(-1).value + step / 2],
          y: [0, ...found.map(({ probability }) => probability / step), found.at(-1).probability / step, 0],
          line: { color: colours[run.colour], width: 1.5, shape: "hv" }, fillcolor: faded(colours[run.colour]),
          hovertemplate: `%{x:.5g}<extra>${plain(run.name)}</extra>`,
        };
      }),
      layout: { ...legend(runs, narrow), xaxis: { title: { text: axisOf(runs) }, showgrid: false }, yaxis: { rangemode: "tozero", showticklabels: false } },
    }),
  };
}

/** A colour, see-through: rgb(1, 2, 3) or color(...) as the browser tells it. */
const faded = (colour) => (colour.startsWith("rgb(") ? colour.replace("rgb(", "rgba(").replace(")", ", 0.15)") : "rgba(0,0,0,0)");

/** The tornado's rows of a run, widest first. */
const bars = ({ result }) => (Array.isArray(result.tornado) ? result.tornado : [])
  .filter(({ low, high }) => Number.isFinite(low) && Number.isFinite(high))
  .sort((a, b) => Math.abs(b.swing) - Math.abs(a.swing));

/** One run's tornado, on the scale and with the rows of all. */
function tornado(run, runs) {
  const widest = new Map();
  for (const bar of runs.flatMap(bars)) widest.set(bar.id, Math.max(widest.get(bar.id) ?? 0, Math.abs(bar.high - bar.low)));
  const ids = [...widest].sort((a, b) => b[1] - a[1]).slice(0, MOST).map(([id]) => id);
  const ends = runs.flatMap(bars).filter(({ id }) => ids.includes(id)).flatMap(({ low, high }) => [low, high]);
  const air = 0.05 * (Math.max(...ends) - Math.min(...ends)) || 1;
  const own = new Map(bars(run).map((bar) => [bar.id, bar]));
  return {
    title: run.name, about: "Orange: the output rises with the input; blue: it falls.",
    draw: (colours, narrow) => ({
      height: 110 + 30 * ids.length,
      data: [{
        type: "bar", orientation: "h", y: ids, base: ids.map((id) => own.get(id)?.low ?? null), x: ids.map((id) => (own.has(id) ? own.get(id).high - own.get(id).low : null)),
        marker: { color: ids.map((id) => ((own.get(id)?.high ?? 0) >= (own.get(id)?.low ?? 0) ? colours.high : colours.low)) },
        customdata: ids.map((id) => [number(own.get(id)?.low), number(own.get(id)?.high)]),
        hovertemplate: "%{customdata[0]} to %{customdata[1]}<extra></extra>",
      }],
      layout: {
        yaxis: inputAxis(ids, labelIn(runs), narrow),
        xaxis: { title: { text: axisOf([run]) }, range: [Math.min(...ends) - air, Math.max(...ends) + air] },
      },
    }),
  };
}

/** [id, value, interval] by the first index of a method, or by swing. */
function effects({ job, result, output }) {
  if (job.kind !== "sensitivity.analyze") return [];
  const told = result.outputs?.[output] ?? result;
  const indices = told.indices ?? {};
  const [first] = Object.keys(indices);
  const values = first ? indices[first] : null;
  const rows = (told.ranking ?? result.ranking ?? []).map(({ id, effect }) => [id, values?.[id]?.value ?? effect, values?.[id]]);
  return rows.filter(([, value]) => Number.isFinite(value));
}

const indexOf = ({ result, output }) => Object.keys((result.outputs?.[output] ?? result).indices ?? {})[0] ?? "swing";

function ranking(runs) {
  const alike = new Set(runs.map((run) => `${run.result.method}/${indexOf(run)}`)).size === 1;
  const scale = new Map(runs.map((run) => [run, alike ? 1 : Math.max(...effects(run).map(([, value]) => Math.abs(value))) || 1]));
  const size = new Map();
  for (const run of runs) for (const [id, value] of effects(run)) size.set(id, Math.max(size.get(id) ?? 0, Math.abs(value) / scale.get(run)));
  const ids = [...size].sort((a, b) => b[1] - a[1]).slice(0, MOST).map(([id]) => id);
  const words = alike ? indexOf(runs[0]).replaceAll("_", " ") : "share of the run's strongest input";
  return {
    title: alike ? `How much each input counts: ${words}` : "How much each input counts",
    about: alike ? "" : "The runs' methods differ: each is measured by its own strongest input.", wide: true,
    draw: (colours, narrow) => ({
      height: 120 + ids.length * (12 + 14 * runs.length),
      data: runs.map((run) => {
        const known = new Map(effects(run).map((row) => [row[0], row]));
        const value = (id) => (known.has(id) ? (alike ? known.get(id)[1] : Math.abs(known.get(id)[1]) / scale.get(run)) : null);
        const gap = (id, end) => (alike && Number.isFinite(known.get(id)?.[2]?.[end]) ? Math.abs(known.get(id)[2][end] - known.get(id)[1]) : 0);
        const whiskers = ids.some((id) => gap(id, "upper") > 0);
        return {
          type: "bar", orientation: "h", name: plain(run.name), y: ids, x: ids.map(value), marker: { color: colours[run.colour] },
          ...(whiskers ? { error_x: { type: "data", symmetric: false, array: ids.map((id) => gap(id, "upper")), arrayminus: ids.map((id) => gap(id, "lower")), color: colours.ink, thickness: 1, width: 2 } } : {}),
          hovertemplate: `%{x:.4g}<extra>${plain(run.name)}</extra>`,
        };
      }),
      layout: { ...legend(runs, narrow), barmode: "group", bargap: 0.3, yaxis: inputAxis(ids, labelIn(runs), narrow), xaxis: { title: { text: words } } },
    }),
  };
}

function traces(runs) {
  return {
    title: "Best so far", about: "", wide: true,
    draw: (colours, narrow) => ({
      height: 320,
      data: runs.map((run) => ({
        type: "scatter", mode: "lines", name: plain(run.name), line: { color: colours[run.colour], shape: "hv", width: 2 },
        x: run.result.trace.map(({ evaluations }) => evaluations), y: run.result.trace.map(({ value }) => value),
        hovertemplate: `%{y:.6g} after %{x}<extra>${plain(run.name)}</extra>`,
      })),
      layout: { ...legend(runs, narrow), xaxis: { title: { text: "evaluations" } }, yaxis: { title: { text: axisOf(runs) } } },
    }),
  };
}
