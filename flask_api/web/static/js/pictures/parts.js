/** Parts that several pictures are made of. All functions are pure. */

/** Text as plotly shall show it: it takes < and & for markup. */
export const plain = (words) => String(words).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

/** Long labels in up to three lines: an axis must leave room for its bars. */
export function wrapped(words, narrow) {
  const [width, most] = narrow ? [15, 3] : [26, 2];
  const lines = [""];
  for (const word of String(words).split(" ")) {
    if (lines.at(-1) && lines.at(-1).length + word.length > width) lines.push("");
    lines[lines.length - 1] += (lines.at(-1) && " ") + word;
  }
  const cut = lines.map((line) => (line.length > width + 4 ? `${line.slice(0, width + 3)}…` : line));
  return cut.slice(0, most).map(plain).join("<br>") + (lines.length > most ? " …" : "");
}

/** With a large first letter. */
export const capital = (words) => words.charAt(0).toUpperCase() + words.slice(1);

/** A short label for a legend or a point. */
export const shortened = (words, most = 26) => plain(words.length > most ? `${words.slice(0, most - 1)}…` : words);

/**
 * An axis of inputs from top to bottom. Positions are ids: two inputs may share a label.
 * @param {string[]} ids from top to bottom
 */
export const inputAxis = (ids, label, narrow) => ({
  type: "category",
  categoryorder: "array",
  categoryarray: ids,
  autorange: "reversed",
  tickmode: "array",
  tickvals: ids,
  ticktext: ids.map((id) => wrapped(label(id), narrow)),
  showgrid: false,
  ticks: "",
});

/** Where whiskers end, for plotly; undefined where no value has an interval. */
export function whiskers(rows, colour) {
  const known = ({ value, lower, upper }) => [value, lower, upper].every(Number.isFinite) && upper > lower;
  if (!rows.some(known)) return undefined;
  return {
    type: "data",
    symmetric: false,
    array: rows.map((row) => (known(row) ? Math.max(row.upper - row.value, 0) : 0)),
    arrayminus: rows.map((row) => (known(row) ? Math.max(row.value - row.lower, 0) : 0)),
    color: colour,
    thickness: 1.25,
    width: 4,
  };
}

/** A line across the picture, upright unless `y` is given, with words at its end. */
export function mark(colours, { x, y, words, dash = "dot", shift = 0 }) {
  const upright = y === undefined;
  const line = { color: colours.ink, width: 1, dash };
  return {
    shape: upright
      ? { type: "line", x0: x, x1: x, yref: "paper", y0: 0, y1: 1, line }
      : { type: "line", y0: y, y1: y, xref: "paper", x0: 0, x1: 1, line },
    annotation: {
      ...(upright ? { x, y: 1, yref: "paper", yanchor: "bottom" } : { y, x: 1, xref: "paper", xanchor: "right", yanchor: "bottom" }),
      text: words, showarrow: false, yshift: shift, font: { size: 11, color: colours.muted },
    },
  };
}

/** Layout keys of marks. */
export const marked = (marks) => ({
  shapes: marks.map(({ shape }) => shape),
  annotations: marks.map(({ annotation }) => annotation),
});

/** A legend in a line above the picture. */
export const legendAbove = { orientation: "h", x: 0, xref: "container", y: 1, yanchor: "top", yref: "container", font: { size: 12 } };

/** Hues and dashes for several lines, told apart without colours too. */
export function strokes(colours) {
  const hues = [colours.accent, colours.high, colours.low, colours.warm, colours.good, colours.ink];
  const dashes = ["solid", "dash", "dot"];
  return (index) => ({ color: hues[index % hues.length], dash: dashes[Math.floor(index / hues.length) % dashes.length], width: 2 });
}

/** From the card's ground to the strongest colour. */
export const scale = (colours) => [[0, colours.soft], [1, colours.accent]];

/** From one colour through the ground to another, for numbers below and above 0. */
export const twoSided = (colours) => [[0, colours.low], [0.5, colours.surface], [1, colours.high]];
