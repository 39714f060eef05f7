/** What grows while a fit is under way: its trace, and the sizes of classes. */

import { canvas, EDGE, linear, text, ticks } from "../../charts.js";
import { draw, make } from "../../dom.js";
import { number, percent } from "../../format.js";

const TALL = 250;
const FOOT = 48;
const LETTER = 6.6; // px of a digit

/** The part of the box for one picture; they stand below each other. */
function place(box, name) {
  let host = box.querySelector(".live-parts");
  if (!host) {
    host = make("div", { class: "live-parts" });
    box.replaceChildren(host);
  }
  let part = host.querySelector(`[data-part="${name}"]`);
  if (!part) {
    part = make("div", { "data-part": name });
    host.append(part);
  }
  return part;
}

/** The parts of a curve, one for each start: a fit never gets worse, so what does belongs to the next. */
function pieces(points, worse) {
  const found = [];
  for (const [index, point] of points.entries()) {
    if (index === 0 || worse(point[1], points[index - 1][1])) found.push([]);
    found.at(-1).push(point);
  }
  return found;
}

/**
 * A value as it came, block after block.
 * @param {{trace?: [number, number][]}} latest
 * @param {{title: string, y: string, x?: string, name?: string, worse?: (value: number, other: number) => boolean}} about
 *   `name`: of its place in the box; `worse`: where there are several starts
 */
export function trace(box, latest, { title, y: up, x: across = "blocks of work", name = "trace", worse = () => false }) {
  const part = place(box, name); // above what follows, also while there is nothing to draw
  const points = (latest.trace ?? []).filter(([, value]) => Number.isFinite(value));
  if (points.length < 2) return;
  const values = points.map(([, value]) => value);
  let [low, high] = [Math.min(...values), Math.max(...values)];
  if (low === high) [low, high] = [low - 1, high + 1];
  const { svg, width } = canvas(part, TALL, `${title}: ${number(values.at(-1), 8)} after ${number(points.at(-1)[0] + 1)} ${across}`);
  const marks = ticks(low, high, 5).map((value) => [value, number(Number(value.toPrecision(10)), 7)]);
  const left = EDGE.left + LETTER * Math.max(...marks.map(([, words]) => words.length));
  const [first, last] = [points[0][0], points.at(-1)[0]];
  const x = linear(first, last, left, width - EDGE.right);
  const y = linear(low, high, TALL - FOOT, EDGE.top);
  svg.append(text(EDGE.left, 14, "start", title, "row-name"));
  for (const [value, words] of marks) {
    svg.append(draw("line", { x1: left, x2: width - EDGE.right, y1: y(value), y2: y(value), class: "faint" }), text(left - 6, y(value) + 4, "end", words));
  }
  const starts = pieces(points, (value, before) => worse(value, before) && Math.abs(value - before) > 1e-6 * (high - low));
  if (starts.length > 1) {
    let best = points[0][1];
    const line = points.map(([at, value]) => `${x(at)} ${y(best = worse(best, value) ? value : best)}`);
    svg.append(draw("path", { d: `M${line.join("L")}`, class: "best" }));
  }
  for (const piece of starts) {
    svg.append(piece.length > 1
      ? draw("path", { d: `M${piece.map(([at, value]) => `${x(at)} ${y(value)}`).join("L")}`, class: "step" })
      : draw("circle", { cx: x(piece[0][0]), cy: y(piece[0][1]), r: 2, class: "point" }));
  }
  for (const tick of ticks(first, last, Math.max(Math.floor(width / 110), 1))) svg.append(text(x(tick), TALL - FOOT + 18, "middle", number(tick)));
  svg.append(text(left, TALL - 8, "start", `${across}; upwards: ${up}${starts.length > 1 ? "; dashed: the best so far" : ""}`));
}

/** The shares of classes as bars. */
export function classSizes(box, sizes) {
  if (sizes.length === 0) return;
  const row = 26;
  const { svg, width } = canvas(place(box, "sizes"), EDGE.top + sizes.length * row + 8, `Classes so far: ${sizes.map((size) => percent(size)).join(", ")}`);
  const x = linear(0, 1, EDGE.left + 64, width - EDGE.right - 48);
  svg.append(text(EDGE.left, 14, "start", "Class sizes so far", "row-name"));
  sizes.forEach((size, index) => {
    const top = EDGE.top + index * row;
    svg.append(
      text(EDGE.left, top + 13, "start", `Class ${index + 1}`),
      draw("rect", { x: x(0), y: top + 2, width: Math.max(x(size) - x(0), 0.5), height: 14, class: "bar" }),
      text(x(size) + 6, top + 13, "start", percent(size, 1), "end-text"),
    );
  });
}

/** Points of a curve before it is thinned: a run may take an hour. */
const MOST = 512;
const told = new WeakMap(); // box -> curves of what its chains told, one value at a time

/**
 * What chains tell while they draw: whether they agree so far, and how far a step goes.
 * @param {{r_hat_max?: ?number, extra?: {draw?: number, step_size?: ?number}}} latest
 */
export function chains(box, { r_hat_max: agreement, extra = {} }) {
  if (!Number.isFinite(extra.draw)) return;
  if (!told.has(box)) told.set(box, { agreement: [], steps: [] });
  const curves = told.get(box);
  const add = (curve, value) => {
    if (Number.isFinite(value) && extra.draw > (curve.at(-1)?.[0] ?? -1) && value !== curve.at(-1)?.[1]) curve.push([extra.draw, value]);
    if (curve.length > MOST) curve.splice(0, MOST, ...curve.slice(0, MOST).filter((_, index) => index % 2 === 0));
  };
  add(curves.agreement, agreement);
  add(curves.steps, extra.step_size);
  const x = "draws with the warm-up";
  trace(box, { trace: curves.agreement }, { title: "Largest R-hat so far; 1: the chains agree", x, y: "R-hat" });
  trace(box, { trace: curves.steps }, { title: "Step size so far", x, y: "step size", name: "steps" });
}
