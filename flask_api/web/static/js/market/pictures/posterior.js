/** Bayesian models: what was learned of each quantity, and whether the chains agree. */

import { make } from "../../dom.js";
import { count, number, percent } from "../../format.js";
import { intervalBars, MOST } from "../../pictures/bars.js";
import { plain } from "../../pictures/parts.js";
import { trace } from "./growing.js";
import { loadings } from "./loadings.js";
import { array, columnsOf, flat, metric, said, table } from "./outcome.js";
import { plane } from "./plane.js";
import { explained, over } from "./shares.js";
import { likeness } from "./similarity.js";

export const outputs = () => [];

const nameOf = ({ parameter, product, dimension }) => {
  const inside = [product, dimension].filter((part) => part !== null && part !== undefined);
  return inside.length > 0 ? `${parameter} of ${inside.join(", ")}` : parameter;
};

/** A choice above a picture, drawn anew when it changes. */
const chooser = (words, options, onChoice) => {
  const select = make("select", { onchange: () => onChoice(select.value) }, ...options.map(([value, text]) => make("option", { value }, text)));
  return make("p", { class: "picture-bar" }, make("label", {}, words, select));
};

/** Quantities with their credible intervals, one family at a time. */
function quantities(rows) {
  if (rows.length === 0) return null;
  const kinds = [...new Set(rows.map((row) => (row.dimension && row.product ? `${row.parameter} ${row.dimension}` : row.parameter)))];
  const of = (row) => (row.dimension && row.product ? `${row.parameter} ${row.dimension}` : row.parameter);
  let kind = kinds.find((name) => rows.filter((row) => of(row) === name).length > 1) ?? kinds[0];
  const id = (row) => row.product ?? (row.dimension ? `Dimension ${row.dimension}` : row.parameter);
  return {
    title: "What was learned", about: "Posterior means with their 95 % credible intervals.",
    controls: (redraw) => (kinds.length > 1 ? chooser("Quantity", kinds.map((name) => [name, said(name)]), (value) => {
      kind = value;
      redraw();
    }) : null),
    draw: (colours, narrow) => intervalBars(colours, narrow, [{
      name: said(kind), rows: rows.filter((row) => of(row) === kind).slice(0, MOST).map((row) => ({ id: id(row), value: row.mean, lower: row.low, upper: row.high })),
    }], { label: (name) => name, axis: plain(said(kind)) }),
    table: () => flat(rows),
  };
}

/** R-hat of every quantity beside its effective draws. */
function agreement(rows, wanted) {
  const known = rows.filter((row) => Number.isFinite(row.r_hat));
  if (known.length === 0) return null;
  const worst = known.toSorted((a, b) => b.r_hat - a.r_hat);
  return {
    title: "Do the chains agree?",
    about: `Each point is a quantity. R-hat above 1.05 (dotted), or fewer than ${count(wanted)} effective draws (dashed), means: draw more. The table lists the worst first.`,
    draw: (colours) => ({
      height: 320,
      data: [{
        type: "scatter", mode: "markers", x: worst.map((row) => Math.min(row.ess_bulk, row.ess_tail)), y: worst.map((row) => row.r_hat),
        marker: { size: 7, color: worst.map((row) => (row.r_hat > 1.05 ? colours.bad : colours.accent)), symbol: worst.map((row) => (row.r_hat > 1.05 ? "x" : "circle")), opacity: 0.8 },
        customdata: worst.map((row) => `${plain(nameOf(row))}<br>R-hat ${number(row.r_hat, 4)}<br>effective draws ${number(row.ess_bulk, 4)} (bulk), ${number(row.ess_tail, 4)} (tails)`), hovertemplate: "%{customdata}<extra></extra>",
      }],
      layout: {
        xaxis: { title: { text: "effective draws" }, rangemode: "tozero" },
        yaxis: { title: { text: "R-hat" }, range: [0.99, Math.max(1.06, 1.01 * worst[0].r_hat)] },
        shapes: [
          { type: "line", xref: "paper", x0: 0, x1: 1, y0: 1.05, y1: 1.05, line: { color: colours.bad, width: 1, dash: "dot" } },
          ...(Number.isFinite(wanted) ? [{ type: "line", yref: "paper", y0: 0, y1: 1, x0: wanted, x1: wanted, line: { color: colours.ink, width: 1, dash: "dash" } }] : []),
        ],
      },
    }),
    table: () => ({
      head: ["Quantity", "Mean", "Std. deviation", "R-hat", "ESS, bulk", "ESS, tails"],
      rows: worst.map((row) => [nameOf(row), number(row.mean, 4), number(row.std, 3), number(row.r_hat, 4), number(row.ess_bulk, 4), number(row.ess_tail, 4)]),
    }),
  };
}

/** The draws of one quantity, chain by chain, and where they lie. */
function draws(result, chains) {
  const values = array(result, "posterior_draws");
  const names = columnsOf(result, "posterior_draws");
  if (!Array.isArray(values?.[0]) || names.length === 0) return null;
  let at = 0;
  const flatDraws = Array.isArray(values[0][0]) ? values : chunks(values, chains);
  const of = (chain) => chain.map((row) => row[at]);
  return {
    title: "The draws", wide: true, about: "Draw after draw of each chain: healthy chains look like one noisy band, all at the same height.",
    controls: (redraw) => chooser("Quantity", names.map((name, index) => [String(index), name]), (value) => {
      at = Number(value);
      redraw();
    }),
    draw: (colours) => {
      const hues = [colours.accent, colours.high, colours.low, colours.warm, colours.good, colours.ink];
      return {
        height: 300,
        data: flatDraws.map((chain, index) => ({ type: "scatter", mode: "lines", name: `Chain ${index + 1}`, y: of(chain), line: { color: hues[index % 6], width: 1 }, opacity: 0.75, hovertemplate: `chain ${index + 1}, draw %{x}: %{y:.4g}<extra></extra>` })),
        layout: { showlegend: flatDraws.length > 1, legend: { orientation: "h", y: -0.24, x: 0, yanchor: "top" }, xaxis: { title: { text: "draw" } }, yaxis: { title: { text: plain(names[at]) } } },
      };
    },
  };
}

const chunks = (rows, parts = 1) => {
  const size = Math.ceil(rows.length / parts);
  return Array.from({ length: parts }, (_, index) => rows.slice(index * size, (index + 1) * size));
};

function rising(result) {
  const values = array(result, "elbo_history");
  if (!Array.isArray(values) || values.length < 2) return null;
  const first = Math.min(3, Math.floor(values.length / 10)); // the first passes would flatten the rest
  return over({
    title: "The ELBO as it rose", about: "A lower bound of the model's evidence, after each pass.", x: "pass", y: "ELBO",
    at: values.slice(first).map((_, index) => index + 1 + first), lines: [{ name: "ELBO", values: values.slice(first) }],
  });
}

/** Loadings from the posterior's means, or from the approximation's, with intervals. */
function leaning(result) {
  const rows = table(result, "loadings");
  if (rows.length === 0) return null;
  const factors = [...new Set(rows.map((row) => row.factor))];
  let factor = factors[0];
  return {
    title: "Loadings, and how sure they are", about: "Means with twice their standard deviation on either side.",
    controls: (redraw) => (factors.length > 1 ? chooser("Factor", factors.map((name) => [name, said(name)]), (value) => {
      factor = value;
      redraw();
    }) : null),
    draw: (colours, narrow) => intervalBars(colours, narrow, [{
      name: said(factor), rows: rows.filter((row) => row.factor === factor).slice(0, MOST)
        .map((row) => ({ id: row.product, value: row.loading, lower: row.loading - 2 * row.loading_std, upper: row.loading + 2 * row.loading_std })),
    }], { label: (name) => name, axis: "loading (logits)" }),
    table: () => flat(rows),
  };
}

function map(result) {
  const places = result.product_embeddings;
  if (!Array.isArray(places?.[0])) return null;
  const dimensions = columnsOf(result, result.embeddings.product).map(said);
  return plane({
    title: "Map of the products", about: "Products that lie in the same direction go together.", dimensions, households: result.household_embeddings,
    sets: [{ name: "Products", colour: "accent", symbol: "circle", points: result.product_columns.map((name, index) => ({ name, at: places[index] })) }],
  });
}

const agreed = ({ converged, r_hat_max: worst }) =>
  (converged ? "The chains agree" : worst > 1.05 ? "The chains do not agree yet" : "The chains agree, but there are too few draws");

export function view(result) {
  const { metrics, results_summary: summary, variance_explained: variance } = result;
  const rows = table(result, "parameters");
  const sampled = Number.isFinite(metrics.r_hat_max);
  return {
    tiles: sampled
      ? [
        metric(result, "r_hat_max", "Largest R-hat", 4), ["Fewest effective draws", count(Math.min(metrics.ess_bulk_min, metrics.ess_tail_min))],
        ["Divergences", count(metrics.n_divergences)], metric(result, "waic", "WAIC", 6), metric(result, "loo", "LOO", 6),
        metric(result, "samples_per_second", "Draws per second", 3),
      ]
      : [metric(result, "elbo", "ELBO", 7), metric(result, "n_iter", "Passes")],
    verdict: sampled
      ? [["", agreed(metrics)], `: ${count(summary.n_draws)} draws of ${summary.n_chains} chains${result.details.engine ? `, by ${result.details.engine}` : ""}.`]
      : [["", result.converged ? "The ELBO stands still" : "The ELBO was still rising"], ` after ${count(metrics.n_iter)} passes${Array.isArray(variance) ? `; the factors explain ${variance.map((value) => percent(value / 100)).join(", ")} of the latent variance` : ""}.`],
    pictures: [
      loadings(result, { title: "How products lean on the factors", about: "Standardised: from −1 to 1, as correlations.", words: "loading", what: "Scale", arrays: [["standardised_loadings", "standardised"], ["loadings", "logits"]] }),
      quantities(rows), leaning(result), agreement(rows, metrics.ess_wanted), rising(result), map(result),
      Array.isArray(variance) && variance.length > 1 ? explained(variance, variance.map((_, index) => `Dimension ${index + 1}`), { title: "What each dimension explains", about: "Of the latent variance; the dotted line adds up." }) : null,
      draws(result, summary.n_chains),
      (result.product_embeddings?.[0]?.length ?? 0) < 2 ? null : likeness(result.product_columns, result.similarity_matrix, { title: "Products that are alike", about: "Cosines of their loadings; products that are alike stand side by side.", words: "cosine" }),
    ].filter(Boolean),
  };
}

export function live(box, latest) {
  trace(box, latest, { title: "ELBO so far", x: "passes", y: "ELBO" });
}

export function liveTiles(latest) {
  const extra = latest.extra ?? {};
  return [
    Number.isFinite(extra.chain) ? ["Chain", number(extra.chain)] : null,
    Number.isFinite(extra.draw) ? ["Draw", `${count(extra.draw)}${Number.isFinite(extra.total_draws) ? ` (${count(extra.total_draws)} in all)` : ""}`] : null,
    Number.isFinite(extra.divergences) ? ["Divergences", count(extra.divergences)] : null,
    Number.isFinite(extra.step_size) ? ["Step size", number(extra.step_size, 3)] : null,
    Number.isFinite(extra.samples_per_second) ? ["Draws per second", number(extra.samples_per_second, 3)] : null,
    Number.isFinite(latest.r_hat_max) ? ["Largest R-hat", number(latest.r_hat_max, 4)] : null,
    Number.isFinite(extra.elbo) ? ["ELBO", number(extra.elbo, 7)] : null,
    Number.isFinite(extra.delta) ? ["Change", number(extra.delta, 3)] : null,
    extra.engine ? ["Sampler", String(extra.engine)] : null,
  ];
}
