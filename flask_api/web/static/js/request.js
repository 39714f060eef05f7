/** From the form to a request, and from the server's complaints back to the form. */

import { byId, make } from "./dom.js";
import { count, parse } from "./format.js";
import * as inputs from "./inputs.js";
import * as models from "./models.js";

const form = () => byId("form");

/** `monte_carlo` or `tornado`. */
export const analysis = () => form().elements.analysis.value;

/** Takes back every complaint in the settings and at the foot of the form. */
export function clear() {
  byId("form-problem").hidden = true;
  for (const box of form().querySelectorAll(".settings [aria-invalid]")) {
    box.removeAttribute("aria-invalid");
  }
}

function refuse(id) {
  byId(id).setAttribute("aria-invalid", "true");
}

/** A whole number of a field, or undefined if it is empty; complains otherwise. */
function whole(id, title, found, least = 0) {
  const text = byId(id).value;
  if (text.trim() === "") return undefined;
  const value = parse(text);
  if (Number.isSafeInteger(value) && value >= least) return value;
  refuse(id);
  found.push({ field: title, problem: `“${text}”; a whole number of at least ${least} is needed` });
  return undefined;
}

/**
 * The request the form stands for, or null after saying what is wrong with it.
 * @returns {?{kind: string, name: string, params: object}}
 */
export function read() {
  clear();
  const { overrides, parameters, wrong } = inputs.read();
  const found = [];
  const model = { version: models.model().version };
  if (models.extension()) model.extension = models.extension();
  if (Object.keys(overrides).length > 0) model.overrides = overrides;
  const carlo = analysis() === "monte_carlo";
  const request = carlo ? monteCarlo(found) : tornado(found);
  if (parameters.length === 0) {
    found.push({ field: "inputs", problem: "choose at least one that varies" });
  }
  if (found.length > 0 || wrong > 0) {
    const text = wrong > 0 ? "Some inputs cannot be read; they are marked above." : "The form is not complete.";
    showProblem(text, found);
    return null;
  }
  if (request.steps) for (const parameter of parameters) parameter.steps = request.steps;
  delete request.steps;
  request.params = { model, parameters, ...request.params };
  request.name = `${models.titleOf(model.version, models.extension())}: ${request.name}`;
  return request;
}

function monteCarlo(found) {
  const iterations = whole("iterations", "Iterations", found, 1);
  if (iterations === undefined && found.length === 0) {
    refuse("iterations");
    found.push({ field: "Iterations", problem: "a whole number is needed, such as 100,000" });
  }
  const config = { sampling: byId("sampling").value };
  const seed = whole("seed", "Seed", found);
  if (seed !== undefined) config.seed = seed;
  const target = byId("target").value;
  if (target.trim() !== "") {
    config.target = { op: byId("target-op").value, value: parse(target) };
    if (!Number.isFinite(config.target.value)) {
      refuse("target");
      found.push({ field: "Target", problem: `“${target}” is not a number` });
    }
  }
  return {
    kind: "sensitivity.monte_carlo",
    name: `Monte Carlo, ${count(iterations)} draws`,
    params: { iterations, config },
  };
}

function tornado(found) {
  const steps = whole("steps", "Steps", found, 2) ?? 11;
  return { kind: "sensitivity.analyze", name: "tornado", params: { method: "oat" }, steps };
}

/** The settings' fields by the name the server knows them by. */
const SETTINGS = { iterations: "iterations", sampling: "sampling", seed: "seed", target: "target", steps: "steps" };

/**
 * Mark the field a complaint is about.
 * `params.parameters.3.distribution.std`, `parameters[3]...`, `model.overrides.loan_rate`
 * and `config.seed` are all met.
 * @returns {string} what the field is called on this page
 */
function mark(field, problem) {
  const parts = field.split(/[.[\]]+/).filter(Boolean);
  const last = parts.at(-1);
  const at = parts.indexOf("parameters");
  const name = at >= 0 ? inputs.varied()[Number(parts[at + 1])] ?? parts[at + 1] : last;
  const own = { min: "low", max: "high" }[last] ?? last;
  const label = name && inputs.complainAbout(name, own, problem);
  if (label) return label;
  const setting = parts.find((part) => SETTINGS[part]);
  if (!setting) return field;
  refuse(SETTINGS[setting]);
  return setting.charAt(0).toUpperCase() + setting.slice(1);
}

/**
 * Say at the foot of the form what is wrong, and mark the fields.
 * @param {string} message
 * @param {{field?: string, problem: string}[]} details
 */
export function showProblem(message, details = [], fromServer = false) {
  const lines = details.map(({ field = "", problem }) => {
    const name = fromServer ? mark(field, problem) : field;
    return make("li", {}, name ? make("b", {}, `${name}: `) : "", problem);
  });
  const box = byId("form-problem");
  // The server's message repeats its details in the words of the request.
  const head = fromServer && lines.length > 0 ? "The server refuses this:" : message;
  box.replaceChildren(make("p", {}, head), lines.length > 0 ? make("ul", {}, ...lines) : "");
  box.hidden = false;
  form().querySelector('[aria-invalid="true"]')?.scrollIntoView({ block: "center" });
}
