/**
 * Which pictures a run has. A family is a module with
 *
 *   outputs(result)                         the outputs to choose from; none: no choice
 *   view(result, output, naming, job)       {tiles, verdict, warning, pictures} of one
 *   live(box, latest, naming, job)          optional: the picture that grows
 *   liveTiles(latest, naming, job)          optional: figures beside it
 *   kept(job)                               optional: links to what a run that was stopped has saved
 *
 * A new method is added here, and nowhere else.
 */

import { familyOf as marketFamily } from "../market/pictures/registry.js";
import * as derivatives from "./derivatives.js";
import * as efficacy from "./efficacy.js";
import * as fit from "./fit.js";
import * as indices from "./indices.js";
import * as local from "./local.js";
import * as monteCarlo from "./monte_carlo.js";
import * as morris from "./morris.js";
import * as oneAtATime from "./one_at_a_time.js";
import * as optimum from "./optimum.js";
import * as price from "./price.js";
import * as surface from "./surface.js";

const KINDS = {
  "sensitivity.monte_carlo": monteCarlo,
  "sensitivity.optimize": optimum,
  "sensitivity.efficacy": efficacy,
  "sensitivity.surface": surface,
  "sensitivity.fit": fit,
  "sensitivity.derivatives": derivatives,
  "price.data": price.data,
  "price.comparison": price.comparison,
  "price.impact": price.impact,
};

const METHODS = { oat: oneAtATime, tornado: oneAtATime, spider: oneAtATime, local, morris };

/**
 * The family of a run's pictures.
 * @param {string} kind of the run
 * @param {string} [method] as its answer, or its partial results, name it
 * @returns {?object} null: it has none
 */
export function familyOf(kind, method) {
  if (kind.startsWith("market.")) return marketFamily(kind.slice("market.".length));
  if (kind !== "sensitivity.analyze") return KINDS[kind] ?? null;
  return indices.knows(method) ? indices : METHODS[method ?? "oat"] ?? null;
}
