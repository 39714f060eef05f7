/** What conventions and their choices are called, for people. Pure functions. */

const NAMES = {
  preset: "Preset",
  loan_deduction: "Deducted of the loan",
  construction_interest: "Interest during construction",
  loan_repayment: "Repayment of the loan",
  interest_type: "Interest rate of the loan",
  state_deductible: "State tax lowers the federal base",
  contingency_basis: "Contingencies count on",
  operating_cost: "Operating cost",
  required_rate: "Required rate of return",
  v4_v5: "V4 and V5 are",
  credit_use: "Tax credits",
  credit_indexation: "Tax credits over time",
  salvage_tax: "Taxed of the salvage value",
  book_value_at_end: "Book value left at the end",
  depreciation: "Depreciation",
  loss_limit: "Of a year's income, losses offset at most",
  loss_years: "Losses may be used for",
};

const CHOICES = {
  preset: { model_zone: "Model Zone", biosteam: "BioSTEAM", standard: "standard" },
  loan_deduction: { whole_payment: "whole payment", proportion: "a fixed proportion" },
  construction_interest: { cumulative: "on all drawn so far", own_year: "on the year's draw", capitalised: "added to the loan" },
  contingency_basis: { cumulative: "all rungs below", bare: "bare erected cost" },
  operating_cost: { fraction_of_revenue: "a fraction of revenue" },
  required_rate: { nominal: "includes inflation", real: "comes on top of inflation" },
  credit_indexation: { fixed: "stay as they are", inflation: "grow with inflation" },
  salvage_tax: { gain: "what exceeds the book value", whole: "all of it" },
  book_value_at_end: { written_off: "written off in the last year" },
};

/** `working_capital` -> Working capital. */
export function plain(name) {
  const words = String(name).replaceAll("_", " ").replace(/^byproduct/, "by-product");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** A depreciation method as accountants write it: `macrs_7` -> MACRS 7. */
const method = (name) =>
  String(name).replaceAll("_", " ").replace(/\bmacrs\b/, "MACRS").replace(/(?<!MACRS )(\b\d+)( to .*)?$/, "$1 years$2");

export const conventionName = (name) => NAMES[name] ?? plain(name);

/**
 * @param {string} convention
 * @param {*} choice a word, a number, a truth, or (depreciation) methods by class of assets
 */
export function choiceName(convention, choice) {
  if (choice === null || choice === undefined) return "–";
  if (typeof choice === "boolean") return choice ? "yes" : "no";
  if (convention === "loss_limit") return `${Number((100 * choice).toPrecision(6))} %`;
  if (convention === "loss_years") return choice >= 100 ? "ever" : `${choice} years`;
  if (convention === "depreciation" || convention === "depreciation_method") {
    if (typeof choice !== "object") return method(choice);
    const classes = Object.entries(choice);
    if (classes.length === 1) return method(classes[0][1]);
    return classes.map(([name, one]) => `${name} ${method(one)}`).join(", ");
  }
  return CHOICES[convention]?.[choice] ?? String(choice).replaceAll("_", " ");
}
