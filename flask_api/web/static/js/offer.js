/** What the server offers: kinds of runs, methods, and bounds of settings; read from its own description. */

import * as api from "./api.js";

let schemas = {};
let requests = new Map(); // kind -> the name of its request's schema
let fitted = []; // model_type of what `/api/v1/runs` fits

/** Read the description once. Raises ApiError. */
export async function load() {
  const told = await api.call("GET", "openapi.json");
  schemas = told.components.schemas;
  const forms = told.paths["/api/jobs"].post.requestBody.content["application/json"].schema.oneOf;
  fitted = (told.paths["/api/v1/runs"]?.post.requestBody.content["application/json"].schema.oneOf ?? []).map((form) => form.properties.model_type.const);
  requests = new Map(forms.map((form) => [form.title, nameOf(form.properties.params)]));
}

const nameOf = (node) => node.$ref.split("/").at(-1);
const resolved = (node) => (node?.$ref ? schemas[nameOf(node)] : node);

/** A property without the `null` beside it and without references; its own words win. */
function plain(property) {
  const parts = (property.anyOf ?? []).map(resolved).filter((part) => part.type !== "null");
  return { ...resolved(property), ...(parts.length === 1 ? parts[0] : {}), ...property };
}

/** All kinds of runs. */
export const kinds = () => [...requests.keys()];

/** Models that a run of `/api/v1/runs` can be of, by their `model_type`. */
export const modelTypes = () => fitted;

/** What the server says of a kind of run. */
export const about = (kind) => schemas[requests.get(kind)]?.description ?? "";

/** Is this kind of run to be had here? */
export const has = (kind) => requests.has(kind);

/**
 * What is known of a setting, such as `config.samples` of sensitivity.analyze.
 * @returns {?{type: string, minimum: number, maximum: number, default: *, enum: string[],
 *           description: string}} null where the kind has no such setting
 */
export function setting(kind, path) {
  let at = schemas[requests.get(kind)];
  for (const name of path.split(".")) {
    const property = at?.properties?.[name];
    if (!property) return null;
    at = plain(property);
  }
  return at;
}

/**
 * What one item of a setting that is a list of objects holds, or null.
 * @returns {?{properties: object, required: string[]}}
 */
export function item(kind, path) {
  const found = resolved(setting(kind, path)?.items);
  if (!found?.properties) return null;
  const properties = Object.entries(found.properties).map(([name, property]) => [name, plain(property)]);
  return { properties: Object.fromEntries(properties), required: found.required ?? [] };
}

/** The methods of sensitivity.analyze: name, title, group, answers, when, settings, defaults. */
export const methods = () => setting("sensitivity.analyze", "method")["x-methods"];

/** Words that no input of a formula may be called. */
export const words = () => new Set(schemas.FormulaReference.properties.formula["x-words"]);
