/** The revisions of a model that was saved here, each with its price. */

import { button } from "./actions.js";
import { byId, make } from "./dom.js";
import { moment, number, percent } from "./format.js";
import { curves } from "./plant_charts.js";

let stored = [];

const OF_FILE =
  "This model comes with the service, or from its folder of models. Change its file and " +
  "save it under a name of your own: every revision is kept, with its price.";

/**
 * @param {{revision: number, price: number, timestamp: string, comment: ?string,
 *          unit: string}[]} revisions oldest first
 * @param {{ofFile: boolean, open: (revision: number) => Promise}} told
 */
export function show(revisions, { ofFile, open }) {
  stored = revisions;
  byId("history-list").replaceChildren(ofFile ? make("p", { class: "empty" }, OF_FILE) : table(open));
  redraw();
}

const table = (open) =>
  make(
    "table",
    {},
    make("thead", {}, make("tr", {}, ...["Revision", `Price, ${stored.at(-1).unit}`, "", "Saved", ""].map((words) => make("th", { scope: "col" }, words)))),
    make("tbody", {}, ...stored.map((item, k) => line(item, stored[k - 1], open)).reverse()),
  );

function line({ revision, comment, price, timestamp }, before, open) {
  const node = button("Open", () => open(revision), "small");
  node.setAttribute("aria-label", `Open revision ${revision}`);
  const change = before ? price / before.price - 1 : NaN;
  return make(
    "tr",
    { "data-revision": revision },
    make("th", { scope: "row" }, String(revision), comment ? make("small", {}, comment) : ""),
    make("td", {}, number(price, 5)),
    make("td", {}, Number.isFinite(change) ? make("small", {}, `${change < 0 ? "" : "+"}${percent(change, 1)}`) : ""),
    make("td", {}, moment(timestamp)),
    make("td", {}, node),
  );
}

/** Draw the prices of the revisions anew, at the panel's new width. */
export function redraw() {
  if (stored.length < 2) return byId("history-chart").replaceChildren();
  curves(
    byId("history-chart"),
    stored.map((item) => item.revision),
    [{ title: `Price by revision, ${stored.at(-1).unit}`, values: stored.map((item) => item.price) }],
    { label: "Price of each revision", ends: (value) => (Number.isInteger(value) ? String(value) : "") },
  );
}
