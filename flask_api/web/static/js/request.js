/** From the form to a request, and from the server's complaints back to the form. */

import * as choices from "./choices.js";
import { byId, make } from "./dom.js";
import * as edit from "./edit.js";
import { count } from "./format.js";
import * as formula from "./formula.js";
import * as inputs from "./inputs.js";
import * as models from "./models.js";
import * as settings from "./settings.js";

/** What is said where no input is ticked. */
const ASKED = { axes: "tick one or two to look along", chosen: "tick at least one that is yours to choose" };
const form = () => byId("form");
let last = {}; // the parameters read last: complaints name their items by number

/** Takes back every complaint in the settings and at the foot of the form. */
export function clear() {
  byId("form-problem").hidden = true;
  settings.clear();
  formula.complain("");
}

/**
 * The request the form stands for, or null after saying what is wrong with it.
 * @returns {?{kind: string, name: string, params: object}}
 */
export function read() {
  clear();
  const choice = choices.chosen();
  const found = [];
  const params = { ...choice.params };
  const wrong = choice.asks === "data" ? 0 : readInputs(params, choice, found);
  settings.read(params, found);
  edit.merge(params);
  last = params;
  if (params.parameters?.length === 0) {
    found.push({ field: "Inputs", problem: ASKED[choice.asks] ?? "tick at least one that varies" });
    if (models.isFormula() && models.inputs().length === 0) found.at(-1).problem = "the formula names none";
  }
  if (found.length > 0 || wrong > 0) {
    showProblem(wrong > 0 ? "Some inputs cannot be read; they are marked above." : "The form is not complete.", found);
    return null;
  }
  return { kind: choice.kind, name: byId("run-name").value.trim() || titled(choice, params), params };
}

/** @returns {number} how many inputs cannot be read */
function readInputs(params, choice, found) {
  const said = inputs.read();
  if (models.isFormula()) params.model = { ...formula.read(found), inputs: said.values };
  else {
    params.model = { version: models.model().version };
    if (models.extension()) params.model.extension = models.extension();
    if (Object.keys(said.overrides).length > 0) params.model.overrides = said.overrides;
  }
  params.parameters = said.parameters;
  if (said.uncertain.length > 0) params.uncertain = said.uncertain;
  return said.wrong;
}

/** What the run is called where the user gives no name. */
function titled(choice, params) {
  if (choice.asks === "data") return `${choice.title}: ${count(params.data?.length ?? 0)} values`;
  const words = choice.id === "monte_carlo" && params.iterations ? `, ${count(params.iterations)} draws` : "";
  return `${models.titleOf(models.model().version, models.extension())}: ${choice.title}${words}`.slice(0, 255);
}

/** The row that a complaint is about. @returns {?string} its label */
function markInput(parts, problem) {
  const at = parts.findIndex((part) => part === "parameters" || part === "uncertain");
  const last = parts.at(-1);
  if (at >= 0) {
    const name = last[parts[at]]?.[Number(parts[at + 1])]?.id ?? parts[at + 1];
    return name && inputs.complainAbout(name, { min: "low", max: "high" }[last] ?? last, problem);
  }
  // model.overrides.loan_rate, model.inputs.units.range.min, and the bare names that maths uses
  const inside = parts.findIndex((part) => part === "overrides" || part === "inputs");
  return inputs.complainAbout(inside >= 0 ? parts[inside + 1] : last, "value", problem);
}

/**
 * Mark the field a complaint is about.
 * `params.parameters.3.distribution.std`, `parameters[3]...`, `model.overrides.loan_rate`
 * and `config.seed` are all met.
 * @returns {string} what the field is called on this page
 */
function mark(field, problem) {
  const parts = field.split(/[.[\]]+/).filter(Boolean);
  if (parts[0] === "params") parts.shift();
  const names = parts[1] === "inputs" && parts.length === 2; // what the formula calls its inputs
  if (parts[0] === "model" && (parts[1] === "formula" || parts[1] === "outputs" || names)) {
    formula.complain(parts[2] && !names ? `${parts[2]}: ${problem}` : problem);
    return "Formula";
  }
  const label = settings.complainAbout(parts, problem) || markInput(parts, problem);
  if (label) return label;
  // of two settings that go together the server names the place of both
  const [, inside] = problem.match(/(?:^config\.|and a `)(\w+)/) ?? [];
  if (inside) return settings.complainAbout(["config", inside], problem) ?? field;
  return { body: "", parameters: "Inputs" }[field] ?? field;
}

/**
 * Say at the foot of the form what is wrong, and mark the fields.
 * @param {string} message
 * @param {{field?: string, problem: string}[]} details
 */
export function showProblem(message, details = [], fromServer = false) {
  const lines = details.map(({ field = "", problem }) => {
    // the server's sentences begin with their field in the words of the request
    const words = field && problem.startsWith(`${field}: `) ? problem.slice(field.length + 2) : problem;
    const name = fromServer ? mark(field, words) : field;
    return make("li", {}, name ? make("b", {}, `${name}: `) : "", words);
  });
  const box = byId("form-problem");
  // The server's message repeats its details in the words of the request.
  const head = fromServer && lines.length > 0 ? "The server refuses this:" : message;
  box.replaceChildren(make("p", {}, head), lines.length > 0 ? make("ul", {}, ...lines) : "");
  box.hidden = false;
  form().querySelector('[aria-invalid="true"]')?.scrollIntoView({ block: "center" });
}
