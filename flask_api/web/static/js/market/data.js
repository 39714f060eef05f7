/** Bringing data: a file that is chosen or dropped, or data from before. */

import * as api from "../api.js";
import { announce, byId, make, note } from "../dom.js";
import { count, moment, percent } from "../format.js";
import * as calls from "./calls.js";
import * as columns from "./columns.js";
import { nameOf, remember } from "./memory.js";
import { options, startReading } from "./reading.js";
import { spoken } from "./words.js";

let under = null; // the upload under way

/** How large a table is: 118 rows, 7 columns. */
const size = ({ n_rows: rows, columns: found, n_columns: wide = found.length }) =>
  `${count(rows)} ${rows === 1 ? "row" : "rows"}, ${count(wide)} ${wide === 1 ? "column" : "columns"}`;

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
    await fillEarlier();
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
  byId("data-about").textContent = size(data);
  columns.choose(data);
  announce(`${titleOf(data)}: ${size(data)}`);
}

/** Offer the choice of data again. */
function again() {
  byId("data-choice").hidden = false;
  byId("data-other").hidden = true;
  byId("data-title").textContent = "Data";
  byId("data-about").textContent = "";
  byId("earlier").value = "";
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

async function fillEarlier() {
  let found = [];
  try {
    found = await calls.earlier();
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    console.info("the list of earlier data could not be read:", error.message);
  }
  byId("earlier-field").hidden = found.length === 0;
  byId("earlier").replaceChildren(
    make("option", { value: "" }, `${count(found.length)} to choose from …`),
    ...found.map((row) => make("option", { value: row.data_id }, [nameOf(row.data_id) || moment(row.created_at), size(row)].join(" · "))),
  );
}

function wire() {
  const drop = byId("drop");
  byId("file").addEventListener("change", () => send(byId("file").files[0]));
  byId("upload-stop").addEventListener("click", () => under?.stop());
  byId("data-other").addEventListener("click", again);
  byId("earlier").addEventListener("change", async () => {
    byId("upload-problem").hidden = true;
    try {
      if (byId("earlier").value) await open(byId("earlier").value);
    } catch (error) {
      if (!(error instanceof api.ApiError)) throw error;
      refuse(error);
    }
  });
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
  await fillEarlier();
}
