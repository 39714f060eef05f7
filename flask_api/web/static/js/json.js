/** Values of requests: compared, read and written by their path. */

/** The same value with the keys of every object in order. */
function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]));
}

/** Do two values say the same? The order of keys says nothing. */
export const same = (one, other) => JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));

const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

/** The value at a path such as `config.seed`, or undefined. */
export const at = (value, path) => path.split(".").reduce((inner, key) => (isObject(inner) ? inner[key] : undefined), value);

/** Put a value at a path, with what is missing on the way. */
export function put(object, path, value) {
  const keys = path.split(".");
  const last = keys.pop();
  let inner = object;
  for (const key of keys) inner = inner[key] ??= {};
  inner[last] = value;
}

/** Take away what is at a path. */
export function drop(object, path) {
  const keys = path.split(".");
  const last = keys.pop();
  const inner = keys.length > 0 ? at(object, keys.join(".")) : object;
  if (isObject(inner)) delete inner[last];
}

/**
 * All that stands in an object, as [path, value]; lists count as one value.
 * @param {(path: string) => boolean} [into] false: what stands there counts as one value
 */
export function leaves(value, into = () => true, before = "") {
  if (!isObject(value) || Object.keys(value).length === 0 || (before && !into(before))) return before ? [[before, value]] : [];
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, into, before ? `${before}.${key}` : key));
}
