/** The page of one plant: its values, its price, and what would change it. */

import * as api from "./api.js";
import { byId } from "./dom.js";
import * as models from "./models.js";
import * as audit from "./plant_audit.js";
import * as file from "./plant_file.js";
import * as price from "./plant_price.js";
import * as slopes from "./plant_slopes.js";
import * as state from "./plant_state.js";
import * as values from "./plant_values.js";
import * as variants from "./plant_variants.js";

const SETTLE_MS = 200; // typing on: price the plant when it has come to rest
let settling = 0;

/** What a plant is called: its model, its variant, and how much was changed. */
function titleOf(plant) {
  const changed = Object.entries(plant.overrides ?? {});
  const title = models.titleOf(plant.version, plant.extension);
  if (changed.length === 0) return title;
  const [name, value] = changed[0];
  const first = `${models.labelOf(plant.version, name)} ${String(value).replaceAll("_", " ")}`;
  return `${title}: ${first}${changed.length > 1 ? ` and ${changed.length - 1} more` : ""}`;
}

async function refresh() {
  const found = await price.show(state.plant());
  byId("keep").disabled = !found;
  if (!found) return;
  const list = found.audit ?? found.price_data.audit ?? found.metadata.audit ?? [];
  if (state.changes() === 0) values.showConventions(list);
  audit.show(list, found.metadata.unit);
  await slopes.show();
}

function changed() {
  clearTimeout(settling);
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

function tabs() {
  const all = [...document.querySelectorAll("[role=tab]")];
  const open = (tab) => {
    for (const one of all) {
      one.setAttribute("aria-selected", String(one === tab));
      one.tabIndex = one === tab ? 0 : -1;
      byId(one.getAttribute("aria-controls")).hidden = one !== tab;
    }
    file.redraw();
  };
  all.forEach((tab, index) => {
    tab.addEventListener("click", () => open(tab));
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = all[(index + step + all.length) % all.length];
      open(next);
      next.focus();
    });
  });
}

function wire() {
  tabs();
  byId("find").addEventListener("input", values.filter);
  byId("show-all").addEventListener("change", values.filter);
  byId("slope-input").addEventListener("change", slopes.show);
  byId("undo").addEventListener("click", () => {
    state.undo();
    values.show(models.inputs());
    byId("find").focus();
  });
  state.whenChanged(changed);
  variants.start({ label: models.labelOf, title: titleOf });
  file.start({ stored: (version) => models.reload(version), retired: () => models.reload("1") });
  new ResizeObserver(() => {
    price.redraw();
    variants.redraw();
    slopes.redraw();
    file.redraw();
  }).observe(byId("price"));
}

wire();
try {
  await models.load(show);
} catch (error) {
  if (!(error instanceof api.ApiError)) throw error;
  byId("model-about").textContent = `The models could not be read: ${error.message} Load the page again.`;
}
