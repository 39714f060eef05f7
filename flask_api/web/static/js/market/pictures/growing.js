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
 * @param {{title: string, y: string, x?: string, from?: number, name?: string,
 *          goal?: {best: number, enough: number}, mark?: {at: number, words: string}, worse?: (value: number, other: number) => boolean}} about
 *   `from`: what the number 0 stands for; 0: the picture begins there; `name`: of its place in the box; `goal`: where it is to come, always in
 *   the picture; `mark`: a place across to be told of; `worse`: where there are several starts
 */
export function trace(box, latest, { title, y: up, x: across = "blocks of work", from = 1, name = "trace", goal, mark, worse = () => false }) {
  const part = place(box, name); // above what follows, also while there is nothing to draw
  const points = (latest.trace ?? []).filter(([, value]) => Number.isFinite(value));
  if (points.length < 2) return;
  const values = points.map(([, value]) => value);
  const wanted = goal ? Object.values(goal) : [];
  let [low, high] = [Math.min(...values, ...wanted), Math.max(...values, ...wanted)];
  if (low === high) [low, high] = [low - 1, high + 1];
  const { svg, width } = canvas(part, TALL, `${title}: ${number(values.at(-1), 8)} after ${number(points.at(-1)[0] + from)} ${across}`);
  const marks = ticks(low, high, 5).map((value) => [value, number(Number(value.toPrecision(10)), 7)]);
  const left = EDGE.left + LETTER * Math.max(...marks.map(([, words]) => words.length));
  const [first, last] = [from ? points[0][0] : 0, points.at(-1)[0]];
  const x = linear(first, last, left, width - EDGE.right);
  const y = linear(low, high, TALL - FOOT, EDGE.top);
  svg.append(text(EDGE.left, 14, "start", title, "row-name"));
  for (const [value, words] of marks) {
    svg.append(draw("line", { x1: left, x2: width - EDGE.right, y1: y(value), y2: y(value), class: "faint" }), text(left - 6, y(value) + 4, "end", words));
  }
  if (goal) svg.append(draw("line", { x1: left, x2: width - EDGE.right, y1: y(goal.enough), y2: y(goal.enough), class: "mark" }));
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
  if (mark && mark.at > first && mark.at < last) {
    const right = x(mark.at) > width - EDGE.right - LETTER * mark.words.length;
    svg.append(draw("line", { x1: x(mark.at), x2: x(mark.at), y1: EDGE.top, y2: TALL - FOOT, class: "mark" }), text(x(mark.at) + (right ? -5 : 5), TALL - FOOT - 6, right ? "end" : "start", mark.words, "mark-text"));
  }
  for (const tick of ticks(first, last, Math.max(Math.floor(width / 110), 1))) svg.append(text(x(tick), TALL - FOOT + 18, "middle", number(tick)));
  svg.append(text(EDGE.left, TALL - 8, "start", `${across}; upwards: ${up}${starts.length > 1 ? "; dashed: the best so far" : ""}`));
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

/**
 * What chains tell while they draw, from their first draws on: where they are, whether they agree, how far a step goes.
 * @param {{trace?: [number, number][], r_hat_trace?: [number, number][], step_size_trace?: [number, number][]}} latest
 *   each with draws of the slowest chain
 * @param {number} tune draws of the warm-up
 */
export function chains(box, { trace: level, r_hat_trace: agreement, step_size_trace: steps }, tune) {
  const about = { x: "draws with the warm-up", from: 0, mark: { at: tune, words: "warm-up ends" } };
  trace(box, { trace: level }, { ...about, title: "Log posterior, mean of the chains", y: "log density", name: "level" });
  trace(box, { trace: agreement }, { ...about, title: "Largest R-hat so far; below 1.05: the chains agree", y: "R-hat", name: "agreement", goal: { best: 1, enough: 1.05 } });
  trace(box, { trace: steps }, { ...about, title: "Step size", y: "step size", name: "steps" });
}
