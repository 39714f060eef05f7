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
  inputs = found.filter((input) => input.value !== 0 || input.range);
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
  byId("slope").setAttribute("aria-busy", "true");
  try {
    const { data } = await api.slopes(name, state.plant());
    if (mine !== asked) return;
    shown = data;
    byId("slope-problem").hidden = true;
    redraw();
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    if (mine === asked) clear(error.message);
  } finally {
    if (mine === asked) byId("slope").setAttribute("aria-busy", "false");
  }
}

/** Nothing to show, and what is wrong with the question, if it is that. */
export function clear(problem = "") {
  asked += 1;
  shown = null;
  byId("slope").setAttribute("aria-busy", "false");
  for (const name of ["words", "chart", "cross"]) byId(`slope-${name}`).replaceChildren();
  byId("slope-words").textContent = problem ? "" : "No price, no curve.";
  byId("slope-problem").textContent = problem;
  byId("slope-problem").hidden = problem === "";
}

const labelOf = (name) => inputs.find((input) => input.name === name)?.label ?? name;

/** Draw the curve anew, at the panel's new width. */
export function redraw() {
  if (!shown) return;
  const { derivatives: found, metadata, parameter } = shown;
  const input = inputs.find((item) => item.name === (metadata.name ?? parameter));
  const mark = metadata.baseline?.value ?? state.override(parameter) ?? input?.value;
  const { price, units = {} } = { price: metadata.baseline?.price, units: metadata.units };
  byId("slope-words").replaceChildren(...sentence(metadata, mark, price));
  const panels = [
    { title: `Price, ${units.price ?? ""}`, values: found.price },
    { title: `Slope (first derivative), ${metadata.unit}`, values: found.first_order },
    { title: "Elasticity: % of price per % of the input", values: found.elasticity },
  ];
  const label = `Price, slope and elasticity against ${labelOf(parameter)}`;
  curves(byId("slope-chart"), found.grid, panels, { label, mark, foot: `${labelOf(parameter)}, ${units.grid ?? input?.unit ?? ""}` });
  const cross = Object.entries(found.cross_effects ?? {}).filter(([, value]) => Number.isFinite(value) && value !== 0);
  const open = byId("slope-cross").firstElementChild?.open ?? false;
  byId("slope-cross").replaceChildren(...(cross.length ? [crossTable(cross, metadata.cross_effects ?? {}, open)] : []));
}

/** The slope where the plant stands, in words. */
function sentence(metadata, mark, price) {
  const slope = metadata.baseline?.first_order;
  if (!Number.isFinite(slope)) return ["The price has no slope where the plant stands."];
  const elasticity = (slope * mark) / Math.abs(price); // a price below 0 rises with a cost, too
  if (!Number.isFinite(elasticity) || elasticity === 0) return [`Here the price moves by ${number(slope)} ${metadata.unit}.`];
  const [way, size] = [elasticity < 0 ? "lowers" : "raises", number(Math.abs(elasticity), 3)];
  return [`1 % more ${way} the price by `, make("b", {}, `${size} %`), ", where the plant stands (dashed)."];
}

const crossTable = (cross, about, open) =>
  make(
    "details",
    { class: "table", open },
    make("summary", {}, "Together with other inputs"),
    make("p", { class: "muted" }, "How much the slope changes per unit of the other input (second mixed derivative)."),
    make(
      "table",
      {},
      make("thead", {}, make("tr", {}, ...["Other input", "Cross effect", "Unit"].map((words) => make("th", { scope: "col" }, words)))),
      make(
        "tbody",
        {},
        ...cross.map(([name, value]) =>
          make("tr", {}, make("th", { scope: "row" }, labelOf(name)), make("td", {}, number(value)), make("td", {}, make("small", {}, about[name]?.unit ?? ""))),
        ),
      ),
    ),
  );
