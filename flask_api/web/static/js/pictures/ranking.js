/** Which input comes first, and how sure that is: in words. */

import { number, percent } from "../format.js";

/** "0.44 (95 % interval 0.42 to 0.46)". */
export function within({ value, lower, upper }, level = 0.95) {
  if (!Number.isFinite(lower) || !Number.isFinite(upper) || !(upper > lower)) return number(value, 3);
  if (number(lower, 3) === number(upper, 3)) return number(value, 3); // known to all the digits that are shown
  return `${number(value, 3)} (${percent(level)} interval ${number(lower, 3)} to ${number(upper, 3)})`;
}

/** Sizes that an index may have: of negative ones the bounds change places. */
const sizes = ({ value, lower, upper }) => {
  const ends = [lower ?? value, upper ?? value].map(Math.abs);
  const crosses = (lower ?? value) * (upper ?? value) < 0;
  return { least: crosses ? 0 : Math.min(...ends), most: Math.max(...ends) };
};

/**
 * How sure it is that the first of two inputs comes first: the end of a sentence.
 * @param {{value: number, lower: ?number, upper: ?number}[]} rows from the strongest on
 */
export function lead([first, second], label) {
  if (!second || !Number.isFinite(second.value)) return "";
  const name = label(second.id);
  const known = [first, second].every((row) => Number.isFinite(row.lower) && Number.isFinite(row.upper));
  if (!known) return `, before ${name} with ${number(second.value, 3)}`;
  return sizes(first).least > sizes(second).most
    ? `, surely more than ${name}, the next, with ${number(second.value, 3)}`
    : `; ${name}, the next, has ${number(second.value, 3)}, and as their intervals overlap it is not sure which of the two comes first`;
}

/** "a, b and c". */
export function listed(names, most = 6) {
  const shown = names.slice(0, most);
  const rest = names.length - shown.length;
  const between = shown.some((name) => name.includes(",")) ? "; " : ", "; // a name may hold a comma itself
  if (rest > 0) return `${shown.join(between)} and ${rest} more`;
  return shown.length < 2 ? shown.join("") : `${shown.slice(0, -1).join(between)} and ${shown.at(-1)}`;
}
