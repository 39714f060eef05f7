/** The settings of an analysis: drawn from what the server says it takes, read back into a request. */

import * as part from "./controls.js";
import { byId, make } from "./dom.js";
import { editable, parse } from "./format.js";
import * as inputs from "./inputs.js";
import { at, drop, put, same } from "./json.js";
import * as lists from "./lists.js";
import * as models from "./models.js";
import * as offer from "./offer.js";

const made = new Map(); // analysis and setting -> field; those in SHARED serve all analyses
let shown = []; // [name, field] of the analysis on show

const SHARED = new Set(["seed", "outputs", "correlation", "groups", "within", "confidence_level"]);
/** Shown at once; the others stand under "More settings". */
const FRONT = new Set([
  "iterations", "samples", "sampling", "seed", "target", "goal", "objective", "output", "constraints", "steps", "percentages",
  "second_order", "data", "kinds", "range",
]);

const DESIGNS = { sobol: "Scrambled Sobol", lhs: "Latin hypercube", random: "Random" };
const SEARCHES = {
  auto: "as the server finds best", differential_evolution: "differential evolution", shgo: "SHGO",
  lbfgsb: "L-BFGS-B (smooth, bounds only)", cobyqa: "COBYQA (no slopes)",
};
const METRICS = [["", "never"], ["mean", "mean"], ["std", "std. deviation"], ["probability_of_target", "chance of the target"],
  ["p5", "5th percentile"], ["p50", "median"], ["p95", "95th percentile"]];
const CORRELATIONS = [["", "joined as suits the sampling"], ["copula", "Gaussian copula"], ["iman_conover", "Iman-Conover"]];
const told = (words, names) => names.map((name) => [name, words[name] ?? name]);

/**
 * Settings by name. `path`: where it stands in the request, else in `config`; `make` gives the
 * field from its id, what the server says of it, and the analysis.
 */
const SETTINGS = {
  iterations: { title: "Iterations", path: "iterations", make: (id, about) => number(id, about, { value: "5,000,000" }) },
  samples: { title: ({ counts }) => (counts === "rows" ? "Samples" : `Samples (${counts})`) },
  sampling: {
    title: "Sampling",
    make: (id, about, { samplings }) => part.choice(id, () => told(DESIGNS, samplings.length > 0 ? samplings : about.enum)),
  },
  seed: { title: "Seed", make: (id) => part.number(id, { whole: true, least: 0, most: Number.MAX_SAFE_INTEGER, placeholder: "new each run" }) },
  target: { title: "How likely is", make: target, group: true, hint: "the first output at most, or at least, this value" },
  goal: { title: "Value to reach", path: "target", id: "goal", make: (id) => part.number(id, { placeholder: "such as 2" }), needed: true },
  objective: { title: "Best is", path: "objective", make: (id) => part.choice(id, () => [["min", "the lowest"], ["max", "the highest"]]) },
  output: { title: "Output", path: "output", id: "best-output", make: (id) => part.choice(id, models.outputs) },
  constraints: {
    title: "Constraints", path: "constraints", wide: true, group: true, make: () => lists.constraints(models.outputs),
    hint: "Limits that the answer has to keep.",
  },
  outputs: { title: "Outputs", group: true, make: (id) => part.checks(id, models.outputs), hint: "None ticked: the first. The first one ticked is looked at." },
  correlation: {
    title: "Correlated inputs", wide: true, group: true, hint: "Rank correlations; all other inputs are independent.",
    make: () => lists.correlation(inputs.drawn, CORRELATIONS),
  },
  groups: { title: "Groups", wide: true, group: true, make: () => lists.groups(inputs.drawn), hint: "Inputs of a group count as one." },
  within: {
    title: "Only a part of the range", wide: true, group: true, make: () => lists.within(inputs.drawn),
    hint: "Draw an input only from, to or between these values: what then?",
  },
  stop: { title: "Stop early, once known", make: stop, group: true, hint: "metric, and half the width of its interval in percent" },
  confidence_level: { title: "Confidence", make: (id) => part.number(id, { least: 0, most: 1, placeholder: "0.95" }), hint: "of intervals, 0 to 1" },
  replicates: {
    title: "Independent designs", hint: "8 or more: honest intervals for Sobol points and Latin hypercubes",
    make: (id, about) => part.numericChoice(id, () => [["", "as needed"], ...(about.enum ?? []).map((n) => [String(n), String(n)])]),
  },
  percentiles: { title: "Percentiles", make: (id, about) => part.numbers(id, { placeholder: (about.default ?? [5, 50, 95]).join(" ") }) },
  bins: { title: "Bars of the histogram" },
  percentages: { title: "Changes in percent", wide: true, make: (id, about, { defaults }) => part.numbers(id, { placeholder: defaults.percentages.join(" ") }) },
  second_order: { title: "Interactions", group: true, make: (id) => part.check(id, "also of each two inputs together") },
  resamples: { title: "Bootstrap resamples", hint: "0: intervals by formula, where there is one" },
  keep_resamples: { title: "Resamples", group: true, make: (id) => part.check(id, "keep each one's indices, for download") },
  levels: { title: "Levels of the grid", hint: "an even number" },
  candidates: { title: "Trajectories to choose from", hint: "0: all are random" },
  slices: { title: "Slices of each input" },
  dummies: { title: "Inputs without effect", hint: "they tell the noise" },
  curves: { title: "Curves for each input" },
  harmonics: { title: "Harmonics" },
  monte_carlo_iterations: { title: "Draws behind each point" },
  behind: {
    title: "Intervals", path: "type", group: true,
    make: (id) => part.check(id, "draw the other inputs behind each point", "monte_carlo"),
  },
  steps: { title: "Steps per curve", path: "", make: (id) => part.number(id, { whole: true, least: 2, most: 1000, placeholder: "11" }) },
  evaluations: { title: "Evaluations at most", path: "budget.evaluations" },
  seconds: { title: "Seconds at most", path: "budget.seconds", make: (id) => part.number(id, { placeholder: "no limit" }) },
  search: { title: "Search by", path: "method", make: (id, about) => part.choice(id, () => told(SEARCHES, about.enum)) },
  statistic: {
    title: "Where inputs are uncertain", hint: "what counts of the output",
    make: (id) => part.choice(id, () => [["", "its mean"], ["mean", "its mean (also draw the model's)"], ["percentile", "a percentile"]]),
  },
  percentile: { title: "Which percentile", make: (id) => part.number(id, { least: 0, most: 100, placeholder: "such as 90" }) },
  draws: { title: "Draws at each point" },
  data: {
    title: "Your data", path: "data", wide: true, needed: true, hint: "Paste numbers, apart by spaces or line ends.",
    make: (id) => part.text(id, { rows: 8, placeholder: "12.1 11.8 13.0 …", read: pasted, write: (value) => (value ?? []).join("\n") }),
  },
  kinds: {
    title: "Distributions to try", path: "kinds", group: true, wide: true, hint: "None ticked: all.",
    make: (id, about) => part.checks(id, () => (about.items?.enum ?? []).map((kind) => [kind, kind])),
  },
  range: { title: "Range of a beta", path: "range", group: true, make: ends },
};

/** Two ends of a range. */
function ends(id) {
  const [low, high] = ["lowest", "highest"].map((words, index) => make("input", {
    id: index ? `${id}-high` : id, inputmode: "decimal", autocomplete: "off", placeholder: index ? "1" : "0", "aria-label": `Range: ${words}`,
  }));
  return part.joined(low, high, {
    read(first, second, refuse) {
      if (first.value.trim() === "" && second.value.trim() === "") return undefined;
      const [min, max] = [parse(first.value), parse(second.value)];
      if (!(min < max)) refuse("two numbers are needed, the lower one first");
      return { min, max };
    },
    write(first, second, given) {
      first.value = Number.isFinite(given?.min) ? editable(given.min) : "";
      second.value = Number.isFinite(given?.max) ? editable(given.max) : "";
    },
  });
}

/** A number with the server's bounds and default. */
function number(id, about = {}, more = {}) {
  const found = Number.isFinite(about.default) ? editable(about.default) : "";
  return part.number(id, { whole: about.type === "integer", least: about.minimum, most: about.maximum, placeholder: found, ...more });
}

function pasted(words, refuse) {
  const found = part.listed(words.replace(/[,;](?=\s)|\t/g, " "));
  const wrong = found.find(({ value }) => !Number.isFinite(value));
  if (wrong) refuse(`“${wrong.word.slice(0, 40)}” is not a number; write them apart by spaces or line ends${/^\d+,\d+$/.test(wrong.word) ? ", with a point for decimals" : ""}`);
  return found.length === 0 || wrong ? undefined : found.map(({ value }) => value);
}

function target(id) {
  const op = make("select", { id: `${id}-op`, "aria-label": "Target: comparison" },
    ...[["<=", "at most"], [">=", "at least"], ["<", "below"], [">", "above"]].map(([value, words]) => make("option", { value }, words)));
  const box = make("input", { id, inputmode: "decimal", autocomplete: "off", placeholder: "none", "aria-label": "Target: value" });
  return part.joined(op, box, {
    read(first, second, refuse) {
      if (second.value.trim() === "") return undefined;
      const value = parse(second.value);
      if (!Number.isFinite(value)) refuse(`“${second.value}” is not a number`, second);
      return { op: first.value, value };
    },
    write(first, second, given) {
      first.value = given?.op ?? "<=";
      second.value = Number.isFinite(given?.value) ? editable(given.value) : "";
    },
  });
}

function stop(id) {
  const metric = make("select", { id: `${id}-metric`, "aria-label": "Stop early: which number" }, ...METRICS.map(([value, words]) => make("option", { value }, words)));
  const box = make("input", { id, inputmode: "decimal", autocomplete: "off", placeholder: "%, such as 0.1", "aria-label": "Stop early: relative error in percent" });
  return part.joined(metric, box, {
    read(first, second, refuse) {
      if (first.value === "") return undefined;
      const share = parse(second.value) / 100;
      if (!(share > 0 && share < 1)) refuse("how well, in percent: a number between 0 and 100, such as 0.1", second);
      return { metric: first.value, relative_error: Number(share.toPrecision(12)) };
    },
    write(first, second, given) {
      first.value = given?.metric ?? "";
      if (first.selectedIndex < 0) first.value = "";
      second.value = Number.isFinite(given?.relative_error) ? editable(100 * given.relative_error) : "";
    },
  });
}

const pathOf = (name) => SETTINGS[name]?.path ?? `config.${name}`;

function fieldOf(choice, name) {
  const key = SHARED.has(name) ? name : `${choice.id}.${name}`;
  if (made.has(key)) return made.get(key);
  const spec = SETTINGS[name] ?? { title: name.replaceAll("_", " ") };
  const id = spec.id ?? name.replaceAll("_", "-");
  const told = offer.setting(choice.kind, pathOf(name)) ?? {};
  const about = name in choice.defaults ? { ...told, default: choice.defaults[name] } : told;
  const title = typeof spec.title === "function" ? spec.title(choice) : spec.title;
  const inner = spec.make ? spec.make(id, about, choice) : number(id, about);
  const field = part.framed({ ...spec, id, title }, inner);
  made.set(key, field);
  return field;
}

/** Settings that a choice shows: some stand for several of the request. */
const TOGETHER = { budget: ["evaluations", "seconds"], statistic: ["statistic", "percentile"] };

/** Show the settings of an analysis. */
export function show(choice) {
  const names = choice.settings.flatMap((name) => TOGETHER[name] ?? [name])
    .filter((name) => pathOf(name) === "" || offer.setting(choice.kind, pathOf(name)));
  shown = names.map((name) => [name, fieldOf(choice, name)]);
  const nodes = (front) => shown.filter(([name]) => FRONT.has(name) === front).map(([, field]) => field.node);
  const more = nodes(false);
  byId("settings-front").replaceChildren(...nodes(true));
  byId("settings-rest").replaceChildren(...more);
  byId("settings-more").hidden = more.length === 0;
  refresh();
}

/** Draw anew what follows model and inputs. */
export function refresh() {
  for (const [, field] of shown) field.refresh?.();
}

/** Take back all complaints. */
export function clear() {
  for (const [, field] of shown) field.clear();
}

/** Put the settings into `params`; what cannot be read goes to `found`. */
export function read(params, found) {
  for (const [name, field] of shown) {
    const before = found.length;
    const value = field.read(found);
    if (value === undefined && SETTINGS[name]?.needed && found.length === before) {
      field.complain("this has to be given");
      found.push({ field: field.title, problem: "this has to be given" });
    }
    if (value === undefined) continue;
    if (name === "steps") for (const item of params.parameters) item.steps ??= value;
    else put(params, pathOf(name), value);
  }
}

/**
 * Show the settings of an earlier request, and take from `left` what the fields say now.
 * @param {object} left its parameters; what no field can say stays
 */
export function write(left) {
  for (const [name, field] of shown) {
    const path = pathOf(name);
    if (path === "") continue;
    const value = at(left, path);
    field.write(value);
    if (value === undefined) continue;
    const read = field.read([]);
    // what the server takes where nothing is said is left unsaid
    if (read === undefined && field.node.querySelector("select")?.value === String(value)) drop(left, path);
    else if (read !== undefined && same(read, value)) drop(left, path);
    else field.write(undefined);
    field.clear();
  }
  const rest = byId("settings-more");
  rest.open = shown.some(([name, field]) => !FRONT.has(name) && name !== "steps" && field.read([]) !== undefined);
  clear();
}

/** Show steps that all items of a request have in common; undefined: none. */
export function writeSteps(steps) {
  const field = shown.find(([name]) => name === "steps")?.[1];
  field?.write(steps);
  return Boolean(field);
}

/**
 * Say beside a setting what the server found.
 * @param {string[]} parts of the error's field
 * @returns {?string} what the setting is called here, null if it is none of these
 */
export function complainAbout(parts, problem) {
  const names = parts[0] === "params" ? parts.slice(1) : parts;
  for (const [name, field] of shown) {
    const path = pathOf(name) === "" ? [name] : pathOf(name).split(".");
    const begins = path.every((key, index) => names[index] === key);
    const bare = names[0] === path.at(-1); // some errors name a setting without `config`
    const inside = name === "steps" && names.at(-1) === "steps";
    if (!begins && !bare && !inside) continue;
    field.complain(problem, names.slice(begins ? path.length : 1));
    return field.title;
  }
  return null;
}

/** What a setting is called here; one without a field by its name in the request. */
export function titleOf(name) {
  const { title } = SETTINGS[name] ?? {};
  if (typeof title === "string") return title;
  return (name.charAt(0).toUpperCase() + name.slice(1)).replaceAll("_", " ");
}
