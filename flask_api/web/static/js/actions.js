/** What can be done with a run: its buttons and downloads. */

import * as api from "./api.js";
import { announce, make, note } from "./dom.js";

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

function save(file, name) {
  const href = URL.createObjectURL(file);
  const anchor = make("a", { href, download: name });
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000); // a slow disk still reads from it
}

/**
 * A button that saves the result of a run in another form; a worker may have to make it first.
 * @param {string} words
 * @param {{id: string, format: string, stem: string, table?: () => string}} file `stem`: its name
 *   without the ending
 */
export function fileButton(words, { id, format, stem, table = () => "" }) {
  const node = button(words, async () => {
    node.textContent = "Preparing …";
    node.setAttribute("aria-busy", "true");
    try {
      const name = `${stem}.${format}`;
      save(await api.download(id, format, table()), name);
      announce(`${name} is downloaded`);
    } finally {
      node.textContent = words;
      node.removeAttribute("aria-busy");
    }
  });
  node.dataset.format = format;
  return node;
}

/** A file's name out of a run's. */
const stemOf = ({ id, name }) => (name ?? "").normalize("NFKD").replace(/[^\w]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 80).toLowerCase() || id;

const REPORTS = { html: "Report (HTML)", xlsx: "Excel workbook", zip: "All files (ZIP)" };

/** Buttons that save a run's result, in all forms there are. */
export function downloads(job) {
  const { id, formats = ["json"], tables = [] } = job;
  const stem = stemOf(job);
  const reports = Object.entries(REPORTS).filter(([format]) => formats.includes(format))
    .map(([format, words]) => fileButton(words, { id, format, stem }));
  const json = link("Download JSON", api.resultAddress(id, "json"));
  if (!formats.includes("csv")) return [...reports, json];
  if (tables.length < 2) return [...reports, json, fileButton("Download CSV", { id, format: "csv", stem })];
  const choice = make("select", { "aria-label": "Table of the CSV file" }, ...tables.map((name) => make("option", { value: name }, name)));
  const csv = fileButton("Download CSV", { id, format: "csv", stem, table: () => choice.value });
  return [...reports, json, make("span", { class: "csv" }, csv, choice)];
}

/** The request that gives the same run again; absent settings are not repeated. */
export const request = (job) => ({ kind: job.kind, ...(job.name ? { name: job.name } : {}), params: job.params ?? {} });
