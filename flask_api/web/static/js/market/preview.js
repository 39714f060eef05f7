/** The first rows of the data, and for each column what it holds and what it is taken for. */

import { byId, make } from "../dom.js";
import { compact, count, number, percent } from "../format.js";
import * as columns from "./columns.js";
import { spoken } from "./words.js";

/** Columns that stand side by side at most; the others are found by name. */
const MOST = 60;
const ROWS = 12;

let find = null; // the field that narrows the columns
let heads = new Map(); // column -> its head on the page

/** What a column holds, in words. */
function holds(column, rows) {
  const known = rows - column.missing;
  const gaps = column.missing > 0 ? [`${count(column.missing)} missing`] : [];
  if (column.constant) return ["the same in every row", ...gaps];
  if (column.kind === "binary") return [`${percent(column.ones / known, known < 1000 ? 0 : 1)} are 1`, ...gaps];
  if (column.kind === "numeric") return [`${compact(column.minimum, 3)} to ${compact(column.maximum, 3)}`, ...gaps];
  return [`text, such as “${column.first_text?.value ?? ""}”`, ...gaps];
}

function head(column, rows) {
  const { name } = column;
  const role = make("select", { "aria-label": `${name} is`, onchange: () => columns.take([name], role.value) },
    ...columns.possible(column).map(([value, words]) => make("option", { value }, words)));
  const share = make("i");
  if (column.kind === "binary") share.style.width = percent(column.ones / Math.max(rows - column.missing, 1), 1).replace(" ", "");
  const node = make("th", { scope: "col", title: name }, make("span", { class: "name" }, name),
    ...holds(column, rows).map((words) => make("small", {}, words)),
    column.kind === "binary" ? make("span", { class: "share" }, share) : null, role);
  heads.set(name, { node, role });
  return node;
}

const cell = (value) => {
  if (value === null || value === undefined) return make("td", { class: "gap", title: "missing" }, "–");
  return make("td", {}, typeof value === "number" ? number(value, 6) : String(value));
};

function sheet() {
  const data = columns.shown();
  const wanted = find.value.trim().toLowerCase();
  const at = data.columns.map((column, index) => [column, index]).filter(([{ name }]) => name.toLowerCase().includes(wanted));
  const shown = at.slice(0, MOST);
  const rows = data.preview.slice(0, ROWS);
  heads = new Map();
  const table = make("table", {},
    make("thead", {}, make("tr", {}, make("th", { scope: "col" }, make("span", { class: "hidden" }, "Row")), ...shown.map(([column]) => head(column, data.n_rows)))),
    make("tbody", {}, ...rows.map((row, index) =>
      make("tr", {}, make("th", { scope: "row" }, String(index + 1)), ...shown.map(([, place]) => cell(row[place]))))));
  const hidden = at.length - shown.length;
  byId("sheet").replaceChildren(table);
  byId("sheet-note").textContent = [
    data.n_rows > rows.length ? `The first ${rows.length} of ${count(data.n_rows)} rows.` : "",
    at.length === 0 ? "No column is called so." : hidden > 0 ? `${count(hidden)} more columns: find them by name.` : "",
  ].join(" ").trim();
  refresh();
}

/** Bring the heads in line with what the columns are taken for. */
export function refresh() {
  const data = columns.shown();
  if (!data) return;
  for (const [name, { node, role }] of heads) {
    role.value = columns.roleOf(name);
    node.className = `role-${columns.roleOf(name)}`;
    delete node.dataset.fault;
  }
  const [products, covariates] = [columns.products().length, columns.covariates().length];
  byId("roles").textContent = byId("data").classList.contains("of-choices") ? "The model's form names its columns" : `${count(products)} ${products === 1 ? "product" : "products"}`
    + (covariates ? `, ${count(covariates)} ${covariates === 1 ? "covariate" : "covariates"}` : "")
    + `, of ${count(data.columns.length)} columns`;
}

const button = (words, act) => make("button", { type: "button", class: "small bordered", onclick: act }, words);

/** Show the data that were chosen. */
export function show() {
  const data = columns.shown();
  const box = byId("preview");
  box.hidden = !data;
  if (!data) return;
  const names = () => data.columns.map(({ name }) => name).filter((name) => name.toLowerCase().includes(find.value.trim().toLowerCase()));
  find = make("input", { type: "search", placeholder: "Find a column", autocomplete: "off", "aria-label": "Find a column", oninput: sheet });
  box.replaceChildren(
    ...(data.warnings ?? []).map((words) => make("p", { class: "warning" }, spoken("market.read_data", words.message ?? words))),
    make("div", { class: "preview-bar" },
      make("b", { id: "roles", role: "status" }),
      data.columns.length > 8 ? make("span", { class: "field" }, find) : null,
      button("All of 0 and 1 are products", () => columns.take(names(), "product")),
      button("Leave all out", () => columns.take(names(), "none"))),
    make("div", { id: "sheet", class: "scroll sheet", tabindex: "0", role: "region", "aria-label": "Columns and first rows" }),
    make("p", { id: "sheet-note", class: "muted columns-note" }),
  );
  sheet();
}

/**
 * Mark the column that a refusal names and bring it into view.
 * @returns {boolean} whether it is there
 */
export function blame(problem) {
  const data = columns.shown();
  const [, name] = problem.match(/column ['"](.+?)['"]/) ?? [];
  if (!data || !data.columns.some((column) => column.name === name)) return false;
  if (!heads.has(name)) {
    find.value = name;
    sheet();
  }
  const { node } = heads.get(name);
  node.dataset.fault = "";
  const box = byId("sheet");
  box.scrollLeft = Math.max(node.offsetLeft - box.clientWidth / 2, 0);
  return true;
}
