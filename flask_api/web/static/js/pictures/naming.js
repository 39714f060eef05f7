/** What inputs and outputs of a run are called, and in what they are counted. */

import * as api from "../api.js";
import { number } from "../format.js";
import { spoken as ofMarket } from "../market/words.js";
import * as models from "../models.js";
import { capital } from "./parts.js";

/**
 * The names in one run.
 * @typedef {object} Naming
 * @property {string} main the output that comes first, where partial results do not name it
 * @property {(id: string) => string} label of an input
 * @property {(id: string) => string} inputUnit
 * @property {(words: string) => string} spoken a sentence of the server, with the inputs' labels
 *   instead of their ids
 * @property {(output: string) => string} the output within a sentence: the price
 * @property {(output: string) => string} The the same at the start of a sentence; a formula's
 *   name stays as it is
 * @property {(output: string) => string} whole its name alone at the start: Price
 * @property {(output: string) => string} axis the output with its unit: price ($/kg)
 * @property {(output: string) => string} unit
 * @property {(output: string, value: number, digits?: number) => string} amount with its unit
 */

const OUTPUTS = { price: "price", npv: "NPV", irr: "IRR", result: "result" };

/** Runs whose request names no model. */
const OF_NO_MODEL = new Set(["sensitivity.efficacy", "sensitivity.fit"]);

/** The output's own name: NPV, or what the formula calls it. */
export const called = (output) => OUTPUTS[output] ?? output;

/** The id of the run whose inputs this one is about, where its request names one. */
const sourceOf = ({ kind, params }) => (kind === "sensitivity.efficacy" ? params?.sensitivity_data?.analysis_id : undefined);

/**
 * The names in a run's result: its own, or those of the run that it judges.
 * @returns {Promise<Naming>}
 */
export async function namesIn(job, result) {
  const source = sourceOf(job);
  if (!source) return namingOf(job, result);
  try {
    return namingOf(await api.getJob(source));
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    return namingOf(job, result); // it is deleted: ids have to do
  }
}

/**
 * @param {{params?: object}} job
 * @param {object} [told] result or partial result of the run
 * @returns {Naming}
 */
export function namingOf(job, told) {
  const model = job.params?.model ?? {};
  const market = job.kind?.startsWith("market.");
  const own = OF_NO_MODEL.has(job.kind) || market ? {} : model.formula || model.outputs ? model.inputs ?? {} : null;
  const version = model.version ?? job.params?.version;
  const inputs = told?.metadata?.inputs ?? {};
  const nameOf = (id) => inputs[id]?.name ?? told?.results?.[id]?.metadata?.name ?? id;
  const unit = (output) =>
    told?.metadata?.units?.[output] ?? (output === "price" && !own ? models.priceUnit(version) : "");
  const label = (id) => (own ? own[id]?.label : models.labelOf(version, nameOf(id))) ?? id;
  return {
    main: job.params?.config?.outputs?.[0] ?? job.params?.output ?? (own ? Object.keys(model.outputs ?? { result: 0 })[0] : "price"),
    label,
    // a name with an underscore, or an S-number, is no word of a sentence
    spoken: (words) => (market ? ofMarket(job.kind, words) : words.replace(/(?<![\w.])(?:[A-Za-z]\w*_\w*|S\d+)(?![\w.]*\w)/g, label)),
    inputUnit: (id) =>
      inputs[id]?.unit ?? told?.results?.[id]?.metadata?.unit ?? (own ? own[id]?.unit : models.unitOf(version, nameOf(id))) ?? "",
    the: (output) => (OUTPUTS[output] ? `the ${OUTPUTS[output]}` : output),
    The: (output) => (OUTPUTS[output] ? `The ${OUTPUTS[output]}` : output),
    whole: (output) => (OUTPUTS[output] ? capital(OUTPUTS[output]) : output),
    axis: (output) => (unit(output) ? `${called(output)} (${unit(output)})` : called(output)),
    unit,
    amount: (output, value, digits = 4) => [number(value, digits), unit(output)].filter(Boolean).join(" "),
  };
}
