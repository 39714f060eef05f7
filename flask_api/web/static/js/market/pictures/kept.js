/** Arrays that are too large for the result: the page takes them from the run's files when they are looked at. */

import * as api from "../../api.js";

/** Numbers up to which a page takes an array, 8 bytes each. */
const MOST = 4_000_000;

/** The head of NumPy's file: what its numbers are, and where they begin. */
function headOf(view) {
  const wide = view.getUint8(6) > 1;
  const length = wide ? view.getUint32(8, true) : view.getUint16(8, true);
  const from = wide ? 12 : 10;
  const words = new TextDecoder().decode(new Uint8Array(view.buffer, from, length));
  const shape = (words.match(/'shape': \(([\d, ]*)\)/)?.[1] ?? "").split(",").map((part) => part.trim()).filter(Boolean).map(Number);
  return { descr: words.match(/'descr': '([^']+)'/)?.[1], turned: words.includes("'fortran_order': True"), shape, from: from + length };
}

/** Rows of a matrix out of NumPy's file. Raises ApiError for any other file. @returns {number[][]} */
export function rowsIn(buffer) {
  const { descr, turned, shape, from } = headOf(new DataView(buffer));
  if (descr !== "<f8" || shape.length !== 2) throw new api.ApiError("The array is not a table of numbers.");
  const values = new Float64Array(buffer.slice(from));
  const [rows, columns] = shape;
  return Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, (__, j) => values[turned ? j * rows + i : i * columns + j]));
}

async function bytes(path) {
  const answer = await fetch(api.address(path));
  if (!answer.ok) throw new api.ApiError(`The server answered ${answer.status}.`);
  return answer.arrayBuffer();
}

/**
 * An array of a run that can be had, though the result does not hold it.
 * @param {object} result
 * @param {string} name
 * @param {{id: string}} job
 * @returns {?(() => Promise<number[][]>)} fetches it; null: it is not there, or too large for a page
 */
export function keptArray(result, name, job) {
  const about = result.arrays?.find((one) => one.name === name);
  const size = (about?.shape ?? []).reduce((product, length) => product * length, 1);
  if (!about || about.inline || about.shape.length !== 2 || size > MOST || !about.files?.includes(`${name}.npy`)) return null;
  let found = null;
  return () => (found ??= bytes(`api/v1/runs/${encodeURIComponent(job.id)}/arrays/${name}.npy`).then(rowsIn));
}
