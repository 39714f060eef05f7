/** The price of the plant on show, and the pictures that explain it. */

import * as api from "./api.js";
import { link } from "./actions.js";
import { byId, make } from "./dom.js";
import { number, percent } from "./format.js";
import { cashFlow, waterfall } from "./plant_charts.js";

let shown = null; // the last answer, for drawing again at another width
let asked = 0;

const words = (name) => name.replaceAll("_", " ");

/**
 * Price a plant and show it.
 * @param {object} plant as requests name it
 * @returns {Promise<?object>} the answer; null if another was asked for meanwhile
 */
export async function show(plant) {
  const mine = ++asked;
  byId("price").setAttribute("aria-busy", "true");
  try {
    const { data, job } = await api.priced(plant);
    if (mine !== asked) return null;
    shown = data;
    byId("price-problem").hidden = true;
    fill(data, job);
    return data;
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    if (mine === asked) refuse(error);
    return null;
  } finally {
    if (mine === asked) byId("price").setAttribute("aria-busy", "false");
  }
}

function refuse(error) {
  shown = null;
  byId("price-value").textContent = "no price";
  byId("price-body").hidden = true;
  byId("price-problem").replaceChildren(make("p", {}, error.message));
  byId("price-problem").hidden = false;
}

function fill(data, job) {
  const { price_data: found, metadata } = data;
  const unit = metadata.unit;
  byId("price-value").replaceChildren(make("b", {}, number(found.current_price, 6)), ` ${unit}`);
  byId("price-body").hidden = false;
  byId("price-tiles").replaceChildren(tiles(found, unit));
  byId("price-warnings").replaceChildren(
    ...(data.warnings ?? []).map((item) => make("p", { class: "warning" }, item.message ?? String(item))),
  );
  byId("price-actions").replaceChildren(
    link("Excel workbook", api.resultAddress(job, "xlsx")),
    link("Report (HTML)", api.resultAddress(job, "html")),
    link("Year table (CSV)", api.resultAddress(job, "csv", "cash_flow_table")),
    link("All (JSON)", api.resultAddress(job, "json")),
  );
  byId("year-table").replaceChildren(yearTable(found.cash_flow_table, metadata.columns ?? {}));
  redraw();
}

const tile = (name, value, unit = "") =>
  make("div", { class: "tile" }, make("dt", {}, name), make("dd", {}, value, unit ? make("small", {}, ` ${unit}`) : ""));

function tiles({ economics, base_price: base }, unit) {
  const roots = economics.irr_all_roots ?? [];
  const rate = roots.length > 1 ? roots.map((root) => percent(root, 1)).join(", ") : percent(economics.irr_at_base_price, 2);
  return make(
    "dl",
    { class: "tiles" },
    tile("Total overnight cost", number(economics.total_overnight_cost), "$"),
    tile("Levelised cost (ATB)", number(economics.lcoe), unit),
    tile(`NPV at ${number(base)} ${unit}`, number(economics.npv_at_base_price), "$"),
    tile(`IRR at ${number(base)} ${unit}`, rate),
    tile("Payback", number(economics.payback_years, 3), "years"),
    tile("Required rate", percent(economics.internal_rate_of_return, 1)),
  );
}

/** Draw the pictures anew, at the panel's new width. */
export function redraw() {
  if (!shown) return;
  const { price_data: found, metadata } = shown;
  const parts = Object.entries(found.cost_breakdown).filter(([, value]) => value !== 0);
  waterfall(
    byId("breakdown"),
    [...parts.map(([name, value]) => ({ name: words(name), value })), { name: "price", value: found.current_price, total: true }],
    metadata.unit,
    `The price of ${number(found.current_price)} ${metadata.unit} by its parts`,
  );
  waterfall(byId("ladder"), rungs(found.capital_ladder), "$", "Capital from bare erected cost to the total");
  cashFlow(byId("flows"), found.cash_flow_table);
}

/** Rungs that are sums start anew; those that add nothing are left out. */
const rungs = (ladder) =>
  ladder
    .map(({ rung, label, value }, index) => ({
      name: label.replace(/^[+=] /, ""),
      value,
      total: index === 0 || label.startsWith("= "),
      rung,
    }))
    .filter(({ value, total }) => total || value !== 0);

function yearTable(rows, columns) {
  const names = Object.keys(rows[0]).filter((name) => name === "year" || rows.some((row) => row[name] !== 0));
  const cell = (name, value) => (name === "discount_factor" ? number(value) : number(value, 6));
  return make(
    "details",
    { class: "table" },
    make("summary", {}, "As a table, $"),
    make(
      "table",
      {},
      make("thead", {}, make("tr", {}, ...names.map((name) => make("th", { scope: "col", title: columns[name] }, words(name))))),
      make(
        "tbody",
        {},
        ...rows.map((row) => make("tr", {}, make("th", { scope: "row" }, String(row.year)), ...names.slice(1).map((name) => make("td", {}, cell(name, row[name]))))),
      ),
    ),
  );
}
