/** One input at a time: tornado, spider, the curve of a single input. */

import { tornado as tornadoSvg, tornadoKey } from "../charts.js";
import { number, percent } from "../format.js";
import { called } from "./naming.js";
import { inputAxis, legendAbove, mark, marked, plain, shortened, strokes } from "./parts.js";
import { listed } from "./ranking.js";

const BARS = 20;
const CURVES = 8;

export function live(box, latest, naming) {
  const output = latest.output ?? naming.main;
  tornadoSvg(box, latest, naming.label, naming.unit(output), naming.the(output));
  box.append(tornadoKey());
}

const inputsOf = (result) => (result.parameter_id ? { [result.parameter_id]: result.results } : result.results ?? {});

export function outputs(result) {
  const items = Object.values(inputsOf(result));
  const found = items.flatMap((item) => (item?.outputs ? Object.keys(item.outputs) : [item?.metadata?.output]));
  return [...new Set(found)].filter(Boolean);
}

/** What is known of each input and one output, widest swing first. */
function read(result, output) {
  const rows = [];
  for (const [id, item] of Object.entries(inputsOf(result))) {
    const told = item?.outputs?.[output] ?? (item?.metadata?.output === output ? item : null);
    const curve = told?.sensitivity_curve ?? [];
    const results = curve.map((point) => point.result).filter(Number.isFinite);
    if (results.length === 0) continue;
    rows.push({
      id, curve, low: curve[0].result, high: curve.at(-1).result,
      swing: Math.max(...results) - Math.min(...results),
      from: curve[0].value, to: curve.at(-1).value,
      today: told.baseline_result ?? item.baseline_result, at: item.baseline_value,
      elasticity: told.elasticity, intervals: item.outputs ? told.confidence_intervals ?? [] : item.confidence_intervals ?? [],
    });
  }
  return rows.sort((a, b) => b.swing - a.swing);
}

/** What is shown of a result: tiles, a sentence, pictures. */
export function view(result, output, naming) {
  const rows = read(result, output);
  const of = naming.the(output);
  if (rows.length === 0) return { tiles: [], verdict: [`There is no value of ${of}.`], pictures: [] };
  const [first] = rows;
  const still = rows.filter(({ swing }) => swing <= 1e-12 * Math.abs(first.today || 1)).map(({ id }) => naming.label(id));
  const pictures = [];
  const numeric = rows.filter(({ curve }) => curve.length > 1 && curve.every(({ value }) => Number.isFinite(value)));
  if (rows.length > 1) pictures.push(tornado(rows, naming, output));
  if (rows.length === 1) pictures.push(single(first, naming, output));
  else if (numeric.some(({ curve }) => curve.length > 2)) pictures.push(spider(numeric, result.method === "spider", naming, output));
  return {
    tiles: [
      [`${naming.whole(output)} as it stands`, number(first.today, 5), naming.unit(output)],
      ["Moves it most", naming.label(first.id)],
      ["by", number(first.swing), naming.unit(output)],
    ],
    verdict: first.swing > 0
      ? [
          ["", naming.label(first.id)],
          ` moves ${of} most: from ${ends(first, naming, output)}`,
          Number.isFinite(first.today) && first.today !== 0 ? `, ${percent(first.swing / Math.abs(first.today))} of what it is today` : "",
          rows[1]?.swing > 0 ? `, ${ahead(first.swing / rows[1].swing)} ${naming.label(rows[1].id)}, the next.` : ".",
          still.length ? ` No difference: ${listed(still)}.` : "",
        ]
      : [`No input moves ${of} within its range.`],
    pictures,
  };
}

const ahead = (times) => (times < 1.05 ? "hardly more than" : `${number(times, 2)} times as far as`);

function ends({ curve }, naming, output) {
  const results = curve.map((point) => point.result).filter(Number.isFinite);
  return `${number(Math.min(...results))} to ${naming.amount(output, Math.max(...results))}`;
}

const written = (value, unit) => (Number.isFinite(value) ? `${number(value, 5)}${unit ? ` ${unit}` : ""}` : String(value ?? "–"));

function tornado(rows, naming, output) {
  const shown = rows.slice(0, BARS);
  return {
    title: `What moves ${naming.the(output)}` + (rows.length > BARS ? `: the ${BARS} widest of ${rows.length} inputs` : ""),
    about: "Each input alone, from its lowest value to its highest; all others as they stand.",
    wide: true,
    draw: (colours, narrow) => tornadoBars(colours, narrow, shown, naming, output),
    table: () => ({
      head: ["Input", "Lowest value", "Highest value", `${called(output)} at low`, `${called(output)} at high`, "Elasticity", `Swing${naming.unit(output) && `, ${naming.unit(output)}`}`],
      rows: rows.map((row) => [
        naming.label(row.id),
        written(row.from, naming.inputUnit(row.id)), written(row.to, naming.inputUnit(row.id)),
        ...[row.low, row.high, row.elasticity, row.swing].map((value) => number(value, 5)),
      ]),
    }),
  };
}

function tornadoBars(colours, narrow, rows, naming, output) {
  const base = rows.map(({ today }) => today).find(Number.isFinite) ?? rows[0].low;
  const ids = rows.map(({ id }) => id);
  /** The number stands at an end unless the other end lies further out on its side. */
  const worded = (row, key) => {
    const [own, other] = key === "low" ? [row.low, row.high] : [row.high, row.low];
    if (!Number.isFinite(own)) return "";
    const [mine, its] = [own - base, other - base];
    return mine * its > 0 && Math.abs(its) > Math.abs(mine) ? "" : number(own);
  };
  const end = (key, words, fill) => ({
    type: "bar",
    orientation: "h",
    name: words,
    y: ids,
    base,
    x: rows.map((row) => (Number.isFinite(row[key]) ? row[key] - base : 0)),
    text: rows.map((row) => worded(row, key)),
    textposition: "outside",
    textfont: { size: 11, color: colours.muted },
    cliponaxis: false,
    customdata: rows.map((row) => `${plain(naming.label(row.id))}<br>${words}, ${plain(written(key === "low" ? row.from : row.to, naming.inputUnit(row.id)))}: ${plain(naming.amount(output, row[key], 5))}`),
    hovertemplate: "%{customdata}<extra></extra>",
    marker: { color: fill },
  });
  const values = rows.flatMap(({ low, high }) => [low, high]).filter(Number.isFinite);
  const [least, most] = [Math.min(base, ...values), Math.max(base, ...values)];
  const air = (narrow ? 0.4 : 0.1) * (most - least) || Math.abs(base) || 1;
  return {
    height: 96 + rows.length * (narrow ? 48 : 34),
    data: [end("low", "input low", colours.low), end("high", "input high", colours.high)],
    layout: {
      barmode: "overlay",
      showlegend: true,
      legend: legendAbove,
      margin: { t: 52 },
      xaxis: { range: [least - air, most + air], title: { text: naming.axis(output) }, zeroline: false, nticks: narrow ? 3 : 8 },
      yaxis: inputAxis(ids, naming.label, narrow),
      ...marked([mark(colours, { x: base, words: "as it stands", dash: "solid" })]),
    },
  };
}

function spider(rows, percents, naming, output) {
  const top = rows.slice(0, CURVES);
  const across = ({ curve }) =>
    percents ? curve.map(({ change }) => change) : curve.map(({ value }) => (100 * (value - curve[0].value)) / (curve.at(-1).value - curve[0].value));
  return {
    title: (percents ? `${naming.The(output)} when inputs change by the same percentage` : `${naming.The(output)} all the way from low to high`) +
      (rows.length > CURVES ? `: the ${CURVES} widest of ${rows.length}` : ""),
    about: percents ? undefined : "Steep lines matter; bent ones matter more on one side.",
    wide: true,
    draw: (colours, narrow) => {
      const stroke = strokes(colours);
      return {
        height: 400 + (narrow ? 20 * top.length : 0),
        data: top.map((row, index) => ({
          name: shortened(naming.label(row.id), narrow ? 34 : 30),
          mode: row.curve.length < 16 ? "lines+markers" : "lines",
          x: across(row),
          y: row.curve.map(({ result }) => result),
          customdata: row.curve.map((point) => `${plain(naming.label(row.id))} = ${written(point.value, naming.inputUnit(row.id))}<br>${plain(naming.amount(output, point.result, 5))}`),
          hovertemplate: "%{customdata}<extra></extra>",
          line: stroke(index),
          marker: { size: 5 },
        })),
        layout: {
          showlegend: true,
          legend: { orientation: "h", y: -0.18, yanchor: "top", x: 0, xref: "paper" },
          xaxis: {
            ticksuffix: " %",
            title: { text: percents ? "change of the input" : "of the way from the input's low to its high end" },
          },
          yaxis: { title: { text: naming.axis(output) }, zeroline: false },
        },
      };
    },
    table: () => ({
      head: ["Input", "Value", ...(percents ? ["Change"] : []), naming.axis(output)],
      rows: rows.flatMap(({ id, curve }) =>
        curve.map((point) => [
          naming.label(id), written(point.value, naming.inputUnit(id)), ...(percents ? [`${number(point.change, 4)} %`] : []), number(point.result, 6),
        ]),
      ),
    }),
  };
}

/** One input's whole curve, with the interval that other inputs make. */
function single(row, naming, output) {
  const { curve } = row;
  const band = row.intervals.filter(({ lower, upper }) => Number.isFinite(lower) && Number.isFinite(upper));
  const wide = band.some(({ lower, upper }) => upper > lower);
  const unit = naming.inputUnit(row.id);
  const name = naming.label(row.id);
  return {
    title: `${naming.The(output)} for each value of ${name}`,
    about: wide ? "Shaded: where it lies while the other uncertain inputs vary." : undefined,
    wide: true,
    draw: (colours) => ({
      height: 360,
      data: [
        ...(wide
          ? [
              { x: band.map(({ value }) => value), y: band.map(({ upper }) => upper), mode: "lines", line: { width: 0 }, hoverinfo: "skip" },
              { x: band.map(({ value }) => value), y: band.map(({ lower }) => lower), mode: "lines", line: { width: 0 }, fill: "tonexty", fillcolor: colours.soft, hoverinfo: "skip" },
            ]
          : []),
        {
          x: curve.map(({ value }) => value), y: curve.map(({ result }) => result), mode: "lines+markers",
          line: { color: colours.accent, width: 2 }, marker: { size: 5 },
          hovertemplate: `%{x}: %{y:.5g} ${plain(naming.unit(output))}<extra></extra>`,
        },
      ],
      layout: {
        margin: { t: 28 },
        xaxis: { title: { text: plain(unit ? `${name} (${unit})` : name) }, zeroline: false },
        yaxis: { title: { text: naming.axis(output) }, zeroline: false },
        ...(Number.isFinite(row.at) ? marked([mark(colours, { x: row.at, words: "today" })]) : {}),
      },
    }),
    table: () => ({
      head: [unit ? `${name} (${unit})` : name, naming.axis(output), ...(wide ? ["from", "to"] : [])],
      rows: curve.map((point, at) => [
        written(point.value, ""), number(point.result, 6), ...(wide ? [number(row.intervals[at]?.lower, 6), number(row.intervals[at]?.upper, 6)] : []),
      ]),
    }),
  };
}
