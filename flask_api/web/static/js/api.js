/** Calls to the server. Every failure is an ApiError that a person can read. */

/** The page may live under a prefix of a proxy: addresses are relative to it. */
export const address = (path) => new URL(path, document.baseURI).href;

export class ApiError extends Error {
  /**
   * @param {string} message
   * @param {{code?: string, status?: number, requestId?: string,
   *          details?: ({field: string, problem: string}|{line: number, column: number})[]}}
   *   told `details` name fields, and the place in a file where there is one
   */
  constructor(message, { code = "", details = [], status = 0, requestId = "" } = {}) {
    super(message);
    this.code = code;
    const items = Array.isArray(details) ? details.filter(Boolean) : [];
    this.details = items.filter((item) => item.problem);
    this.place = items.find((item) => Number.isInteger(item.line));
    this.status = status;
    this.requestId = requestId;
  }
}

/** @returns {Promise<Response>} its body not read yet; raises ApiError for a refusal */
async function reach(method, path, body) {
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
  if (answer.ok) return answer;
  let data;
  try {
    data = JSON.parse(await answer.text());
  } catch {
    data = {}; // a proxy's page, not the server's: the status has to do
  }
  throw new ApiError(data.message ?? `${method} ${path} answered ${answer.status}.`, {
    code: data.code,
    details: data.details,
    status: answer.status,
    requestId: data.request_id,
  });
}

async function ask(method, path, body) {
  const answer = await reach(method, path, body);
  return { answer, text: await answer.text() };
}

function parsed(text, words) {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    throw new ApiError(`${words} answered, but not with JSON.`);
  }
}

/** @returns {Promise<*>} the JSON of the answer; undefined where there is none */
export async function call(method, path, body) {
  const { text } = await ask(method, path, body);
  return parsed(text, `${method} ${path}`);
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * The result of a call that waits for its job, however long that takes.
 * @returns {Promise<{data: object, job: string}>} `job`: its id, for documents of it
 */
export async function result(method, path, body) {
  const { answer, text } = await ask(method, path, body);
  const id = answer.headers.get("X-Job-ID");
  if (answer.status !== 202) return { data: parsed(text, `${method} ${path}`), job: id };
  let found = await getJob(id);
  while (!["completed", "failed", "cancelled"].includes(found.status)) {
    await pause(500);
    found = await getJob(id);
  }
  if (found.status === "completed") return { data: await getResult(id), job: id };
  throw new ApiError(found.error?.message ?? `The work was ${found.status}.`, found.error ?? {});
}

const job = (id, rest = "") => `api/jobs/${encodeURIComponent(id)}${rest}`;

/** The catalogue of models. */
export const models = async () => (await result("GET", "price/models")).data.models;
export const jobs = (limit, offset = 0) => call("GET", `api/jobs?limit=${limit}&offset=${offset}`);
export const getJob = (id) => call("GET", job(id));
export const getResult = (id) => call("GET", job(id, "/result?format=json"));
export const startJob = (request) => call("POST", "api/jobs", request);
export const cancelJob = (id) => call("POST", job(id, "/cancel"));
export const rerunJob = (id) => call("POST", job(id, "/rerun"));
export const deleteJob = (id) => call("DELETE", job(id));
export const resultAddress = (id, format, table = "") =>
  address(job(id, `/result?format=${format}${table ? `&table=${encodeURIComponent(table)}` : ""}`));

/**
 * A result as a file. Large ones are made by a worker first: this waits for it.
 * @returns {Promise<Blob>}
 */
export async function download(id, format, table = "") {
  const path = job(id, `/result?format=${format}${table ? `&table=${encodeURIComponent(table)}` : ""}`);
  let answer = await reach("GET", path);
  while (answer.status === 202) {
    await pause(1000 * (Number(answer.headers.get("Retry-After")) || 1));
    answer = await reach("GET", path);
  }
  return answer.blob();
}
export const streamAddress = (id) => address(job(id, "/stream"));
export const listStreamAddress = () => address("api/jobs/stream");

/** The solved price of a model as its file stands. */
export function price(version, extension) {
  const query = new URLSearchParams({ version });
  if (extension) query.set("extension", extension);
  return call("GET", `price/data?${query}`);
}

/** The price and all that goes with it, for a plant with changed values. */
export const priced = (model) => result("POST", "price/data", { model });

/** What another plant costs beside this one, and why. */
export const compared = (base, variants) => result("POST", "price/comparison", { base, variants });

/** How the price follows one input. */
export const slopes = (input, model) =>
  result("POST", `sensitivity/derivatives/${encodeURIComponent(input)}`, { model });

const file = (version, rest = "") => `price/models/${encodeURIComponent(version)}${rest}`;

/** A model's file as text, today's or that of an earlier revision. */
export async function modelText(version, revision = null) {
  const { text } = await ask("GET", file(version, revision === null ? "" : `?revision=${revision}`));
  return text;
}
export const revisions = (version) => call("GET", file(version, "/revisions"));
export const retireModel = (version) => call("DELETE", file(version));
export const storeModel = (stored) => result("POST", "price/models", stored);
