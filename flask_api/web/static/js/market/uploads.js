/** The list of earlier data: taken up again, or deleted. */

import * as api from "../api.js";
import { announce, byId, make, note } from "../dom.js";
import { count, moment } from "../format.js";
import * as calls from "./calls.js";
import { forget, nameOf } from "./memory.js";
import { askAndDelete } from "./removal.js";

const PAGE = 20;
let rows = [];
let asked = 0; // how far the server's list was read; what it is reading itself has no row yet
let total = 0;
let turn = 0; // of two questions under way, the later one counts
let open = () => {};

/** How large a table is: 118 rows, 7 columns. */
export const size = ({ n_rows: long, columns: found, n_columns: wide = found.length }) =>
  `${count(long)} ${long === 1 ? "row" : "rows"}, ${count(wide)} ${wide === 1 ? "column" : "columns"}`;

const titleOf = (row) => nameOf(row.data_id) || `Data of ${moment(row.created_at)}`;

/** Read the list anew, as much of it as is on show. */
export const refresh = () => load(0, Math.max(PAGE, asked));

async function load(offset, limit) {
  const mine = ++turn;
  let found;
  try {
    found = await calls.earlier(offset, Math.min(limit, 500));
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    note(`The list of earlier data could not be read: ${error.message}`);
    return;
  }
  if (mine !== turn) return;
  const before = new Set(offset ? rows.map((row) => row.data_id) : []); // one that came meanwhile moves the pages
  rows = [...(offset ? rows : []), ...found.data.filter((row) => !before.has(row.data_id))];
  asked = offset + found.limit;
  total = found.total;
  render();
}

function render() {
  const list = byId("earlier");
  const on = document.activeElement.closest("#earlier li");
  const at = on ? [...on.querySelectorAll("button")].indexOf(document.activeElement) : -1;
  byId("earlier-field").hidden = rows.length === 0;
  byId("earlier-count").textContent = rows.length < total ? `${count(rows.length)} of ${count(total)}` : count(rows.length);
  list.replaceChildren(...rows.map(rowOf));
  // whoever stands on a row with the keyboard stays there
  if (on) list.querySelector(`[data-id="${on.dataset.id}"]`)?.querySelectorAll("button")[at]?.focus();
  byId("earlier-more").hidden = asked >= total;
}

function rowOf(row) {
  const title = titleOf(row);
  return make("li", { class: "upload", "data-id": row.data_id },
    make("button", { type: "button", class: "job-name", onclick: () => open(row.data_id) }, title),
    make("span", { class: "job-about" }, nameOf(row.data_id) ? `${size(row)} · ${moment(row.created_at)}` : size(row)),
    make("button", { type: "button", class: "small", "aria-label": `Delete: ${title}`, "aria-haspopup": "dialog", onclick: (event) => remove(row, event.currentTarget) }, "Delete"));
}

async function remove(row, button) {
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true"); // not `disabled`: the focus comes back to it
  const title = titleOf(row);
  let runs;
  try {
    runs = await calls.runsOf(row.data_id);
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    note(error.message);
    return;
  } finally {
    button.removeAttribute("aria-disabled");
  }
  if (!await askAndDelete(row.data_id, title, `${size(row)}, uploaded ${moment(row.created_at)}`, runs)) return;
  const at = rows.findIndex((one) => one.data_id === row.data_id);
  forget(row.data_id);
  await refresh();
  announce(`${title} is deleted`);
  // the keyboard goes on at the row that took its place
  const left = byId("earlier").querySelectorAll("[aria-haspopup]");
  (left[Math.min(at, left.length - 1)] ?? byId("file")).focus();
}

/**
 * Show the list.
 * @param {(id: string) => void} onOpen data were chosen
 */
export async function start(onOpen) {
  open = onOpen;
  byId("earlier-more").addEventListener("click", async () => {
    const first = rows.length;
    await load(asked, PAGE);
    byId("earlier").children[first]?.querySelector("button").focus();
  });
  await refresh();
}
