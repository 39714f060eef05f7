/** Plants side by side: what each costs beside the first, and which change did it. */

import * as api from "./api.js";
import { announce, byId, make } from "./dom.js";
import { number, percent } from "./format.js";
import { waterfall } from "./plant_charts.js";
import * as state from "./plant_state.js";

let kept = []; // {id, plant, title}; the first is what the others are compared with
let answer = null;
let chosen = null; // the variant whose waterfall is on show
let labelOf = (name) => name;
let titleOf = (plant) => plant.version;

/** @param {{label: (version: string, name: string) => string, title: (plant: object) => string}} words */
export function start(words) {
  labelOf = words.label;
  titleOf = words.title;
  byId("keep").addEventListener("click", keep);
}

function keep() {
  const plant = state.plant();
  const same = kept.find((item) => JSON.stringify(item.plant) === JSON.stringify(plant));
  if (same) return say(`This plant is kept already, as ${same.title}.`);
  const title = free(titleOf(plant));
  kept.push({ id: `plant ${Date.now()}-${kept.length}`, plant, title });
  if (kept.length > 1) chosen = kept.at(-1).id;
  return compare();
}

/** A title no other variant has. */
function free(title) {
  let [found, next] = [title, 2];
  while (kept.some((item) => item.title === found)) found = `${title} (${next++})`;
  return found;
}

function say(message = "") {
  byId("variants-problem").textContent = message;
  byId("variants-problem").hidden = message === "";
}

async function compare() {
  say();
  try {
    const [base, ...others] = kept;
    // Alone, the first is compared with itself: that gives its price.
    // What a variant leaves out it has from the base: say it all.
    const whole = ({ id, plant }) => ({ id, extension: "", overrides: {}, ...plant });
    const variants = (others.length ? others : kept.slice(0, 1)).map(whole);
    answer = base ? (await api.compared(base.plant, variants)).data : null;
    build();
    if (kept.length > 1) announce(`${kept.length} variants compared`);
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    kept.pop();
    say(error.message);
  }
}

function remove(id) {
  kept = kept.filter((item) => item.id !== id);
  if (chosen === id || !kept.slice(1).some((item) => item.id === chosen)) chosen = kept.at(-1)?.id ?? null;
  byId("variants").focus();
  return compare();
}

function build() {
  byId("variants-empty").hidden = kept.length > 0;
  byId("variants-table").replaceChildren(...(kept.length && answer ? [table()] : []));
  redraw();
}

function table() {
  const head = ["Plant", "Price", "Difference", "", "NPV at the first's price", ""];
  return make(
    "table",
    {},
    make("thead", {}, make("tr", {}, ...head.map((words) => make("th", { scope: "col" }, words)))),
    make("tbody", {}, ...kept.map((item, index) => line(item, index === 0))),
  );
}

function line({ id, title }, first) {
  const found = first ? { price: answer.base_price } : answer.comparisons[id] ?? {};
  const open = make("button", { type: "button", class: "job-name", "aria-pressed": String(chosen === id), onclick: () => { chosen = id; build(); } }, title);
  return make(
    "tr",
    { class: chosen === id ? "here" : null },
    make("th", { scope: "row" }, first ? title : open),
    make("td", {}, found.error ? make("span", { class: "bad" }, found.error.message ?? String(found.error)) : number(found.price, 5)),
    make("td", {}, first ? "" : number(found.price_difference)),
    make("td", {}, first ? "" : percentOf(found.percentage_change)),
    make("td", {}, first ? "" : number(found.impact_metrics?.npv_impact)),
    make("td", {}, make("button", { type: "button", class: "small", "aria-label": `Remove ${title}`, onclick: () => remove(id) }, "Remove")),
  );
}

const percentOf = (value) => (Number.isFinite(value) ? percent(value / 100, 1) : "–");

/** Draw the waterfall of the chosen variant anew. */
export function redraw() {
  const found = answer?.comparisons[chosen];
  const drivers = found?.drivers ?? [];
  byId("waterfall-figure").hidden = kept.length < 2 || drivers.length === 0;
  if (byId("waterfall-figure").hidden) return;
  const [base] = kept;
  const variant = kept.find((item) => item.id === chosen);
  byId("waterfall-title").textContent = `From ${base.title} to ${variant.title}`;
  const sorted = [...drivers].sort((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution));
  const [most, rest] = [sorted.slice(0, 12), sorted.slice(12)];
  const rows = most.map((driver) => ({ name: labelOf(base.plant.version, driver.input), value: driver.contribution }));
  if (rest.length) rows.push({ name: `${rest.length} others`, value: rest.reduce((sum, driver) => sum + driver.contribution, 0) });
  waterfall(
    byId("waterfall"),
    [{ name: base.title, value: answer.base_price, total: true }, ...rows, { name: variant.title, value: found.price, total: true }],
    answer.metadata?.unit ?? "",
    `${rows[0].name} moves the price most, by ${number(rows[0].value)}`,
  );
}
