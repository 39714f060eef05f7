/** Optimisation and goal seek: the trace of the best value, the decisions, the solutions. */

import { trace as traceSvg } from "./growing.js";
import { count, number } from "../format.js";
import { capital, inputAxis, legendAbove, mark, marked, plain } from "./parts.js";
import { listed } from "./ranking.js";

export function live(box, latest, naming) {
  traceSvg(box, latest.trace ?? [], { title: `Best value of ${naming.the(latest.output)} so far`, axis: naming.axis(latest.output) });
}

/** Figures while it runs. */
export const liveTiles = (latest, naming) => [
  ["Best so far", number(latest.best?.value, 6), naming.unit(latest.output)],
  ["Evaluations", count(latest.evaluations ?? 0)],
  latest.best?.violation > 0 ? ["Misses its limits by", number(latest.best.violation, 3)] : null,
];

export const outputs = (result) => [result.metadata.output];

const SENSE = { min: "lowest", max: "highest" };

/** What is shown of a result: tiles, a sentence, pictures. */
export function view(result, output, naming) {
  const { objective, target, statistic } = result.metadata;
  const seeking = objective === "target";
  const pictures = [];
  if (result.trace.length > 1) pictures.push(trace(result, output, naming));
  pictures.push(decisions(result, naming, seeking));
  if (result.constraints.length) pictures.push(limits(result));
  return {
    tiles: [
      [seeking ? "Reached" : `${capital(SENSE[objective])} value`, number(result.value, 6), naming.unit(output)],
      seeking ? ["Target", number(target, 6), naming.unit(output)] : null,
      ["Today", number(result.baseline.value, 5), naming.unit(output)],
      Number.isFinite(result.improvement) ? ["Better by", number(result.improvement, 4), naming.unit(output)] : null,
      ["Evaluations", count(result.evaluations)],
      ["Method", capital(result.metadata.method.replaceAll("_", " "))],
    ],
    verdict: seeking ? sought(result, output, naming) : found(result, output, naming, statistic),
    warning: null,
    pictures,
  };
}

const setting = (inputs, naming) =>
  listed(Object.entries(inputs).map(([id, value]) => `${naming.label(id)} = ${[number(value, 5), naming.inputUnit(id)].filter(Boolean).join(" ")}`), 5);

function sought(result, output, naming) {
  const goal = naming.amount(output, result.metadata.target);
  const ways = result.solutions ?? [];
  if (!result.converged || ways.length === 0) return [`${goal} was not reached${result.message ? `; ${result.message.replace(/^the target is not reached; /, "")}` : ""}.`];
  const many = ways.length > 1;
  return [
    `${naming.The(output)} is ${goal} where `,
    ["", ways.slice(0, 4).map(({ inputs }) => setting(inputs, naming)).join(", or ")],
    many ? `: ${ways.length} solutions, the nearest to today's value first.` : ".",
  ];
}

function found(result, output, naming, statistic) {
  const { objective } = result.metadata;
  const active = result.active_constraints;
  return [
    `The ${SENSE[objective]} ${statistic ? `${statistic} of ` : ""}${naming.the(output).replace(/^the /, "")} is `,
    ["", naming.amount(output, result.value, 5)],
    `, at ${setting(result.best.inputs, naming)}. `,
    active.length ? `It is held by ${listed(active.map(naming.spoken))}.` : "No limit holds it: all decisions lie inside their ranges.",
    result.converged ? "" : " The search has not settled; a larger budget may find better.",
  ];
}

function trace(result, output, naming) {
  const { objective, target } = result.metadata;
  const seeking = objective === "target";
  const rows = result.trace.filter(({ value }) => Number.isFinite(value));
  return {
    title: seeking ? `On the way to the target` : `The best value of ${naming.the(output)} so far`,
    about: rows.some(({ violation }) => violation > 0) ? "Hollow: limits are not kept yet." : undefined,
    wide: true,
    draw: (colours, narrow) => {
      const marks = [];
      if (seeking) marks.push(mark(colours, { y: target, words: "target", dash: "solid" }));
      if (!seeking && near(result.baseline.value, rows)) marks.push(mark(colours, { y: result.baseline.value, words: "today" }));
      return {
        height: narrow ? 280 : 320,
        data: [
          {
            x: rows.map(({ evaluations }) => evaluations), y: rows.map(({ value }) => value),
            mode: "lines+markers", line: { color: colours.accent, width: 2, shape: "hv" },
            marker: { size: 5, color: rows.map(({ violation }) => (violation > 0 ? colours.surface : colours.accent)), line: { width: 1, color: colours.accent } },
            customdata: rows.map(({ phase }) => phase),
            hovertemplate: `%{x:,} evaluations, %{customdata}<br>%{y:.6g} ${plain(naming.unit(output))}<extra></extra>`,
          },
        ],
        layout: {
          margin: { t: 20 },
          xaxis: { title: { text: "evaluations" }, rangemode: "tozero" },
          yaxis: { title: { text: naming.axis(output) }, zeroline: false },
          ...marked(marks),
        },
      };
    },
    table: () => ({
      head: ["Evaluations", naming.axis(output), "Violation", "Phase"],
      rows: result.trace.map((row) => [count(row.evaluations), number(row.value, 6), number(row.violation, 3), row.phase]),
    }),
  };
}

/** Whether a value can stand in the picture of others without flattening them. */
function near(value, rows) {
  if (!Number.isFinite(value)) return false;
  const values = rows.map((row) => row.value);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = high - low || Math.abs(high);
  return value > low - room && value < high + room;
}

const END = { lower: "at its lower end", upper: "at its upper end" };

/** Where the decisions lie between their bounds; of a goal seek, all solutions. */
function decisions(result, naming, seeking) {
  const rows = result.decisions;
  const ids = rows.map(({ id }) => id);
  const share = ({ min, max }, value) => (max > min ? (100 * (value - min)) / (max - min) : 50);
  const points = seeking && result.solutions?.length ? result.solutions : [result.best];
  return {
    title: seeking ? "Where the target is reached" : "What to choose, within what range",
    about: "Each line is an input's range, from its lowest value to its highest.",
    wide: true,
    draw: (colours, narrow) => {
      const dots = (name, list, marker) => ({
        name, mode: "markers",
        x: list.map(([row, value]) => share(row, value)), y: list.map(([row]) => row.id),
        customdata: list.map(([row, value]) => `${plain(naming.label(row.id))}: ${number(value, 6)} ${plain(row.unit ?? "")}`),
        hovertemplate: `${name}<br>%{customdata}<extra></extra>`,
        marker,
      });
      const ranges = { x: [], y: [] };
      for (const { id } of rows) {
        ranges.x.push(0, 100, null);
        ranges.y.push(id, id, null);
      }
      const ends = rows.flatMap((row) => [
        { x: 0, y: row.id, text: number(row.min), xanchor: "left", yshift: 13 },
        { x: 100, y: row.id, text: number(row.max), xanchor: "right", yshift: 13 },
      ]);
      return {
        height: 96 + rows.length * 48,
        data: [
          { ...ranges, mode: "lines", line: { color: colours.line, width: 6 }, hoverinfo: "skip", showlegend: false },
          dots("today", rows.map((row) => [row, row.baseline]).filter(([, value]) => Number.isFinite(value)), {
            size: 11, color: colours.surface, line: { color: colours.high, width: 2 },
          }),
          dots(seeking ? "solution" : "best", points.flatMap(({ inputs }) => rows.map((row) => [row, inputs[row.id]])), { size: 12, color: colours.accent }),
        ],
        layout: {
          showlegend: true,
          legend: legendAbove,
          margin: { t: 48, b: 36 },
          xaxis: { range: [-4, 104], tickvals: [0, 50, 100], ticktext: ["low", "middle", "high"], showgrid: false, zeroline: false },
          yaxis: { ...inputAxis(ids, naming.label, narrow), range: undefined },
          annotations: ends.map((item) => ({ ...item, showarrow: false, font: { size: 11, color: colours.muted } })),
        },
      };
    },
    table: () => ({
      head: ["Decision", ...(points.length > 1 ? points.map((_, index) => `Solution ${index + 1}`) : ["Best"]), "Today", "Lowest", "Highest", "Unit", "Bound met"],
      rows: rows.map((row) => [
        naming.label(row.id),
        ...points.map(({ inputs }) => number(inputs[row.id], 6)),
        ...[row.baseline, row.min, row.max].map((value) => number(value, 6)),
        row.unit || "–", END[row.bound] ?? "no",
      ]),
    }),
  };
}

/** The constraints, and how much room each leaves. */
function limits({ constraints }) {
  return {
    title: "How the limits are kept",
    about: "Room that is left beside each limit, as a share of the limit; none left: it holds the best value.",
    wide: constraints.length > 6,
    draw: (colours) => {
      const names = constraints.map(({ constraint }) => constraint);
      const room = constraints.map(({ slack, value, left }) => (100 * slack) / (Math.max(Math.abs(value), Math.abs(left)) || 1));
      return {
        height: 70 + 40 * names.length,
        data: [
          {
            type: "bar", orientation: "h", y: names, x: room,
            marker: { color: constraints.map(({ active }) => (active ? colours.high : colours.accent)) },
            text: constraints.map(({ active, slack }) => (active ? "none: active" : number(slack, 4))), textposition: "outside", cliponaxis: false,
            hovertemplate: "%{text} left<extra></extra>",
          },
        ],
        layout: {
          xaxis: { ticksuffix: " %", range: [0, 1.35 * Math.max(...room, 1)], title: { text: "room left" }, showticklabels: room.some((share) => share > 0.01) },
          yaxis: inputAxis(names, String, true),
        },
      };
    },
    table: () => ({
      head: ["Constraint", "Its left side", "Room left", "Active"],
      rows: constraints.map((row) => [row.constraint, number(row.left, 6), number(row.slack, 4), row.active ? "yes" : "no"]),
    }),
  };
}
