/** The catalogue of models: choosing one, its variant, and what is known about it. */

import * as api from "./api.js";
import { byId, make } from "./dom.js";
import { number } from "./format.js";
import * as formula from "./formula.js";

let catalogue = [];
let wanted = ""; // the variant to choose with the next model
let asked = 0; // the newest question for a price; answers to older ones are dropped

const found = (version) => catalogue.find((model) => model.version === version);

/** What stands in the catalogue's place for a formula of the user's own. */
const OWN = { version: formula.FORMULA, title: "Formula", inputs: [], extensions: [] };

/** Is the model a formula of the user's own? */
export const isFormula = () => byId("version").value === formula.FORMULA;

/** The chosen model's catalogue entry. */
export const model = () => (isFormula() ? OWN : found(byId("version").value));

/** Does the server have this model, in one piece? */
export const known = (version) => Boolean(found(String(version))) && !found(String(version)).error;

/** Does a model have this variant? */
export const hasVariant = (version, variant) => Boolean(found(String(version))?.extensions.some((item) => item.name === variant));

/** The outputs of the chosen model: name and what it is called. */
export const outputs = () => (isFormula() ? formula.outputs()
  : [["price", "Price"], ["npv", "Net present value"], ["irr", "Rate of return"]]);

/** The chosen variant's name, or "" for none. */
export const extension = () => byId("extension").value;

/** A model's title by version, for lists; the version itself where it is unknown. */
export function titleOf(version, variant = "") {
  if (version === formula.FORMULA) return OWN.title;
  const entry = found(String(version));
  const title = entry ? named(entry) : `Version ${version}`;
  const other = entry?.extensions.find((item) => item.name === variant);
  return variant ? `${title}, ${other?.title ?? variant}` : title;
}

const inputOf = (version, name) =>
  found(String(version ?? 1))?.inputs.find((input) => input.name === name || (name && input.s_number === name));

/** An input's label in a model, or its bare name. `name`: its name or its S-number. */
export const labelOf = (version, name) => inputOf(version, name)?.label ?? name;

/** An input's unit in a model's file; nothing where the file does not name it. */
export const unitOf = (version, name) => inputOf(version, name)?.unit;

/** The unit of a model's price, such as $/kg. */
export function priceUnit(version) {
  const unit = found(String(version ?? 1))?.product_unit;
  return unit ? `$/${unit}` : "";
}

/** The chosen model's inputs, with the values its chosen variant sets. */
export function inputs() {
  if (isFormula()) return formula.inputs();
  const entry = model();
  const changed = entry.extensions.find((item) => item.name === extension())?.inputs ?? {};
  return entry.inputs
    .filter((input) => Number.isFinite(input.value))
    .map((input) => {
      const value = changed[input.name]?.value ?? changed[input.name];
      // The file's distribution is centred on the file's value, not on the variant's.
      return Number.isFinite(value) && value !== input.value
        ? { ...input, value, distribution: null }
        : input;
    });
}

/**
 * Fill the two selects from the server.
 * @param {() => void} onChange another model or variant was chosen
 * Raises ApiError.
 */
export async function load(onChange) {
  catalogue = await api.models();
  const select = byId("version");
  fillVersions();
  select.disabled = false;
  const last = recall();
  if (found(last) && !found(last).error) select.value = last;
  select.addEventListener("change", () => chosen(onChange));
  byId("extension").addEventListener("change", () => {
    showAbout();
    onChange();
  });
  chosen(onChange);
}

/** A title, and the version beside it where another model has the same title. */
function named({ title, version }) {
  const alone = catalogue.filter((entry) => entry.title === title).length === 1;
  return alone ? title : `${title} (${version})`;
}

function fillVersions() {
  byId("version").replaceChildren(
    ...catalogue.map((entry) =>
      make("option", { value: entry.version, disabled: Boolean(entry.error) }, named(entry)),
    ),
    // only the page with the field for it takes formulas
    ...(byId("formula-field") ? [make("option", { value: formula.FORMULA }, "A formula of your own")] : []),
  );
}

/** Choose a model and a variant, as if the user had. */
export function choose(version, variant = "") {
  wanted = variant;
  byId("version").value = String(version);
  byId("version").dispatchEvent(new Event("change"));
}

function chosen(onChange) {
  if (!isFormula()) remember(byId("version").value);
  if (byId("formula-field")) byId("formula-field").hidden = !isFormula();
  showVariants();
  showAbout();
  onChange();
}

/**
 * Read the catalogue anew and choose a model: it has just been stored, or another retired.
 * @param {string} version
 * @param {string} [variant] chosen where the model has it
 */
export async function reload(version, variant = "") {
  catalogue = await api.models();
  fillVersions();
  const whole = catalogue.filter((entry) => !entry.error);
  byId("version").value = (whole.find((entry) => entry.version === version) ?? whole[0]).version;
  wanted = variant;
  byId("version").dispatchEvent(new Event("change"));
}

function showVariants() {
  const variants = model().extensions;
  byId("extension").replaceChildren(
    make("option", { value: "" }, "as in the file"),
    ...variants.map((item) => make("option", { value: item.name }, item.title ?? item.name)),
  );
  if (variants.some((item) => item.name === wanted)) byId("extension").value = wanted;
  wanted = "";
  byId("extension-field").hidden = variants.length === 0;
}

function showAbout() {
  const entry = model();
  const variant = entry.extensions.find((item) => item.name === extension());
  const broken = catalogue.filter((item) => item.error);
  if (isFormula()) {
    byId("model-about").textContent = "One formula, or several as name = formula, one a line. Every other name in it becomes an input.";
    asked += 1; // no price: an answer on its way is for another model
    byId("model-price").hidden = true;
    return;
  }
  byId("model-about").replaceChildren(
    ...[entry.description, variant?.description].filter(Boolean).join(" ").split("\n"),
    entry.source ? make("details", {}, make("summary", {}, "Source"), make("p", {}, entry.source)) : "",
    ...broken.map((item) => make("p", { class: "bad" }, `${item.version}: ${item.error}`)),
  );
  showPrice();
}

async function showPrice() {
  if (!byId("model-price")) return; // a page that shows the price in its own place
  const turn = ++asked;
  const box = byId("model-price");
  const say = (...parts) => {
    if (turn !== asked) return;
    box.replaceChildren(...parts);
    box.hidden = parts.length === 0;
  };
  say();
  try {
    const answer = await api.price(model().version, extension());
    const value = answer.price_data?.current_price;
    if (!Number.isFinite(value)) return; // 202: a busy server; the price is a courtesy
    say("Minimum selling price: ", make("b", {}, `${number(value, 5)} ${priceUnit(model().version)}`));
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    say(`No price: ${error.message}`);
  }
}

function remember(version) {
  try {
    localStorage.setItem("model", version);
  } catch {
    // storage is forbidden here: the first model is chosen next time
  }
}

function recall() {
  try {
    return localStorage.getItem("model");
  } catch {
    return null;
  }
}
