/** Heat maps of this page: names that do not cover each other, and numbers that can be read on every colour. */

import { heatMap } from "../../pictures/heat.js";
import { plain } from "../../pictures/parts.js";
import { rowNames } from "./names.js";

const [DARK, LIGHT] = ["#101414", "#ffffff"];
/** Columns from which only their numbers are named: Class 1, Class 2 ... are 1, 2 ... */
const MANY = 12;

const parts = (colour) => (colour.match(/[\d.]+/g) ?? []).slice(0, 3).map(Number);

/** The colour of a value on plotly's scale of 0 to 1. */
function shade(scale, share) {
  const at = Math.min(Math.max(share, 0), 1);
  const after = Math.max(scale.findIndex(([place]) => place >= at), 1);
  const [[from, one], [to, other]] = [scale[after - 1], scale[after]];
  const [a, b] = [parts(one), parts(other)];
  return a.map((value, index) => value + ((at - from) / (to - from || 1)) * (b[index] - value));
}

/** Luminance as WCAG counts it, 0 to 1. */
function luminance(colour) {
  const [r, g, b] = colour.map((value) => (value / 255 <= 0.03928 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Dark letters or light ones, whichever stands out more. */
const ink = (colour) => (luminance(colour) > 0.179 ? DARK : LIGHT);

/**
 * The numbers of a heat map as a layer of their own: plotly gives all cells letters of one colour.
 * @param {{x: *[], y: *[], z: (?number)[][], zmin: number, zmax: number, colorscale: [number, string][]}} map
 * @param {string[][]} words
 */
export function written({ x, y, z, zmin, zmax, colorscale }, words) {
  const cells = z.flatMap((line, i) => line.map((value, j) => ({ x: x[j], y: y[i], value, words: words[i][j] }))).filter((cell) => cell.words !== "");
  return {
    type: "scatter", mode: "text", x: cells.map((cell) => cell.x), y: cells.map((cell) => cell.y), text: cells.map((cell) => cell.words), hoverinfo: "skip",
    textfont: { size: 11, color: cells.map(({ value }) => ink(shade(colorscale, (value - zmin) / (zmax - zmin)))) },
  };
}

/** What numbered columns have in common: Factor of Factor 1, Factor 2 ...; null: they are not such. */
function common(names) {
  const stems = names.map((name) => name.match(/^(\S+) (\d+)\b/));
  return stems.every((stem) => stem && stem[1] === stems[0][1]) ? { stem: stems[0][1], numbers: stems.map((stem) => stem[2]) } : null;
}

/** A heat map; the arguments are those of `heatMap`. */
export function matrix(colours, narrow, about) {
  const { label = String, rows, columns } = about;
  const drawn = heatMap(colours, narrow, about);
  const [map] = drawn.data;
  const words = map.text;
  delete map.text;
  delete map.texttemplate;
  map.colorbar = { ...map.colorbar, lenmode: "pixels", len: Math.min(drawn.height - 110, 240), y: 1, yanchor: "top" };
  drawn.layout.yaxis.ticktext = rowNames(rows.map(label), narrow);
  const numbered = columns.length > (narrow ? MANY / 2 : MANY) ? common(columns.map(label)) : null;
  if (numbered) {
    const { title = { text: plain(numbered.stem.toLowerCase()) } } = drawn.layout.xaxis;
    const shown = columns.map((_, at) => at).filter((at) => !narrow || at === 0 || numbered.numbers[at] % 5 === 0); // side by side they would cover each other
    Object.assign(drawn.layout.xaxis, { tickvals: shown.map((at) => columns[at]), ticktext: shown.map((at) => numbered.numbers[at]), tickangle: 0, title });
  }
  // Not plotly's own ranges: it would leave room around the numbers.
  Object.assign(drawn.layout.xaxis, { range: [-0.5, columns.length - 0.5] });
  Object.assign(drawn.layout.yaxis, { autorange: false, range: [rows.length - 0.5, -0.5] });
  return { ...drawn, data: words.flat().some(Boolean) ? [map, written(map, words)] : [map] };
}
