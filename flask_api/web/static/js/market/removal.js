/** Deleting uploaded data: asked once, with the runs that used them by name. */

import * as api from "../api.js";
import { make } from "../dom.js";
import { count, ended } from "../format.js";
import * as calls from "./calls.js";
import { titleOf } from "./words.js";

/** Runs that are named; further ones are counted. */
const NAMED = 3;

const nameOf = (run) => `“${run.name || titleOf(run.model_type)}”`;

/** “A”, “B” and 3 more. */
function listed(runs) {
  const names = runs.slice(0, NAMED).map(nameOf);
  const more = runs.length - names.length;
  const last = more > 0 ? `${count(more)} more` : names.pop();
  return names.length > 0 ? `${names.join(", ")} and ${last}` : last;
}

/** What the runs of these data mean for deleting them, one sentence or two each. */
function consequences(runs) {
  const done = runs.filter(({ status }) => ended(status));
  const going = runs.filter(({ status }) => !ended(status));
  const found = [];
  if (going.length > 0) {
    found.push(`${going.length === 1 ? "A run that has not ended needs" : `${count(going.length)} runs that have not ended need`} these data: `
      + `${listed(going)}. Until ${going.length === 1 ? "it has" : "they have"} ended, or ${going.length === 1 ? "is" : "are"} cancelled, the data stay.`);
  }
  if (done.length > 0) {
    found.push(`${done.length === 1 ? "A run" : `${count(done.length)} runs`} used these data: ${listed(done)}. `
      + `What ${done.length === 1 ? "it" : "they"} found stays; to run ${done.length === 1 ? "it" : "them"} again, the file has to be uploaded again.`);
  }
  return found.length > 0 ? found : ["No run of yours uses these data."];
}

/** The server's refusal, with runs called as the list calls them. */
const named = (words, runs) => runs.reduce((said, run) => said.replaceAll(run.id, nameOf(run)), words);

/** Delete data. @returns {Promise<string>} why that was refused; "" once they are gone */
async function refusal(id, runs) {
  try {
    await calls.deleteData(id);
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    if (error.status !== 404) return named(error.message, runs); // 404: another window was first
  }
  return "";
}

/**
 * Ask whether data are to be deleted, and do so.
 * @param {string} id
 * @param {string} title what they are called here
 * @param {string} about how large they are, and from when
 * @param {{id: string, name: ?string, model_type: string, status: string}[]} runs that took them
 * @returns {Promise<boolean>} whether they are gone
 */
export async function askAndDelete(id, title, about, runs) {
  const problem = make("div", { class: "problem", role: "alert", hidden: true });
  const keep = make("button", { type: "button", class: "secondary", autofocus: true, onclick: () => box.close() }, "Keep");
  const gone = make("button", { type: "button", class: "danger", onclick: tryIt }, "Delete");
  const box = make("dialog", { class: "question", "aria-labelledby": "question-title", "aria-describedby": "question-words" },
    make("h2", { id: "question-title" }, `Delete ${title}?`),
    make("p", { class: "muted" }, about),
    make("div", { id: "question-words" }, ...consequences(runs).map((words) => make("p", {}, words))),
    problem,
    make("div", { class: "actions" }, gone, keep));
  let deleted = false;
  async function tryIt() {
    if (gone.getAttribute("aria-disabled") === "true") return;
    gone.setAttribute("aria-disabled", "true");
    const refused = await refusal(id, runs);
    gone.removeAttribute("aria-disabled");
    problem.textContent = `Not deleted: ${refused.replace(/\.?$/, ".")}`;
    problem.hidden = !refused;
    deleted = !refused;
    if (deleted) box.close();
  }
  document.body.append(box);
  box.showModal();
  await new Promise((closed) => box.addEventListener("close", closed, { once: true }));
  box.remove();
  return deleted;
}
