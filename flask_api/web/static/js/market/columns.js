/** The data on show and what each of their columns is taken for. */

let data = null;
let roles = new Map(); // column -> product, covariate or none
let changed = () => {};

/** Call `listener(same)` when other data or, of the same data, other columns are chosen. */
export function whenChanged(listener) {
  changed = listener;
}

/**
 * Data as the server tells them.
 * @typedef {{data_id: string, name: string, n_rows: number, preview: *[][], warnings: string[],
 *   columns: {name: string, kind: string, missing: number, constant: boolean, zeros?: number,
 *             ones?: number, minimum?: number, maximum?: number}[]}} Data
 */

/** @returns {?Data} */
export const shown = () => data;

/** What a column is for at first: 0 and 1 are products. A number may be but an account's. */
const guessed = (column) => (column.kind === "binary" && !column.constant ? "product" : "none");

/** Show other data; null: none. */
export function choose(found) {
  data = found;
  roles = new Map((found?.columns ?? []).map((column) => [column.name, guessed(column)]));
  changed(false);
}

export const roleOf = (name) => roles.get(name) ?? "none";

/** What a column may be: text is nothing that a model can take. */
export const possible = ({ kind }) =>
  [["product", "Product", "binary"], ["covariate", "Covariate", "binary numeric"], ["none", "Left out", "binary numeric text"]]
    .filter(([, , kinds]) => kinds.includes(kind));

/** Take columns for something. @param {string[]} names */
export function take(names, role) {
  const kinds = new Map(data.columns.map((column) => [column.name, column]));
  for (const name of names) {
    if (possible(kinds.get(name) ?? {}).some(([value]) => value === role)) roles.set(name, role);
  }
  changed(true);
}

/** The columns that an earlier request took. */
export function takeAsIn(products, covariates) {
  for (const column of data.columns) {
    const product = products ? products.includes(column.name) : column.kind === "binary";
    roles.set(column.name, product ? "product" : covariates.includes(column.name) ? "covariate" : "none");
  }
  changed(true);
}

const named = (role) => (data?.columns ?? []).map(({ name }) => name).filter((name) => roles.get(name) === role);

/** Columns taken for products, in the data's order. */
export const products = () => named("product");

/** Columns taken for covariates. */
export const covariates = () => named("covariate");

/** Columns that may say something of households: numbers that are no products. */
export const free = () => (data?.columns ?? []).filter(({ name, kind }) => kind !== "text" && roles.get(name) !== "product").map(({ name }) => name);

/** The products as a request says them: nothing where they are what the server would take. */
export function asked() {
  const all = data.columns.filter(({ kind }) => kind === "binary").map(({ name }) => name);
  const taken = products();
  return taken.length === all.length ? undefined : taken;
}
