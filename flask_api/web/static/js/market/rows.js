/** A setting that is a list of small objects: a row of fields for each. */

import { make } from "../dom.js";

/**
 * @param {string} id
 * @param {{add: string, parts: () => [string, string, import("../controls.js").Part][]}} about
 *   `parts`: name in the request, name in words, and field, made anew for each row
 */
export function rowsOf(id, { add, parts }) {
  let all = [];
  const list = make("div", { class: "rows" });
  const append = () => {
    const fields = parts();
    const one = { fields };
    const remove = make("button", {
      type: "button", class: "small", "aria-label": "Remove this row",
      onclick: () => {
        all = all.filter((other) => other !== one);
        one.line.remove();
        button.focus();
      },
    }, "Remove");
    one.line = make("div", { class: "row" },
      make("span", { class: "pair-row" }, ...fields.map(([, words, field]) => make("label", { class: "cell" }, make("span", {}, words), field.node))), remove);
    all.push(one);
    list.append(one.line);
    return one;
  };
  const button = make("button", { type: "button", class: "small bordered", id, onclick: () => append().fields[0][2].node.focus() }, add);
  return {
    node: make("div", {}, list, button),
    refresh: () => all.forEach(({ fields }) => fields.forEach(([, , field]) => field.refresh?.())),
    read(refuse) {
      if (all.length === 0) return undefined;
      return all.map(({ fields }) => Object.fromEntries(fields
        .map(([name, , field]) => [name, field.read((problem) => refuse(problem, field.node))])
        .filter(([, value]) => value !== undefined)));
    },
    write(value) {
      all = [];
      list.replaceChildren();
      for (const item of Array.isArray(value) ? value : []) {
        for (const [name, , field] of append().fields) field.write(item[name]);
      }
    },
    boxAt: ([index, name]) => all[Number(index)]?.fields.find(([other]) => other === name)?.[2].node,
  };
}
