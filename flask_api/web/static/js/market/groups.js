/** Groups of products or households by where a finished run places them. */

import * as api from "../api.js";
import * as part from "../controls.js";
import { announce, byId, make } from "../dom.js";
import { aligned, count, number } from "../format.js";
import * as offer from "../offer.js";
import { show as draw } from "../pictures.js";
import { over } from "./pictures/shares.js";
import { linkagePicture } from "./pictures/linkage.js";

const KIND = "market.clustering";
const NAMES = {
  method: "Method", on: "Groups of", n_clusters: "How many", linkage_method: "Linkage", max_k: "Try up to",
};
const WORDS = { kmeans: "k-means", hierarchical: "hierarchical", product: "products", household: "households", ward: "Ward" };

let run = null; // the id of the run that is on show
let fields = [];
let forget = () => {};
let turn = 0;

function fieldOf(name) {
  const about = offer.setting(KIND, name);
  const id = `groups-${name.replaceAll("_", "-")}`;
  const inner = about.enum
    ? part.choice(id, () => [about.default, ...about.enum.filter((value) => value !== about.default)].map((value) => [value, WORDS[value] ?? value]))
    : part.number(id, { whole: true, least: about.minimum, most: about.maximum, placeholder: about.default ? String(about.default) : "by silhouette" });
  return { name, ...part.framed({ id, title: NAMES[name] }, inner) };
}

function pictures(told) {
  const tried = told.silhouette_by_k;
  return [
    tried.length > 1
      ? over({
        title: "How many groups", about: "Mean silhouette: how much nearer its own group a point is than the next one; 1 is best.", x: "Groups", y: "silhouette",
        at: tried.map((row) => row.n_clusters), lines: [{ name: "Silhouette", values: tried.map((row) => row.silhouette) }], mark: told.n_clusters, rows: tried,
      })
      : null,
    told.linkage && told.names && told.names.length <= 150 ? linkagePicture(told) : null,
  ].filter(Boolean);
}

const inLine = aligned(1, 4);

const list = (told) =>
  make("table", {},
    make("thead", {}, make("tr", {}, ...["Group", "Size", "Silhouette"].map((name) => make("th", { scope: "col" }, name)), make("th", { scope: "col", class: "words" }, told.names ? "Members" : "Centre"))),
    make("tbody", {}, ...told.clusters.map((row) => make("tr", {}, make("th", { scope: "row" }, `Group ${row.cluster}`), make("td", {}, count(row.size)), make("td", {}, number(row.silhouette, 3)),
      make("td", { class: "words" }, row.members ? row.members.join(", ") : row.centre.map(inLine).join(", "))))));

async function group(event) {
  event.preventDefault();
  const found = [];
  const asked = {};
  for (const field of fields) {
    field.clear();
    const value = field.read(found);
    if (value !== undefined) asked[field.name === "on" ? "embedding" : field.name] = value;
  }
  if (found.length > 0) return;
  const mine = ++turn;
  const body = byId("groups-body");
  body.replaceChildren(make("p", { class: "muted" }, "Grouping …"));
  try {
    const { data: told } = await api.result("POST", `api/v1/runs/${encodeURIComponent(run)}/clustering`, asked);
    if (mine !== turn) return;
    const box = make("div", { class: "pictures" });
    body.replaceChildren(
      ...(told.warnings ?? []).map((item) => make("p", { class: "warning" }, item.message ?? item)),
      make("p", { class: "verdict" }, make("b", {}, `${told.n_clusters} groups`), Number.isFinite(told.silhouette) ? ` with a mean silhouette of ${number(told.silhouette, 3)}.` : "."),
      make("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Groups" }, list(told)), box);
    announce(`${told.n_clusters} groups`);
    forget();
    forget = await draw(box, pictures(told));
    if (mine !== turn) forget();
  } catch (error) {
    if (!(error instanceof api.ApiError)) throw error;
    if (mine === turn) body.replaceChildren(make("p", { class: "problem" }, error.message));
  }
}

/** Offer groups for a finished run; null: hide them. @param {?string} id */
export function offerFor(id) {
  if (id === run) return;
  turn += 1;
  run = id;
  forget();
  forget = () => {};
  byId("groups-body").replaceChildren();
  byId("groups").hidden = id === null;
}

/** Draw the fields; the description of the server has to be there. */
export function start() {
  if (!offer.has(KIND)) return;
  fields = ["on", "method", "n_clusters", "linkage_method", "max_k"].filter((name) => offer.setting(KIND, name)).map(fieldOf);
  const linkage = fields.find(({ name }) => name === "linkage_method");
  const method = fields.find(({ name }) => name === "method");
  const follow = () => (linkage.node.hidden = method.node.querySelector("select").value !== "hierarchical");
  method.node.addEventListener("change", follow);
  follow();
  byId("groups-settings").replaceChildren(...fields.map(({ node }) => node));
  byId("groups-form").addEventListener("submit", group);
}
