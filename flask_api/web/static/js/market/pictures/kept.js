/** Arrays that are too large for the result: the page takes them from the run's files when they are looked at. */

import { link } from "../../actions.js";
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
function rowsIn(buffer) {
  const { descr, turned, shape, from } = headOf(new DataView(buffer));
  if (descr !== "<f8" || shape.length !== 2) throw new api.ApiError("The array is not a table of numbers.");
  const values = new Float64Array(buffer.slice(from));
  const [rows, columns] = shape;
  return Array.from({ length: rows }, (_, i) => Array.from({ length: columns }, (__, j) => values[turned ? j * rows + i : i * columns + j]));
}

const ofRun = (id, rest = "") => `api/v1/runs/${encodeURIComponent(id)}${rest}`;

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
  return () => (found ??= bytes(ofRun(job.id, `/arrays/${name}.npy`)).then(rowsIn));
}

/** draws_chain_1.npy -> Draws chain 1 (npy). */
const titleOf = (file) => file.replace(/\.(\w+)$/, " ($1)").replaceAll("_", " ").replace(/^./, (letter) => letter.toUpperCase());

/** Links to the files that a run has left though it did not come to its end. @returns {Promise<Node[]>} */
export async function keptFiles(job) {
  const { files = [] } = await api.call("GET", ofRun(job.id));
  return files.map((file) => link(titleOf(file), api.address(ofRun(job.id, `/arrays/${encodeURIComponent(file)}`))));
}
