/** The cash flow of every year as a table. */

import { make } from "./dom.js";
import { number } from "./format.js";
import { plain } from "./plant_words.js";

/** Columns that are not whole dollars. */
const FINE = new Set(["price", "discount_factor"]);

/**
 * @param {object[]} rows of the answer's `cash_flow_table`
 * @param {Object<string, string>} columns what each of them is
 */
export function yearTable(rows, columns) {
  const names = Object.keys(rows[0]).filter((name) => name !== "year" && rows.some((row) => row[name] !== 0));
  const head = (name) => make("th", { scope: "col", title: columns[name] ?? null }, plain(name));
  // Dollars are enough: a plant's flows are millions, and their cents are roundings.
  const tiny = rows.some((row) => Math.abs(row.cash_flow) >= 1000) ? 0 : 2;
  const cell = (name, value) =>
    FINE.has(name) || !Number.isFinite(value) ? number(value, 5) : value.toLocaleString("en-US", { maximumFractionDigits: tiny }).replace(/^-0$/, "0");
  return make(
    "details",
    {},
    make("summary", {}, "As a table, $"),
    make(
      "div",
      { class: "table", tabindex: 0, role: "region", "aria-label": "Cash flow of every year" },
      make(
        "table",
        {},
        make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "Year"), ...names.map(head))),
        make(
          "tbody",
          {},
          ...rows.map((row) => make("tr", {}, make("th", { scope: "row" }, String(row.year)), ...names.map((name) => make("td", {}, cell(name, row[name]))))),
        ),
      ),
    ),
  );
}
