/** What grows while a fit is under way: its trace, and the sizes of classes. */

import { canvas, EDGE, linear, text } from "../../charts.js";
import { draw, make } from "../../dom.js";
import { percent } from "../../format.js";
import { curve } from "../../pictures/growing.js";

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
export function trace(box, latest, { title, y, x = "blocks of work" }) {
  const points = latest.trace ?? [];
  if (points.length > 1) curve(place(box, "trace"), points, { title, x, y });
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
