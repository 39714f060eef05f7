/** The price of the plant on show, and the pictures that explain it. */

import * as api from "./api.js";
import { byId, make } from "./dom.js";
import { compact, number, percent } from "./format.js";
import { cashFlow, waterfall } from "./plant_charts.js";
import { reports } from "./plant_reports.js";
import { plain } from "./plant_words.js";
import { yearTable } from "./plant_years.js";

let shown = null; // the last answer, for drawing again at another width
let asked = 0;
let own = { plant: "", value: NaN }; // the headline of the model as its file stands

/** Another plant is to be priced: an answer that is under way is not shown any more. */
export function expect() {
  asked += 1;
  byId("price").setAttribute("aria-busy", "true");
}

/**
 * Price a plant and show it.
 * @returns {Promise<?object>} the answer; null if another was asked for meanwhile
 * Raises ApiError where there is no price; that is said in the price's place.
 */
export async function show(plant) {
  expect();
  const mine = asked;
  try {
    const { data, job } = await api.priced(plant);
    if (mine !== asked) return null;
    shown = data;
    byId("price-problem").hidden = true;
    fill(data, job, plant);
    warn(data.metadata.warnings);
    return data;
  } catch (error) {
    if (mine !== asked) return null;
    if (error instanceof api.ApiError) refuse(error);
    throw error;
  } finally {
    if (mine === asked) byId("price").setAttribute("aria-busy", "false");
  }
}

function refuse(error) {
  shown = null;
  byId("price-value").textContent = error.code === "NO_SOLUTION" ? "No price" : "Not priced";
  byId("price-was").textContent = "";
  byId("price-body").hidden = true;
  byId("price-problem").textContent = error.message;
  byId("price-problem").hidden = false;
}

/** What a model answers with: a price, or (`solves: npv`) its worth at a given price. */
export function measureOf({ price_data: { economics, current_price: price }, metadata }) {
  if (economics.solved_price !== null) {
    return { name: "price", title: "Minimum selling price", value: price, unit: metadata.unit };
  }
  const title = `Net present value at ${number(price)} ${metadata.unit}`;
  return { name: "npv", title, value: economics.cumulative_npv, unit: "$" };
}

function fill(data, job, plant) {
  const { price_data: found, metadata } = data;
  const measure = measureOf(data);
  byId("price-title").textContent = measure.title;
  byId("price-value").replaceChildren(make("b", {}, number(measure.value, 5)), ` ${measure.unit}`);
  byId("price-was").textContent = since(measure, plant);
  byId("price-body").hidden = false;
  byId("price-tiles").replaceChildren(tiles(found, metadata.unit));
  byId("price-actions").replaceChildren(...(job ? reports(job, [data.version, data.extension, "price"].filter(Boolean).join("-")) : []));
  byId("year-table").replaceChildren(yearTable(found.cash_flow_table, metadata.columns ?? {}));
  redraw();
}

/** What the plant's own numbers give cause to say; the history's figures are not here. */
function warn(warnings) {
  const telling = warnings.filter((words) => !words.startsWith("price_volatility"));
  byId("price-warnings").replaceChildren(...telling.map((words) => make("p", { class: "warning" }, words)));
}

/** How far changes on the page have moved the headline from the file's. */
function since({ value, unit }, { version, extension = "", overrides }) {
  const plant = `${version} ${extension}`;
  if (!overrides) {
    own = { plant, value };
    return "";
  }
  if (own.plant !== plant || !Number.isFinite(own.value)) return "";
  const change = value / own.value - 1;
  const by = Number.isFinite(change) && own.value > 0 ? `${change < 0 ? "" : "+"}${percent(change, 2)}, ` : "";
  return `${by}from ${number(own.value, 5)} ${unit} as in the file`;
}

const tile = (name, value, unit = "") =>
  make("div", { class: "tile" }, make("dt", {}, name), make("dd", {}, value, unit && value !== "–" ? make("small", {}, ` ${unit}`) : ""));

function tiles({ economics, base_price: base, current_price: price }, unit) {
  const roots = economics.irr_all_roots ?? [];
  const rate = roots.length > 1 ? roots.map((root) => percent(root, 1)).join(", ") : percent(economics.irr_at_base_price, 2);
  // A sum of large flows that cancel leaves their roundings: those are no money.
  const least = 1e-9 * Math.abs(economics.total_overnight_cost);
  const worth = Math.abs(economics.npv_at_base_price) < least ? 0 : economics.npv_at_base_price;
  const others = (economics.products ?? []).slice(1);
  return make(
    "dl",
    { class: "tiles" },
    ...others.map((other) => tile(`Price of ${other.name}`, number(other.price), "$")),
    tile("Overnight cost", compact(economics.total_overnight_cost), "$"),
    tile("Levelised cost, ATB", number(economics.levelised_cost), unit),
    tile("Required rate", percent(economics.internal_rate_of_return, 1)),
    tile("Payback", number(economics.payback_years, 3), "years"),
    ...(Number.isFinite(base) ? [tile(`NPV at ${number(base)} ${unit}`, compact(worth), "$"), tile(`IRR at ${number(base)} ${unit}`, rate)] : []),
  );
}

/** Draw the pictures anew, at the panel's new width. */
export function redraw() {
  if (!shown) return;
  const { price_data: found, metadata } = shown;
  const parts = Object.entries(found.cost_breakdown).filter(([, value]) => Number.isFinite(value) && Math.abs(value) > 1e-12);
  const rows = parts.map(([name, value]) => ({ name: plain(name), value }));
  waterfall(byId("breakdown"), [...rows, { name: "Price", value: found.current_price, total: true }], {
    unit: metadata.unit,
    label: `The price of ${number(found.current_price)} ${metadata.unit} by its parts`,
  });
  waterfall(byId("ladder"), rungs(found.capital_ladder), { unit: "$", label: "Capital from bare erected cost to the total", words: compact });
  cashFlow(byId("flows"), found.cash_flow_table);
}

/** Rungs that are sums start anew; those that add nothing are left out. */
function rungs(ladder) {
  const all = ladder.map(({ label, value }, index) => ({
    name: plain(label.replace(/^[+=] /, "")),
    value,
    total: index === 0 || label.startsWith("= "),
  }));
  const telling = all.filter(({ value, total }) => total || value !== 0);
  // A sum of one rung says nothing that the rung has not said.
  return telling.filter((rung, k) => k === 0 || k === telling.length - 1 || !(rung.total && telling[k - 1].total));
}
