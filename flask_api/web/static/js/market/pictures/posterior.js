/** Bayesian models: what was learned of each quantity, and whether the chains agree. */

import { make, note } from "../../dom.js";
import { count, number, percent } from "../../format.js";
import { intervalBars, MOST } from "../../pictures/bars.js";
import * as offer from "../../offer.js";
import { plain } from "../../pictures/parts.js";
import { chains as ofChains, trace } from "./growing.js";
import { keptArray } from "./kept.js";
import { listing } from "./listing.js";
import { loadings } from "./loadings.js";
import { barName, short } from "./names.js";
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

/** Quantities as people say them; the letters are those of the equations. */
const QUANTITIES = {
  alpha: "Attractiveness (alpha)", beta: "Effects of traits (beta)", gamma: "Effects of attributes (gamma)", loading: "Loadings on factor",
  product_latent: "Latent features of products", sigma_hh: "Spread between households (sigma_hh)",
  lambda_sd: "Spread of products' features (lambda_sd)", theta_sd: "Spread of households' features (theta_sd)",
};

/** Quantities with their credible intervals, one family at a time. */
function quantities(rows, job) {
  if (rows.length === 0) return null;
  const of = (row) => (row.dimension && row.product ? `${row.parameter} ${row.dimension}` : row.parameter);
  const kinds = [...new Set(rows.map(of))];
  const traits = job.params?.params?.household_feature_columns ?? [];
  const attributes = Object.keys(job.params?.params?.product_attributes ?? {});
  const called = (name) => {
    const [, parameter, number_] = name.match(/^(.*?)(?: (\d+))?$/);
    const trait = parameter === "beta" ? traits[number_ - 1] : undefined;
    return trait ? `Effect of ${trait} (beta)` : [QUANTITIES[parameter] ?? said(parameter), number_].filter(Boolean).join(" ");
  };
  const shown = (name) => rows.filter((row) => of(row) === name).toSorted((a, b) => b.mean - a.mean);
  let kind = kinds.find((name) => rows.filter((row) => of(row) === name).length > 1) ?? kinds[0];
  const id = (row) => row.product ?? (row.parameter === "gamma" ? attributes[row.dimension - 1] : null) ?? (row.dimension ? `Dimension ${row.dimension}` : row.parameter);
  const most = Math.max(...kinds.map((name) => shown(name).length));
  return {
    title: "What was learned", about: `Posterior means with their 95 % credible intervals, the largest first.${most > MOST ? ` At most ${MOST} at once; the table has all.` : ""}`,
    controls: (redraw) => (kinds.length > 1 ? chooser("Quantity", kinds.map((name) => [name, called(name)]), (value) => {
      kind = value;
      redraw();
    }) : null),
    draw: (colours, narrow) => intervalBars(colours, narrow, [{
      name: called(kind), rows: shown(kind).slice(0, MOST).map((row) => ({ id: id(row), value: row.mean, lower: row.low, upper: row.high })),
    }], { label: barName, axis: plain(called(kind)) }),
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
    about: `Each point is a quantity; the worst are listed. R-hat above 1.05 (dotted), or fewer than ${count(wanted)} effective draws (dashed), means: draw more.`,
    controls: () => listing("The worst R-hat", {
      head: ["Quantity", "R-hat", "Effective draws"],
      rows: worst.slice(0, 5).map((row) => [short(nameOf(row), 44), row.r_hat.toFixed(3), count(Math.min(row.ess_bulk, row.ess_tail))]),
    }),
    draw: (colours) => ({
      height: 320,
      data: [{
        type: "scatter", mode: "markers", x: worst.map((row) => Math.min(row.ess_bulk, row.ess_tail)), y: worst.map((row) => row.r_hat),
        marker: { size: 7, color: worst.map((row) => (row.r_hat > 1.05 ? colours.bad : colours.accent)), symbol: worst.map((row) => (row.r_hat > 1.05 ? "x" : "circle")), opacity: 0.8 },
        customdata: worst.map((row) => `${plain(nameOf(row))}<br>R-hat ${row.r_hat.toFixed(4)}<br>effective draws ${count(row.ess_bulk)} (bulk), ${count(row.ess_tail)} (tails)`), hovertemplate: "%{customdata}<extra></extra>",
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
      rows: worst.map((row) => [nameOf(row), number(row.mean, 4), number(row.std, 3), row.r_hat.toFixed(4), count(row.ess_bulk), count(row.ess_tail)]),
    }),
  };
}

/** The draws of one quantity, chain by chain, and where they lie. */
function draws(result, chains, job) {
  const inside = array(result, "posterior_draws");
  const names = columnsOf(result, "posterior_draws");
  const fetch = keptArray(result, "posterior_draws", job);
  if ((!Array.isArray(inside?.[0]) && !fetch) || names.length === 0) return null;
  let at = 0;
  let byChain = inside ? chunks(inside, chains) : []; // empty until they are fetched
  const of = (chain) => chain.map((row) => row[at]);
  const bring = async (redraw) => {
    try {
      byChain = chunks(await fetch(), chains);
      redraw();
    } catch (error) {
      note(`The draws could not be fetched: ${error.message}`);
    }
  };
  return {
    title: "The draws", wide: true, about: "Draw after draw of each chain: healthy chains look like one noisy band, all at the same height.",
    controls: (redraw) => {
      if (byChain.length === 0) bring(redraw);
      return chooser("Quantity", names.map((name, index) => [String(index), name]), (value) => {
        at = Number(value);
        redraw();
      });
    },
    draw: (colours) => {
      const hues = [colours.accent, colours.high, colours.low, colours.warm, colours.good, colours.ink];
      return {
        height: 300,
        data: byChain.map((chain, index) => ({ type: "scatter", mode: "lines", name: `Chain ${index + 1}`, y: of(chain), line: { color: hues[index % 6], width: 1 }, opacity: 0.75, hovertemplate: `chain ${index + 1}, draw %{x}: %{y:.4g}<extra></extra>` })),
        layout: { showlegend: byChain.length > 1, legend: { orientation: "h", y: -0.24, x: 0, yanchor: "top" }, xaxis: { title: { text: "draw" } }, yaxis: { title: { text: plain(short(names[at], 26)) } } },
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
    }], { label: barName, axis: "loading (logits)" }),
    table: () => flat(rows),
  };
}

function map(result, job) {
  const places = result.product_embeddings;
  if (!Array.isArray(places?.[0])) return null;
  const dimensions = columnsOf(result, result.embeddings.product).map(said);
  return plane({
    title: "Map of the products", about: "Products that lie in the same direction go together.", dimensions, households: result.household_embeddings, fetch: keptArray(result, result.embeddings.household, job),
    sets: [{ name: "Products", colour: "accent", symbol: "circle", points: result.product_columns.map((name, index) => ({ name, at: places[index] })) }],
  });
}

const agreed = ({ converged, r_hat_max: worst }) =>
  (converged ? "The chains agree" : worst > 1.05 ? "The chains do not agree yet" : "The chains agree, but there are too few draws");

export function view(result, output, naming, job) {
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
      ? [["", agreed(metrics)], `: ${summary.n_chains === 1 ? "1 chain" : `${summary.n_chains} chains`} of ${count(summary.n_draws)} draws${result.details.engine ? `, by ${result.details.engine}` : ""}.`]
      : [["", result.converged ? "The ELBO stands still" : "The ELBO was still rising"], ` after ${count(metrics.n_iter)} passes${Array.isArray(variance) ? `; the factors explain ${variance.map((value) => percent(value / 100)).join(", ")} of the latent variance` : ""}.`],
    pictures: [
      loadings(result, { title: "How products lean on the factors", about: "Standardised: from −1 to 1, as correlations.", words: "loading", what: "Scale", arrays: [["standardised_loadings", "standardised"], ["loadings", "logits"]] }),
      quantities(rows, job), leaning(result), agreement(rows, metrics.ess_wanted), rising(result), map(result, job),
      Array.isArray(variance) && variance.length > 1 ? explained(variance, variance.map((_, index) => `Dimension ${index + 1}`), { title: "What each dimension explains", about: "Of the latent variance; the dotted line adds up." }) : null,
      draws(result, summary.n_chains, job),
      (result.product_embeddings?.[0]?.length ?? 0) < 2 ? null : likeness(result.product_columns, result.similarity_matrix, { title: "Products that are alike", about: "Cosines of their loadings; products that are alike stand side by side.", words: "cosine" }),
    ].filter(Boolean),
  };
}

/** A setting of a run, also one that its request left to the server. */
const settingIn = ({ kind, params }, name) => params?.params?.[name] ?? offer.setting(kind, `params.${name}`)?.default;

export function live(box, latest, naming, job) {
  if (Number.isFinite(latest.extra?.draw)) ofChains(box, latest, settingIn(job, "n_tune"));
  else trace(box, latest, { title: "ELBO so far", x: "passes", y: "ELBO" });
}

export function liveTiles(latest, naming, job) {
  const extra = latest.extra ?? {};
  const chains = settingIn(job, "n_chains") ?? 1;
  return [
    Number.isFinite(extra.chain) ? ["Chains", count(chains)] : null,
    Number.isFinite(extra.draw) ? ["Draw of the slowest", `${count(extra.draw)} of ${count(extra.total_draws / chains)}`] : null,
    Number.isFinite(extra.divergences) ? ["Divergences", count(extra.divergences)] : null,
    Number.isFinite(extra.step_size) ? ["Step size", number(extra.step_size, 3)] : null,
    Number.isFinite(extra.samples_per_second) ? ["Draws per second", number(extra.samples_per_second, 3)] : null,
    Number.isFinite(latest.r_hat_max) ? ["Largest R-hat", number(latest.r_hat_max, 4)] : null,
    Number.isFinite(extra.elbo) ? ["ELBO", number(extra.elbo, 7)] : null,
    Number.isFinite(extra.delta) ? ["Change", number(extra.delta, 3)] : null,
    extra.engine ? ["Sampler", String(extra.engine).split(",")[0]] : null,
  ];
}
