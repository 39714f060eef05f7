/** Methods that give every input indices: Sobol, Shapley, FAST, regression, PAWN, delta. */

import { effects } from "./growing.js";
import { count, number, percent } from "../format.js";
import { intervalBars, MOST } from "./bars.js";
import { correlated } from "./correlation.js";
import { heatMap } from "./heat.js";
import { capital } from "./parts.js";
import { lead, listed, within } from "./ranking.js";
import { rankColumns, rankShares, stable } from "./ranks.js";

/** Inputs on each side of the map of pairs, at most. */
const PAIRED = 15;
/** A total index below which an input makes no difference that anyone would see. */
const NOTHING = 0.01;

const SHARE = "share of the variance";
const ALONE = "first order: alone";
const TOTAL = "total: with all interactions";

/**
 * The methods. `series`: index in the answer -> its words, the one that ranks first;
 * `says`: the sentence's middle; `more`: what else the numbers mean.
 */
const METHODS = {
  sobol: {
    title: (of) => `Whose uncertainty makes ${of} uncertain`, series: { total: TOTAL, first: ALONE }, axis: SHARE,
    says: "the largest share of its variance: total index", more: interactions,
  },
  fast: {
    title: (of) => `Whose uncertainty makes ${of} uncertain`, series: { total: TOTAL, first: ALONE }, axis: SHARE,
    says: "the largest share of its variance: total index", more: interactions,
  },
  rbd_fast: {
    title: (of) => `What each input does alone to ${of}`, series: { first: ALONE }, axis: SHARE,
    says: "the largest share of its variance alone: first-order index", more: firstOrders,
  },
  shapley: {
    title: (of) => `The variance of ${of}, shared out`, series: { shapley: "Shapley effect" }, axis: SHARE,
    says: "the largest share of its variance: Shapley effect", more: ({ report }) => (report.correlated ? "The inputs are correlated; the shares add up to 1 all the same." : "The shares add up to 1."),
  },
  src: {
    title: (of) => `Which way ${of} goes, on a straight line`, series: { pcc: "partial correlation", src: "standardised coefficient" },
    axis: "below 0: falls as the input rises", signed: true, says: "the closest tie: partial correlation", more: line,
  },
  prcc: {
    title: (of) => `Which way ${of} goes, by ranks`, series: { prcc: "partial rank correlation", srrc: "standardised rank coefficient" },
    axis: "below 0: falls as the input rises", signed: true, says: "the closest tie: partial rank correlation", more: line,
  },
  pawn: {
    title: (of) => `How far each input shifts the distribution of ${of}`, series: { median: "median of the slices", maximum: "largest" },
    axis: "Kolmogorov-Smirnov distance", says: "the largest effect on its distribution: median distance", more: aboveNoise("above_noise"),
    noise: (report) => report.noise?.median?.upper,
  },
  delta: {
    title: (of) => `How far each input shifts the density of ${of}`, series: { delta: "delta", first: "first-order Sobol index" },
    axis: "share of the area that moves", says: "the largest effect on its density: delta", more: aboveNoise("above_dummy"),
    noise: (report) => report.dummy?.upper,
  },
};

/** Whether a method of this name is one of these. */
export const knows = (method) => method in METHODS;

/** The picture that grows: what ranks the inputs so far, with intervals. */
export function live(box, { method, output, rows }, naming) {
  const { title, axis, signed } = METHODS[method];
  effects(box, rows ?? [], { label: naming.label, title: title(naming.the(output)), axis, signed });
}

export const outputs = (result) => Object.keys(result.outputs ?? {});

/** The indices of one output, the strongest input first. */
function read(result, output) {
  const method = METHODS[result.method];
  const report = result.outputs[output];
  const order = report.ranking.map(({ id }) => id);
  const series = Object.entries(method.series).map(([key, name]) => ({
    key,
    name,
    rows: order.map((id) => ({ id, ...report.indices[key][id] })),
  }));
  const detail = (id, key) => {
    const own = result.parameter_id === id ? result.results : result.results?.[id];
    return (own?.outputs?.[output] ?? own)?.[key];
  };
  return { method, report, series, order, detail };
}

/** What is shown of a result: tiles, a sentence, pictures. */
export function view(result, output, naming) {
  const found = read(result, output);
  const { method, report, series } = found;
  const [main] = series;
  const [first] = main.rows;
  const seen = main.rows.slice(0, MOST).map(({ id }) => id);
  const left = main.rows.length - seen.length;
  const noise = method.noise?.(report);
  const pictures = [
    {
      title: method.title(naming.the(output)) + (left > 0 ? `: the ${MOST} strongest of ${main.rows.length} inputs` : ""),
      about: method.noise ? "The dotted line: what inputs without any effect reach by chance." : whisker(report),
      wide: true,
      draw: (colours, narrow) =>
        intervalBars(colours, narrow, series.map((one) => ({ ...one, rows: one.rows.slice(0, MOST) })), {
          label: naming.label,
          axis: method.axis,
          marks: Number.isFinite(noise) ? [{ x: noise, words: "by chance" }] : [],
        }),
      table: () => table(found, naming),
    },
  ];
  if (report.indices.second?.length) pictures.push(pairs(report.indices.second, found.order, naming, output));
  if (result.metadata.correlation?.matrix) pictures.push(correlated(result.metadata.correlation, naming));
  pictures.push(rankShares(report.resampled?.total ?? report.resampled?.delta_raw, found.order, naming, output));
  if (result.method === "pawn") pictures.push(slices(found, naming, output));
  return {
    tiles: tiles(found, result, naming, output),
    verdict: Number.isFinite(first?.value) && first.value !== 0
      ? [
          ["", naming.label(first.id)],
          ` has, of all that moves ${naming.the(output)}, ${method.says} ${within(first, report.confidence)}${lead(main.rows, naming.label)}.`,
          stable(found.detail(first.id, "ranks"), naming.label(first.id)),
          method.more ? ` ${method.more({ ...found, naming })}` : "",
        ]
      : [`No input moves ${naming.the(output)}: it does not vary.`],
    pictures: pictures.filter(Boolean),
  };
}

const whisker = ({ confidence, indices }) =>
  Object.values(indices).some((rows) => Object.values(rows ?? {}).some(({ lower }) => Number.isFinite(lower)))
    ? `Whiskers: ${percent(confidence ?? 0.95)} intervals.`
    : undefined;

function tiles({ report, series, order }, result, naming, output) {
  const rows = result.metadata.evaluations;
  return [
    ["Strongest input", naming.label(order[0])],
    [capital(series[0].name.split(":")[0]), number(series[0].rows[0]?.value, 4)],
    Number.isFinite(report.first_sum) ? ["First orders add up to", number(report.first_sum, 3)] : null,
    Number.isFinite(report.r2) ? ["R² of the line", number(report.r2, 3)] : null,
    Number.isFinite(report.mean) ? [`Mean of ${naming.the(output)}`, number(report.mean, 5), naming.unit(output)] : null,
    Number.isFinite(report.variance) ? ["Std. deviation", number(Math.sqrt(report.variance)), naming.unit(output)] : null,
    Number.isFinite(rows) ? ["Evaluations", count(rows)] : null,
  ];
}

function table({ series, detail }, naming) {
  const ranked = rankColumns(series[0].rows.map(({ id }) => detail(id, "ranks")));
  const bounds = series.map(({ rows }) => rows.some(({ lower }) => Number.isFinite(lower)));
  return {
    head: ["Input", ...series.flatMap(({ name }, at) => [capital(name.split(":")[0]), ...(bounds[at] ? ["from", "to"] : [])]), ...ranked.head],
    rows: series[0].rows.map(({ id }, line) => [
      naming.label(id),
      ...series.flatMap(({ rows }, at) => {
        const { value, lower, upper } = rows[line];
        return [number(value, 5), ...(bounds[at] ? [number(lower, 5), number(upper, 5)] : [])];
      }),
      ...ranked.cells(detail(id, "ranks")),
    ]),
  };
}

/** What two inputs do together beyond what each does alone. */
function pairs(second, order, naming, output) {
  const known = second.filter(({ value }) => Number.isFinite(value));
  if (known.length === 0) return null;
  const among = new Set(known.flatMap((pair) => [pair.id, pair.with]));
  const ids = order.filter((id) => among.has(id)).slice(0, PAIRED);
  const at = new Map(known.flatMap((pair) => [[`${pair.id}\n${pair.with}`, pair], [`${pair.with}\n${pair.id}`, pair]]));
  const [rows, columns] = [ids.slice(1), ids.slice(0, -1)];
  const cell = (one, other) => (ids.indexOf(other) < ids.indexOf(one) ? at.get(`${one}\n${other}`) : undefined);
  return {
    title: `What two inputs do to ${naming.the(output)} only together` + (among.size > PAIRED ? `: the ${PAIRED} strongest inputs` : ""),
    about: "Second-order index: the share of the variance that is neither one's alone.",
    wide: ids.length > 6,
    draw: (colours, narrow) =>
      heatMap(colours, narrow, {
        columns,
        rows,
        cells: rows.map((one) => columns.map((other) => cell(one, other)?.value ?? null)),
        hover: rows.map((one) => columns.map((other) => {
          const pair = cell(one, other);
          return pair ? `${naming.label(one)}<br>with ${naming.label(other)}<br>${within(pair)}` : "";
        })),
        label: naming.label,
        words: narrow ? "" : SHARE,
        ends: [0, Math.max(...known.map(({ value }) => value), 0.01)],
      }),
    table: () => ({
      head: ["Input", "with", "Second order", "from", "to"],
      rows: [...known]
        .sort((a, b) => b.value - a.value)
        .map((pair) => [naming.label(pair.id), naming.label(pair.with), number(pair.value, 5), number(pair.lower, 5), number(pair.upper, 5)]),
    }),
  };
}

/** The distance of each slice of an input's range. */
function slices({ order, detail }, naming, output) {
  const ids = order.filter((id) => detail(id, "distances")?.length > 0).slice(0, MOST);
  if (ids.length === 0) return null;
  const most = Math.max(...ids.map((id) => detail(id, "distances").length));
  const columns = Array.from({ length: most }, (_, at) => String(at + 1));
  return {
    title: `Where in its range an input shifts ${naming.the(output)}`,
    about: "Each input's range, cut into slices that come equally often, from its lowest values to its highest.",
    wide: true,
    draw: (colours, narrow) =>
      heatMap(colours, narrow, {
        columns,
        rows: ids,
        cells: ids.map((id) => columns.map((_, at) => detail(id, "distances")[at] ?? null)),
        hover: ids.map((id) => columns.map((name, at) => `${naming.label(id)}, slice ${name} of ${most}<br>distance ${number(detail(id, "distances")[at], 3)}`)),
        label: (name) => (columns.includes(name) && !ids.includes(name) ? name : naming.label(name)),
        words: narrow ? "" : "KS distance",
        axes: { x: "slice of the input's range, low to high" },
      }),
    table: () => ({
      head: ["Input", ...columns.map((name) => `Slice ${name}`)],
      rows: ids.map((id) => [naming.label(id), ...columns.map((_, at) => number(detail(id, "distances")[at], 3))]),
    }),
  };
}

function interactions({ report, series, naming }) {
  const totals = series.find(({ key }) => key === "total").rows;
  const firsts = series.find(({ key }) => key === "first").rows;
  const alone = report.first_sum ?? firsts.reduce((sum, { value }) => sum + (value ?? 0), 0);
  const still = totals.filter(({ value, upper }) => (upper ?? value) < NOTHING).map(({ id }) => naming.label(id));
  return [
    alone < 0.97 ? `Inputs one by one explain ${percent(Math.max(alone, 0))}; the rest is what they do together.` : "The inputs hardly interact.",
    still.length ? `${listed(still)} can be fixed: total below ${percent(NOTHING)}.` : "",
  ].filter(Boolean).join(" ");
}

function firstOrders({ series }) {
  const sum = series[0].rows.reduce((total, { value }) => total + (value ?? 0), 0);
  return `Inputs one by one explain ${percent(Math.min(Math.max(sum, 0), 1))} of the variance.`;
}

function line({ report, series }) {
  const way = series[0].rows[0].value > 0 ? "It rises with it." : "It falls as it rises.";
  return `${way} The line explains ${percent(report.r2)} of the variance` + (report.r2 < 0.7 ? ": too little to judge by." : ".");
}

function aboveNoise(key) {
  return ({ order, detail, naming }) => {
    const none = order.filter((id) => detail(id, key) === false).map((id) => naming.label(id));
    return none.length ? `No more effect than chance: ${listed(none)}.` : "All inputs have more effect than chance.";
  };
}
