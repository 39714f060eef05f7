/** The model's file: read, changed, checked, saved as a revision. */

import * as api from "./api.js";
import { announce, byId } from "./dom.js";
import { number } from "./format.js";
import * as history from "./plant_history.js";
import { freeName, withVariant } from "./plant_write.js";

let version = null; // whose file is on show
let reading = Promise.resolve(); // done when the text is there
let origin = ""; // its text as the server gave it
let saved = []; // its revisions, oldest first
const drafts = new Map(); // version -> text that was changed and not saved
let listeners = { stored: () => {}, retired: () => {} };

/**
 * @param {{stored: (version: string, extension: string) => void,
 *          retired: () => void}} found called when the catalogue has changed
 */
export function start(found) {
  listeners = found;
  byId("yaml-save").addEventListener("click", save);
  byId("yaml-reload").addEventListener("click", () => {
    drafts.delete(version);
    read();
  });
  byId("yaml-retire").addEventListener("click", retire);
  const area = byId("yaml-text");
  area.addEventListener("input", () => {
    drafts.set(version, area.value);
    if (area.value === origin) drafts.delete(version);
  });
  for (const event of ["input", "click", "keyup", "focus"]) area.addEventListener(event, where);
}

/** Show the file and the history of a version. */
export async function show(name) {
  if (name === version) return;
  version = name;
  reading = read();
  await reading;
}

function problem(message = "", field = "yaml-text") {
  byId("yaml-problem").textContent = message;
  byId("yaml-problem").hidden = message === "";
  for (const one of ["yaml-text", "yaml-name", "yaml-comment"]) byId(one).removeAttribute("aria-invalid");
  if (message) byId(field).setAttribute("aria-invalid", "true");
}

const say = (words = "") => (byId("yaml-said").textContent = words);

async function read(revision = null) {
  problem();
  say();
  const mine = version;
  try {
    const [text, found] = await Promise.all([api.modelText(mine, revision), api.revisions(mine)]);
    if (mine !== version) return;
    origin = text;
    const draft = revision === null ? drafts.get(mine) : undefined;
    byId("yaml-text").value = draft ?? text;
    saved = found.revisions;
    byId("yaml-name").value = saved.length ? mine : `my_${mine}`;
    byId("yaml-retire").hidden = saved.length === 0;
    if (draft !== undefined) say("With your changes, which are not saved. Read again drops them.");
    history.show(saved, { ofFile: saved.length === 0, open });
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    problem(error.message);
  }
}

/** An earlier revision in the editor. */
async function open(revision) {
  await read(revision);
  byId("tab-yaml").click();
  byId("yaml-text").focus();
  say(revision === saved.at(-1).revision ? `Revision ${revision}, the newest.` : `Revision ${revision} of ${saved.length}. Saving makes it the newest.`);
}

async function save() {
  problem();
  const [name, comment] = [byId("yaml-name").value.trim(), byId("yaml-comment").value.trim()];
  if (!name) {
    problem("A name is needed, such as my_plant.", "yaml-name");
    return byId("yaml-name").focus();
  }
  const [mine, last] = [version, saved.at(-1)];
  byId("yaml-save").disabled = true;
  say("Checking …");
  try {
    const { data } = await api.storeModel({
      name,
      content: byId("yaml-text").value,
      ...(comment ? { comment } : {}),
      // Who saved in between is not written over.
      ...(last && name === mine ? { if_match: last.etag } : {}),
    });
    drafts.delete(mine);
    byId("yaml-comment").value = "";
    version = null;
    await listeners.stored(data.version, written);
    const words = told(data);
    written = "";
    say([words, ...data.warnings].join(" "));
    announce(words);
  } catch (error) {
    say();
    if (!(error instanceof api.ApiError)) throw error;
    refuse(error);
  } finally {
    byId("yaml-save").disabled = false;
  }
}

/** What was saved, with its price and that of the variant that was just written. */
function told({ version: name, revision, price, unit, extension_prices: others }) {
  const more = written in others ? `; ${written}: ${number(others[written], 5)}` : "";
  return `Saved as revision ${revision} of ${name}: ${number(price, 5)}${more} ${unit}.`;
}

function refuse(error) {
  const field = ["name", "comment"].find((one) => error.details.some((detail) => detail.field === one));
  problem(error.message.replace(/^content: /, ""), field ? `yaml-${field}` : "yaml-text");
  if (field) byId(`yaml-${field}`).focus();
  else if (error.place) goTo(error.place.line);
}

/** The cursor to a line, which is marked and in sight. */
function goTo(line, lines = 1) {
  const area = byId("yaml-text");
  const all = area.value.split("\n");
  const from = all.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
  area.focus();
  area.setSelectionRange(from, from + all.slice(line - 1, line - 1 + lines).join("\n").length);
  area.scrollTop = (area.scrollHeight / all.length) * (line - 5);
  where();
}

/** Say where the cursor stands: messages name lines. */
function where() {
  const before = byId("yaml-text").value.slice(0, byId("yaml-text").selectionStart).split("\n");
  byId("yaml-at").textContent = `line ${before.length}, column ${before.at(-1).length + 1}`;
}

let written = ""; // the variant that was put into the text last

/**
 * Put what was changed on the page into the text, as a variant of its own.
 * @param {{title: string, extends: string, overrides: object, conventions: string[],
 *          classes: object, taken: string[]}} variant `taken`: names that are in use
 */
export async function write(variant) {
  await reading;
  const area = byId("yaml-text");
  written = freeName([...variant.taken, ...(area.value.match(/variant_\d+/g) ?? [])]);
  const before = area.value.split("\n").length;
  const { text, line } = withVariant(area.value, { ...variant, name: written });
  area.value = text;
  area.dispatchEvent(new Event("input"));
  byId("tab-yaml").click();
  goTo(line, Math.max(text.split("\n").length - before, 1));
  say(`Your changes are in the file as ${written}. Give it a title, and save.`);
}

async function retire() {
  if (!confirm(`Retire ${version}? It is no longer offered; its revisions stay readable.`)) return;
  try {
    await api.retireModel(version);
    announce(`${version} is retired`);
    drafts.delete(version);
    version = null;
    await listeners.retired();
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    problem(error.message);
  }
}
