/** How many classes or factors: the elbow, the rules, and the recommendation with its reasons. */

import { canvas, EDGE, linear, text } from "../../charts.js";
import { draw } from "../../dom.js";
import { count, number, percent } from "../../format.js";
import { listing } from "./listing.js";
import { over } from "./shares.js";
import { array, flat, likelihood, said, table } from "./outcome.js";

export const outputs = () => [];

const HEADS = { number: "Number", smallest_class: "Smallest class", bootstrap_p_value: "p against one less" };

const recommended = (result) => result.details?.recommendation ?? {};

/** What speaks for and against each number, in the columns that count; what no candidate has is left out. */
function candidates(result, columns) {
  const rows = table(result, "candidates");
  const known = columns.filter(([name]) => rows.some((row) => Number.isFinite(row[name])));
  return {
    marked: rows.findIndex((row) => row.recommended),
    head: ["", ...known.map(([, words]) => words)],
    rows: rows.map((row) => [`${row.number}${row.recommended ? " (recommended)" : ""}`, ...known.map(([name, , written]) => (Number.isFinite(row[name]) ? written(row[name]) : "–"))]),
  };
}

const OF_CLASSES = [
  ["log_likelihood", "Log-likelihood", likelihood], ["parameters", "Parameters", count], ["bic", "BIC", likelihood], ["aic", "AIC", likelihood],
  ["icl", "ICL", likelihood], ["relative_entropy", "Relative entropy", (value) => value.toFixed(3)], ["smallest_class", "Smallest class", (value) => percent(value, 1)],
  ["bootstrap_p_value", "p against one less", (value) => value.toFixed(3)],
];
const OF_FACTORS = [
  ["eigenvalue", "Eigenvalue", (value) => value.toFixed(3)], ["chance_high", "of chance, 95 %", (value) => value.toFixed(3)], ["rmsea", "RMSEA", (value) => value.toFixed(3)],
  ["rmsr", "RMSR", (value) => value.toFixed(3)], ["tli", "TLI", (value) => value.toFixed(3)], ["bic", "BIC", likelihood], ["parameters", "Parameters", count],
];

/** The same above a picture. */
function selection(result, words, columns) {
  const { marked, ...shown } = candidates(result, columns);
  return listing(words, shown, marked);
}

/** Information criteria over the number of classes. */
function elbow(result) {
  const rows = table(result, "candidates");
  const at = rows.map((row) => row.number);
  const names = ["bic", "aic", "caic", "icl"].filter((name) => rows.some((row) => Number.isFinite(row[name])));
  return over({
    title: "Information criteria", about: "The lowest point of a line is what that criterion takes; the dotted line is the recommendation.", wide: true,
    x: "Classes", y: "criterion", at, mark: recommended(result).number, rows,
    lines: names.map((name) => ({ name: said(name), values: rows.map((row) => row[name]) })),
    controls: () => selection(result, "Numbers of classes", OF_CLASSES),
    table: () => flat(rows, HEADS),
  });
}

function likelihoods(result) {
  const rows = table(result, "candidates");
  return over({
    title: "Log-likelihood", about: "It always rises; what counts is where it stops to rise much.", x: "Classes", y: "log-likelihood",
    at: rows.map((row) => row.number), mark: recommended(result).number, lines: [{ name: "Log-likelihood", values: rows.map((row) => row.log_likelihood) }],
  });
}

function tests(result) {
  const rows = table(result, "candidates").filter((row) => Number.isFinite(row.bootstrap_p_value));
  if (rows.length === 0) return null;
  return over({
    title: "Is one class more worth it?", about: "p of the bootstrap test against one class less; below 0.05, the class is more than chance.", x: "Classes", y: "p",
    at: rows.map((row) => row.number), mark: recommended(result).number, lines: [{ name: "p", values: rows.map((row) => row.bootstrap_p_value) }],
  });
}

/** Eigenvalues beside those of chance. */
function scree(result) {
  const [found, mean, high] = ["eigenvalues", "chance_mean", "chance_high"].map((name) => array(result, name));
  if (!Array.isArray(found)) return null;
  const shown = found.slice(0, 30);
  return over({
    title: "Eigenvalues, beside those of chance", about: "Factors whose eigenvalue lies above the line of chance are more than chance (parallel analysis).", wide: true,
    x: "Factor", y: "eigenvalue", at: shown.map((_, index) => index + 1), mark: recommended(result).number,
    controls: () => selection(result, "Numbers of factors", OF_FACTORS),
    lines: [
      { name: "Data", values: shown }, ...(Array.isArray(mean) ? [{ name: "Chance, mean", values: mean.slice(0, 30) }] : []),
      ...(Array.isArray(high) ? [{ name: "Chance, 95th percentile", values: high.slice(0, 30) }] : []),
    ],
  });
}

function misfit(result) {
  const rows = table(result, "candidates");
  if (!rows.some((row) => Number.isFinite(row.rmsea))) return null;
  return over({
    title: "How far the factors miss the correlations", about: "RMSEA: up to 0.05 counts as close.", x: "Factors", y: "RMSEA",
    at: rows.map((row) => row.number), mark: recommended(result).number, lines: [{ name: "RMSEA", values: rows.map((row) => row.rmsea) }], table: () => flat(rows, HEADS),
  });
}

export function view(result) {
  const { model, number: many, reasons = [] } = recommended(result);
  const classes = model === "lca";
  const chosen = table(result, "candidates").find((row) => row.recommended) ?? {};
  const what = `${many} ${classes ? (many === 1 ? "class" : "classes") : many === 1 ? "factor" : "factors"}`;
  return {
    tiles: classes
      ? [
        ["Recommended", what], ["BIC", likelihood(chosen.bic)], Number.isFinite(chosen.relative_entropy) ? ["Relative entropy", number(chosen.relative_entropy, 3)] : null,
        Number.isFinite(chosen.smallest_class) ? ["Smallest class", percent(chosen.smallest_class)] : null,
      ]
      : [
        ["Recommended", what], Number.isFinite(result.metrics.parallel) ? ["Parallel analysis", count(result.metrics.parallel)] : null,
        Number.isFinite(result.metrics.kaiser) ? ["Eigenvalues above 1", count(result.metrics.kaiser)] : null,
        Number.isFinite(result.metrics.lowest_bic) ? ["Lowest BIC", count(result.metrics.lowest_bic)] : null,
      ],
    verdict: [["", `Take ${what}.`], ` ${reasons.join(" ")}`],
    pictures: (classes ? [elbow(result), likelihoods(result), tests(result)] : [scree(result), misfit(result)]).filter(Boolean),
  };
}

/** What is known of each number so far: points joined by a line. @param {[number, number][]} points */
function growing(box, title, points) {
  if (points.length === 0) return;
  const height = 220;
  const { svg, width } = canvas(box, height, `${title}: ${points.map(([at, value]) => `${at}: ${number(value, 6)}`).join(", ")}`);
  const values = points.map(([, value]) => value);
  let [low, high] = [Math.min(...values), Math.max(...values)];
  if (low === high) high = low + 1;
  const [first, last] = [points[0][0], Math.max(points.at(-1)[0], points[0][0] + 3)];
  const x = linear(first - 0.5, last + 0.5, EDGE.left + 24, width - EDGE.right - 16);
  const y = linear(low, high, height - EDGE.bottom - 16, EDGE.top + 12);
  svg.append(text(EDGE.left, 14, "start", title, "row-name"), draw("path", { d: `M${points.map(([at, value]) => `${x(at)} ${y(value)}`).join("L")}`, class: "step" }));
  const room = Math.ceil(76 / (x(first + 1) - x(first))); // points from one with its number to the next
  points.forEach(([at, value], index) => {
    svg.append(draw("circle", { cx: x(at), cy: y(value), r: 4, class: "point" }));
    if ((points.length - 1 - index) % room) return;
    svg.append(text(x(at), y(value) - 9, "middle", number(value, 6), "end-text"), text(x(at), height - 10, "middle", String(at)));
  });
}

/** The BIC of each number of classes that is fitted so far; of factors, the eigenvalues. */
export function live(box, { candidates = [], eigenvalues = [] }) {
  if (eigenvalues.length > 0) growing(box, "Eigenvalues of the correlations", eigenvalues.slice(0, 12).map((value, index) => [index + 1, Number(value.toFixed(3))]));
  else growing(box, "BIC so far", candidates.filter((row) => Number.isFinite(row.bic)).map((row) => [row.number, row.bic]));
}

/** Figures beside it. */
export function liveTiles(latest) {
  const extra = latest.extra ?? {};
  return [
    Number.isFinite(extra.classes) ? ["Classes", count(extra.classes)] : null,
    extra.starts ? ["Start", `${extra.start} of ${extra.starts}`] : null,
    Number.isFinite(extra.log_likelihood) ? ["Log-likelihood", likelihood(extra.log_likelihood)] : null,
    Number.isFinite(extra.resample) ? ["Resample", count(extra.resample)] : null,
    Number.isFinite(extra.tables) && extra.tables > 0 ? ["Tables of chance", count(extra.tables)] : null,
  ];
}
