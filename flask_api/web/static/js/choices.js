/** The analyses to choose from, and what each asks of the form. */

import { byId, make } from "./dom.js";
import * as offer from "./offer.js";

/**
 * One entry of the select.
 * @typedef {{
 *   id: string, kind: string, title: string, group: string, answers: string, when: string,
 *   asks: string, settings: string[], params: object, defaults: object, samplings: string[],
 *   counts: string, start: string
 * }} Choice
 *
 * `asks`: what is said of each input: "draws" a distribution, "range" its two ends,
 * "moves" nothing more, "chosen" bounds or a distribution, "axes" two to look along;
 * "data": there is neither model nor input.
 * `params`: what the request always holds.
 */

const FIRST = [
  {
    id: "monte_carlo", kind: "sensitivity.monte_carlo", title: "Monte Carlo", group: "What comes out",
    answers: "What may come out, and how likely is it, when inputs are uncertain?",
    when: "Inputs scatter and you want the whole distribution: percentiles, risk, a target.",
    asks: "draws",
    settings: [
      "iterations", "sampling", "seed", "target", "outputs", "correlation", "within", "stop", "confidence_level",
      "replicates", "percentiles", "bins",
    ],
  },
];

const LAST = [
  {
    id: "optimize", kind: "sensitivity.optimize", title: "Optimisation", group: "Choose and decide",
    answers: "Which values of the inputs you can choose make an output lowest or highest?",
    when: "Something is yours to decide, within bounds and perhaps under constraints.",
    asks: "chosen",
    settings: ["objective", "output", "constraints", "seed", "budget", "search", "statistic", "draws"],
  },
  {
    id: "goal_seek", kind: "sensitivity.optimize", title: "Goal seek", group: "Choose and decide",
    answers: "What must an input be for an output to reach a given value?",
    when: "You know what has to come out: a break-even cost, the size for a price of 2.",
    asks: "chosen", params: { objective: "target" },
    settings: ["goal", "output", "constraints", "seed", "budget", "search", "statistic", "draws"],
  },
  {
    id: "surface", kind: "sensitivity.surface", title: "Response surface", group: "Choose and decide",
    answers: "How does the output move with two inputs together?",
    when: "Two decisions interact, or you want the map of where the output is good enough.",
    asks: "axes",
    defaults: { samples: 1024 }, counts: "draws",
    settings: ["steps", "outputs", "samples", "seed", "sampling", "percentiles", "correlation"],
  },
  {
    id: "fit", kind: "sensitivity.fit", title: "Fit a distribution", group: "Your data",
    answers: "Which distribution do measured values come from?",
    when: "You have data and want to draw an input as it really scatters.",
    asks: "data",
    settings: ["data", "kinds", "range"],
  },
];

let all = [];

/** Fill the select from the server's offer. @param {() => void} onChange another one was chosen */
export function fill(onChange) {
  const methods = offer.methods().map((method) => ({
    ...method, id: method.name, kind: "sensitivity.analyze", asks: method.varies, params: { method: method.name },
    settings: method.name === "oat" ? ["steps", "behind", ...method.settings] : method.settings,
  }));
  all = [...FIRST, ...methods, ...LAST].filter(({ kind }) => offer.has(kind)).map((choice) => ({
    params: {}, defaults: {}, samplings: [], counts: "rows", ...choice,
  }));
  const select = byId("analysis");
  const groups = [...new Set(all.map(({ group }) => group))];
  select.replaceChildren(...groups.map((group) =>
    make("optgroup", { label: group }, ...all
      .filter((choice) => choice.group === group)
      .map(({ id, title }) => make("option", { value: id }, title)))));
  select.disabled = false;
  select.addEventListener("change", () => {
    showAbout();
    onChange();
  });
  showAbout();
}

function showAbout() {
  const { answers, when } = chosen();
  byId("analysis-about").replaceChildren(make("b", {}, answers), ` ${when}`);
}

/** @returns {Choice} */
export const chosen = () => all.find(({ id }) => id === byId("analysis").value);

/** Choose by id, as if the user had. */
export function choose(id) {
  byId("analysis").value = id;
  byId("analysis").dispatchEvent(new Event("change"));
}

/** The entry that a request was made by, or undefined where the form has none. */
export function of({ kind, params = {} }) {
  if (kind === "sensitivity.analyze") return all.find(({ id }) => id === (params.method ?? "oat"));
  if (kind === "sensitivity.optimize") return all.find(({ id }) => id === (params.objective === "target" ? "goal_seek" : "optimize"));
  return all.find((choice) => choice.kind === kind);
}
