/** A request as one line for a terminal. */

import { address } from "./api.js";

/** In single quotes nothing is special to a shell but the quote itself. */
const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

/**
 * The command that starts the same job from a terminal.
 * @param {{kind: string, params: object, name?: string}} request
 */
export const asCurl = (request) =>
  [
    `curl -sS -X POST ${quoted(address("api/jobs"))}`,
    `-H ${quoted("Content-Type: application/json")}`,
    `-d ${quoted(JSON.stringify(request))}`,
  ].join(" \\\n  ");
