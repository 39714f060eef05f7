/** How the price follows one input: curve, slope and elasticity along its range. */

import * as api from "./api.js";
import { byId, make } from "./dom.js";
import { number } from "./format.js";
import { curves } from "./plant_charts.js";
import * as state from "./plant_state.js";

let shown = null;
let asked = 0;
let inputs = [];

/** @param {object[]} found inputs of the model on show, rows of the catalogue */
export function offer(found) {
  inputs = found.filter((input) => input.value !== 0);
  const select = byId("slope-input");
  const before = select.value || "required_irr";
  select.replaceChildren(...inputs.map((input) => make("option", { value: input.name }, input.label)));
  if (inputs.some((input) => input.name === before)) select.value = before;
}

/** Ask for the curve of the chosen input, for the plant on show. */
export async function show() {
  const mine = ++asked;
  const name = byId("slope-input").value;
  if (!name) return;
  try {
    const { data } = await api.slopes(name, state.plant());
    if (mine !== asked) return;
    shown = data;
    byId("slope-problem").hidden = true;
    redraw();
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    if (mine !== asked) return;
    shown = null;
    byId("slope-words").textContent = "";
    byId("slope-chart").replaceChildren();
    byId("slope-cross").replaceChildren();
    byId("slope-problem").textContent = error.message;
    byId("slope-problem").hidden = false;
  }
}

const labelOf = (name) => inputs.find((input) => input.name === name)?.label ?? name;

/** Draw the curve anew, at the panel's new width. */
export function redraw() {
  if (!shown) return;
  const { derivatives: found, metadata, parameter } = shown;
  const input = inputs.find((item) => item.name === parameter);
  const mark = state.override(parameter) ?? input?.value;
  const near = found.grid.reduce((best, at, k) => (Math.abs(at - mark) < Math.abs(found.grid[best] - mark) ? k : best), 0);
  const elasticity = found.elasticity[near];
  byId("slope-words").textContent = Number.isFinite(elasticity)
    ? `1 % more ${labelOf(parameter)} moves the price by ${number(elasticity, 3)} %.`
    : "";
  const panels = [
    { title: `price, ${metadata.unit}`, values: found.price },
    { title: `price per unit of the input (first derivative)`, values: found.first_order },
    { title: "elasticity", values: found.elasticity },
  ];
  curves(byId("slope-chart"), found.grid, panels, { label: `Price against ${labelOf(parameter)}`, mark });
  const cross = Object.entries(found.cross_effects ?? {}).filter(([, value]) => Number.isFinite(value) && value !== 0);
  byId("slope-cross").replaceChildren(cross.length ? crossTable(cross) : "");
}

const crossTable = (cross) =>
  make(
    "details",
    { class: "table" },
    make("summary", {}, "Together with other inputs"),
    make("p", { class: "muted" }, "How much the slope itself changes per unit of the other input."),
    make(
      "table",
      {},
      make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "Other input"), make("th", { scope: "col" }, "Cross effect"))),
      make("tbody", {}, ...cross.map(([name, value]) => make("tr", {}, make("th", { scope: "row" }, labelOf(name)), make("td", {}, number(value))))),
    ),
  );
