/** Making and finding elements. Text always goes in as text, never as HTML. */

const SVG = "http://www.w3.org/2000/svg";

/** @param {string} id @returns {HTMLElement} */
export const byId = (id) => document.getElementById(id);

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked") node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

/**
 * A new element.
 * @param {string} tag
 * @param {Object<string, *>} [attributes] `onclick` and the like are listeners
 * @param {...(Node|string|null)} children
 */
export const make = (tag, attributes, ...children) =>
  fill(document.createElement(tag), attributes, children);

/** The same for a part of an SVG picture. */
export const draw = (tag, attributes, ...children) =>
  fill(document.createElementNS(SVG, tag), attributes, children);

let hiding = 0;

/** A short message at the foot of the page, gone after a few seconds. */
export function note(text) {
  const box = byId("note");
  box.textContent = text;
  box.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => (box.hidden = true), 4000);
}

/** Tell a screen reader; said at milestones only, ten updates a second would bury it. */
export function announce(text) {
  byId("announcer").textContent = text;
}

/** Put `text` on the clipboard, also where the page has no right to the new interface. */
export async function copy(text) {
  if (navigator.clipboard && window.isSecureContext) {
    try {
      await navigator.clipboard.writeText(text);
      return note("Copied");
    } catch (refused) {
      console.info("clipboard refused, using a selection instead:", refused.name);
    }
  }
  // Over plain http from another machine there is no navigator.clipboard.
  const area = make("textarea", { class: "hidden", "aria-hidden": "true", value: text });
  document.body.append(area);
  const before = document.activeElement;
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  before?.focus();
  note(done ? "Copied" : "Your browser refused to copy");
}
