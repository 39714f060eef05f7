/** The price's report, to take home: workbook, page, table, all of it. */

import { fileButton } from "./actions.js";

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
  FORMS.map(([words, format, table]) => fileButton(words, { id: job, format, stem, table: () => table }));
