/** What this page asks of the server: data, runs and what can be had of them. */

import * as api from "../api.js";

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Send a file, told how far it is.
 * @param {File} file
 * @param {Object<string, string>} options encoding, separator, header, where they are said
 * @param {(share: number) => void} onProgress 0 to 1; 1: sent, and being read
 * @returns {{done: Promise<object>, stop: () => void}} `done`: what the data are;
 *   raises api.ApiError, with the code STOPPED after `stop`
 */
export function upload(file, options, onProgress) {
  const form = new FormData();
  for (const [name, value] of Object.entries(options)) form.append(name, value);
  form.append("data", file, file.name);
  const request = new XMLHttpRequest();
  const sent = new Promise((resolve, reject) => {
    request.open("POST", api.address("api/v1/data"));
    request.upload.onprogress = (event) => event.lengthComputable && onProgress(event.loaded / event.total);
    request.upload.onload = () => onProgress(1);
    request.onerror = () => reject(new api.ApiError("The upload broke off. Is the server still running?", { code: "OFFLINE" }));
    request.onabort = () => reject(new api.ApiError("The upload was stopped.", { code: "STOPPED" }));
    request.onload = () => {
      let told;
      try {
        told = JSON.parse(request.responseText);
      } catch {
        told = {}; // a proxy's page, not the server's
      }
      if (request.status < 400 && told.data_id) resolve(told);
      else reject(new api.ApiError(told.message ?? `The upload was answered by ${request.status}.`, { ...told, status: request.status }));
    };
    request.send(form);
  });
  let stopped = false;
  return {
    done: sent.then((told) => (told.columns ? told : read(told.data_id, () => stopped))),
    stop: () => {
      stopped = true;
      request.abort();
    },
  };
}

/** What uploaded data are, once a worker has read them. Raises ApiError. */
export async function read(id, stopped = () => false) {
  for (;;) {
    const told = await api.call("GET", `api/v1/data/${encodeURIComponent(id)}?rows=50`);
    if (told.columns) return told;
    if (stopped()) throw new api.ApiError("The upload was stopped.", { code: "STOPPED" });
    await pause(500);
  }
}

/** Earlier data, the newest first. @returns {Promise<{data: object[], total: number, limit: number}>} */
export const earlier = (offset, limit) => api.call("GET", `api/v1/data?limit=${limit}&offset=${offset}`);

/** Raises ApiError, with 409 while an unfinished run needs the data. */
export const deleteData = (id) => api.call("DELETE", `api/v1/data/${encodeURIComponent(id)}`);

/** Runs that took these data, the newest first. @returns {Promise<{id: string, name: ?string, model_type: string, status: string}[]>} */
export async function runsOf(id) {
  const found = [];
  for (let offset = 0, total = 1; offset < total; offset += 500) {
    const page = await api.call("GET", `api/v1/runs?limit=500&offset=${offset}`);
    found.push(...page.runs.filter((run) => run.data_id === id));
    total = page.total;
  }
  return found;
}

/**
 * Start a run: its columns and cells are judged before it exists. Raises ApiError.
 * @param {{kind: string, name: string, params: object}} asked as `/api/jobs` takes it
 * @returns {Promise<string>} its id
 */
export async function start({ kind, name, params }) {
  const told = await api.call("POST", "api/v1/runs", { model_type: kind.replace(/^market\./, ""), name, ...params });
  return told.id;
}
