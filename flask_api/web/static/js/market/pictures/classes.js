/** Latent classes: who they are, how large, how sure, and what they leave unexplained. */

import { make } from "../../dom.js";
import { number, percent } from "../../format.js";
import { intervalBars, MOST } from "../../pictures/bars.js";
import { plain } from "../../pictures/parts.js";
import { listed } from "../../pictures/ranking.js";
import { classSizes, trace } from "./growing.js";
import { matrix } from "./matrix.js";
import { barName } from "./names.js";
import { array, flat, likelihood, metric, rowsOf, table } from "./outcome.js";
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
    title: "What each class buys", wide: columns.length > 4,
    about: `Probability that a household of the class buys the product; the products that tell the classes apart most stand first.${order.length < products.length ? ` The first ${order.length} of ${products.length}.` : ""}`,
    draw: (colours, narrow) => matrix(colours, narrow, {
      columns, rows: order.map((j) => products[j]), label, ends: [0, 1], digits: 2, words: "probability",
      cells: order.map((j) => probs.map((row) => row[j])),
      hover: order.map((j) => probs.map((row, k) => `${plain(products[j])}<br>${className(k + 1)}: ${number(row[j], 4)}`)),
    }),
    table: () => flat(table(result, "class_profiles")),
  };
}

/** Classes that can be told apart beside each other, by the colours of bars. */
const BESIDE = 4;

/** A choice above bars. @param {[string, string][]} options */
function chooser(words, options, first, onChoice) {
  const select = make("select", { onchange: () => onChoice(Number(select.value)) }, ...options.map(([value, text]) => make("option", { value }, text)));
  select.value = String(first);
  return make("label", {}, words, select);
}

/** The profiles of chosen classes as bars with intervals. */
function bars(result, level) {
  const rows = table(result, "class_profiles");
  const sizes = table(result, "class_sizes");
  const products = result.product_columns;
  const order = ranked(result).slice(0, MOST);
  const at = new Map(rows.map((row) => [`${row.class} ${row.product}`, row]));
  const few = sizes.length <= BESIDE;
  let [chosen, beside] = few ? [0, 0] : [1, -1]; // 0: all classes; -1: all households
  const series = (k) => ({
    name: className(k),
    rows: order.map((j) => at.get(`${k} ${products[j]}`)).map((row) => ({ id: row.product, value: row.probability, lower: row.low, upper: row.high })),
  });
  const everyone = {
    name: "All households",
    rows: order.map((j) => ({ id: products[j], value: sizes.reduce((sum, { class: k, size }) => sum + size * at.get(`${k} ${products[j]}`).probability, 0) })),
  };
  const shown = () => {
    if (chosen === 0) return sizes.map((row) => series(row.class));
    return [series(chosen), ...(beside === -1 ? [everyone] : beside > 0 && beside !== chosen ? [series(beside)] : [])];
  };
  const named = sizes.map((row) => [String(row.class), `${className(row.class)} (${percent(row.size)})`]);
  return {
    title: "What each class buys, and how sure that is", wide: !few,
    about: `Probability with its ${percent(level)} interval.${order.length < products.length ? ` The first ${order.length} of ${products.length} products; the table has all.` : ""}`,
    controls(redraw) {
      const second = chooser("beside", [["0", "nothing"], ["-1", "all households"], ...named], beside, (value) => {
        beside = value;
        redraw();
      });
      second.hidden = chosen === 0;
      return make("p", { class: "picture-bar" }, chooser("Classes", [...(few ? [["0", "all beside each other"]] : []), ...named], chosen, (value) => {
        chosen = value;
        second.hidden = chosen === 0;
        redraw();
      }), second);
    },
    draw: (colours, narrow) => intervalBars(colours, narrow, shown(), { label: barName, axis: "probability of a purchase", range: [0, 1] }),
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
        customdata: rows.map((row) => `start ${row.start}: ${likelihood(row.log_likelihood)}${row.finished ? "" : ", not followed to its end"}`),
        hovertemplate: "%{customdata}<extra></extra>",
      }],
      layout: { xaxis: { title: { text: "start; hollow: given up early" }, dtick: rows.length > 20 ? 5 : 1 }, yaxis: { title: { text: "below the best" }, range: [-0.03 * far, 1.08 * far] } },
    }),
    table: () => flat(rows),
  };
}

/** Places of a logarithmic axis that can be read: 0.1, 0.2, 0.5, 1, 2 ..., or powers of ten where it is long. */
function decades(low, high) {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const steps = last - first > 3 ? [1] : [1, 2, 5];
  return Array.from({ length: Math.min(last - first, 40) + 1 }, (_, index) => first + index).flatMap((power) => steps.map((step) => step * 10 ** power));
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
      // on a logarithmic axis there is no 0 for a bar to begin at
      for (const trace of drawn.data) {
        trace.type = "scatter";
        trace.mode = "markers";
        trace.marker = { ...trace.marker, size: 10 };
        delete trace.orientation;
      }
      const { rangemode: _, ...axis } = drawn.layout.xaxis;
      const ends = rows.flatMap((row) => [row.odds_low ?? row.odds_ratio, row.odds_high ?? row.odds_ratio]);
      const at = decades(Math.min(...ends, 1), Math.max(...ends, 1));
      drawn.layout.xaxis = { ...axis, type: "log", tickvals: at, ticktext: at.map((value) => number(value, 2)) };
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
    wide: columns.length > 4,
    about: "Of the households most likely in the class of the row: their mean probability of each class. A diagonal near 1 means clear-cut classes.",
    draw: (colours, narrow) => matrix(colours, narrow, {
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
  trace(box, latest, { title: "Log-likelihood so far, start after start", y: "log-likelihood", worse: (value, other) => value < other });
  classSizes(box, latest.class_sizes ?? latest.extra?.class_sizes ?? []);
}

/** Figures beside it. */
export function liveTiles(latest) {
  const extra = latest.extra ?? {};
  return [
    extra.starts ? ["Start", `${extra.start} of ${extra.starts}`] : null,
    Number.isFinite(extra.iteration) ? ["Iteration", number(extra.iteration)] : null,
    Number.isFinite(extra.log_likelihood) ? ["Log-likelihood", likelihood(extra.log_likelihood)] : null,
    Number.isFinite(latest.best_log_likelihood) ? ["Best so far", likelihood(latest.best_log_likelihood)] : null,
    Number.isFinite(extra.delta) ? ["Change", number(extra.delta, 3)] : null,
    extra.resamples ? ["Resample", `${extra.resample} of ${extra.resamples}`] : null,
  ];
}
