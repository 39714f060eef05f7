/** Which pictures a run of a market model has; the kinds are those of the server. */

import * as choices from "./choices.js";
import * as classes from "./classes.js";
import * as correspondence from "./correspondence.js";
import * as factors from "./factors.js";
import { keptFiles } from "./kept.js";
import * as other from "./other.js";
import * as parts from "./parts.js";
import * as posterior from "./posterior.js";
import * as selection from "./selection.js";

const FAMILIES = {
  lca: classes,
  lca_covariates: classes,
  choice_mnl: choices,
  choice_mixed: choices,
  bayesian_factor_vi: posterior,
  bayesian_factor_pymc: posterior,
  dcm: posterior,
  factor_tetrachoric: factors,
  nmf: parts,
  mca: correspondence,
  model_selection: selection,
};

/** The family of a model's pictures; one that has none of its own shows its arrays and tables. */
export function familyOf(type) {
  const family = FAMILIES[type] ?? other;
  return {
    outputs: family.outputs, view: family.view,
    live: family.live ?? other.live, liveTiles: family.liveTiles ?? other.liveTiles, kept: keptFiles,
  };
}
