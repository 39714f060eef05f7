/** Finished runs side by side: figures, settings that differ, and how alike their findings are. */

import * as api from "../api.js";
import { byId, make } from "../dom.js";
import { aligned as evenly, count, number } from "../format.js";
import { show as draw } from "../pictures.js";
import { aligned } from "./pictures/aligned.js";
import { likenessOfRuns } from "./pictures/likeness.js";
import { isLikelihood, likelihood, said } from "./pictures/outcome.js";
import { settingOf, titleOf } from "./words.js";

const COLOURS = ["accent", "high", "low", "warm", "good", "bad"];
let forget = () => {};
let turn = 0; // a later comparison drops the answers for an earlier one

/** Hide the comparison. */
export function close() {
  turn += 1;
  forget();
  forget = () => {};
  byId("compare").hidden = true;
  if (location.hash.startsWith("#compare=")) history.replaceState(null, "", location.pathname + location.search);
}

const words = (value) => {
  if (value === null || value === undefined) return "–";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return Number.isSafeInteger(value) ? count(value) : number(value, Math.abs(value) < 1e-4 ? 3 : 7);
  return typeof value === "string" ? value : JSON.stringify(value);
};

/** More runs than this have more pairs than sentences can tell. */
const FEW = 4;

const folded = (title, ...inside) => make("details", { class: "table" }, make("summary", {}, title), ...inside);

const head = (runs) =>
  make("thead", {}, make("tr", {}, make("td", {}), ...runs.map(({ id, name, colour }) =>
    make("th", { scope: "col" }, make("span", { class: "run-colour", "data-colour": colour }), make("a", { href: `#run=${encodeURIComponent(id)}` }, name)))));

/** Numbers beside each other have as many decimals. */
function written(name, values) {
  const numbers = Object.values(values).filter((value) => Number.isFinite(value));
  if (isLikelihood(name)) return (value) => (Number.isFinite(value) ? likelihood(value) : words(value));
  const most = Math.max(...numbers.map(Math.abs), 0);
  if (most < 1e-4 || numbers.every(Number.isInteger)) return words;
  const even = evenly(most, 5);
  return (value) => (Number.isFinite(value) ? even(value) : words(value));
}

function sheet(title, runs, list, nameOf) {
  return make("div", { class: "compare-table", tabindex: "0", role: "region", "aria-label": title }, make("table", {}, head(runs),
    make("tbody", {}, ...list.map((row) => make("tr", {}, make("th", { scope: "row" }, nameOf(row)),
      ...runs.map(({ id }) => make("td", row.best === id ? { class: "better" } : {}, written(row.metric ?? "", row.values)(row.values[id]), row.best === id ? make("span", { class: "hidden" }, " (best)") : null)))))));
}

/** Rows that at least two of the runs share, and folded away those of one alone. */
function rows(title, runs, list, nameOf) {
  const shared = (row) => runs.filter(({ id }) => row.values[id] !== null && row.values[id] !== undefined).length > 1;
  const rest = list.filter((row) => !shared(row));
  const alone = `${rest.length} that only one of the runs has`;
  return [
    make("h3", {}, title),
    ...(rest.length < list.length ? [sheet(title, runs, list.filter(shared), nameOf)] : []),
    ...(rest.length > 0 ? [folded(alone, sheet(alone, runs, rest, nameOf))] : []),
  ];
}

/** How alike each two of the runs are, in a sentence. */
function alike(runs, { one, other, mean_congruence: congruence, adjusted_rand: rand, similarity_correlation: correlation }) {
  const nameOf = (id) => runs.find((run) => run.id === id)?.name ?? id;
  const told = [
    Number.isFinite(congruence) ? `dimensions agree at ${number(congruence, 3)} (1: the same)` : "",
    Number.isFinite(rand) ? `households are grouped alike at ${number(rand, 3)} (adjusted Rand index; 1: the same, 0: by chance)` : "",
    Number.isFinite(correlation) ? `similarities of products correlate at ${number(correlation, 3)}` : "",
  ].filter(Boolean);
  return told.length > 0 ? make("li", {}, make("b", {}, `${nameOf(one)} and ${nameOf(other)}: `), `${told.join("; ")}.`) : null;
}

/** Pictures of each two runs whose dimensions answer to each other. */
const pairs = (told, runs, results) =>
  told.likeness.filter(({ congruence }) => congruence).slice(0, 6).map((found) => aligned(
    { ...runs.find(({ id }) => id === found.one), result: results.get(found.one) },
    { ...runs.find(({ id }) => id === found.other), result: results.get(found.other) }, found.congruence)).filter(Boolean);

/**
 * Compare finished runs.
 * @param {string[]} ids two or more
 */
export async function show(ids) {
  const mine = ++turn;
  const body = byId("compare-body");
  byId("compare").hidden = false;
  body.replaceChildren(make("p", { class: "muted" }, "Comparing …"));
  try {
    const { data: told } = await api.result("GET", `api/v1/runs/compare?ids=${ids.map(encodeURIComponent).join(",")}`);
    const results = new Map(await Promise.all(told.runs.map(async (id) => [id, await api.getResult(id)])));
    if (mine !== turn) return;
    const runs = told.runs.map((id, index) => ({ id, name: told.names[id] ?? `${titleOf(results.get(id).model_type)} (${index + 1})`, colour: COLOURS[index % COLOURS.length] }));
    history.replaceState(null, "", `#compare=${ids.map(encodeURIComponent).join(",")}`);
    const likeness = told.likeness.map((found) => alike(runs, found)).filter(Boolean);
    const sentences = make("ul", { class: "alike" }, ...likeness);
    const box = make("div", { class: "pictures" });
    body.replaceChildren(
      ...told.warnings.map((item) => make("p", { class: "warning" }, item.message ?? item)),
      ...rows("Figures", runs, told.metrics, ({ metric }) => said(metric)),
      ...(told.parameters.length > 0 ? rows("Settings that differ", runs, told.parameters, ({ parameter }) => settingOf(parameter)) : []),
      ...(likeness.length > 0 ? [make("h3", {}, "How alike they are"), runs.length > FEW ? folded("In words", sentences) : sentences] : []),
      box);
    forget();
    forget = await draw(box, [runs.length > FEW ? likenessOfRuns(runs, told.likeness) : null, ...pairs(told, runs, results)].filter(Boolean));
    if (mine !== turn) forget();
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    if (mine === turn) body.replaceChildren(make("p", { class: "problem" }, error.message));
  }
}
