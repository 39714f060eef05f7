/** What is told of a result in numbers and words: tiles, and one sentence that says what it means. */

import { make } from "./dom.js";

const tile = ([name, value, unit = ""]) =>
  make("div", { class: "tile" }, make("dt", {}, name), make("dd", {}, value, unit ? make("small", {}, ` ${unit}`) : ""));

/**
 * Tiles with the numbers one asks for first.
 * @param {(?[string, string, string?])[]} found name, value and unit of each; null: left out
 */
export const tiles = (found) => make("dl", { class: "tiles" }, ...found.filter(Boolean).map(tile));

/**
 * Tiles, sentence and warning of a result.
 * @param {{tiles: (?[string, string, string?])[], verdict: (string|[string, string])[], warning?: ?string}} view
 *   parts of the sentence that are pairs stand out
 * @returns {Node[]}
 */
export const figures = ({ tiles: found, verdict, warning }) => [
  ...(found.some(Boolean) ? [tiles(found)] : []),
  ...(verdict.length
    ? [make("p", { class: "verdict" }, ...verdict.map((part) => (Array.isArray(part) ? make("b", {}, part[1]) : part)))]
    : []),
  ...(warning ? [make("p", { class: "warning" }, warning)] : []),
];

/**
 * The choice of one of several outputs.
 * @param {string[]} outputs
 * @param {string} chosen
 * @param {(output: string) => string} name
 * @param {(output: string) => void} onChoice
 */
export function outputChoice(outputs, chosen, name, onChoice) {
  const select = make(
    "select",
    { id: "output", onchange: () => onChoice(select.value) },
    ...outputs.map((output) => make("option", { value: output }, name(output))),
  );
  select.value = chosen;
  return make("label", { class: "field output" }, make("span", {}, "Output"), select);
}
