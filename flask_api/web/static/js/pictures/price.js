/** Prices of plants: what one pays for, what makes the difference between several. */

import { compact, number, percent } from "../format.js";
import { intervalBars, MOST } from "./bars.js";
import { capital, mark, marked } from "./parts.js";

const worded = (key) => capital(key.replaceAll("_", " "));
/** Variants with a picture of their own, at most; the downloads have all. */
const VARIANTS = 6;

/** Bars of parts of a price, in its unit. */
function bars(title, about, rows, { axis, label, wide = true }) {
  return {
    title, about, wide,
    draw: (colours, narrow) => intervalBars(colours, narrow, [{ name: "", rows: rows.slice(0, MOST) }], { label, axis }),
    table: () => ({ head: ["", axis], rows: rows.map(({ id, value }) => [label(id), number(value, 6)]) }),
  };
}

const withSign = (value, unit) => `${value > 0 ? "+" : ""}${number(value)} ${unit}`;
const bySize = (rows) => [...rows].sort((a, b) => Math.abs(b.value) - Math.abs(a.value));

function cumulative(years) {
  return {
    title: "Net present value year by year",
    about: "Below 0: not paid back yet.",
    wide: true,
    draw: (colours) => ({
      height: 320,
      data: [{
        x: years.map(({ year }) => year), y: years.map((row) => row.cumulative_npv), mode: "lines+markers",
        line: { color: colours.accent, width: 2 }, marker: { size: 5 }, hovertemplate: "year %{x}: %{y:,.5s} $<extra></extra>",
      }],
      layout: {
        xaxis: { title: { text: "year" } }, yaxis: { title: { text: "$ in today's money" } },
        ...marked([mark(colours, { y: 0, words: "" })]),
      },
    }),
    table: () => ({
      head: ["Year", "Cash flow, $", "Discounted, $", "So far, $"],
      rows: years.map((row) => [String(row.year), ...[row.cash_flow, row.discounted_cash_flow, row.cumulative_npv].map((value) => number(value, 6))]),
    }),
  };
}

/** A plant's price. */
export const data = {
  outputs: () => [],
  view({ price_data: found }, _, naming) {
    const unit = naming.unit("price");
    const { economics: money, cost_breakdown: costs, cash_flow_table: years = [] } = found;
    const rows = bySize(Object.entries(costs ?? {}).filter(([, value]) => Number.isFinite(value) && value !== 0).map(([id, value]) => ({ id, value })));
    const axis = naming.axis("price");
    return {
      tiles: [
        ["Price", number(found.current_price, 5), unit],
        ["Rate of return", percent(money.internal_rate_of_return, 2)],
        ["Overnight cost", compact(money.total_overnight_cost), "$"],
        Number.isFinite(money.payback_years) ? ["Paid back after", number(money.payback_years, 3), "years"] : null,
      ],
      verdict: rows.length ? ["Most of the price pays for ", ["", worded(rows[0].id).toLowerCase()], `: ${number(rows[0].value)} of ${naming.amount("price", found.current_price)}.`] : [],
      pictures: [
        ...(rows.length ? [bars("What the price pays for", "Below 0: it lowers the price.", rows, { axis, label: worded })] : []),
        ...(years.length > 1 ? [cumulative(years)] : []),
      ],
    };
  },
};

/** Plants beside each other. */
export const comparison = {
  outputs: () => [],
  view(result) {
    const { unit } = result.metadata;
    const found = Object.entries(result.comparisons).filter(([, one]) => Number.isFinite(one.price));
    const failed = Object.entries(result.comparisons).filter(([, one]) => one.error);
    const prices = [{ id: "", value: result.base_price }, ...found.map(([id, { price }]) => ({ id, value: price }))];
    const base = result.metadata.title ?? result.base_version;
    const axis = `price (${unit})`;
    const widest = bySize(found.map(([id, one]) => ({ id, value: one.price_difference })))[0];
    const pictures = found.slice(0, VARIANTS).filter(([, { drivers }]) => drivers.length > 0).map(([id, { drivers, price_difference: all, unit: own }]) => {
      const labels = new Map(drivers.map(({ input, label }) => [input, label]));
      const rows = bySize(drivers.map(({ input, contribution, std_error: error }) => ({
        id: input, value: contribution, lower: error ? contribution - 2 * error : null, upper: error ? contribution + 2 * error : null,
      })));
      return bars(`What makes the difference: ${id}`, `In all ${withSign(all, own)}.`, rows, { axis: `difference (${own})`, label: (input) => labels.get(input) ?? input });
    });
    return {
      tiles: [[base, number(result.base_price, 5), unit], ...found.slice(0, VARIANTS).map(([id, { price, unit: own }]) => [id, number(price, 5), own])],
      verdict: widest?.value
        ? [["", widest.id], ` differs most from ${base}: `, ["", withSign(widest.value, unit)], "."]
        : ["There is no difference."],
      warning: failed.length ? failed.map(([id, { error }]) => `${id}: ${error.message ?? error}`).join(" ") : null,
      pictures: [bars("The prices", undefined, prices, { axis, label: (id) => id || base }), ...pictures],
    };
  },
};

/** Changes of inputs, each alone and all together. */
export const impact = {
  outputs: () => [],
  view(result, _, naming) {
    const { unit } = result.metadata;
    const known = result.changes.filter(({ difference }) => Number.isFinite(difference));
    const rows = bySize(known.map(({ id, difference }) => ({ id, value: difference })));
    const inputs = new Map(result.changes.map(({ id, input }) => [id, input ?? id]));
    const label = (id) => naming.label(inputs.get(id) ?? id);
    return {
      tiles: [
        ["Price before", number(result.base_price, 5), unit],
        ["Price with all changes", number(result.optimized_price, 5), unit],
        ["Difference", number(result.optimized_price - result.base_price), unit],
      ],
      verdict: rows.length ? [["", label(rows[0].id)], ` makes the largest difference: `, ["", withSign(rows[0].value, unit)], "."] : ["No change has a price."],
      pictures: rows.length ? [bars("What each change does alone", "Below 0: it lowers the price.", rows, { axis: `difference (${unit})`, label })] : [],
    };
  },
};
