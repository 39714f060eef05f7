/** The model's file: read, changed, checked, saved as a revision; and its history. */

import { button } from "./actions.js";
import * as api from "./api.js";
import { announce, byId, make, note } from "./dom.js";
import { moment, number } from "./format.js";
import { curves } from "./plant_charts.js";

let version = null;
let stored = []; // the revisions of the model on show, oldest first
let onStored = () => {};
let onRetired = () => {};

/** @param {{stored: (version: string) => void, retired: () => void}} listeners */
export function start(listeners) {
  onStored = listeners.stored;
  onRetired = listeners.retired;
  byId("yaml-save").addEventListener("click", save);
  byId("yaml-reload").addEventListener("click", () => read());
  byId("yaml-retire").addEventListener("click", retire);
}

/** Show the file and the history of a version. */
export async function show(name) {
  if (name === version) return;
  version = name;
  await read();
}

function problem(message = "") {
  byId("yaml-problem").textContent = message;
  byId("yaml-problem").hidden = message === "";
}

async function read(revision = null) {
  problem();
  const mine = version;
  try {
    const text = await api.modelText(mine, revision);
    const history = await api.revisions(mine);
    if (mine !== version) return;
    byId("yaml-text").value = text;
    stored = history.revisions;
    byId("yaml-name").value = stored.length ? mine : `my_${mine}`;
    byId("yaml-retire").hidden = stored.length === 0;
    showHistory();
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    problem(error.message);
  }
}

async function save() {
  problem();
  const [name, comment] = [byId("yaml-name").value.trim(), byId("yaml-comment").value.trim()];
  if (!name) {
    problem("A name is needed, such as my_plant.");
    byId("yaml-name").focus();
    return;
  }
  byId("yaml-save").disabled = true;
  try {
    const { data } = await api.storeModel({ name, content: byId("yaml-text").value, ...(comment ? { comment } : {}) });
    announce(`Saved as revision ${data.revision}`);
    note(`Saved as revision ${data.revision}: ${number(data.price, 5)} ${data.unit ?? ""}`);
    byId("yaml-comment").value = "";
    version = null;
    onStored(data.version);
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    problem(error.message);
    goTo(error.message);
  } finally {
    byId("yaml-save").disabled = false;
  }
}

/** The cursor to the place the server names: `my_plant.yaml:12:3: ...`. */
function goTo(message) {
  const place = message.match(/:(\d+):(\d+)/);
  if (!place) return;
  const area = byId("yaml-text");
  const lines = area.value.split("\n");
  const at = lines.slice(0, Number(place[1]) - 1).join("\n").length + (place[1] > 1 ? 1 : 0);
  area.focus();
  area.setSelectionRange(at, at + (lines[Number(place[1]) - 1] ?? "").length);
  area.scrollTop = (area.scrollHeight / lines.length) * (Number(place[1]) - 5);
}

async function retire() {
  if (!confirm(`Retire ${version}? It is no longer offered; its revisions stay readable.`)) return;
  try {
    await api.retireModel(version);
    note(`${version} is retired`);
    version = null;
    onRetired();
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    problem(error.message);
  }
}

function showHistory() {
  const list = byId("history-list");
  if (stored.length === 0) {
    byId("history-chart").replaceChildren();
    list.replaceChildren(make("p", { class: "empty" }, "This model comes with the service, or from its folder of models. Change its file and save it under a name of your own: every revision is kept, with its price."));
    return;
  }
  list.replaceChildren(
    make(
      "table",
      {},
      make("thead", {}, make("tr", {}, ...["Revision", "Price", "Saved", ""].map((words) => make("th", { scope: "col" }, words)))),
      make("tbody", {}, ...[...stored].reverse().map(line)),
    ),
  );
  redraw();
}

const line = (item) =>
  make(
    "tr",
    {},
    make("th", { scope: "row" }, String(item.revision), item.comment ? make("small", {}, ` ${item.comment}`) : ""),
    make("td", {}, number(item.price, 5)),
    make("td", {}, moment(item.timestamp)),
    make("td", {}, button("Open", async () => {
      await read(item.revision);
      byId("tab-yaml").click();
    }, "small")),
  );

/** Draw the prices of the revisions anew, at the panel's new width. */
export function redraw() {
  if (stored.length < 2) return byId("history-chart").replaceChildren();
  curves(
    byId("history-chart"),
    stored.map((item) => item.revision),
    [{ title: "price by revision", values: stored.map((item) => item.price) }],
    { label: "Price of each revision", ends: (value) => (Number.isInteger(value) ? String(value) : "") },
  );
}
