/** Settings that are lists of rows: correlated pairs, groups of inputs, parts of ranges, constraints. */

import { make } from "./dom.js";
import { editable, parse } from "./format.js";

/**
 * Rows that are added and taken away.
 * @param {{add: string, row: () => {node: HTMLElement, read: Function, write: Function}, onCount?: (n: number) => void}} kind
 */
function rows({ add, row, onCount = () => {} }) {
  let all = [];
  const list = make("div", { class: "rows" });
  const append = () => {
    const one = row();
    const remove = make("button", {
      type: "button", class: "small", "aria-label": "Remove this row",
      onclick: () => {
        all = all.filter((other) => other !== one);
        one.line.remove();
        onCount(all.length);
        button.focus();
      },
    }, "Remove");
    one.line = make("div", { class: "row" }, one.node, remove);
    all.push(one);
    list.append(one.line);
    onCount(all.length);
    return one;
  };
  const button = make("button", { type: "button", class: "small bordered", onclick: () => append().node.querySelector("input, select").focus() }, add);
  return {
    node: make("div", {}, list, button),
    each: (act) => all.map(act),
    at: (index) => all[index],
    count: () => all.length,
    empty() {
      all = [];
      list.replaceChildren();
      onCount(0);
    },
    append,
  };
}

/** A select that keeps its choice when what there is changes, even if it is gone. */
function pick(label, options) {
  const node = make("select", { "aria-label": label });
  const fill = () => {
    const before = node.value;
    const found = options();
    if (before && !found.some(([value]) => value === before)) found.push([before, `${before} (does not vary)`]);
    node.replaceChildren(...found.map(([value, words]) => make("option", { value }, words)));
    if (before) node.value = before;
  };
  fill();
  return {
    node,
    fill,
    set(value) {
      if (![...node.options].some((option) => option.value === value)) node.append(make("option", { value }, value));
      node.value = value;
    },
  };
}

/** @param {() => [string, string][]} inputs those that vary: id and label */
export function correlation(inputs, methods) {
  const method = make("select", { "aria-label": "How inputs are correlated" }, ...methods.map(([value, words]) => make("option", { value }, words)));
  const table = rows({
    add: "Add a pair", onCount: (n) => (method.hidden = n === 0),
    row() {
      const [one, other] = [pick("One input", inputs), pick("The other input", inputs)];
      if (other.node.options.length > 1) other.node.selectedIndex = 1;
      const rho = make("input", { inputmode: "decimal", "aria-label": "Rank correlation, −1 to 1", placeholder: "−1 to 1", autocomplete: "off" });
      return {
        node: make("span", { class: "pair-row" }, one.node, other.node, rho),
        rho,
        refresh: () => [one, other].forEach((side) => side.fill()),
        read: () => [one.node.value, other.node.value, parse(rho.value)],
        write([first, second, value]) {
          one.set(first);
          other.set(second);
          rho.value = editable(value);
        },
      };
    },
  });
  method.hidden = true;
  return {
    node: make("div", {}, table.node, method),
    refresh: () => table.each((row) => row.refresh()),
    read(refuse) {
      if (table.count() === 0) return undefined;
      const pairs = table.each((row) => {
        const pair = row.read();
        if (!(pair[2] >= -1 && pair[2] <= 1)) refuse("a number from −1 to 1 is needed for each pair", row.rho);
        else if (pair[0] === pair[1]) refuse("a pair needs two different inputs", row.rho);
        return pair;
      });
      return { pairs, ...(method.selectedIndex > 0 ? { method: method.value } : {}) };
    },
    write(value) {
      table.empty();
      method.selectedIndex = 0;
      const pairs = Array.isArray(value?.pairs) ? value.pairs : [];
      for (const pair of pairs.filter((item) => Array.isArray(item) && item.length === 3 && Number.isFinite(item[2]))) table.append().write(pair);
      if (value?.method) method.value = value.method;
      if (method.selectedIndex < 0) method.selectedIndex = 0;
    },
    boxAt: (rest) => table.at(Number(rest[1]))?.rho,
  };
}

/** Inputs that count as one, by the group's name. */
export function groups(inputs) {
  const table = rows({
    add: "Add a group",
    row() {
      let members = [];
      const name = make("input", { "aria-label": "Name of the group", placeholder: "name", autocomplete: "off" });
      const chips = make("span", { class: "chips" });
      const add = make("select", { "aria-label": "Add an input to the group" });
      const show = () => {
        const known = new Map(inputs());
        chips.replaceChildren(...members.map((id) => make("button", {
          type: "button", class: "chip", "aria-label": `Remove ${known.get(id) ?? id} from the group`,
          onclick: () => {
            members = members.filter((other) => other !== id);
            show();
            add.focus();
          },
        }, `${known.get(id) ?? id} ×`)));
        const free = [...known].filter(([id]) => !members.includes(id));
        add.replaceChildren(make("option", { value: "" }, "add an input …"), ...free.map(([id, words]) => make("option", { value: id }, words)));
      };
      add.addEventListener("change", () => {
        if (add.value) members.push(add.value);
        show();
      });
      show();
      return {
        node: make("span", { class: "group-row" }, name, add, chips),
        name,
        refresh: show,
        read: () => [name.value.trim(), members],
        write([title, inside]) {
          name.value = title;
          members = [...inside];
          show();
        },
      };
    },
  });
  return {
    node: table.node,
    refresh: () => table.each((row) => row.refresh()),
    read(refuse) {
      if (table.count() === 0) return undefined;
      const found = {};
      table.each((row) => {
        const [name, members] = row.read();
        if (!name) refuse("every group needs a name", row.name);
        else if (name in found) refuse(`two groups are called “${name}”`, row.name);
        else if (members.length === 0) refuse(`the group “${name}” has no inputs yet`, row.name);
        found[name] = members;
      });
      return found;
    },
    write(value) {
      table.empty();
      for (const entry of Object.entries(value ?? {})) table.append().write(entry);
    },
    boxAt: ([name]) => table.each((row) => row).find((row) => row.name.value.trim() === name)?.name,
  };
}

/** Inputs of which only a part of the range is drawn: one end may be left out. */
export function within(inputs) {
  const table = rows({
    add: "Add a part",
    row() {
      const input = pick("Input drawn from a part of its range", inputs);
      const [low, high] = ["from", "to"].map((words) => make("input", {
        inputmode: "decimal", autocomplete: "off", placeholder: words, "aria-label": `Part of the range: ${words}`,
      }));
      return {
        node: make("span", { class: "part-row" }, input.node, low, high),
        input, low, high,
        refresh: () => input.fill(),
        write([id, { min, max }]) {
          input.set(id);
          low.value = Number.isFinite(min) ? editable(min) : "";
          high.value = Number.isFinite(max) ? editable(max) : "";
        },
      };
    },
  });
  return {
    node: table.node,
    refresh: () => table.each((row) => row.refresh()),
    read(refuse) {
      if (table.count() === 0) return undefined;
      const found = {};
      table.each(({ input, low, high }) => {
        const id = input.node.value;
        const part = {};
        for (const [key, box] of [["min", low], ["max", high]]) {
          if (box.value.trim() === "") continue;
          part[key] = parse(box.value);
          if (!Number.isFinite(part[key])) refuse(`“${box.value}” is not a number; write it as 0.05 or 1,200`, box);
        }
        if (!id) refuse("no input varies yet: tick one above", input.node);
        else if (id in found) refuse(`${input.node.selectedOptions[0].textContent} is there twice`, input.node);
        else if (Object.keys(part).length === 0) refuse("where the part begins or ends has to be given", low);
        else if (part.min >= part.max) refuse("from has to be below to", low);
        found[id] = part;
      });
      return found;
    },
    write(value) {
      table.empty();
      for (const [id, part] of Object.entries(value ?? {})) if (part && !Array.isArray(part)) table.append().write([id, part]);
    },
    boxAt: ([id, end]) => table.each((row) => row).find(({ input }) => input.node.value === id)?.[end === "max" ? "high" : "low"],
  };
}

const SUM = "=sum";
const OPS = [["<=", "at most"], [">=", "at least"], ["==", "exactly"]];

/** Limits of outputs, or of sums of inputs. */
export function constraints(outputs) {
  const table = rows({
    add: "Add a constraint",
    row() {
      const left = pick("What is limited", () => [...outputs(), [SUM, "a sum of inputs"]]);
      const sum = make("input", { "aria-label": "Sum of inputs", placeholder: "2*bare_erected_cost + S35", autocomplete: "off", spellcheck: "false" });
      const op = make("select", { "aria-label": "Comparison" }, ...OPS.map(([value, words]) => make("option", { value }, words)));
      const value = make("input", { inputmode: "decimal", "aria-label": "Limit", placeholder: "limit", autocomplete: "off" });
      const show = () => (sum.hidden = left.node.value !== SUM);
      left.node.addEventListener("change", show);
      show();
      return {
        node: make("span", { class: "limit-row" }, left.node, sum, op, value),
        value, sum,
        refresh() {
          left.fill();
          show();
        },
        read: () => ({
          ...(left.node.value === SUM ? { expression: sum.value.trim() } : { output: left.node.value }),
          op: op.value, value: parse(value.value),
        }),
        write(item) {
          left.set(item.output ?? SUM);
          sum.value = typeof item.expression === "string" ? item.expression : "";
          op.value = item.op;
          if (op.selectedIndex < 0) op.selectedIndex = 0;
          value.value = editable(item.value);
          show();
        },
      };
    },
  });
  return {
    node: table.node,
    refresh: () => table.each((row) => row.refresh()),
    read(refuse) {
      if (table.count() === 0) return undefined;
      return table.each((row) => {
        const limit = row.read();
        if (limit.expression === "") refuse("write the sum that is limited, such as 2*bare_erected_cost + S35", row.sum);
        else if (!Number.isFinite(limit.value)) refuse("every constraint needs a number as its limit", row.value);
        return limit;
      });
    },
    write(value) {
      table.empty();
      for (const item of Array.isArray(value) ? value : []) table.append().write(item);
    },
    boxAt: ([index, key]) => {
      const row = table.at(Number(index));
      return key === "expression" && !row?.sum.hidden ? row?.sum : row?.value;
    },
  };
}
