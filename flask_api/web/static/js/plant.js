/** The page of one plant: its values, its price, and what would change it. */

import * as api from "./api.js";
import { announce, byId } from "./dom.js";
import { number } from "./format.js";
import * as models from "./models.js";
import * as audit from "./plant_audit.js";
import * as conventions from "./plant_conventions.js";
import * as file from "./plant_file.js";
import * as history from "./plant_history.js";
import * as price from "./plant_price.js";
import * as slopes from "./plant_slopes.js";
import * as state from "./plant_state.js";
import { start as tabs } from "./plant_tabs.js";
import * as values from "./plant_values.js";
import * as variants from "./plant_variants.js";
import { choiceName, conventionName } from "./plant_words.js";

const SETTLE_MS = 200; // typing on: price the plant when it has come to rest
let settling = 0;

const isInput = (name) => models.inputs().some((input) => input.name === name);

/** What a plant is called: its model, its variant, and what was changed first. */
function titleOf(plant) {
  const changed = Object.entries(plant.overrides ?? {});
  const title = models.titleOf(plant.version, plant.extension);
  if (changed.length === 0) return title;
  const [name, value] = changed[0];
  const label = isInput(name) ? models.labelOf(plant.version, name) : conventionName(name.replace(/^depreciation_method$/, "depreciation"));
  const first = `${label} = ${typeof value === "number" ? number(value, 6) : choiceName(name, value)}`;
  return `${title}: ${first}${changed.length > 1 ? ` and ${changed.length - 1} more` : ""}`;
}

async function refresh() {
  try {
    const found = await price.show(state.plant());
    if (found === null) return; // something newer is under way
    values.refused();
    const measure = price.measureOf(found);
    const list = found.price_data.audit ?? [];
    conventions.show(list);
    audit.show(list, measure.unit, measure.name);
    byId("keep").disabled = false;
    announce(`${measure.title}: ${number(measure.value, 5)} ${measure.unit}`);
    await slopes.show();
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    values.refused(error.details);
    conventions.forget();
    audit.show([], "");
    slopes.clear();
    byId("keep").disabled = true;
  }
}

function changed() {
  values.count();
  clearTimeout(settling);
  price.expect();
  settling = setTimeout(refresh, SETTLE_MS);
}

/** Another model or variant: everything is shown anew. */
function show() {
  const { version } = models.model();
  state.choose(version, models.extension());
  values.show(models.inputs());
  slopes.offer(models.inputs());
  file.show(version);
}

/** The changes as a variant in the file's text. */
function write() {
  const { version, extension = "", overrides } = state.plant();
  const entry = models.model();
  file.write({
    title: titleOf({ version, overrides }).slice(titleOf({ version }).length + 2),
    extends: extension,
    overrides,
    conventions: Object.keys(overrides).filter((name) => !isInput(name) && name in entry.conventions),
    classes: Object.fromEntries(entry.depreciation.map(({ name, share }) => [name, share])),
    taken: entry.extensions.map(({ name }) => name),
  });
}

function wire() {
  tabs(history.redraw);
  byId("find").addEventListener("input", values.filter);
  byId("show-all").addEventListener("change", values.filter);
  byId("slope-input").addEventListener("change", slopes.show);
  byId("write").addEventListener("click", write);
  byId("undo").addEventListener("click", () => {
    state.undo();
    values.show(models.inputs());
    byId("find").focus();
  });
  state.whenChanged(changed);
  variants.start({ title: titleOf, unit: models.unitOf });
  const reread = async (version, extension = "") => {
    await models.reload(version, extension);
    await variants.refresh();
  };
  file.start({ stored: reread, retired: () => reread("1") });
  const redraw = () => [price, variants, slopes, history].forEach((part) => part.redraw());
  new ResizeObserver(redraw).observe(byId("price"));
}

wire();
try {
  await models.load(show);
} catch (error) {
  if (!(error instanceof api.ApiError)) throw error;
  byId("model-about").textContent = `The models could not be read: ${error.message} Load the page again.`;
}
