/** The figures of a result: tiles with the numbers one asks for first. */

import { make } from "./dom.js";
import { count, number, percent } from "./format.js";
import { baselineOf } from "./pictures.js";

const tile = (name, value, unit = "") =>
  make("div", { class: "tile" }, make("dt", {}, name), make("dd", {}, value, unit ? make("small", {}, ` ${unit}`) : ""));

const tiles = (...parts) => make("dl", { class: "tiles" }, ...parts.filter(Boolean));

/** Figures while a Monte Carlo runs, or of one that was stopped. */
export const live = (latest, unit) =>
  tiles(
    tile("Mean", number(latest.mean, 5), unit),
    tile("P5", number(latest.p5), unit),
    tile("Median", number(latest.p50), unit),
    tile("P95", number(latest.p95), unit),
  );

/** A target in words: at most 0.7 $/kg. */
export const targetWords = (target, unit) =>
  `price ${target.op.startsWith("<") ? "at most" : "at least"} ${number(target.value)} ${unit}`;

export function monteCarlo(results, unit, target) {
  const at = (p) => results.percentiles?.find?.((item) => item.percentile === p)?.value;
  const between = results.probability_interval;
  return [
    tiles(
      tile("Mean", number(results.mean, 5), unit),
      tile("Std. deviation", number(results.std), unit),
      tile("P5", number(at(5)), unit),
      tile("Median", number(at(50)), unit),
      tile("P95", number(at(95)), unit),
      tile("Draws", count(results.n ?? NaN)),
    ),
    target && Number.isFinite(results.probability_of_target)
      ? make(
          "p",
          { class: "verdict" },
          make("b", {}, percent(results.probability_of_target, 1)),
          ` of the draws have a ${targetWords(target, unit)}`,
          between ? ` (${percent(between.lower, 2)} to ${percent(between.upper, 2)})` : "",
          ".",
        )
      : null,
    results.failed ? make("p", { class: "warning" }, `${count(results.failed)} draws gave no price and are left out.`) : null,
  ];
}

export function tornado(result, unit, labelOf) {
  const base = baselineOf(result);
  const [first] = [...(result.tornado ?? [])].sort((a, b) => Math.abs(b.swing) - Math.abs(a.swing));
  return [
    tiles(
      tile("Price as it stands", number(base, 5), unit),
      first ? tile("Moves it most", labelOf(first.id)) : null,
      first ? tile("by", number(Math.abs(first.high - first.low)), unit) : null,
    ),
  ];
}

/** The same numbers as the tornado picture, for reading and copying. */
export const tornadoTable = (bars, unit, labelOf) =>
  make(
    "details",
    { class: "table" },
    make("summary", {}, "As a table"),
    make(
      "table",
      {},
      make("thead", {}, make("tr", {}, ...["Input", `Price at low, ${unit}`, `Price at high, ${unit}`, "Swing"].map((h) => make("th", { scope: "col" }, h)))),
      make(
        "tbody",
        {},
        ...bars.map((bar) =>
          make(
            "tr",
            {},
            make("th", { scope: "row" }, labelOf(bar.id)),
            ...[bar.low, bar.high, bar.swing].map((value) => make("td", {}, number(value, 5))),
          ),
        ),
      ),
    ),
  );
