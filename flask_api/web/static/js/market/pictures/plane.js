/** Products, and households, on a map of two dimensions. */

import { make, note } from "../../dom.js";
import { number } from "../../format.js";
import { spread } from "../../pictures/labels.js";
import { plain } from "../../pictures/parts.js";
import { short } from "./names.js";

/** Households drawn at most; a map of more is a blot. */
const CLOUD = 2000;
/** Letters of a name on the map. */
const LETTERS = 22;

const bounds = (values) => {
  const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
  const air = 0.12 * (high - low || 1);
  return [low - air, high + air];
};

/** The least size of the plane, px. */
const sizeOf = (narrow) => (narrow ? [260, 300] : [620, 400]);

/** Ranges in which one unit is as long across as upwards. */
function evened(ranges, narrow) {
  const lengths = ranges.map(([low, high], axis) => (high - low) / sizeOf(narrow)[axis]);
  const most = Math.max(...lengths);
  return ranges.map(([low, high], axis) => {
    const more = (most / lengths[axis] - 1) * (high - low) / 2;
    return [low - more, high + more];
  });
}

/** Where the names of all sets' points stand, so that none covers another; those far from the middle come first. */
function placed(sets, [x, y], ranges, narrow) {
  const [width, height] = sizeOf(narrow);
  const share = (value, [low, high]) => (value - low) / (high - low);
  const every = sets.flatMap(({ points }) => points.map(({ at, name }) => ({ x: share(at[x], ranges[0]), y: share(at[y], ranges[1]), words: short(name, LETTERS), far: Math.hypot(at[x], at[y]) })));
  const order = every.map((_, index) => index).sort((a, b) => every[b].far - every[a].far);
  const found = spread(order.map((index) => every[index]), width, height, [], LETTERS);
  const places = new Map(order.map((index, place) => [index, found[place]]));
  let from = 0;
  return sets.map(({ points }) => points.map(() => places.get(from++)));
}

/** Points with names; `symbol` tells sets apart without colour too. */
function dots(set, places, [x, y], colours) {
  return {
    type: "scatter", mode: "markers+text", name: set.name,
    x: set.points.map(({ at }) => at[x]), y: set.points.map(({ at }) => at[y]),
    text: places.map(({ words }) => plain(words)), textposition: places.map(({ place }) => place), textfont: { size: 11 }, cliponaxis: false,
    marker: { size: 9, color: colours[set.colour], symbol: set.symbol, line: { color: colours.surface, width: 1 } },
    customdata: set.points.map(({ name, at }) => `${plain(name)}<br>${number(at[x], 3)}, ${number(at[y], 3)}`), hovertemplate: "%{customdata}<extra></extra>",
  };
}

/**
 * A map with a choice of its two dimensions.
 * @param {{title: string, about: string, dimensions: string[], households?: ?number[][],
 *   sets: {name: string, colour: string, symbol: string, points: {name: string, at: number[]}[]}[],
 *   equal?: boolean, cloud?: boolean, fetch?: ?() => Promise<number[][]>}} given
 *   `colour`: a name of the palette; `cloud`: show households at first; `fetch`: brings them
 *   where they are too many for the result
 * @returns {?import("../../pictures.js").Picture} null where there is one dimension alone
 */
export function plane({ title, about, dimensions, sets, households, fetch = null, equal = false, cloud = false }) {
  if (dimensions.length < 2 || sets.every(({ points }) => points.length === 0)) return null;
  const axes = [0, 1];
  const some = (rows) => rows.filter((_, index) => index % Math.ceil(rows.length / CLOUD) === 0);
  let shown = some(households ?? []);
  return {
    title, about, wide: true,
    controls(redraw) {
      const select = (index) => {
        const node = make("select", { onchange: () => {
          axes[index] = Number(node.value);
          redraw();
        } }, ...dimensions.map((name, at) => make("option", { value: String(at) }, name)));
        node.value = String(axes[index]);
        return node;
      };
      const bring = async () => {
        cloud = box.checked;
        if (cloud && shown.length === 0) {
          try {
            shown = some(await fetch());
          } catch (error) {
            note(`The households could not be fetched: ${error.message}`);
          }
        }
        redraw();
      };
      const box = make("input", { type: "checkbox", checked: cloud, onchange: bring });
      if (cloud && shown.length === 0 && fetch) bring();
      return make("p", { class: "picture-bar" },
        ...(dimensions.length > 2 ? [make("label", {}, "Across", select(0)), make("label", {}, "Upwards", select(1))] : []),
        shown.length > 0 || fetch ? make("label", { class: "check" }, box, make("span", {}, "Households")) : null);
    },
    draw(colours, narrow) {
      const every = sets.flatMap(({ points }) => points.map(({ at }) => at));
      const seen = cloud ? [...every, ...shown] : every;
      const own = axes.map((axis) => bounds(seen.map((at) => at[axis])));
      const ranges = equal ? evened(own, narrow) : own;
      const places = placed(sets, axes, ranges, narrow);
      return {
        height: narrow ? 380 : 500,
        data: [
          ...(cloud ? [{
            type: "scatter", mode: "markers", name: "Households", x: shown.map((at) => at[axes[0]]), y: shown.map((at) => at[axes[1]]),
            marker: { size: 5, color: colours.muted, opacity: 0.3 }, hoverinfo: "skip",
          }] : []),
          ...sets.map((set, index) => dots(set, places[index], axes, colours)),
        ],
        layout: {
          showlegend: sets.length > 1 || cloud, legend: { orientation: "h", y: -0.14, x: 0, yanchor: "top" },
          xaxis: { title: { text: dimensions[axes[0]] }, range: ranges[0], zeroline: true },
          yaxis: { title: { text: dimensions[axes[1]] }, range: ranges[1], zeroline: true, ...(equal ? { scaleanchor: "x" } : {}) },
        },
      };
    },
    table: () => ({
      head: ["Name", ...dimensions],
      rows: sets.flatMap((set) => set.points.map(({ name, at }) => [sets.length > 1 ? `${name} (${set.name.toLowerCase()})` : name, ...at.slice(0, dimensions.length).map((value) => number(value, 4))])),
    }),
  };
}
