/** Small pictures that grow while a run is under way: plain SVG, drawn at true size. */

import { draw, make } from "./dom.js";
import { number, percent } from "./format.js";

const HEIGHT = 260;
export const EDGE = { top: 26, right: 14, bottom: 30, left: 14 };

/**
 * Round numbers that divide an axis.
 * @returns {number[]} at most `most` + 1 of them, within low..high
 */
export function ticks(low, high, most) {
  const size = high - low;
  if (!(size > 0)) return [low];
  const rough = size / Math.max(most, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= rough * 0.999);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k += 1) found.push(k * step + 0); // not -0
  return found;
}

/** An empty picture of the width there is; text stays readable on a narrow screen. */
export function canvas(box, height, label) {
  const width = Math.max(box.clientWidth, 260);
  const svg = draw("svg", {
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    role: "img",
    "aria-label": label,
    class: "chart",
  });
  box.replaceChildren(svg);
  return { svg, width };
}

export const text = (x, y, anchor, words, cls = "") =>
  draw("text", { x, y, "text-anchor": anchor, class: cls }, words);

export function axis(svg, scale, low, high, width, height, words = number, apart = 90) {
  const foot = height - EDGE.bottom;
  svg.append(draw("line", { x1: EDGE.left, x2: width - EDGE.right, y1: foot, y2: foot, class: "axis" }));
  for (const tick of ticks(low, high, Math.floor(width / apart))) {
    svg.append(draw("line", { x1: scale(tick), x2: scale(tick), y1: foot, y2: foot + 4, class: "axis" }));
    svg.append(text(scale(tick), foot + 18, "middle", words(Number(tick.toPrecision(10)))));
  }
}

export const linear = (low, high, from, to) => (value) =>
  from + ((to - from) * (value - low)) / (high - low || 1);

/**
 * How often which value came out so far.
 * @param {HTMLElement} box
 * @param {{n: number, histogram: {value: number, probability: number}[],
 *          p5: number, p50: number, p95: number}} live
 * @param {string} unit
 * @param {string} of what it is of: the price
 */
export function histogram(box, live, unit, of = "the price") {
  const bins = live.histogram ?? [];
  if (bins.length === 0) return;
  const step = bins.length > 1 ? bins[1].value - bins[0].value : Math.abs(bins[0].value) || 1;
  const low = bins[0].value - step / 2;
  const high = bins.at(-1).value + step / 2;
  const most = Math.max(...bins.map((bin) => bin.probability));
  const label =
    `Histogram of ${of} after ${number(live.n)} draws: ` +
    `median ${number(live.p50)} ${unit}, 90 % between ${number(live.p5)} and ${number(live.p95)}`;
  const { svg, width } = canvas(box, HEIGHT, label);
  const x = linear(low, high, EDGE.left, width - EDGE.right);
  const y = linear(0, most || 1, HEIGHT - EDGE.bottom, EDGE.top);
  for (const bin of bins) {
    const left = x(bin.value - step / 2);
    svg.append(
      draw(
        "rect",
        {
          x: left,
          y: y(bin.probability),
          width: Math.max(x(bin.value + step / 2) - left - 1, 0.5),
          height: Math.max(HEIGHT - EDGE.bottom - y(bin.probability), 0),
          class: bin.value < live.p5 || bin.value > live.p95 ? "bar tail" : "bar",
        },
        draw("title", {}, `${number(bin.value)} ${unit}: ${percent(bin.probability, 2)}`),
      ),
    );
  }
  for (const [name, value, anchor] of [["P5", live.p5, "end"], ["P50", live.p50, "middle"], ["P95", live.p95, "start"]]) {
    if (!Number.isFinite(value)) continue;
    svg.append(draw("line", { x1: x(value), x2: x(value), y1: EDGE.top - 6, y2: HEIGHT - EDGE.bottom, class: "mark" }));
    svg.append(text(x(value), EDGE.top - 11, anchor, `${name} ${number(value)}`, "mark-text"));
  }
  axis(svg, x, low, high, width, HEIGHT);
}

/** A value that every bar spans: the one they all start from, pinned by the narrowest. */
function common(bars) {
  const from = Math.max(...bars.map((bar) => Math.min(bar.low, bar.high)));
  const to = Math.min(...bars.map((bar) => Math.max(bar.low, bar.high)));
  return (from + to) / 2;
}

/**
 * How far each input moves an output, widest first.
 * @param {HTMLElement} box
 * @param {{baseline: ?number, tornado: {id: string, low: number, high: number, swing: number}[]}} live
 * @param {(id: string) => string} labelOf
 * @param {string} unit
 * @param {string} of what they move: the price
 */
export function tornado(box, live, labelOf, unit, of = "the price") {
  const bars = [...(live.tornado ?? [])]
    .filter((bar) => Number.isFinite(bar.low) && Number.isFinite(bar.high))
    .sort((a, b) => Math.abs(b.high - b.low) - Math.abs(a.high - a.low));
  if (bars.length === 0) return;
  const row = 34;
  const height = EDGE.top + bars.length * row + EDGE.bottom;
  const values = bars.flatMap((bar) => [bar.low, bar.high]);
  const base = Number.isFinite(live.baseline) ? live.baseline : common(bars);
  let low = Math.min(base, ...values);
  let high = Math.max(base, ...values);
  const air = 0.12 * (high - low) || Math.abs(base) || 1;
  low -= air;
  high += air;
  const { svg, width } = canvas(box, height, `Tornado: ${labelOf(bars[0].id)} moves ${of} most`);
  const x = linear(low, high, EDGE.left, width - EDGE.right);
  bars.forEach((bar, index) => {
    const top = EDGE.top + index * row;
    svg.append(text(EDGE.left, top + 10, "start", labelOf(bar.id), "row-name"));
    for (const [end, cls] of [["low", "bar low"], ["high", "bar high"]]) {
      const from = Math.min(x(base), x(bar[end]));
      svg.append(
        draw(
          "rect",
          { x: from, y: top + 14, width: Math.max(Math.abs(x(bar[end]) - x(base)), 0.5), height: 13, class: cls },
          draw("title", {}, `${labelOf(bar.id)} ${end}: ${number(bar[end])} ${unit}`),
        ),
      );
      const outward = bar[end] < base ? -4 : 4;
      svg.append(text(x(bar[end]) + outward, top + 25, outward < 0 ? "end" : "start", number(bar[end]), "end-text"));
    }
  });
  svg.append(draw("line", { x1: x(base), x2: x(base), y1: EDGE.top - 4, y2: height - EDGE.bottom, class: "mark" }));
  svg.append(text(x(base), EDGE.top - 11, "middle", `as it stands ${number(base)}`, "mark-text"));
  axis(svg, x, low, high, width, height);
}

/** What the colours of a tornado mean. */
export const tornadoKey = () =>
  make(
    "p",
    { class: "key" },
    make("span", { class: "swatch low" }), "input at its low end ",
    make("span", { class: "swatch high" }), "input at its high end",
  );
