/** Long names of products, made to fit: names of a shelf differ at their ends as often as at their beginnings. */

import { plain, wrapped } from "../../pictures/parts.js";

/** A name of at most `most` letters: its beginning and its end. @returns {string} not yet plain */
export function short(name, most) {
  const words = String(name);
  if (words.length <= most) return words;
  const end = Math.floor((most - 1) * 0.45);
  return `${words.slice(0, most - 1 - end).trimEnd()}…${words.slice(words.length - end).trimStart()}`;
}

/** Rows up to which a name may take more than one line. */
const FEW = 12;

/** What stands beside the rows of a picture: on one line where there are many. @returns {string[]} plain */
export const rowNames = (names, narrow) =>
  names.map((name) => (names.length > FEW ? plain(short(name, narrow ? 18 : 38)) : wrapped(short(name, narrow ? 36 : 46), narrow)));

/** What stands beside a bar: there is room for two lines. @returns {(name: string) => string} not yet plain */
export const barName = (name) => short(name, 42);
