/** What can be done with a run: its buttons and downloads. */

import * as api from "./api.js";
import { make, note } from "./dom.js";

/** A button whose work may fail; it rests while that is under way. */
export function button(words, act, cls = "secondary") {
  const node = make("button", {
    type: "button",
    class: cls,
    onclick: async () => {
      node.disabled = true;
      try {
        await act();
      } catch (error) {
        if (!(error instanceof api.ApiError)) throw error;
        note(error.message);
      } finally {
        node.disabled = false;
      }
    },
  }, words);
  return node;
}

/** A link that saves what it points to. */
export const link = (words, href) => make("a", { class: "secondary", href, download: "" }, words);

/** Download CSV: of the table that is chosen beside it. */
export function csvDownload(job) {
  const { id, tables = [] } = job;
  const address = (table) => api.resultAddress(id, "csv", table);
  const csv = link("Download CSV", address(tables[0]));
  if (tables.length < 2) return csv;
  const choice = make(
    "select",
    { "aria-label": "Table of the CSV file", onchange: () => (csv.href = address(choice.value)) },
    ...tables.map((name) => make("option", { value: name }, name)),
  );
  return make("span", { class: "csv" }, csv, choice);
}

/** The request that gives the same run again; absent settings are not repeated. */
export const request = (job) => ({ kind: job.kind, ...(job.name ? { name: job.name } : {}), params: job.params ?? {} });
