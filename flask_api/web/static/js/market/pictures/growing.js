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

/**
 * A value as it came, block after block.
 * @param {{trace?: [number, number][]}} latest
 */
export function trace(box, latest, { title, y: up, x: across = "blocks of work" }) {
  const part = place(box, "trace"); // above what follows, also while there is nothing to draw
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
  svg.append(draw("path", { d: `M${points.map(([at, value]) => `${x(at)} ${y(value)}`).join("L")}`, class: "step" }));
  for (const tick of ticks(first, last, Math.max(Math.floor(width / 110), 1))) svg.append(text(x(tick), TALL - FOOT + 18, "middle", number(tick)));
  svg.append(text(left, TALL - 8, "start", `${across}; upwards: ${up}`));
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
