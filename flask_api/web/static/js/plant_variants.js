/** Plants side by side: what each costs beside the first, and which change did it. */

import * as api from "./api.js";
import { announce, byId, make } from "./dom.js";
import { compact, number } from "./format.js";
import { waterfall } from "./plant_charts.js";
import * as state from "./plant_state.js";
import { choiceName } from "./plant_words.js";

const MOST = 12; // drivers in the picture; the rest is one bar

let kept = []; // {id, plant, title, model}; the first is what the others are compared with
let answer = null;
let chosen = null; // the variant whose waterfall is on show
let asked = 0;
let titleOf = (plant) => plant.version;
let unitOf = () => undefined;

/**
 * @param {{title: (plant: object) => string, unit: (version: string, name: string) => ?string}}
 *   words what a plant is called, in full; the unit its file has for an input
 */
export function start(words) {
  titleOf = words.title;
  unitOf = words.unit;
  byId("keep").addEventListener("click", keep);
}

async function keep() {
  const plant = state.plant();
  const same = kept.find((item) => JSON.stringify(item.plant) === JSON.stringify(plant));
  if (same) return say(`This plant is kept already, as ${same.title}.`);
  const before = kept;
  kept = [...kept, { id: `plant ${Date.now()}`, plant, title: free(titleOf(plant)), model: titleOf({ version: plant.version }) }];
  byId("keep").disabled = true;
  if (!(await compare())) kept = before;
  else if (kept.length > 1) chosen = kept.at(-1).id;
  byId("keep").disabled = false;
  build();
}

/** A title no other variant has. */
function free(title) {
  let [found, next] = [title, 2];
  while (kept.some((item) => item.title === found)) found = `${title} (${next++})`;
  return found;
}

/** Beside a first of the same model, its name goes without saying. */
function shortTitle({ title, model, plant }) {
  if (plant.version !== kept[0].plant.version || title === kept[0].title) return title;
  return title === model ? "as in the file" : title.slice(model.length).replace(/^[,:] /, "");
}

function say(message = "") {
  byId("variants-problem").textContent = message;
  byId("variants-problem").hidden = message === "";
}

/** Ask for the comparison of those kept; false if there is none, which is said. */
async function compare() {
  say();
  const mine = ++asked;
  const [base, ...others] = kept;
  if (!base) {
    answer = null;
    return true;
  }
  // Alone, the first is compared with itself: that gives its price.
  // What a variant leaves out it has from the base: say it all.
  const whole = ({ id, plant }) => ({ id, extension: "", overrides: {}, ...plant });
  const variants = (others.length ? others : [base]).map(whole);
  try {
    const { data } = await api.compared(base.plant, variants);
    if (mine === asked) answer = data;
    if (others.length) announce(`${kept.length} variants compared`);
    return true;
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    say(error.message);
    return false;
  }
}

/** Compare anew: a model's file has changed, or been retired. */
export async function refresh() {
  if (kept.length && (await compare())) build();
}

async function remove(id) {
  kept = kept.filter((item) => item.id !== id);
  if (!kept.slice(1).some((item) => item.id === chosen)) chosen = kept.length > 1 ? kept.at(-1).id : null;
  byId("variants").focus();
  if (await compare()) build();
}

function build() {
  byId("variants-empty").hidden = kept.length > 0;
  byId("variants-table").replaceChildren(...(kept.length && answer ? [table()] : []));
  redraw();
}

function table() {
  const head = ["Plant", "Price", "Difference", "NPV at the first's price", make("span", { class: "hidden" }, "Remove")];
  return make(
    "table",
    {},
    make("thead", {}, make("tr", {}, ...head.map((words) => make("th", { scope: "col" }, words)))),
    make("tbody", {}, ...kept.map((item, index) => line(item, index === 0))),
  );
}

function line(item, first) {
  const { id } = item;
  const title = shortTitle(item);
  const found = first ? { price: answer.base_price, unit: answer.metadata.unit } : (answer.comparisons[id] ?? {});
  const open = make("button", { type: "button", class: "job-name", "aria-pressed": String(chosen === id), onclick: () => choose(id) }, title);
  const name = make("th", { scope: "row" }, first ? make("span", { class: "job-name" }, title, make("small", {}, " the first")) : open);
  const away = make("button", { type: "button", class: "small", "aria-label": `Remove ${title}`, title: "Remove", onclick: () => remove(id) }, "✕");
  return make("tr", { class: chosen === id ? "here" : null }, name, ...cells(found, first), make("td", {}, away));
}

function cells({ error, price, unit = "", price_difference: more, percentage_change: share, impact_metrics: impact }, first) {
  if (error) return [make("td", { colspan: 3, class: "words" }, make("span", { class: "bad" }, error.message ?? String(error)))];
  const cost = make("td", {}, number(price, 5), make("small", {}, unit));
  if (first) return [cost, make("td", {}), make("td", {})];
  if (unit !== answer.metadata.unit) return [cost, make("td", { colspan: 2, class: "words" }, make("small", {}, "sold in another unit"))];
  return [cost, make("td", {}, signed(more), make("small", {}, signed(share, 3, " %"))), make("td", {}, money(impact?.npv_impact))];
}

const signed = (value, digits = 4, unit = "") => (Number.isFinite(value) ? `${value > 0 ? "+" : ""}${number(value, digits)}${unit}` : "–");
const money = (value) => (Number.isFinite(value) ? `${compact(value)}${Math.abs(value) >= 1000 ? "" : " "}$` : "–");

function choose(id) {
  chosen = id;
  build();
  byId("variants-table").querySelector("[aria-pressed=true]")?.focus();
}

/** What a driver did: its name, and from what to what. */
function driverName({ input, label, unit: bare, base_value: from, variant_value: to }) {
  const unit = unitOf(kept[0].plant.version, input) ?? bare;
  const words = (value) => (typeof value === "number" ? compact(value, 5) : choiceName(input, value));
  return `${label ?? input}: ${words(from)} → ${words(to)}${typeof to === "number" && unit ? ` ${unit}` : ""}`;
}

/** Draw the waterfall of the chosen variant anew. */
export function redraw() {
  const found = answer?.comparisons[chosen];
  const drivers = found?.unit === answer?.metadata.unit ? (found?.drivers ?? []) : [];
  byId("waterfall-figure").hidden = kept.length < 2 || drivers.length === 0;
  if (byId("waterfall-figure").hidden) return;
  const [base, variant] = [kept[0], kept.find((item) => item.id === chosen)];
  byId("waterfall-title").textContent = `From ${base.title} to ${shortTitle(variant)}`;
  const silent = drivers.filter((driver) => driver.contribution === 0);
  const sorted = drivers.filter((driver) => driver.contribution !== 0).sort((a, b) => Math.abs(b.contribution) - Math.abs(a.contribution));
  const [most, rest] = [sorted.slice(0, MOST), sorted.slice(MOST)];
  const rows = most.map((driver) => ({ name: driverName(driver), value: driver.contribution }));
  if (rest.length) rows.push({ name: `${rest.length} others`, value: rest.reduce((sum, driver) => sum + driver.contribution, 0) });
  waterfall(byId("waterfall"), [{ name: base.title, value: answer.base_price, total: true }, ...rows, { name: shortTitle(variant), value: found.price, total: true }], {
    unit: answer.metadata.unit ?? "",
    label: rows.length ? `${rows[0].name} moves the price most, by ${number(rows[0].value)}` : "No change moves the price",
    cut: true,
  });
  const nothing = silent.length ? ` Without effect: ${silent.map(driverName).join("; ")}.` : "";
  byId("waterfall-note").textContent = byShares(found.attribution) + nothing;
}

/** How the difference was split. */
function byShares({ method, permutations } = {}) {
  const how = method === "exact" ? "over every order in which they could be made" : `over ${number(permutations)} random orders`;
  return `Each bar is what the change does on average, ${how} (Shapley values): together they are the difference.`;
}
