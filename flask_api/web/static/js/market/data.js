/** Bringing data: a file that is chosen or dropped, or data from before. */

import * as api from "../api.js";
import { announce, byId, make, note } from "../dom.js";
import { percent } from "../format.js";
import * as calls from "./calls.js";
import * as columns from "./columns.js";
import { nameOf, remember } from "./memory.js";
import { options, startReading } from "./reading.js";
import * as uploads from "./uploads.js";
import { spoken } from "./words.js";

let under = null; // the upload under way

/** What the server says of a file, in the words of its form. */
const said = (words) => spoken("market.read_data", words.replace(/^data: /, ""));

/** What data are called here. */
export const titleOf = (data) => data.name || "Uploaded data";

function refuse(error) {
  const box = byId("upload-problem");
  const list = error.details.map(({ problem }) => problem).filter((problem) => !error.message.includes(problem));
  box.replaceChildren(make("p", {}, said(error.message)), list.length ? make("ul", {}, ...list.map((words) => make("li", {}, said(words)))) : "");
  box.hidden = false;
}

function progress(share) {
  const [bar] = byId("upload-progress").getElementsByClassName("progress");
  bar.firstChild.style.width = `${100 * share}%`;
  bar.setAttribute("aria-valuenow", String(Math.round(100 * share)));
  byId("upload-share").textContent = percent(share);
  byId("upload-words").textContent = share < 1 ? "sent" : "sent; the columns are being read";
}

function busy(yes) {
  byId("upload-progress").hidden = !yes;
  byId("drop").classList.toggle("busy", yes);
  byId("file").disabled = yes;
}

/** Send a file and show what it holds. */
async function send(file) {
  if (under || !file) return;
  byId("upload-problem").hidden = true;
  busy(true);
  progress(0);
  under = calls.upload(file, options(), progress);
  try {
    const found = await under.done;
    remember(found.data_id, file.name);
    show({ ...found, name: file.name });
    await uploads.refresh();
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    if (error.code === "STOPPED") note(error.message);
    else refuse(error);
  } finally {
    under = null;
    busy(false);
    byId("file").value = ""; // the same file, mended, may be chosen again
    // the field was disabled meanwhile: the keyboard goes on where it was
    if (document.activeElement === document.body) byId(columns.shown() ? "data" : "file").focus({ preventScroll: true });
  }
}

function show(data) {
  byId("data-choice").hidden = true;
  byId("data-other").hidden = false;
  byId("data-title").textContent = titleOf(data);
  byId("data-about").textContent = uploads.size(data);
  columns.choose(data);
  announce(`${titleOf(data)}: ${uploads.size(data)}`);
}

/** Offer the choice of data again. */
function again() {
  byId("data-choice").hidden = false;
  byId("data-other").hidden = true;
  byId("data-title").textContent = "Data";
  byId("data-about").textContent = "";
  columns.choose(null);
  byId("file").focus();
}

/**
 * Show earlier data. Raises ApiError, such as where they were deleted.
 * @param {string} id
 */
export async function open(id) {
  if (columns.shown()?.data_id === id) return;
  show({ ...(await calls.read(id)), name: nameOf(id) });
}

/** Data were chosen from the list. */
async function openListed(id) {
  byId("upload-problem").hidden = true;
  try {
    await open(id);
    byId("data").focus({ preventScroll: true }); // the list that had the focus is hidden
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    refuse(error);
    await uploads.refresh(); // they may have been deleted elsewhere
  }
}

function wire() {
  const drop = byId("drop");
  byId("file").addEventListener("change", () => send(byId("file").files[0]));
  byId("upload-stop").addEventListener("click", () => under?.stop());
  byId("data-other").addEventListener("click", again);
  const area = byId("data");
  for (const name of ["dragenter", "dragover"]) {
    area.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  area.addEventListener("dragleave", (event) => !area.contains(event.relatedTarget) && drop.classList.remove("over"));
  area.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    const [file] = event.dataTransfer.files;
    if (file && columns.shown()) again();
    send(file);
  });
}

/** Make the card live. Call it once the server's description is there. */
export async function start() {
  startReading();
  wire();
  await uploads.start(openListed);
}
