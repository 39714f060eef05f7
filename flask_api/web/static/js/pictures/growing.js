/** Pictures of methods that grow while a run is under way: plain SVG, as in charts.js. */

import { axis, canvas, EDGE, linear, text, ticks } from "../charts.js";
import { draw } from "../dom.js";
import { number } from "../format.js";

const ROW = 34;
const BARS = 15;
/** Room for the numbers of an upright axis. */
const LEFT = 56;

const known = ({ effect }) => Number.isFinite(effect);

/**
 * What ranks the inputs so far, strongest first, each with its interval.
 * @param {HTMLElement} box
 * @param {{id: string, effect: ?number, lower: ?number, upper: ?number}[]} rows
 * @param {{label: (id: string) => string, title: string, axis: string}} about
 */
export function effects(box, rows, { label, title, axis: words }) {
  const shown = rows.filter(known).slice(0, BARS);
  if (shown.length === 0) return;
  const height = EDGE.top + shown.length * ROW + EDGE.bottom + 16;
  const values = shown.flatMap(({ effect, lower, upper }) => [effect, lower ?? effect, upper ?? effect]);
  let [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
  if (low === high) high = low + 1;
  const { svg, width } = canvas(box, height, `${title}: ${label(shown[0].id)} ${number(shown[0].effect, 3)} comes first of ${rows.length}`);
  const x = linear(low, high, EDGE.left, width - EDGE.right - 46);
  svg.append(text(EDGE.left, 14, "start", title, "row-name"));
  shown.forEach((row, index) => {
    const top = EDGE.top + index * ROW;
    const [from, to] = [x(0), x(row.effect)].sort((a, b) => a - b);
    const [lower, upper] = [x(row.lower ?? row.effect), x(row.upper ?? row.effect)];
    svg.append(
      text(EDGE.left, top + 10, "start", label(row.id), "row-name"),
      draw("rect", { x: from, y: top + 14, width: Math.max(to - from, 0.5), height: 13, class: "bar" }, draw("title", {}, `${label(row.id)}: ${number(row.effect)}`)),
      text(Math.max(to, upper) + 6, top + 25, "start", number(row.effect, 3), "end-text"),
    );
    if (upper > lower) svg.append(draw("path", { d: `M${lower} ${top + 20.5}H${upper}M${lower} ${top + 16}v9M${upper} ${top + 16}v9`, class: "whisker" }));
  });
  axis(svg, x, low, high, width, height - 16);
  svg.append(text(EDGE.left, height - 2, "start", words));
}

/** Upright axis with numbers. */
function upright(svg, y, low, high, height, foot) {
  svg.append(draw("line", { x1: LEFT, x2: LEFT, y1: EDGE.top, y2: height - foot, class: "axis" }));
  for (const tick of ticks(low, high, 5)) {
    svg.append(text(LEFT - 6, y(tick) + 4, "end", number(Number(tick.toPrecision(10)), 3)));
  }
}

/** Sideways axis with numbers, of a picture with an upright one. */
function sideways(svg, x, low, high, width, foot) {
  svg.append(draw("line", { x1: LEFT, x2: width - EDGE.right, y1: foot, y2: foot, class: "axis" }));
  for (const tick of ticks(low, high, Math.floor(width / 110))) {
    svg.append(text(x(tick), foot + 16, "middle", number(Number(tick.toPrecision(10)), 3)));
  }
}

const TALL = 300;
const FOOT = 46;

/**
 * Elementary effects: mean size across, spread upwards, with the line where they are equal.
 * @param {HTMLElement} box
 * @param {{id: string, effect: ?number, sigma: ?number}[]} rows strongest first
 * @param {{label: (id: string) => string, title: string, axis: string}} about
 */
export function plane(box, rows, { label, title, axis: words }) {
  const shown = rows.filter((row) => known(row) && Number.isFinite(row.sigma));
  if (shown.length === 0) return;
  const right = 1.15 * Math.max(...shown.map(({ effect }) => effect)) || 1;
  const top = 1.15 * Math.max(...shown.map(({ sigma }) => sigma), 0.3 * right);
  const { svg, width } = canvas(box, TALL, `${title}: ${label(shown[0].id)} has the largest, ${number(shown[0].effect, 3)}`);
  const x = linear(0, right, LEFT, width - EDGE.right);
  const y = linear(0, top, TALL - FOOT, EDGE.top);
  const end = Math.min(right, top);
  svg.append(
    text(EDGE.left, 14, "start", title, "row-name"),
    draw("line", { x1: x(0), y1: y(0), x2: x(end), y2: y(end), class: "mark" }),
    text(x(end) - 4, y(end) + 14, "end", "sigma = mu*", "mark-text"),
  );
  shown.forEach(({ id, effect, sigma }, index) => {
    svg.append(draw("circle", { cx: x(effect), cy: y(sigma), r: 4.5, class: "bar" }, draw("title", {}, `${label(id)}: mu* ${number(effect)}, sigma ${number(sigma)}`)));
    const far = x(effect) > width / 2;
    if (index < 5) svg.append(text(x(effect) + (far ? -8 : 8), y(sigma) - 6, far ? "end" : "start", label(id), "row-name"));
  });
  upright(svg, y, 0, top, TALL, FOOT);
  sideways(svg, x, 0, right, width, TALL - FOOT);
  svg.append(text(LEFT, TALL - 8, "start", `mu*: ${words}; upwards: sigma`));
}

/**
 * The best value after so many evaluations.
 * @param {HTMLElement} box
 * @param {{evaluations: number, value: ?number, violation: number}[]} rows
 * @param {{title: string, axis: string}} about
 */
export function trace(box, rows, { title, axis: words }) {
  const shown = rows.filter(({ value }) => Number.isFinite(value));
  if (shown.length === 0) return;
  const values = shown.map(({ value }) => value);
  let [low, high] = [Math.min(...values), Math.max(...values)];
  const air = 0.08 * (high - low) || 0.05 * Math.abs(high) || 1;
  low -= air;
  high += air;
  const last = shown.at(-1);
  const { svg, width } = canvas(box, TALL, `${title}: ${number(last.value, 6)} after ${number(last.evaluations)} evaluations`);
  const x = linear(0, last.evaluations, LEFT, width - EDGE.right);
  const y = linear(low, high, TALL - FOOT, EDGE.top);
  const steps = shown.map((row, index) => (index === 0 ? `M${x(row.evaluations)} ${y(row.value)}` : `H${x(row.evaluations)}V${y(row.value)}`));
  svg.append(text(EDGE.left, 14, "start", title, "row-name"), draw("path", { d: steps.join(""), class: "step" }));
  for (const { evaluations, value, violation } of shown) {
    svg.append(draw("circle", { cx: x(evaluations), cy: y(value), r: 2.5, class: violation > 0 ? "point missed" : "point" }));
  }
  upright(svg, y, low, high, TALL, FOOT);
  sideways(svg, x, 0, last.evaluations, width, TALL - FOOT);
  svg.append(text(LEFT, TALL - 8, "start", `evaluations; upwards: ${words}`));
}

/**
 * A grid as far as it is filled; what is not computed yet stays empty.
 * @param {HTMLElement} box
 * @param {{x: {name: string, values: number[]}, y: {name: string, values: number[]},
 *   values: (?number)[][], title: string, axis: string}} grid `values` by x, then by y
 */
export function cells(box, { x: across, y: up, values, title, axis: words }) {
  const known = values.flat().filter(Number.isFinite);
  if (known.length === 0) return;
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const total = across.values.length * up.values.length;
  const { svg, width } = canvas(box, TALL + 18, `${title}: ${number(known.length)} of ${number(total)} points, ${number(low)} to ${number(high)}`);
  const [wide, tall] = [(width - LEFT - EDGE.right) / across.values.length, (TALL - FOOT - EDGE.top) / up.values.length];
  svg.append(text(EDGE.left, 14, "start", `${title}: ${number(low)} (light) to ${number(high)} (dark)`, "row-name"));
  values.forEach((column, i) =>
    column.forEach((value, j) => {
      if (!Number.isFinite(value)) return;
      const share = high > low ? (value - low) / (high - low) : 0.5;
      svg.append(draw("rect", {
        x: LEFT + i * wide, y: TALL - FOOT - (j + 1) * tall, width: wide, height: tall, class: "cell", "fill-opacity": 0.12 + 0.88 * share,
      }, draw("title", {}, `${number(across.values[i])}, ${number(up.values[j])}: ${number(value)} ${words}`)));
    }),
  );
  const x = (at) => LEFT + (at + 0.5) * wide;
  for (const at of [0, across.values.length - 1]) svg.append(text(x(at), TALL - FOOT + 16, at ? "end" : "start", number(across.values[at], 3)));
  for (const at of [0, up.values.length - 1]) svg.append(text(LEFT - 6, TALL - FOOT - at * tall - 2, "end", number(up.values[at], 3)));
  svg.append(text(EDGE.left, TALL - 8, "start", `across: ${across.name}`), text(EDGE.left, TALL + 10, "start", `upwards: ${up.name}`));
}

/**
 * A line through the points that are known so far.
 * @param {HTMLElement} box
 * @param {[number, ?number][]} points
 * @param {{title: string, x: string, y: string}} about
 */
export function curve(box, points, { title, x: across, y: up }) {
  const shown = points.filter(([, value]) => Number.isFinite(value));
  if (shown.length === 0) return;
  const [xs, ys] = [points.map(([at]) => at), shown.map(([, value]) => value)];
  let [low, high] = [Math.min(...ys), Math.max(...ys)];
  if (low === high) [low, high] = [low - 1, high + 1];
  const { svg, width } = canvas(box, TALL, `${title}: ${number(shown.length)} of ${number(points.length)} points, ${number(Math.min(...ys))} to ${number(Math.max(...ys))}`);
  const x = linear(Math.min(...xs), Math.max(...xs), LEFT, width - EDGE.right);
  const y = linear(low, high, TALL - FOOT, EDGE.top);
  svg.append(
    text(EDGE.left, 14, "start", title, "row-name"),
    draw("path", { d: `M${shown.map(([at, value]) => `${x(at)} ${y(value)}`).join("L")}`, class: "step" }),
  );
  upright(svg, y, low, high, TALL, FOOT);
  sideways(svg, x, Math.min(...xs), Math.max(...xs), width, TALL - FOOT);
  svg.append(text(LEFT, TALL - 8, "start", `${across}; upwards: ${up}`));
}
