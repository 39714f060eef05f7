/** The price's report, to take home: workbook, page, table, all of it. */

import * as api from "./api.js";
import { button } from "./actions.js";
import { announce, make } from "./dom.js";

/** [words, format, table] */
const FORMS = [
  ["Excel workbook", "xlsx", ""],
  ["Report (HTML)", "html", ""],
  ["Year table (CSV)", "csv", "cash_flow_table"],
  ["All numbers (JSON)", "json", ""],
];

/**
 * Buttons that save the result of a job; its workbook may have to be made first.
 * @param {string} job its id
 * @param {string} stem of the files' names
 */
export const reports = (job, stem) =>
  FORMS.map(([words, format, table]) => {
    const node = button(words, async () => {
      node.textContent = "Preparing …";
      node.setAttribute("aria-busy", "true");
      try {
        const name = `${stem}.${format}`;
        save(await api.download(job, format, table), name);
        announce(`${name} is downloaded`);
      } finally {
        node.textContent = words;
        node.removeAttribute("aria-busy");
      }
    });
    node.dataset.format = format;
    return node;
  });

function save(file, name) {
  const href = URL.createObjectURL(file);
  const link = make("a", { href, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000); // a slow disk still reads from it
}
