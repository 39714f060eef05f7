/** Which conventions the price rests on, and what each other choice would do to it. */

import { byId, make } from "./dom.js";
import { number } from "./format.js";

const words = (name) => String(name).replaceAll("_", " ");

/**
 * @param {{convention: string, chosen: *, effect: boolean,
 *          choices: {choice: *, price: ?number, difference: ?number, reason?: string}[]}[]} audit
 * @param {string} unit of the price
 */
export function show(audit, unit) {
  const [telling, silent] = [audit.filter((item) => item.effect), audit.filter((item) => !item.effect)];
  byId("audit-table").replaceChildren(
    make(
      "table",
      {},
      make("thead", {}, make("tr", {}, ...["Convention", "Chosen", "Instead", `Price, ${unit}`, "Difference"].map((head) => make("th", { scope: "col" }, head)))),
      make("tbody", {}, ...telling.flatMap(lines)),
    ),
    silent.length
      ? make("p", { class: "muted" }, `No choice changes this plant's price: ${silent.map((item) => words(item.convention)).join(", ")}.`)
      : "",
  );
}

const lines = (item) =>
  item.choices.map((other, index) =>
    make(
      "tr",
      {},
      make("th", { scope: "row" }, index === 0 ? words(item.convention) : ""),
      make("td", { class: "words" }, index === 0 ? words(item.chosen) : ""),
      make("td", { class: "words" }, words(other.choice)),
      make("td", {}, Number.isFinite(other.price) ? number(other.price, 5) : make("small", { title: other.reason }, "none")),
      make("td", {}, Number.isFinite(other.difference) ? number(other.difference) : "–"),
    ),
  );
