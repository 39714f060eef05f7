/** Products, and households, on a map of two dimensions. */

import { make } from "../../dom.js";
import { number } from "../../format.js";
import { spread } from "../../pictures/labels.js";
import { plain } from "../../pictures/parts.js";

/** Households drawn at most; a map of more is a blot. */
const CLOUD = 4000;

const bounds = (values) => {
  const [low, high] = [Math.min(0, ...values), Math.max(0, ...values)];
  const air = 0.12 * (high - low || 1);
  return [low - air, high + air];
};

/** Where the names of all sets' points stand, so that none covers another. */
function placed(sets, [x, y], ranges, narrow) {
  const [width, height] = narrow ? [260, 300] : [620, 420];
  const share = (value, [low, high]) => (value - low) / (high - low);
  const every = sets.flatMap(({ points }) => points.map(({ at, name }) => ({ x: share(at[x], ranges[0]), y: share(at[y], ranges[1]), words: name })));
  const places = spread(every, width, height, [], 18);
  return sets.map(({ points }) => places.splice(0, points.length));
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
 *   equal?: boolean}} given `colour`: a name of the palette
 * @returns {?import("../../pictures.js").Picture} null where there is one dimension alone
 */
export function plane({ title, about, dimensions, sets, households, equal = false }) {
  if (dimensions.length < 2 || sets.every(({ points }) => points.length === 0)) return null;
  const axes = [0, 1];
  let cloud = false;
  const step = Math.ceil((households?.length ?? 0) / CLOUD);
  const shown = (households ?? []).filter((_, index) => index % step === 0);
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
      const box = make("input", { type: "checkbox", onchange: () => {
        cloud = box.checked;
        redraw();
      } });
      return make("p", { class: "picture-bar" },
        ...(dimensions.length > 2 ? [make("label", {}, "Across", select(0)), make("label", {}, "Upwards", select(1))] : []),
        shown.length > 0 ? make("label", { class: "check" }, box, make("span", {}, "Households")) : null);
    },
    draw(colours, narrow) {
      const every = sets.flatMap(({ points }) => points.map(({ at }) => at));
      const seen = cloud ? [...every, ...shown] : every;
      const ranges = axes.map((axis) => bounds(seen.map((at) => at[axis])));
      const places = placed(sets, axes, ranges, narrow);
      return {
        height: narrow ? 380 : 500,
        data: [
          ...(cloud ? [{
            type: "scattergl", mode: "markers", name: "Households", x: shown.map((at) => at[axes[0]]), y: shown.map((at) => at[axes[1]]),
            marker: { size: 5, color: colours.muted, opacity: 0.35 }, hoverinfo: "skip",
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
