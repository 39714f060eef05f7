/** The final pictures, to hover over, zoom into and save: plotly, from this server. */

import { make } from "./dom.js";

let loading = null;

/** plotly itself, fetched when the first picture needs it (1.5 MB, then kept for ever). */
function plotly() {
  loading ??= new Promise((resolve, reject) => {
    const script = make("script", { src: document.documentElement.dataset.plotly });
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => {
      loading = null; // the next picture may try again
      reject(new Error("the pictures' library could not be loaded"));
    };
    document.head.append(script);
  });
  return loading;
}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Colours as plotly can read them: it knows nothing of light-dark(). */
function palette() {
  const probe = make("span", { class: "hidden" });
  document.body.append(probe);
  const seen = (name) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const found = Object.fromEntries(
    ["ink", "muted", "line", "surface", "accent", "low", "high", "warm"].map((n) => [n, seen(`--${n}`)]),
  );
  probe.remove();
  return found;
}

function layout(colours, title, more) {
  const axis = { gridcolor: colours.line, zerolinecolor: colours.line, linecolor: colours.line, automargin: true };
  return {
    title: { text: title, font: { size: 14 }, x: 0.01, xanchor: "left", xref: "container" },
    font: { family: colour("--font"), size: 12, color: colours.ink },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    margin: { l: 48, r: 16, t: 40, b: 44 },
    hoverlabel: { bgcolor: colours.surface, bordercolor: colours.line, font: { color: colours.ink } },
    showlegend: false,
    ...more,
    xaxis: { ...axis, ...more.xaxis },
    yaxis: { ...axis, ...more.yaxis },
  };
}

const line = (colours, x, words, dash = "dot") => ({
  shape: { type: "line", x0: x, x1: x, yref: "paper", y0: 0, y1: 1, line: { color: colours.ink, width: 1, dash } },
  annotation: { x, y: 1, yref: "paper", yanchor: "bottom", text: words, showarrow: false, font: { size: 11, color: colours.muted } },
});

/**
 * The pictures of a Monte Carlo result.
 * @param {object} results as contract 3.3 has them
 * @param {{unit: string, labelOf: (id: string) => string, target: ?{op: string, value: number}}} words
 */
export function monteCarlo(results, { unit, labelOf, target }) {
  const found = [(colours) => distribution(colours, results, unit, target)];
  const drivers = (results.contribution ?? []).filter((item) => Number.isFinite(item.variance_share));
  if (drivers.length > 0) found.push((colours) => contribution(colours, drivers, labelOf));
  if ((results.convergence ?? []).length > 1) {
    found.push((colours) => convergence(colours, results.convergence, unit));
  }
  return found;
}

function distribution(colours, results, unit, target) {
  const bins = results.distribution;
  const at = (p) => results.percentiles?.find?.((item) => item.percentile === p)?.value;
  const [low, high] = [at(5), at(95)];
  const lines = [[low, "P5"], [at(50), "P50"], [high, "P95"]]
    .filter(([x]) => Number.isFinite(x))
    .map(([x, words]) => line(colours, x, words));
  if (target) {
    const mark = line(colours, target.value, " target ", "solid");
    mark.annotation.yshift = 14; // above the percentiles' names: it may stand close to one
    lines.push(mark);
  }
  return {
    wide: true,
    data: [
      {
        type: "bar",
        x: bins.map((bin) => bin.value),
        y: bins.map((bin) => 100 * bin.probability),
        marker: { color: bins.map(({ value }) => (value < low || value > high ? colours.low : colours.accent)) },
        hovertemplate: `%{x:.5g} ${unit}<br>%{y:.2f} % of the draws<extra></extra>`,
      },
    ],
    layout: layout(colours, "What prices come out", {
      margin: { l: 48, r: 16, t: target ? 64 : 48, b: 44 },
      bargap: 0.06,
      xaxis: { title: { text: `price ${unit && `(${unit})`}` }, showgrid: false },
      yaxis: { ticksuffix: " %", rangemode: "tozero" },
      shapes: lines.map((item) => item.shape),
      annotations: lines.map((item) => item.annotation),
    }),
  };
}

/** Long labels in two lines: an axis must leave room for its bars. */
function wrapped(words, most = 24) {
  const lines = [""];
  for (const word of words.split(" ")) {
    if (lines.at(-1) && lines.at(-1).length + word.length > most) lines.push("");
    lines[lines.length - 1] += (lines.at(-1) && " ") + word;
  }
  return lines.slice(0, 2).join("<br>") + (lines.length > 2 ? " …" : "");
}

function contribution(colours, drivers, labelOf) {
  const sorted = [...drivers].sort((a, b) => a.variance_share - b.variance_share).slice(-12);
  return {
    height: 90 + 30 * sorted.length,
    data: [
      {
        type: "bar",
        orientation: "h",
        y: sorted.map((item) => wrapped(labelOf(item.id))),
        x: sorted.map((item) => 100 * item.variance_share),
        customdata: sorted.map((item) => item.rank_correlation),
        marker: { color: colours.accent },
        hovertemplate: "%{x:.1f} % of the spread<br>rank correlation %{customdata:.2f}<extra></extra>",
      },
    ],
    layout: layout(colours, "Where the spread comes from", {
      xaxis: { ticksuffix: " %", rangemode: "tozero" },
      yaxis: { showgrid: false },
    }),
  };
}

function convergence(colours, series, unit) {
  const n = series.map((item) => item.n);
  return {
    data: [
      { x: n, y: series.map((item) => item.high), mode: "lines", line: { width: 0 }, hoverinfo: "skip" },
      {
        x: n, y: series.map((item) => item.low), mode: "lines", line: { width: 0 },
        fill: "tonexty", fillcolor: colours.line, hoverinfo: "skip",
      },
      {
        x: n, y: series.map((item) => item.mean), mode: "lines+markers",
        line: { color: colours.accent, width: 2 }, marker: { size: 4 },
        hovertemplate: `%{x:,} draws<br>mean %{y:.6g} ${unit}<extra></extra>`,
      },
    ],
    layout: layout(colours, "How the mean settles, with its 95 % interval", {
      xaxis: { type: "log", title: { text: "draws" }, dtick: 1 },
      yaxis: {},
    }),
  };
}

/**
 * The pictures of a one-at-a-time analysis.
 * @param {{tornado: object[], results: object}} result
 * @param {{unit: string, labelOf: (id: string) => string}} words
 */
export function tornado(result, { unit, labelOf }) {
  const found = [];
  if ((result.tornado ?? []).length > 0) found.push((colours) => bars(colours, result, unit, labelOf));
  const curves = Object.entries(result.results ?? {}).filter(([, item]) => item?.sensitivity_curve?.length > 1);
  if (curves.length > 0) found.push((colours) => spider(colours, curves, unit, labelOf));
  return found;
}

export const baselineOf = (result) =>
  Object.values(result.results ?? {}).find((item) => Number.isFinite(item?.baseline_result))?.baseline_result ??
  result.results?.baseline_result;

function bars(colours, result, unit, labelOf) {
  const sorted = [...result.tornado].sort((a, b) => Math.abs(a.high - a.low) - Math.abs(b.high - b.low)).slice(-20);
  const base = baselineOf(result) ?? sorted[0].low;
  const names = sorted.map((item) => wrapped(labelOf(item.id)));
  const end = (key, words, fill) => ({
    type: "bar",
    orientation: "h",
    name: words,
    y: names,
    base,
    x: sorted.map((item) => item[key] - base),
    customdata: sorted.map((item) => item[key]),
    marker: { color: fill },
    hovertemplate: `${words}: %{customdata:.5g} ${unit}<extra></extra>`,
  });
  const mark = line(colours, base, "as it stands", "solid");
  return {
    wide: true,
    height: 110 + 30 * sorted.length,
    data: [end("low", "input low", colours.low), end("high", "input high", colours.high)],
    layout: layout(colours, "What moves the price", {
      barmode: "overlay",
      margin: { l: 48, r: 16, t: 56, b: 48 },
      xaxis: { title: { text: `price ${unit && `(${unit})`}` } },
      yaxis: { showgrid: false },
      shapes: [mark.shape],
      annotations: [mark.annotation],
    }),
  };
}

function spider(colours, curves, unit, labelOf) {
  const hues = [colours.accent, colours.high, colours.low, colours.warm, colours.ink, colours.muted];
  const dashes = ["solid", "dash", "dot"];
  const reach = ([, item]) => {
    const ys = item.sensitivity_curve.map((point) => point.result).filter(Number.isFinite);
    return Math.max(...ys) - Math.min(...ys);
  };
  const top = [...curves].sort((a, b) => reach(b) - reach(a)).slice(0, 8);
  return {
    wide: true,
    height: 400,
    data: top.map(([id, { sensitivity_curve: curve }], index) => {
      const [first, last] = [curve[0].value, curve.at(-1).value];
      return {
        name: labelOf(id).length > 30 ? `${labelOf(id).slice(0, 29)}…` : labelOf(id),
        mode: "lines",
        x: curve.map((point) => (100 * (point.value - first)) / (last - first)),
        y: curve.map((point) => point.result),
        customdata: curve.map((point) => point.value),
        line: { color: hues[index % hues.length], dash: dashes[Math.floor(index / hues.length)], width: 2 },
        hovertemplate: `%{fullData.name} = %{customdata:.5g}<br>%{y:.5g} ${unit}<extra></extra>`,
      };
    }),
    layout: layout(colours, "The whole way from low to high", {
      showlegend: true,
      legend: { orientation: "h", y: -0.25, yanchor: "top", x: 0 },
      xaxis: { range: [-2, 102], ticksuffix: " %", title: { text: "of the way from the input's low to its high end" } },
      yaxis: { title: { text: unit } },
    }),
  };
}

/**
 * Draw pictures into `box`, now and whenever the theme changes.
 * @param {HTMLElement} box
 * @param {((colours: object) => object)[]} makers
 * @returns {Promise<() => void>} forgets the pictures
 */
export async function show(box, makers) {
  const Plotly = await plotly();
  const figures = makers.map(() => make("div", { class: "picture" }));
  box.replaceChildren(...figures);
  const paint = () => {
    const colours = palette();
    makers.forEach((picture, index) => {
      const { data, layout: frame, wide, height = 320 } = picture(colours);
      figures[index].classList.toggle("wide", Boolean(wide));
      Plotly.react(figures[index], data, { ...frame, height }, {
        responsive: true,
        displaylogo: false,
        modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
      });
    });
  };
  paint();
  document.addEventListener("themechange", paint);
  return () => {
    document.removeEventListener("themechange", paint);
    figures.forEach((figure) => Plotly.purge(figure));
  };
}
