/** The final pictures, to hover over, zoom into and save: plotly, from this server. */

import { make } from "./dom.js";
import { tableOf } from "./pictures/table.js";

/**
 * One picture of a result.
 * @typedef {object} Picture
 * @property {string} title in words, with the unit where the axes do not tell it
 * @property {string} [about] how to read it, one or two sentences
 * @property {boolean} [wide] takes the whole width
 * @property {(colours: object, narrow: boolean) => {data: object[], layout: object, height?: number}} draw
 * @property {() => {head: string[], rows: (string|Node)[][]}} [table] the same numbers
 * @property {(redraw: () => void, plot: HTMLElement) => Node} [controls] what can be moved
 */

/** Below this width, in px, labels stand in narrower columns. */
const NARROW = 480;

let loading = null;

/** plotly itself, fetched when the first picture needs it (1.5 MB, then kept for ever). */
function plotly() {
  loading ??= new Promise((resolve, reject) => {
    const script = make("script", { src: document.documentElement.dataset.plotly });
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => {
      loading = null; // the next picture may try again
      reject(new Error("the pictures' library could not be loaded"));
    };
    document.head.append(script);
  });
  return loading;
}

const NAMES = ["ink", "muted", "line", "surface", "accent", "accent-soft", "low", "high", "warm", "good", "bad"];

/** Colours as plotly can read them: it knows nothing of light-dark(). */
function palette() {
  const probe = make("span", { class: "hidden" });
  document.body.append(probe);
  const seen = (name) => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const found = Object.fromEntries(NAMES.map((n) => [n.replace("accent-soft", "soft"), seen(`--${n}`)]));
  probe.remove();
  found.font = getComputedStyle(document.documentElement).getPropertyValue("--font").trim();
  return found;
}

/** What all pictures have in common, under the `layout` of one. */
function framed(colours, layout) {
  const axis = {
    gridcolor: colours.line, zerolinecolor: colours.muted, zerolinewidth: 1, linecolor: colours.line,
    automargin: true, separatethousands: true, exponentformat: "SI", title: { standoff: 8 },
  };
  const merged = (own = {}) => ({ ...axis, ...own, title: { ...axis.title, font: { size: 12, color: colours.muted }, ...own.title } });
  return {
    font: { family: colours.font, size: 12, color: colours.ink },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    hoverlabel: { bgcolor: colours.surface, bordercolor: colours.line, font: { color: colours.ink }, align: "left" },
    modebar: { bgcolor: colours.surface, color: colours.muted, activecolor: colours.accent },
    showlegend: false,
    dragmode: false, // a finger that scrolls the page past a picture must not zoom into it
    ...layout,
    margin: { l: 8, r: 16, t: 16, b: 40, ...layout.margin },
    xaxis: merged(layout.xaxis),
    yaxis: merged(layout.yaxis),
  };
}

const filename = (title) => title.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");

/** Of pictures that stand two in a row, one that would be left alone takes the whole width. */
function paired(pictures) {
  const alone = new Set();
  let before = null; // a narrow picture that waits for its neighbour
  for (const picture of [...pictures, { wide: true }]) {
    if (!picture.wide) before = before ? null : picture;
    else if (before) {
      alone.add(before);
      before = null;
    }
  }
  return pictures.map((picture) => (alone.has(picture) ? { ...picture, wide: true } : picture));
}

/** The parts of a picture on the page, before it is drawn. */
function framework({ title, about, wide, table }) {
  const plot = make("div", { class: "plot", role: "img", "aria-label": title }); // its numbers are in the table
  const figure = make(
    "figure",
    { class: wide ? "picture wide" : "picture" },
    make("figcaption", {}, make("h3", {}, title), about ? make("p", { class: "muted" }, about) : null),
    plot,
  );
  return { figure, plot, after: table ? tableOf(title, table) : null };
}

/** Work of plotly on the pictures of one box: it must have ended before they are purged. */
function workshop() {
  const going = new Set();
  return {
    /** Errors still show: `finally` passes them on. */
    wait(work) {
      going.add(work);
      work.finally(() => going.delete(work));
    },
    async ended() {
      while (going.size > 0) await Promise.allSettled([...going]);
    },
  };
}

/**
 * Draw pictures into `box`, now and whenever theme or width change.
 * @param {HTMLElement} box
 * @param {Picture[]} given
 * @returns {Promise<() => void>} forgets the pictures
 */
export async function show(box, given) {
  const Plotly = await plotly();
  const pictures = paired(given);
  const parts = pictures.map(framework);
  const narrow = () => box.clientWidth < NARROW;
  const work = workshop();
  let over = false;
  let width = 0; // of the box when all was drawn or fitted last, px
  let slim = false; // drawn for a narrow box
  const paint = (index) => {
    if (over) return;
    const { draw, title } = pictures[index];
    const colours = palette();
    const { data, layout, height = 320 } = draw(colours, narrow());
    parts[index].plot.style.minHeight = `${height}px`;
    work.wait(Plotly.react(parts[index].plot, data, framed(colours, { ...layout, height }), {
      displaylogo: false,
      scrollZoom: false,
      modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
      toImageButtonOptions: { filename: filename(title) },
    }));
  };
  const paintAll = () => {
    [width, slim] = [box.clientWidth, narrow()];
    parts.forEach((_, index) => paint(index));
  };
  // Not plotly's own `responsive`: nobody could wait for the drawing that it starts.
  const fit = () => {
    if (over || box.clientWidth === 0 || box.clientWidth === width) return;
    if (slim !== narrow()) paintAll(); // with other labels, but in the old size
    width = box.clientWidth;
    for (const { plot } of parts) work.wait(Plotly.Plots.resize(plot));
  };
  parts.forEach(({ figure, plot, after }, index) => {
    const controls = pictures[index].controls?.(() => paint(index), plot);
    if (controls) plot.before(controls);
    if (after) figure.append(after);
  });
  box.replaceChildren(...parts.map(({ figure }) => figure));
  paintAll();
  const sizes = new ResizeObserver(fit);
  sizes.observe(box);
  document.addEventListener("themechange", paintAll);
  return async () => {
    over = true;
    sizes.disconnect();
    document.removeEventListener("themechange", paintAll);
    await work.ended(); // plotly looks for what a purge takes away
    for (const { plot } of parts) Plotly.purge(plot);
  };
}
