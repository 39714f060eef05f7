/** Latent classes: who they are, how large, how sure, and what they leave unexplained. */

import { make } from "../../dom.js";
import { number, percent } from "../../format.js";
import { intervalBars, MOST } from "../../pictures/bars.js";
import { heatMap } from "../../pictures/heat.js";
import { plain } from "../../pictures/parts.js";
import { listed } from "../../pictures/ranking.js";
import { classSizes, trace } from "./growing.js";
import { array, flat, metric, rowsOf, table } from "./outcome.js";
import { likeness } from "./similarity.js";

export const outputs = () => [];

const className = (number_) => `Class ${number_}`;

/** Products, those that tell the classes apart most first. */
function ranked(result) {
  const probs = array(result, "item_probs");
  const spread = (j) => Math.max(...probs.map((row) => row[j])) - Math.min(...probs.map((row) => row[j]));
  return result.product_columns.map((_, j) => j).sort((a, b) => spread(b) - spread(a));
}

/** The profiles as a heat map: products in rows, classes in columns. */
function profiles(result) {
  const [probs, sizes] = [array(result, "item_probs"), array(result, "class_probs")];
  const products = result.product_columns;
  const order = ranked(result).slice(0, 60);
  const columns = sizes.map((_, k) => className(k + 1));
  const label = (id) => (columns.includes(id) ? `${id} (${percent(sizes[columns.indexOf(id)])})` : id);
  return {
    title: "What each class buys",
    about: `Probability that a household of the class buys the product; the products that tell the classes apart most stand first.${order.length < products.length ? ` The first ${order.length} of ${products.length}.` : ""}`,
    draw: (colours, narrow) => heatMap(colours, narrow, {
      columns, rows: order.map((j) => products[j]), label, ends: [0, 1], digits: 2, words: "probability",
      cells: order.map((j) => probs.map((row) => row[j])),
      hover: order.map((j) => probs.map((row, k) => `${plain(products[j])}<br>${className(k + 1)}: ${number(row[j], 4)}`)),
    }),
    table: () => flat(table(result, "class_profiles")),
  };
}

/** The profiles of chosen classes as bars with intervals. */
function bars(result, level) {
  const rows = table(result, "class_profiles");
  const sizes = table(result, "class_sizes");
  const products = result.product_columns;
  const order = ranked(result).slice(0, MOST);
  let chosen = sizes.length > 4 ? 1 : 0; // 0: all beside each other
  const series = (k) => ({
    name: className(k),
    rows: order.map((j) => rows.find((row) => row.class === k && row.product === products[j]))
      .map((row) => ({ id: row.product, value: row.probability, lower: row.low, upper: row.high })),
  });
  return {
    title: "What each class buys, and how sure that is",
    about: `Probability with its ${percent(level)} interval.${order.length < products.length ? ` The first ${order.length} of ${products.length} products; the table has all.` : ""}`,
    controls(redraw) {
      const select = make("select", { onchange: () => {
        chosen = Number(select.value);
        redraw();
      } }, make("option", { value: "0" }, "all beside each other"), ...sizes.map((row) => make("option", { value: String(row.class) }, `${className(row.class)} (${percent(row.size)})`)));
      select.value = String(chosen);
      return make("p", { class: "picture-bar" }, make("label", {}, "Classes", select));
    },
    draw: (colours, narrow) => intervalBars(colours, narrow, chosen ? [series(chosen)] : sizes.map((row) => series(row.class)),
      { label: (id) => id, axis: "probability of a purchase", range: [0, 1] }),
    table: () => flat(rows),
  };
}

function sizesPicture(result) {
  const rows = table(result, "class_sizes");
  return {
    title: "How large the classes are",
    about: "Share of households, with its interval.",
    draw: (colours, narrow) => intervalBars(colours, narrow, [{
      name: "Share", rows: rows.map((row) => ({ id: className(row.class), value: row.size, lower: row.low, upper: row.high })),
    }], { label: (id) => id, axis: "share of households" }),
    table: () => flat(rows, { most_likely_rows: "Households most likely here" }),
  };
}

function starts(result) {
  const rows = table(result, "starts");
  if (rows.length < 2) return null;
  const far = Math.max(...rows.map((row) => row.below_best), 0.1); // a millionth is no distance
  return {
    title: "Where the random starts ended",
    about: "How far the log-likelihood of each start stays below the best. Several at 0: the best is probably the true maximum.",
    draw: (colours) => ({
      height: 260,
      data: [{
        type: "scatter", mode: "markers", x: rows.map((row) => row.start), y: rows.map((row) => row.below_best),
        marker: { size: 9, color: rows.map((row) => (row.finished ? colours.accent : colours.surface)), line: { width: 1.5, color: colours.accent } },
        customdata: rows.map((row) => `start ${row.start}: ${number(row.log_likelihood, 8)}${row.finished ? "" : ", not followed to its end"}`),
        hovertemplate: "%{customdata}<extra></extra>",
      }],
      layout: { xaxis: { title: { text: "start; hollow: given up early" }, dtick: rows.length > 20 ? 5 : 1 }, yaxis: { title: { text: "below the best" }, range: [-0.03 * far, 1.08 * far] } },
    }),
    table: () => flat(rows),
  };
}

/** Odds of belonging to a class, by covariate. */
function effects(result, standardised) {
  const rows = table(result, "covariate_effects").filter((row) => row.term !== "intercept");
  if (rows.length === 0) return null;
  const terms = [...new Set(rows.map((row) => row.term))];
  const classes = [...new Set(rows.map((row) => row.class))];
  return {
    title: `Who belongs to which class, compared with class ${rows[0].reference_class}`, wide: true,
    about: "Odds ratio of each covariate with its interval, on a logarithmic axis: right of 1, more of it makes the class likelier.",
    draw: (colours, narrow) => {
      const drawn = intervalBars(colours, narrow, classes.map((k) => ({
        name: className(k),
        rows: terms.map((term) => rows.find((row) => row.term === term && row.class === k))
          .map((row) => ({ id: row.term, value: row.odds_ratio, lower: row.odds_low, upper: row.odds_high })),
      })), { label: (id) => id, axis: standardised ? "odds ratio per standard deviation" : "odds ratio per unit", marks: [{ x: 1, words: "no difference" }] });
      // on a logarithmic axis a bar begins at 1, and 1 stands at 0
      for (const trace of drawn.data) {
        trace.type = "scatter";
        trace.mode = "markers";
        trace.marker = { ...trace.marker, size: 10 };
        delete trace.orientation;
      }
      const { rangemode: _, ...axis } = drawn.layout.xaxis;
      drawn.layout.xaxis = { ...axis, type: "log" };
      for (const shape of drawn.layout.shapes) [shape.x0, shape.x1] = [1, 1];
      for (const words of drawn.layout.annotations) words.x = 0;
      return drawn;
    },
    table: () => flat(table(result, "covariate_effects")),
  };
}

function certainty(result) {
  const rows = table(result, "classification_table");
  if (rows.length < 2) return null;
  const columns = rows.map((_, k) => className(k + 1));
  const cells = rows.map((row) => columns.map((_, k) => row[`class_${k + 1}`]));
  return {
    title: "How surely households belong to their class",
    about: "Of the households most likely in the class of the row: their mean probability of each class. A diagonal near 1 means clear-cut classes.",
    draw: (colours, narrow) => heatMap(colours, narrow, {
      columns, rows: columns, cells, ends: [0, 1], digits: 2, words: "probability",
      axes: { x: "belongs to", y: "most likely in" },
      hover: cells.map((line, i) => line.map((value, j) => `most likely in class ${i + 1}<br>class ${j + 1}: ${number(value, 4)}`)),
    }),
    table: () => flat(rows, { assigned_to: "Most likely in class" }),
  };
}

/** Figures, sentence and pictures of a result. */
export function view(result, output, naming, job) {
  const sizes = array(result, "class_probs");
  const { metrics } = result;
  const reached = metrics.starts_at_best;
  const level = job.params?.params?.confidence_level ?? 0.95;
  const left = array(result, "residual_correlations");
  return {
    tiles: [
      metric(result, "log_likelihood", "Log-likelihood", 9), metric(result, "bic", "BIC", 7), metric(result, "aic", "AIC", 7),
      metric(result, "relative_entropy", "Relative entropy", 3), metric(result, "g2", "G²", 5),
      Number.isFinite(metrics.bootstrap_p_value) ? [`${sizes.length} against ${sizes.length - 1} classes`, `p = ${number(metrics.bootstrap_p_value, 2)}`] : null,
    ],
    verdict: [
      ["", `${sizes.length} classes`], ` with ${listed(sizes.map((size) => percent(size)))} of ${number(result.data_shape.n_obs)} households. `,
      result.converged ? "The fit has converged" : "The fit has not converged",
      Number.isFinite(reached) ? `; ${reached} of ${table(result, "starts").length} starts found this best solution.` : ".",
    ],
    pictures: [
      profiles(result), bars(result, level), sizesPicture(result), effects(result, job.params?.params?.standardise ?? true), certainty(result), starts(result),
      likeness(rowsOf(result, "residual_correlations").length === result.product_columns.length ? result.product_columns : [], left, {
        title: "What the classes leave unexplained",
        about: "Correlations of products within classes, products that go together side by side. All near 0: the classes explain which products are bought together.",
        words: "residual correlation",
      }),
    ].filter(Boolean),
  };
}

/** The log-likelihood as it rises, and the classes so far. */
export function live(box, latest) {
  trace(box, latest, { title: "Log-likelihood so far, start after start", y: "log-likelihood" });
  classSizes(box, latest.class_sizes ?? latest.extra?.class_sizes ?? []);
}

/** Figures beside it. */
export function liveTiles(latest) {
  const extra = latest.extra ?? {};
  return [
    extra.starts ? ["Start", `${extra.start} of ${extra.starts}`] : null,
    Number.isFinite(extra.iteration) ? ["Iteration", number(extra.iteration)] : null,
    Number.isFinite(extra.log_likelihood) ? ["Log-likelihood", number(extra.log_likelihood, 8)] : null,
    Number.isFinite(latest.best_log_likelihood) ? ["Best so far", number(latest.best_log_likelihood, 8)] : null,
    Number.isFinite(extra.delta) ? ["Change", number(extra.delta, 3)] : null,
    extra.resamples ? ["Resample", `${extra.resample} of ${extra.resamples}`] : null,
  ];
}
