/** Pictures of a plant: steps that add up, flows by year, curves. Plain SVG at true size. */

import { axis, canvas, EDGE, linear, text, ticks } from "./charts.js";
import { draw } from "./dom.js";
import { number } from "./format.js";

const ROW = 34;
/** A title above, room for the numbers at the left. */
const PANEL = { top: 26, right: 14, bottom: 30, left: 62 };

/**
 * Amounts that lead from nothing, or from one total, to another: a waterfall on its side.
 * @param {HTMLElement} box
 * @param {{name: string, value: number, total?: boolean}[]} rows a total starts anew at 0
 * @param {string} unit
 * @param {string} label what the picture says, in a sentence
 */
export function waterfall(box, rows, unit, label) {
  let reached = 0;
  const bars = rows.map(({ name, value, total }) => {
    const from = total ? 0 : reached;
    reached = total ? value : reached + value;
    return { name, value, total, from, to: reached };
  });
  const ends = bars.flatMap((bar) => [bar.from, bar.to]);
  let [low, high] = [Math.min(...ends), Math.max(...ends)];
  // Differences that would be a hair beside their totals: leave the empty part out.
  const inner = bars.filter((bar) => !bar.total).flatMap((bar) => [bar.from, bar.to]);
  const cut = inner.length > 0 && low === 0 && Math.min(...inner) > 0.5 * high;
  if (cut) low = Math.min(...inner) - 0.25 * (high - Math.min(...inner) || high);
  const air = 0.14 * (high - low) || Math.abs(high) || 1;
  const from = cut ? low : low < 0 ? low - air : low;
  const height = EDGE.top + bars.length * ROW + EDGE.bottom;
  const { svg, width } = canvas(box, height, label);
  const x = linear(from, high + air, EDGE.left, width - EDGE.right);
  bars.forEach((bar, index) => {
    const top = EDGE.top - 12 + index * ROW;
    const [start, end] = [Math.max(bar.from, from), bar.to];
    const kind = bar.total ? "total" : bar.value < 0 ? "down" : "up";
    svg.append(
      text(EDGE.left, top + 10, "start", bar.name, "row-name"),
      draw(
        "rect",
        { x: Math.min(x(start), x(end)), y: top + 14, width: Math.max(Math.abs(x(end) - x(start)), 1), height: 13, class: `bar ${kind}` },
        draw("title", {}, `${bar.name}: ${number(bar.value, 5)} ${unit}`),
      ),
      text(Math.max(x(start), x(end)) + 4, top + 25, "start", signed(bar), "end-text"),
    );
    if (index + 1 < bars.length) {
      svg.append(draw("line", { x1: x(end), x2: x(end), y1: top + 27, y2: top + ROW + 14, class: "link" }));
    }
  });
  axis(svg, x, from, high + air, width, height);
  if (cut) svg.append(text(EDGE.left, height - 2, "start", `axis begins at ${number(from, 3)}`));
}

const signed = (bar) => (bar.total || bar.value < 0 ? number(bar.value) : `+${number(bar.value)}`);

/** Frame, zero line and the numbers at the left of one panel. */
function frame(svg, title, low, high, top, height, width) {
  const y = linear(low, high, top + height - PANEL.bottom, top + PANEL.top);
  svg.append(text(EDGE.left, top + 14, "start", title, "row-name"));
  for (const tick of ticks(low, high, 4)) {
    svg.append(
      draw("line", { x1: PANEL.left, x2: width - PANEL.right, y1: y(tick), y2: y(tick), class: tick === 0 ? "axis" : "grid" }),
      text(PANEL.left - 6, y(tick) + 4, "end", short(tick)),
    );
  }
  return y;
}

/** Millions and thousands in a letter: an axis has no room for zeros. */
function short(value) {
  const size = Math.abs(value);
  const [scale, letter] = [[1e9, " G"], [1e6, " M"], [1e3, " k"]].find(([least]) => size >= least) ?? [1, ""];
  return `${number(Number((value / scale).toPrecision(6)))}${letter}`;
}

const spanOf = (values) => {
  const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
  return low === high ? [low, low + 1] : [low, high];
};

const path = (points) => points.map(([x, y], index) => `${index ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");

/**
 * After-tax cash flow of every year, and below it what it adds up to, discounted.
 * @param {HTMLElement} box
 * @param {{year: number, cash_flow: number, cumulative_npv: number}[]} rows
 */
export function cashFlow(box, rows) {
  const flows = rows.map((row) => row.cash_flow);
  const sums = rows.map((row) => row.cumulative_npv);
  const panel = 190;
  const { svg, width } = canvas(
    box,
    2 * panel,
    `Cash flow by year: ${number(Math.min(...flows))} $ at the least, ${number(Math.max(...flows))} $ at the most`,
  );
  const slot = (width - PANEL.left - PANEL.right) / rows.length;
  const x = (index) => PANEL.left + (index + 0.5) * slot;
  const y = frame(svg, "After-tax cash flow, $", ...spanOf(flows), 0, panel, width);
  rows.forEach((row, index) => {
    const [from, to] = [y(0), y(row.cash_flow)];
    svg.append(
      draw(
        "rect",
        { x: x(index) - 0.38 * slot, y: Math.min(from, to), width: 0.76 * slot, height: Math.max(Math.abs(to - from), 0.5), class: row.cash_flow < 0 ? "bar high" : "bar" },
        draw("title", {}, `year ${row.year}: ${number(row.cash_flow, 6)} $`),
      ),
    );
  });
  const z = frame(svg, "Net present value so far, $", ...spanOf(sums), panel, panel, width);
  const points = sums.map((value, index) => [x(index), z(value)]);
  svg.append(draw("path", { d: path(points), class: "curve" }));
  const every = Math.max(1, Math.ceil(rows.length / Math.floor(width / 60)));
  rows.forEach((row, index) => {
    svg.append(
      draw("circle", { cx: x(index), cy: z(sums[index]), r: 2.5, class: "dot" }, draw("title", {}, `year ${row.year}: ${number(sums[index], 6)} $`)),
    );
    if (index % every === 0) svg.append(text(x(index), 2 * panel - 8, "middle", String(row.year)));
  });
}

/**
 * Curves over one axis, one panel above the other.
 * @param {HTMLElement} box
 * @param {number[]} grid
 * @param {{title: string, values: (?number)[]}[]} curves
 * @param {{label: string, mark?: number, ends?: (x: number) => string}} words `mark`: where
 *   the plant stands
 */
export function curves(box, grid, panels, { label, mark, ends = (value) => short(value) }) {
  const panel = 165;
  const { svg, width } = canvas(box, panels.length * panel, label);
  const [first, last] = [Math.min(...grid), Math.max(...grid)];
  const x = linear(first, last, PANEL.left, width - PANEL.right);
  panels.forEach(({ title, values }, index) => {
    const known = values.filter(Number.isFinite);
    const top = index * panel;
    if (known.length === 0) return;
    const [low, high] = [Math.min(...known), Math.max(...known)];
    const air = 0.08 * (high - low) || 0.1 * Math.abs(high) || 1;
    const y = frame(svg, title, low - air, high + air, top, panel, width);
    const points = grid.flatMap((at, k) => (Number.isFinite(values[k]) ? [[x(at), y(values[k])]] : []));
    svg.append(draw("path", { d: path(points), class: "curve" }));
    grid.forEach((at, k) => {
      if (!Number.isFinite(values[k])) return;
      svg.append(draw("circle", { cx: x(at), cy: y(values[k]), r: 2.5, class: "dot" }, draw("title", {}, `${number(at, 5)}: ${number(values[k], 6)}`)));
    });
    if (mark !== undefined && mark >= first && mark <= last) {
      svg.append(draw("line", { x1: x(mark), x2: x(mark), y1: top + PANEL.top, y2: top + panel - PANEL.bottom, class: "mark" }));
    }
    for (const tick of ticks(first, last, Math.floor(width / 110))) {
      svg.append(text(x(tick), top + panel - 12, "middle", ends(tick)));
    }
  });
}
