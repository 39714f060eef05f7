/** Choice models: coefficients, what attributes are worth, elasticities, and how well choices are met. */

import { make } from "../../dom.js";
import { number, percent } from "../../format.js";
import { intervalBars } from "../../pictures/bars.js";
import { plain } from "../../pictures/parts.js";
import { listed } from "../../pictures/ranking.js";
import { trace } from "./growing.js";
import { listing } from "./listing.js";
import { matrix } from "./matrix.js";
import { barName } from "./names.js";
import { flat, metric, table } from "./outcome.js";

export const outputs = () => [];

const levelOf = (job) => percent(job.params?.params?.confidence_level ?? 0.95);
const interval = (rows) => rows.map((row) => ({ id: row.name, value: row.estimate, lower: row.low, upper: row.high }));
const HEADS = { error: "Standard error", robust_error: "Robust error", low: "From", high: "To", low_drawn: "From, drawn", high_drawn: "To, drawn" };

/** Chance below which a coefficient differs from 0. */
const stars = (p) => (!Number.isFinite(p) ? "–" : p < 0.001 ? "< 0.001" : p.toFixed(3));

/** Estimates with their errors, as papers print them. */
const estimates = (rows) => ({
  head: ["Coefficient", "Estimate", "Std. error", "Robust error", "z", "p"],
  rows: rows.map((row) => [row.name, number(row.estimate, 4), number(row.error, 3), number(row.robust_error, 3), Number.isFinite(row.z) ? row.z.toFixed(2) : "–", stars(row.p)]),
});

function coefficients(result, job) {
  const rows = table(result, "coefficients");
  return {
    title: "What counts in a choice", wide: true,
    about: `Coefficients of the utility with ${levelOf(job)} intervals: above 0, more of it makes the alternative more attractive. Their sizes depend on units.`,
    controls: () => listing("Coefficients", estimates(rows)),
    draw: (colours, narrow) => intervalBars(colours, narrow, [{ name: "Coefficient", rows: interval(rows) }], { label: barName, axis: "utility per unit" }),
    table: () => flat(rows, HEADS),
  };
}

function worth(result, job) {
  const rows = table(result, "willingness_to_pay");
  if (rows.length === 0) return null;
  const price = job.params?.params?.price ?? "the price";
  return {
    title: `What one unit more is worth, in units of ${price}`,
    about: `Willingness to pay with ${levelOf(job)} intervals; below 0, people want to be paid for it.`,
    draw: (colours, narrow) => intervalBars(colours, narrow, [{ name: "Worth", rows: interval(rows) }], { label: barName, axis: `units of ${plain(price)}` }),
    table: () => flat(rows, HEADS),
  };
}

function elasticities(result) {
  const rows = table(result, "elasticities");
  const attributes = [...new Set(rows.map((row) => row.attribute))];
  if (attributes.length === 0) return null;
  let attribute = attributes[0];
  const modes = [...new Set(rows.map((row) => row.demand_for))];
  return {
    title: "Elasticities: who gains and who loses",
    about: "By how many percent the demand for the row changes where the attribute of the column rises by 1 percent.",
    controls(redraw) {
      if (attributes.length < 2) return null;
      const select = make("select", { onchange: () => {
        attribute = select.value;
        redraw();
      } }, ...attributes.map((name) => make("option", { value: name }, name)));
      return make("p", { class: "picture-bar" }, make("label", {}, "Attribute", select));
    },
    draw(colours, narrow) {
      const cell = (mode, other) => rows.find((row) => row.attribute === attribute && row.demand_for === mode && row.attribute_of === other)?.elasticity;
      return matrix(colours, narrow, {
        columns: modes, rows: modes, signed: true, digits: 2, words: "elasticity", axes: { x: `${plain(attribute)} of`, y: "demand for" },
        cells: modes.map((mode) => modes.map((other) => cell(mode, other))),
        hover: modes.map((mode) => modes.map((other) => `demand for ${plain(mode)}<br>${plain(attribute)} of ${plain(other)}: ${number(cell(mode, other), 3)}`)),
      });
    },
    table: () => flat(rows),
  };
}

function shares(result) {
  const rows = table(result, "shares");
  const series = (name, key) => ({ name, rows: rows.map((row) => ({ id: row.alternative, value: row[key] })) });
  return {
    title: "Shares of the alternatives", about: "As observed, and as the model expects them.",
    draw: (colours, narrow) => intervalBars(colours, narrow, [series("Observed", "observed"), series("Expected", "predicted")], { label: barName, axis: "share of choices" }),
    table: () => flat(rows),
  };
}

function confusion(result) {
  const rows = table(result, "confusion");
  const modes = [...new Set(rows.map((row) => row.chosen))];
  if (modes.length < 2) return null;
  const cell = (chosen, likely) => rows.find((row) => row.chosen === chosen && row.predicted === likely)?.situations;
  return {
    title: "What was chosen, and what the model holds likeliest", about: "Situations; the diagonal holds the hits.",
    draw: (colours, narrow) => matrix(colours, narrow, {
      columns: modes, rows: modes, digits: 0, words: "situations", axes: { x: "likeliest", y: "chosen" },
      cells: modes.map((one) => modes.map((other) => cell(one, other))),
      hover: modes.map((one) => modes.map((other) => `chosen ${plain(one)}, likeliest ${plain(other)}: ${number(cell(one, other))}`)),
    }),
    table: () => flat(rows),
  };
}

/** The density of a coefficient among people, from -3 to 3 of its spread. */
function density({ distribution, location, spread, mean }) {
  const width = Math.abs(spread);
  if (!(width > 0)) return [];
  const sign = Math.sign(mean) || 1;
  const at = Array.from({ length: 121 }, (_, index) => -3 + index / 20);
  const normal = (z) => Math.exp(-z * z / 2) / (width * Math.sqrt(2 * Math.PI));
  if (distribution === "lognormal") return at.map((z) => [sign * Math.exp(location + width * z), normal(z) / Math.exp(location + width * z)]);
  if (distribution === "normal") return at.map((z) => [location + width * z, normal(z)]);
  const edge = distribution === "uniform" ? [[-1, 0.5], [1, 0.5]] : [[-1, 0], [0, 1], [1, 0]];
  return edge.map(([z, height]) => [location + width * z, height / width]);
}

function tastes(result) {
  const rows = table(result, "random_coefficients");
  if (rows.length === 0) return null;
  let chosen = rows[0];
  return {
    title: "How tastes differ between people", about: "Density of a coefficient among people.",
    controls(redraw) {
      const select = make("select", { onchange: () => {
        chosen = rows[Number(select.value)];
        redraw();
      } }, ...rows.map((row, index) => make("option", { value: String(index) }, `${row.name}: above 0 for ${percent(row.positive)}`)));
      return make("p", { class: "picture-bar" }, make("label", {}, "Coefficient", select));
    },
    draw: (colours) => {
      const points = density(chosen);
      return {
        data: [{ type: "scatter", mode: "lines", x: points.map(([x]) => x), y: points.map(([, y]) => y), fill: "tozeroy", fillcolor: colours.soft, line: { color: colours.accent, width: 2 }, hovertemplate: "%{x:.3g}<extra></extra>" }],
        layout: { xaxis: { title: { text: `${plain(chosen.name)} (${chosen.distribution})` }, zeroline: true }, yaxis: { title: { text: "density" }, rangemode: "tozero" } },
      };
    },
    table: () => flat(rows),
  };
}

export function view(result, output, naming, job) {
  const sure = table(result, "coefficients").filter((row) => row.p < 0.05).map((row) => row.name);
  return {
    tiles: [
      metric(result, "log_likelihood", "Log-likelihood", 8), metric(result, "rho2", "ρ²", 3), metric(result, "rho2_adjusted", "Adjusted ρ²", 3),
      metric(result, "bic", "BIC", 6), metric(result, "aic", "AIC", 6),
      Number.isFinite(result.metrics.hit_rate) ? ["Hits", percent(result.metrics.hit_rate)] : null,
    ],
    verdict: [
      ["", `${number(result.metrics.situations)} choices`], ` among ${result.results_summary.n_alternatives} alternatives. `,
      sure.length > 0 ? `Beyond chance (5 %): ${listed(sure)}.` : "No coefficient differs from 0 beyond chance (5 %).",
    ],
    pictures: [coefficients(result, job), worth(result, job), elasticities(result), tastes(result), shares(result), confusion(result)].filter(Boolean),
  };
}

export function live(box, latest) {
  trace(box, latest, { title: "Log-likelihood so far", x: "steps", y: "log-likelihood" });
}
