/** What models are called on this page, and which question each answers. */

import * as offer from "../offer.js";

const GROUPS = "Groups of households";
const FACTORS = "What products have in common";
const CHOICE = "Choices and prices";

/** By `model_type`. Settings are not here: they come from the server's description. */
const WORDS = {
  lca: {
    title: "Latent classes", group: GROUPS, sizes: "n_classes",
    answers: "Which kinds of households are there, and what does each buy?",
    when: "Purchases of 0 and 1, and you expect a handful of kinds of buyers.",
  },
  lca_covariates: {
    title: "Latent classes with covariates", group: GROUPS, sizes: "n_classes",
    answers: "Which kinds of households are there, and who belongs to which?",
    when: "Besides purchases you know age, income or the like.",
  },
  model_selection: {
    title: "How many classes or factors?", group: "How many?",
    answers: "How many kinds of households, or tendencies, do the data tell apart?",
    when: "First of all: several numbers are fitted and compared, and one is recommended with its reasons.",
  },
  factor_tetrachoric: {
    title: "Tetrachoric factors", group: FACTORS, sizes: "n_factors",
    answers: "Which few tendencies lie behind many purchases?",
    when: "Each purchase is a yes or no with a continuous liking behind it.",
  },
  nmf: {
    title: "Baskets (NMF)", group: FACTORS, sizes: "n_components",
    answers: "Of which typical baskets are purchases put together?",
    when: "You want parts that add up and never take away.",
  },
  mca: {
    title: "Product map (MCA)", group: FACTORS, sizes: "n_components",
    answers: "Which products stand near each other, and which households?",
    when: "You want a map to look at, without a model.",
  },
  bayesian_factor_vi: {
    title: "Bayesian factors, fast", group: FACTORS, sizes: "n_factors",
    answers: "Which tendencies lie behind purchases, and how sure are they?",
    when: "Many rows: a variational answer within seconds.",
  },
  bayesian_factor_pymc: {
    title: "Bayesian factors, sampled", group: FACTORS, sizes: "n_factors",
    answers: "Which tendencies lie behind purchases, and how sure are they?",
    when: "You want the whole posterior, with R-hat and effective draws.",
  },
  dcm: {
    title: "Bayesian purchase model", group: CHOICE,
    answers: "How attractive is each product, and how do households differ?",
    when: "Purchases of 0 and 1, with traits of households, and uncertainty told.",
  },
  choice_mnl: {
    title: "Multinomial logit", group: CHOICE, of: "choices",
    answers: "What makes a household choose one alternative, and what is it worth?",
    when: "Each row is a choice among alternatives with prices and other attributes.",
  },
  choice_mixed: {
    title: "Mixed logit", group: CHOICE, of: "choices",
    answers: "How do tastes for price and attributes differ among households?",
    when: "As multinomial logit, where tastes differ or one household chooses often.",
  },
};

const PREFIX = "market.";
const ORDER = [GROUPS, FACTORS, CHOICE, "How many?", "Further models"];

const plain = (type) => type.charAt(0).toUpperCase() + type.slice(1).replaceAll("_", " ");

/** What a model is called. */
export const titleOf = (type) => WORDS[type]?.title ?? plain(type);

/**
 * @typedef {{type: string, kind: string, title: string, group: string, answers: string,
 *   when: string, of?: string, sizes?: string}} Model
 * `of`: "choices" where its rows are choices among alternatives; `sizes`: the setting that
 * says how large it is
 */

/** The models that the server offers, in the order of their groups. @returns {Model[]} */
export function models() {
  const types = offer.modelTypes();
  const known = Object.keys(WORDS);
  const place = (type) => (known.includes(type) ? known.indexOf(type) : known.length);
  const found = types.map((type) => ({
    type, kind: PREFIX + type, title: titleOf(type), group: ORDER.at(-1), when: "",
    answers: offer.about(PREFIX + type), ...WORDS[type],
  }));
  return found.sort((a, b) => ORDER.indexOf(a.group) - ORDER.indexOf(b.group) || place(a.type) - place(b.type));
}

/** Names of settings where that of the request would puzzle. */
const SETTINGS = {
  max_iter: "Iterations at most", n_init: "Random starts", tol: "Tolerance", n_tune: "Warm-up draws", n_samples: "Draws",
  n_chains: "Chains", target_accept: "Target acceptance", covariate_columns: "Covariates", missing: "Missing values",
  household_feature_columns: "Traits of households", exhaustive_starts: "All starts to their end",
  min_number: "From", max_number: "Up to", model: "Number of", init: "First start", product_columns: "Products",
  form: "Form of the table", chosen: "Column of the choice", situation: "Column of the situation", alternative: "Column of the alternative",
  person: "Column of the person", price: "Coefficient of the price", random: "Tastes that differ", specific: "Attributes with coefficients of their own",
  traits: "Traits of the person", available: "What could be chosen", replicates: "Tables of chance", parallel_replicates: "Tables of chance",
  include_random_effects: "Level of each household", standardise: "Standardise covariates", n_latent_features: "Latent features",
};

/** What a choice is called where its name in the request would puzzle. */
const CHOICES = {
  lca: "classes", factor_tetrachoric: "factors", minres: "Least squares (minres)", ml: "Maximum likelihood", nndsvda: "NNDSVDa", nndsvd: "NNDSVD",
  impute_mode: "Take the more frequent value", mar: "Leave single cells out", drop: "Leave such rows out", auto: "By the number of factors",
};

/** Hints of this page, where the server's are for those who write requests. */
const HINTS = {
  missing: "Cells that are empty in the data", missing_cells: "Choices with empty cells", random: "Coefficients that differ between people",
  product_attributes: "For each attribute one number for each product, in the order of the products",
};

/** How a setting is written that has no field of its own. */
const EXAMPLES = {
  product_attributes: '{"price": [1.2, 0.8, 2.5]}', codes: '{"bus": 1, "car": 2}', available: 'a column, or {"bus": "bus_there"}', attribute_columns: '{"price": {"bus": "fare"}}',
};

/** What one of several choices is called: impute_mode -> Take the more frequent value. */
export const choiceOf = (value) => CHOICES[value] ?? (String(value) === "0" ? "by the data" : plain(String(value)));

/** What is said below a setting. @param {string} told by the server */
export const hintOf = (name, told) => HINTS[name] ?? told;

/** An example of how a setting is written. */
export const exampleOf = (name) => EXAMPLES[name] ?? "";

/** What a setting is called: `n_classes` -> Classes. */
export const settingOf = (name) => SETTINGS[name] ?? plain(name.replace(/^n_/, ""));

/** Settings of reading a file, by their names in a request. */
export const READING = { encoding: "Encoding", separator: "Between cells", header: "First line" };

/** Is it a setting of this kind of run, or of reading its data? */
const isSetting = (kind, name) => name in READING || Boolean(offer.setting(kind, `params.${name}`) ?? offer.setting(kind, name));

/**
 * A sentence of the server with settings called as the form calls them: `n_init` -> “Random starts”.
 * A lone word, but for `tol`, is one only between backticks; what stands in quotes is a column.
 */
export const spoken = (kind, sentence) =>
  sentence.replace(/`([a-z_]+)`|(?<![\w.'"])(?:tol|[a-z]+(?:_[a-z]+)+)(?![\w'"]|\.\w)/g, (whole, ticked) => {
    const name = ticked ?? whole;
    return isSetting(kind, name) ? `“${READING[name] ?? settingOf(name)}”` : whole;
  });
