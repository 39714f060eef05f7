/** The conventions of the plant as selects, each choice with what it does to the price. */

import { byId, make } from "./dom.js";
import { number } from "./format.js";
import * as state from "./plant_state.js";
import { choiceName, conventionName } from "./plant_words.js";

/** What requests call a convention where that is not its own name. */
const OVERRIDE = { depreciation: "depreciation_method" };
const overrideOf = (convention) => OVERRIDE[convention] ?? convention;

const key = (choice) => JSON.stringify(choice);
let rows = new Map(); // convention -> {select, order, own}
let plant = "";

/**
 * Show what the price rests on. Selects that are there stay, and with them the focus.
 * @param {{convention: string, chosen: *, choices: {choice: *, difference: ?number}[]}[]} audit
 */
export function show(audit) {
  const { version, extension = "" } = state.plant();
  if (plant !== `${version} ${extension}`) {
    plant = `${version} ${extension}`;
    rows = new Map();
    byId("conventions").replaceChildren();
  }
  for (const item of audit) fill(rows.get(item.convention) ?? row(item.convention), item);
}

function row(convention) {
  const select = make("select", { id: `convention-${convention}` });
  const found = { select, order: [], own: undefined };
  select.addEventListener("change", () => {
    const choice = found.order[select.selectedIndex];
    state.set(overrideOf(convention), key(choice) === key(found.own) ? undefined : choice);
  });
  const field = make("label", { class: "field" }, make("span", {}, conventionName(convention), make("small", {}, ` ${convention}`)), select);
  rows.set(convention, found);
  byId("conventions").append(field);
  return found;
}

function fill(found, { convention, chosen, choices }) {
  const { select } = found;
  // Without an override the choice is the file's: what gives it back is no override either.
  const changed = state.override(overrideOf(convention)) !== undefined;
  if (!changed) found.own = chosen;
  for (const choice of [chosen, ...choices.map((other) => other.choice), found.own]) {
    const known = found.order.some((one) => key(one) === key(choice));
    if (choice !== undefined && !known) found.order.push(choice);
  }
  const difference = (choice) => choices.find((other) => key(other.choice) === key(choice))?.difference;
  const says = (choice) => `${choiceName(convention, choice)}${signed(difference(choice))}`;
  const now = found.order.findIndex((choice) => same(choice, chosen));
  select.replaceChildren(...found.order.map((choice, k) => make("option", {}, k === now ? choiceName(convention, choice) : says(choice))));
  select.selectedIndex = now;
  select.closest(".field").classList.toggle("changed", changed);
}

/** One method for all classes is what the audit tells class by class. */
function same(choice, chosen) {
  if (key(choice) === key(chosen)) return true;
  if (typeof choice === "object" || typeof chosen !== "object" || chosen === null) return false;
  return Object.values(chosen).every((one) => one === choice);
}

const signed = (difference) =>
  Number.isFinite(difference) && difference !== 0 ? ` (${difference > 0 ? "+" : ""}${number(difference, 3)})` : "";

/** The plant has no price: what the choices would do to it is not known. */
export function forget() {
  for (const { select } of rows.values()) {
    for (const option of select.options) option.textContent = option.textContent.replace(/ \([+-].*\)$/, "");
  }
}
