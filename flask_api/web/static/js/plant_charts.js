/** Pictures of a plant: steps that add up, flows by year, curves. Plain SVG at true size. */

import { axis, canvas, EDGE, linear, text, ticks } from "./charts.js";
import { draw } from "./dom.js";
import { compact, number } from "./format.js";

const ROW = 34;
const LETTER = 6.6; // px that a digit of the pictures' type takes
/** A title above, room for the numbers at the left. */
const PANEL = { top: 26, right: 14, bottom: 30, left: 62 };

/**
 * Amounts that lead from nothing, or from one total, to another: a waterfall on its side.
 * @param {HTMLElement} box
 * @param {{name: string, value: number, total?: boolean}[]} rows a total starts anew at 0
 * @param {{unit: string, label: string, words?: (value: number) => string, cut?: boolean}}
 *   told `label`: what the picture says, in a sentence; `cut`: where steps are small beside
 *   their totals, the axis begins near them
 */
export function waterfall(box, rows, { unit, label, words = number, cut = false }) {
  const bars = steps(rows);
  const [low, high, begins] = range(bars, cut);
  const foot = begins ? EDGE.bottom + 16 : EDGE.bottom;
  const height = EDGE.top - 6 + bars.length * ROW + foot;
  const { svg, width } = canvas(box, height, label);
  const says = (bar) => (bar.total || bar.value <= 0 ? words(bar.value) : `+${words(bar.value)}`);
  const room = 8 + LETTER * Math.max(...bars.map((bar) => says(bar).length));
  const x = linear(low, high, EDGE.left, width - EDGE.right - room);
  if (low < 0) svg.append(draw("line", { x1: x(0), x2: x(0), y1: 6, y2: height - foot, class: "grid" }));
  bars.forEach((bar, index) => {
    const top = 8 + index * ROW;
    const ends = [x(Math.max(bar.from, low)), x(bar.to)];
    const [left, right] = [Math.min(...ends), Math.max(...ends)];
    const kind = bar.total ? "total" : bar.value < 0 ? "down" : "up";
    if (index + 1 < bars.length) {
      svg.append(draw("line", { x1: x(bar.to), x2: x(bar.to), y1: top + 27, y2: top + ROW + 14, class: "link" }));
    }
    addFitted(svg, text(EDGE.left, top + 10, "start", bar.name, "row-name"), width - EDGE.left);
    svg.append(
      draw("rect", { x: left, y: top + 14, width: Math.max(right - left, 1.5), height: 13, class: `bar ${kind}` }, draw("title", {}, `${bar.name}: ${number(bar.value, 5)} ${unit}`)),
      text(right + 5, top + 25, "start", says(bar), "end-text"),
    );
    if (begins && bar.from < low) {
      svg.append(draw("path", { d: `M${left + 12} ${top + 30}l6 -19M${left + 17} ${top + 30}l6 -19`, class: "torn" }));
    }
  });
  // Where the numbers of the axis stand: its own height, without the line below it.
  axis(svg, x, low, high, width - room, height - foot + EDGE.bottom, words, 64);
  if (begins) svg.append(text(EDGE.left, height - 3, "start", `${unit}; bars begin at ${words(Number(low.toPrecision(3)))}, not at 0`));
}

/** Add words, cut to the room there is for them. */
function addFitted(svg, node, room) {
  svg.append(node);
  const words = node.textContent;
  for (let most = words.length; most > 1 && node.getComputedTextLength() > room; most -= 1) {
    node.textContent = `${words.slice(0, most - 1)}…`;
  }
}

function steps(rows) {
  let reached = 0;
  return rows.map(({ name, value, total }) => {
    const from = total ? 0 : reached;
    reached = total ? value : reached + value;
    return { name, value, total, from, to: reached };
  });
}

/** Low and high end of the axis, and whether it begins short of 0. */
function range(bars, cut) {
  const ends = bars.flatMap((bar) => [bar.from, bar.to]);
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  const inner = bars.filter((bar) => !bar.total).flatMap((bar) => [bar.from, bar.to]);
  const least = Math.min(...inner);
  if (cut && low === 0 && inner.length > 0 && least > 0.5 * high) {
    return [least - 0.35 * (high - least), high, true];
  }
  return low === high ? [0, 1, false] : [low, high, false];
}

/** Zero line and the numbers at the left of one panel. */
function frame(svg, title, low, high, top, height, width) {
  const y = linear(low, high, top + height - PANEL.bottom, top + PANEL.top);
  svg.append(text(EDGE.left, top + 14, "start", title, "row-name"));
  for (const tick of ticks(low, high, 6)) {
    svg.append(
      draw("line", { x1: PANEL.left, x2: width - PANEL.right, y1: y(tick), y2: y(tick), class: Math.abs(tick) < 1e-9 * (high - low) ? "axis" : "grid" }),
      text(PANEL.left - 6, y(tick) + 4, "end", shown(tick, high - low)),
    );
  }
  return y;
}

/** A tick in as few digits as tell it from the next, and no leftover of its arithmetic. */
function shown(tick, span) {
  if (Math.abs(tick) < 1e-9 * span) return "0";
  return Math.abs(tick) < 1e-3 ? Number(tick.toPrecision(4)).toExponential() : compact(Number(tick.toPrecision(10)), 5);
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
  const most = Math.max(...flows.map(Math.abs));
  // Large flows that cancel leave their roundings: those are no money.
  const sums = rows.map((row) => (Math.abs(row.cumulative_npv) < 1e-9 * most ? 0 : row.cumulative_npv));
  const panel = 190;
  const label = `Cash flow by year: between ${compact(Math.min(...flows))}$ and ${compact(Math.max(...flows))}$`;
  const { svg, width } = canvas(box, 2 * panel + 16, label);
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
  const every = [1, 2, 5, 10, 20, 50].find((step) => rows.length / step <= (width - PANEL.left) / 36) ?? 100;
  rows.forEach((row, index) => {
    svg.append(draw("circle", { cx: x(index), cy: z(sums[index]), r: 2.5, class: "dot" }, draw("title", {}, `year ${row.year}: ${number(sums[index], 6)} $`)));
    if (row.year % every === 0) svg.append(text(x(index), 2 * panel - 8, "middle", String(row.year)));
  });
  svg.append(text(width - PANEL.right, 2 * panel + 10, "end", "year of operation; before 1: construction"));
}

/**
 * Curves over one axis, one panel above the other.
 * @param {HTMLElement} box
 * @param {number[]} grid
 * @param {{title: string, values: (?number)[]}[]} panels
 * @param {{label: string, foot?: string, mark?: number, ends?: (x: number) => string}} told
 *   `foot`: what the axis is; `mark`: where the plant stands
 */
export function curves(box, grid, panels, { label, foot = "", mark, ends }) {
  const panel = 165;
  const { svg, width } = canvas(box, panels.length * panel + (foot ? 16 : 0), label);
  const [first, last] = [Math.min(...grid), Math.max(...grid)];
  const x = linear(first, last, PANEL.left + 4, width - PANEL.right - 8);
  const words = ends ?? ((value) => shown(value, last - first));
  panels.forEach(({ title, values }, index) => {
    const known = values.filter(Number.isFinite);
    const top = index * panel;
    const [low, high] = known.length ? [Math.min(...known), Math.max(...known)] : [0, 1];
    // Roundings of a curve that is flat are no shape.
    const flat = high - low <= 1e-9 * Math.max(Math.abs(low), Math.abs(high));
    const air = flat ? 0.1 * Math.abs(high) || 1 : 0.08 * (high - low);
    const y = frame(svg, title, low - air, high + air, top, panel, width);
    if (mark !== undefined && mark >= first && mark <= last) {
      svg.append(draw("line", { x1: x(mark), x2: x(mark), y1: top + PANEL.top, y2: top + panel - PANEL.bottom, class: "mark" }));
    }
    const points = grid.flatMap((at, k) => (Number.isFinite(values[k]) ? [[x(at), y(values[k])]] : []));
    svg.append(draw("path", { d: path(points), class: "curve" }));
    grid.forEach((at, k) => {
      if (!Number.isFinite(values[k])) return;
      svg.append(draw("circle", { cx: x(at), cy: y(values[k]), r: 2.5, class: "dot" }, draw("title", {}, `${number(at, 5)}: ${number(values[k], 6)}`)));
    });
    for (const tick of ticks(first, last, Math.floor(width / 110))) {
      svg.append(text(x(tick), top + panel - 12, "middle", words(tick)));
    }
  });
  if (foot) addFitted(svg, text(width - PANEL.right, panels.length * panel + 10, "end", foot), width - PANEL.right);
}
