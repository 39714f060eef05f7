/** Calls to the server. Every failure is an ApiError that a person can read. */

/** The page may live under a prefix of a proxy: addresses are relative to it. */
export const address = (path) => new URL(path, document.baseURI).href;

export class ApiError extends Error {
  /** @param {string} message @param {{field: string, problem: string}[]} details */
  constructor(message, { code = "", details = [], status = 0, requestId = "" } = {}) {
    super(message);
    this.code = code;
    this.details = Array.isArray(details) ? details.filter((item) => item && item.problem) : [];
    this.status = status;
    this.requestId = requestId;
  }
}

/** @returns {Promise<*>} the JSON of the answer; undefined where there is none */
export async function call(method, path, body) {
  let answer;
  try {
    answer = await fetch(address(path), {
      method,
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new ApiError("The server does not answer. Is it still running?", { code: "OFFLINE" });
  }
  const text = await answer.text();
  let data;
  try {
    data = text === "" ? undefined : JSON.parse(text);
  } catch {
    throw new ApiError(`${method} ${path} answered ${answer.status}, but not with JSON.`, {
      status: answer.status,
    });
  }
  if (!answer.ok) {
    throw new ApiError(data?.message ?? `${method} ${path} answered ${answer.status}.`, {
      code: data?.code,
      details: data?.details,
      status: answer.status,
      requestId: data?.request_id,
    });
  }
  return data;
}

const job = (id, rest = "") => `api/jobs/${encodeURIComponent(id)}${rest}`;

/** The catalogue. A busy server answers 202 instead: that is said like any failure. */
export async function models() {
  const answer = await call("GET", "price/models");
  if (Array.isArray(answer?.models)) return answer.models;
  throw new ApiError("The server is busy.", { code: "BUSY", status: 503 });
}
export const jobs = (limit, offset = 0) => call("GET", `api/jobs?limit=${limit}&offset=${offset}`);
export const getJob = (id) => call("GET", job(id));
export const getResult = (id) => call("GET", job(id, "/result?format=json"));
export const startJob = (request) => call("POST", "api/jobs", request);
export const cancelJob = (id) => call("POST", job(id, "/cancel"));
export const rerunJob = (id) => call("POST", job(id, "/rerun"));
export const deleteJob = (id) => call("DELETE", job(id));
export const resultAddress = (id, format, table = "") =>
  address(job(id, `/result?format=${format}${table ? `&table=${encodeURIComponent(table)}` : ""}`));
export const streamAddress = (id) => address(job(id, "/stream"));
export const listStreamAddress = () => address("api/jobs/stream");

/** The solved price of a model as its file stands. */
export function price(version, extension) {
  const query = new URLSearchParams({ version });
  if (extension) query.set("extension", extension);
  return call("GET", `price/data?${query}`);
}
