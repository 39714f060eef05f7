/** Fields of the settings: each shows one value of a request, reads it back, and takes complaints. */

import { make } from "./dom.js";
import { count, editable, parse } from "./format.js";

/**
 * @typedef {{
 *   node: HTMLElement,
 *   read: (refuse: (problem: string, box?: HTMLElement) => void) => *,
 *   write: (value: *) => void,
 *   refresh?: () => void,
 *   boxAt?: (rest: string[]) => ?HTMLElement
 * }} Part
 * `read` gives undefined where nothing is said; `write(undefined)` empties; `refresh` draws
 * anew what follows the model; `boxAt` finds the field for the rest of an error's path.
 */

/**
 * A part with its name, its hint and room for a complaint.
 * @param {{id: string, title: string, hint?: string, wide?: boolean, group?: boolean}} words
 * @param {Part} part `group`: it has several fields, each with a name of its own
 */
export function framed({ id, title, hint = "", wide = false, group = false }, part) {
  const bad = make("p", { class: "bad", id: `${id}-problem`, hidden: true });
  const small = hint ? make("small", { id: `${id}-hint` }, hint) : null;
  const described = `${hint ? `${id}-hint ` : ""}${id}-problem`;
  const name = make("span", {}, title);
  const inner = group
    ? make("div", { class: "field", role: "group", "aria-label": title, "aria-describedby": described }, name, part.node, small)
    : make("label", { class: "field" }, name, part.node, small);
  if (!group) part.node.setAttribute("aria-describedby", described);
  const node = make("div", { class: `setting${wide ? " wide" : ""}`, "data-setting": id }, inner, bad);
  const clear = () => {
    bad.hidden = true;
    for (const box of node.querySelectorAll("[aria-invalid]")) box.removeAttribute("aria-invalid");
  };
  const complain = (problem, rest = []) => {
    const box = part.boxAt?.(rest) ?? (part.node.matches("input, select, textarea") ? part.node : part.node.querySelector("input, select, textarea"));
    (box ?? inner).setAttribute("aria-invalid", "true");
    bad.textContent = problem;
    bad.hidden = false;
    const more = node.closest("details");
    if (more) more.open = true;
  };
  node.addEventListener("input", clear);
  return {
    ...part, id, title, node, clear, complain,
    read: (found) => part.read((problem, box) => {
      complain(problem);
      if (box) {
        for (const other of node.querySelectorAll("[aria-invalid]")) other.removeAttribute("aria-invalid");
        box.setAttribute("aria-invalid", "true");
      }
      found.push({ field: title, problem });
    }),
  };
}

const input = (id, more) => make("input", { id, autocomplete: "off", ...more });

/** How a number is asked for: "a whole number from 2 to 1,000". */
function wanted({ whole, least, most }) {
  const words = whole ? "a whole number" : "a number";
  if (Number.isFinite(least) && Number.isFinite(most)) return `${words} from ${digits(least)} to ${digits(most)}`;
  if (Number.isFinite(least)) return `${words} of at least ${digits(least)}`;
  return `${words}, such as 0.05 or 1,200`;
}

/** One number. `bounds` {whole, least, most}; the server judges again. */
export function number(id, { placeholder = "", value = "", ...bounds }) {
  const node = input(id, { inputmode: bounds.whole ? "numeric" : "decimal", placeholder, value });
  return {
    node,
    read(refuse) {
      if (node.value.trim() === "") return undefined;
      const found = parse(node.value);
      const { least = -Infinity, most = Infinity } = bounds;
      if (Number.isFinite(found) && found >= least && found <= most && (!bounds.whole || Number.isSafeInteger(found))) return found;
      refuse(`“${node.value}”; ${wanted(bounds)} is needed`);
      return undefined;
    },
    write(found) {
      node.value = Number.isFinite(found) ? digits(found) : "";
    },
  };
}

/** All digits of a number: those of a seed count. */
const digits = (value) => (Number.isSafeInteger(value) ? count(value) : parse(editable(value)) === value ? editable(value) : String(value));

/** Numbers apart by spaces, semicolons or line ends; a comma and a space part them too. */
export function listed(text) {
  return text.split(/[;\s]+/).map((word) => word.replace(/,$/, "")).filter(Boolean).map((word) => ({ word, value: parse(word) }));
}

/** Several numbers in one field. */
export function numbers(id, { placeholder = "" }) {
  const node = input(id, { placeholder });
  return {
    node,
    read(refuse) {
      const found = listed(node.value);
      const wrong = found.find(({ value }) => !Number.isFinite(value));
      if (wrong) refuse(`“${wrong.word}” is not a number; write them apart by spaces`);
      return found.length === 0 || wrong ? undefined : found.map(({ value }) => value);
    },
    write(found) {
      node.value = Array.isArray(found) ? found.map((value) => String(value)).join(" ") : "";
    },
  };
}

/**
 * One of several. The first option is what the server takes where nothing is said.
 * @param {() => [string, string][]} options value and words
 */
export function choice(id, options) {
  const node = make("select", { id });
  const refresh = () => {
    const before = node.value;
    const found = options();
    node.replaceChildren(...found.map(([value, words]) => make("option", { value }, words)));
    node.value = found.some(([value]) => value === before) ? before : (found[0]?.[0] ?? "");
  };
  refresh();
  return {
    node,
    refresh,
    read: () => (node.selectedIndex <= 0 ? undefined : node.value),
    write(found) {
      node.value = found === undefined ? node.options[0]?.value : String(found);
      if (node.selectedIndex < 0) node.selectedIndex = 0;
    },
  };
}

/** The same for numbers. */
export function numericChoice(id, options) {
  const part = choice(id, options);
  return { ...part, read: () => (part.read() === undefined ? undefined : Number(part.node.value)) };
}

/** Yes, or nothing said; `yes` is what yes is in the request. */
export function check(id, words, yes = true) {
  const node = make("input", { type: "checkbox", id });
  return {
    node: make("label", { class: "check" }, node, make("span", {}, words)),
    read: () => (node.checked ? yes : undefined),
    write(found) {
      node.checked = found === yes;
    },
  };
}

/** Any number of several, in their order. */
export function checks(id, options) {
  const node = make("div", { class: "chips", id });
  const ticked = () => [...node.querySelectorAll("input:checked")].map((box) => box.value);
  const refresh = () => {
    const before = ticked();
    node.replaceChildren(...options().map(([value, words]) =>
      make("label", { class: "check" }, make("input", { type: "checkbox", value, checked: before.includes(value) }), make("span", {}, words))));
  };
  refresh();
  return {
    node,
    refresh,
    read: () => (ticked().length > 0 ? ticked() : undefined),
    write(found) {
      for (const box of node.querySelectorAll("input")) box.checked = (found ?? []).includes(box.value);
    },
  };
}

/** A long text. `read` may be given: from text and refuse to a value. */
export function text(id, { placeholder = "", rows = 5, read = (words) => words || undefined, write = (value) => value ?? "" }) {
  const node = make("textarea", { id, rows, placeholder, spellcheck: "false", autocomplete: "off" });
  return {
    node,
    read: (refuse) => read(node.value.trim(), refuse),
    write(value) {
      node.value = write(value);
    },
  };
}

/** Two fields that make one value, side by side. */
export function joined(first, second, { read, write }) {
  return {
    node: make("span", { class: "joined" }, first, second),
    read: (refuse) => read(first, second, refuse),
    write: (value) => write(first, second, value),
    boxAt: (rest) => (rest.at(-1) === "value" || rest.at(-1) === "relative_error" ? second : rest.length > 0 ? first : second),
  };
}
