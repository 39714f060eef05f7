/** The numbers of a picture, for reading and copying. */

import { make } from "../dom.js";

/** Rows that a page shows at most; all of them are in the downloads. */
const MOST = 500;

/**
 * A table that is made when it is opened.
 * @param {string} title of the picture, for those who hear the page
 * @param {() => {head: string[], rows: (string|Node)[][]}} table the first cell names the row
 */
export function tableOf(title, table) {
  const summary = make("summary", { onclick: fill }, "As a table");
  // A browser that finds a word in it opens it without a click.
  const details = make("details", { class: "table", ontoggle: () => details.open && fill() }, summary);
  function fill() {
    if (details.children.length > 1) return;
    const { head, rows } = table();
    details.append(
      make(
        "div",
        { class: "scroll", tabindex: "0", role: "region", "aria-label": `${title}: the numbers` },
        make(
          "table",
          {},
          make("thead", {}, make("tr", {}, ...head.map((name) => make("th", { scope: "col" }, name)))),
          make("tbody", {}, ...rows.slice(0, MOST).map(row)),
        ),
        rows.length > MOST ? make("p", { class: "muted" }, `The first ${MOST} of ${rows.length} rows; the downloads have all.`) : null,
      ),
    );
  }
  return details;
}

const row = ([name, ...cells]) =>
  make("tr", {}, make("th", { scope: "row" }, name), ...cells.map((cell) => make("td", {}, cell)));
