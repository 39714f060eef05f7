/** One field for each setting of a model, drawn from what the server says of it. */

import * as part from "../controls.js";
import { make } from "../dom.js";
import { editable } from "../format.js";
import * as offer from "../offer.js";
import * as columns from "./columns.js";
import { rowsOf } from "./rows.js";
import { choiceOf, exampleOf, hintOf, settingOf } from "./words.js";

const sentence = (words) => words.charAt(0).toUpperCase() + words.slice(1);
/** Ids of the page itself: a setting that is called so takes another one. */
const TAKEN = new Set([...document.querySelectorAll("[id]")].map(({ id }) => id));
/** Does it name columns of the data? Its name or its description says so. */
const isColumn = (name, about) => /_columns?$/.test(name) || /^columns? of /i.test(about.description ?? "") || /\bcolumns? \(long\)/.test(about.description ?? "");

/** A number with the server's bounds and default; one that has to be given says its bounds. */
const number = (id, about, name) =>
  part.number(id, {
    whole: about.type === "integer", least: about.minimum ?? about.exclusiveMinimum, most: about.maximum ?? about.exclusiveMaximum,
    placeholder: about.default === undefined && Number.isFinite(about.minimum + about.maximum) ? `${editable(about.minimum)} to ${editable(about.maximum)}` : Number.isFinite(about.default) ? editable(about.default) : about.default === null ? (name === "seed" ? "new each run" : "as needed") : "",
  });

/** Yes or no, and what is taken where nothing is said. */
function truth(id, about) {
  const [usual, other] = about.default ? ["yes", "no"] : ["no", "yes"];
  const inner = part.choice(id, () => [["", usual], [other, other]]);
  return {
    ...inner,
    read: (refuse) => (inner.read(refuse) === undefined ? undefined : other === "yes"),
    write: (value) => inner.write(value === undefined || value === (usual === "yes") ? undefined : other),
  };
}

/** One of several, the usual one first. */
function choice(id, about) {
  const rest = about.enum.filter((value) => value !== null && value !== about.default);
  const usual = about.enum.includes(about.default) && about.default !== null ? choiceOf(about.default) : about.default === undefined ? "choose …" : "as needed";
  const make_ = about.type === "integer" ? part.numericChoice : part.choice;
  return make_(id, () => [["", usual], ...rest.map((value) => [String(value), choiceOf(value)])]);
}

const named = (names) => names.map((name) => [name, name]);
const all = () => (columns.shown()?.columns ?? []).map(({ name }) => name);

/** Names of columns that hold numbers. */
const numbers = () => (columns.shown()?.columns ?? []).filter(({ kind }) => kind !== "text").map(({ name }) => name);

/** A column of the data. */
const column = (id, about) => part.choice(id, () => [["", about.default === undefined ? "choose …" : about.default ?? "none"], ...named(all())]);

/** Covariates: what is ticked here is what the data's columns are taken for, and the other way round. */
function covariates(id) {
  const inner = part.checks(id, () => named(columns.free()));
  const show = () => {
    inner.refresh();
    inner.write(columns.covariates());
    if (columns.free().length === 0) inner.node.replaceChildren(make("span", { class: "muted" }, "The data have no further column of numbers."));
  };
  inner.node.addEventListener("change", (event) => {
    columns.take([event.target.value], event.target.checked ? "covariate" : "none");
  });
  inner.node.classList.add("columns");
  show();
  return { ...inner, refresh: show, write: () => show() };
}

/** What columns called time_bus and time_car have in common: time. */
function stems() {
  const found = new Map();
  for (const name of numbers()) {
    const at = name.lastIndexOf("_");
    if (at > 0) found.set(name.slice(0, at), (found.get(name.slice(0, at)) ?? 0) + 1);
  }
  return [...found].filter(([, times]) => times > 1).map(([stem, times]) => [stem, `${stem} (${times} columns)`]);
}

/** Any number of columns, or of what several are called. */
function several(id, parts) {
  const inner = part.checks(id, () => [...(parts ? stems() : []), ...named(numbers())]);
  inner.node.classList.add("columns");
  return inner;
}

/** What has no field of its own: written as the request writes it. */
function json(id, texts, placeholder = "") {
  return part.text(id, {
    rows: 2, placeholder,
    read(words, refuse) {
      if (!words) return undefined;
      if (/^[\w .-]+$/.test(words) && texts) return words;
      try {
        return JSON.parse(words);
      } catch {
        refuse("this is not JSON; the API's description shows how it is written");
        return undefined;
      }
    },
    write: (value) => (value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value)),
  });
}

let words_ = 0; // fields with words on offer so far

/** A list of words apart by commas. */
function words(id, about) {
  const node = make("input", { id, autocomplete: "off", placeholder: (about.default ?? []).join(", ") || "apart by commas" });
  return {
    node,
    read() {
      const found = node.value.split(",").map((word) => word.trim()).filter(Boolean);
      return found.length > 0 ? found : undefined;
    },
    write(value) {
      node.value = value?.join(", ") ?? "";
    },
  };
}

/** A word; of choices, what could be meant is offered: attributes, and columns of numbers. */
function word(id, about, offered) {
  const list = `${id || "word"}-${++words_}-list`;
  const node = make("input", { id, autocomplete: "off", spellcheck: "false", placeholder: about.default ?? "", list: offered ? list : null });
  const options = make("datalist", { id: list });
  const refresh = () => options.replaceChildren(...(offered ? [...new Set([...stems().map(([stem]) => stem), ...numbers()])] : []).map((value) => make("option", { value })));
  refresh();
  if (offered) document.body.append(options);
  return {
    node, refresh,
    read: () => node.value.trim() || undefined,
    write(value) {
      node.value = value ?? "";
    },
  };
}

/** Rows of small fields, one for each property of an item. */
function objects(id, properties, needed, model) {
  return rowsOf(id, {
    add: "Add one",
    parts: () => Object.entries(properties).map(([name, about]) => {
      const inner = partOf("", name, about, model).inner;
      inner.node.removeAttribute("id");
      if (needed.includes(name)) inner.node.setAttribute("required", "");
      return [name, settingOf(name), inner];
    }),
  });
}

/** The part that suits a setting, and whether it has several fields of its own. */
function partOf(id, name, about, model, path = "") {
  const items = about.items ?? {};
  const column_ = isColumn(name, about);
  if (about.enum) return { inner: choice(id, about) };
  if (about.type === "integer" || about.type === "number") return { inner: number(id, about, name) };
  if (about.type === "boolean") return { inner: truth(id, about) };
  if (about.type === "string") return { inner: column_ ? column(id, about) : word(id, about, model.of === "choices" && name !== "base") };
  if (about.type !== "array") return { inner: json(id, about.anyOf?.some(({ type }) => type === "string"), exampleOf(name)), wide: true };
  if (items.enum) return { inner: part.checks(id, () => items.enum.map((value) => [value, choiceOf(value)])), group: true };
  if (items.type === "number" || items.type === "integer") return { inner: part.numbers(id, { placeholder: (about.default ?? []).join(" ") }) };
  if (items.type === "string" && (column_ || /\bcolumns?\b/.test(about.description ?? ""))) {
    return { inner: model.of === "choices" ? several(id, about.description.includes("first part")) : covariates(id), group: true, wide: true };
  }
  if (items.type === "string") return { inner: words(id, about), wide: true };
  const inside = path && offer.item(model.kind, path);
  if (inside) return { inner: objects(id, inside.properties, inside.required, model), group: true, wide: true };
  return { inner: json(id), wide: true };
}

/** The choice that a setting belongs to, such as tables in the long form; undefined: all. @returns {?[string, string]} */
function belongs(description) {
  const named = [...description.matchAll(/\((long|wide)\)/g)].map(([, form]) => form);
  if (named.length === 1 && description.endsWith(`(${named[0]})`)) return ["form", named[0]];
  if (/^of factors:/.test(description)) return ["model", "factor_tetrachoric"];
  if (/^of (the test of each number of )?classes\b(?! or)/.test(description)) return ["model", "lca"];
  return undefined;
}

/**
 * The field of a setting.
 * @param {string} name as in the request
 * @param {object} about what the server says of it
 * @param {object} model as `words.models` tells it
 * @param {boolean} needed
 */
export function fieldOf(name, about, model, needed, path) {
  const bare = name.replaceAll("_", "-");
  const id = TAKEN.has(bare) ? `setting-${bare}` : bare;
  const { inner, group, wide } = partOf(id, name, about, model, path);
  if (needed && about.type === "array" && offer.item(model.kind, path)) inner.write([{}]); // one row to begin with
  const title = settingOf(name);
  const said = sentence(hintOf(name, about.description ?? "")).replace(/\bnull\b/g, "empty");
  const hint = said.toLowerCase() === title.toLowerCase() ? "" : said;
  const field = part.framed({ id, title, hint, group, wide }, inner);
  return {
    ...field, name, needed, path,
    front: needed || name === "seed" || (isColumn(name, about) && (about.type === "string" || about.type === "array")),
    belongs: belongs(about.description ?? ""),
    read(found) {
      const before = found.length;
      const value = field.read(found);
      if (value === undefined && needed && found.length === before) {
        field.complain("this has to be given");
        found.push({ field: title, problem: "this has to be given" });
      }
      return value;
    },
  };
}
