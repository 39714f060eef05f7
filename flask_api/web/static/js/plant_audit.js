/** Which conventions the price rests on, and what each other choice would do to it. */

import { byId, make } from "./dom.js";
import { aligned } from "./format.js";
import { choiceName, conventionName } from "./plant_words.js";

/**
 * @param {{convention: string, chosen: *, effect: boolean,
 *          choices: {choice: *, price?: number, npv?: number, difference: ?number,
 *                    reason: ?string}[]}[]} audit empty hides the card
 * @param {string} unit of the price, or of the net present value
 * @param {string} measure `price` or `npv`
 */
export function show(audit, unit, measure = "price") {
  byId("audit").hidden = audit.length === 0;
  const telling = audit.filter((item) => item.effect);
  const silent = audit.filter((item) => !item.effect);
  byId("audit-table").replaceChildren(
    telling.length ? table(telling, unit, measure) : "",
    silent.length ? make("p", { class: "muted" }, make("b", {}, "No other choice changes this plant: "), `${silent.map(told).join("; ")}.`) : "",
  );
}

const told = ({ convention, chosen }) => `${conventionName(convention)}: ${choiceName(convention, chosen)}`;

function table(audit, unit, measure) {
  const values = audit.flatMap(({ choices }) => choices.map((other) => other[measure]));
  const words = aligned(Math.max(...values.filter(Number.isFinite).map(Math.abs)));
  const heads = ["Chosen, and what could be instead", `${measure === "npv" ? "NPV" : "Price"}, ${unit}`, "Difference"];
  return make(
    "table",
    {},
    make("thead", {}, make("tr", {}, ...heads.map((head) => make("th", { scope: "col" }, head)))),
    ...audit.map((item) => make("tbody", {}, head(item), ...item.choices.map((other) => line(item.convention, other, measure, words)))),
  );
}

const head = ({ convention, chosen }) =>
  make(
    "tr",
    {},
    make("th", { scope: "rowgroup", colspan: 3, class: "words" }, `${conventionName(convention)}: `, make("b", {}, choiceName(convention, chosen)), make("small", {}, convention)),
  );

function line(convention, { choice, difference, reason, ...other }, measure, words) {
  const name = make("th", { scope: "row", class: "other" }, choiceName(convention, choice));
  if (!Number.isFinite(other[measure])) {
    return make("tr", {}, name, make("td", { class: "words", colspan: 2 }, make("small", {}, `none: ${reason ?? "not known"}`)));
  }
  const signed = `${difference > 0 ? "+" : ""}${words(difference)}`;
  return make("tr", { class: difference === 0 ? "same" : null }, name, make("td", {}, words(other[measure])), make("td", {}, difference === 0 ? "the same" : signed));
}
