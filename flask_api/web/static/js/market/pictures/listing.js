/** A table that stands above its picture for all to see. */

import { make } from "../../dom.js";

/**
 * @param {string} title for those who hear the page
 * @param {{head: string[], rows: string[][]}} table the first cell names the row
 * @param {number} [marked] the row that stands out
 */
export const listing = (title, { head, rows }, marked = -1) =>
  make("div", { class: "scroll listing", tabindex: "0", role: "region", "aria-label": title }, make("table", {},
    make("thead", {}, make("tr", {}, ...head.map((name) => make("th", { scope: "col" }, name)))),
    make("tbody", {}, ...rows.map(([name, ...cells], index) =>
      make("tr", index === marked ? { class: "marked" } : {}, make("th", { scope: "row" }, name), ...cells.map((cell) => make("td", {}, cell)))))));
