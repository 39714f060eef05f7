/** How likely an output is to keep a target that one moves: from a result's own quantiles. */

import { make } from "../dom.js";
import { number, parse, percent } from "../format.js";
import { legendAbove, mark, marked } from "./parts.js";

/**
 * The distribution function as a Monte Carlo result knows it: histogram edges, percentiles
 * and ends, in order. Between two of them the truth lies between their shares.
 * @param {object} results of one output, contract 3.3
 * @returns {{value: number, share: number}[]} share: of draws at or below value
 */
export function knots(results) {
  const bins = results.distribution ?? [];
  const found = (results.percentiles ?? []).map(({ value, percentile }) => ({ value, share: percentile / 100 }));
  const step = bins.length > 1 ? bins[1].value - bins[0].value : 0;
  let sum = 0;
  for (const bin of bins) {
    sum += bin.probability;
    if (step > 0) found.push({ value: bin.value + step / 2, share: Math.min(sum, 1) });
  }
  if (Number.isFinite(results.min)) found.push({ value: results.min, share: 0 });
  if (Number.isFinite(results.max)) found.push({ value: results.max, share: 1 });
  const inside = found.filter(({ value, share }) => Number.isFinite(value) && value <= (results.max ?? Infinity) && Number.isFinite(share));
  inside.sort((a, b) => a.value - b.value || a.share - b.share);
  let most = 0;
  return inside.map(({ value, share }) => ({ value, share: (most = Math.max(most, share)) }));
}

/**
 * The share of draws at or below `value`, and between what it must lie.
 * @param {{value: number, share: number}[]} known from `knots`
 */
function shareBelow(known, value) {
  if (!known.length || value < known[0].value) return { share: 0, least: 0, most: 0 };
  if (value >= known.at(-1).value) return { share: 1, least: 1, most: 1 };
  const next = known.findIndex((knot) => knot.value > value);
  const [a, b] = [known[next - 1], known[next]];
  if (a.value === value) return { share: a.share, least: a.share, most: a.share };
  const share = a.share + ((b.share - a.share) * (value - a.value)) / (b.value - a.value);
  return { share, least: a.share, most: b.share };
}

/**
 * CDF and exceedance with a target to move.
 * @param {object} results of one output
 * @param {{op: string, value: number}} [asked] the target of the request
 */
export function likely(results, output, naming, asked) {
  const known = knots(results);
  const [low, high] = [known[0].value, known.at(-1).value];
  const median = results.percentiles?.find?.(({ percentile }) => percentile === 50)?.value;
  const state = { op: asked && asked.op.startsWith(">") ? ">=" : "<=", value: asked?.value ?? median ?? (low + high) / 2 };
  const of = naming.the(output);

  /** Its chance now; the run's own count where the target is the one it was asked for. */
  function chance() {
    const exact = asked && state.value === asked.value && state.op === `${asked.op[0]}=` && Number.isFinite(results.probability_of_target);
    if (exact) return { share: results.probability_of_target, least: NaN, most: NaN };
    const { share, least, most } = shareBelow(known, state.value);
    return state.op === "<=" ? { share, least, most } : { share: 1 - share, least: 1 - most, most: 1 - least };
  }

  function controls(redraw, plot) {
    const name = `Target for ${of}`;
    const answer = make("output", { class: "chance" });
    const choice = make(
      "select",
      { "aria-label": `${name}: comparison`, onchange: () => set(state.value, choice.value) },
      make("option", { value: "<=" }, "at most"),
      make("option", { value: ">=" }, "at least"),
    );
    choice.value = state.op;
    const field = make("input", { inputmode: "decimal", autocomplete: "off", "aria-label": name, onchange: typed });
    const slider = make("input", {
      type: "range", class: "target", "aria-label": `${name}, to slide`, min: low, max: high, step: (high - low) / 500 || 1,
      oninput: () => set(Number(Number(slider.value).toPrecision(5))),
    });
    let asking = 0;

    function typed() {
      const value = parse(field.value);
      field.setAttribute("aria-invalid", String(!Number.isFinite(value)));
      if (Number.isFinite(value)) set(value);
    }
    function set(value, op = state.op) {
      Object.assign(state, { value, op });
      tell();
      cancelAnimationFrame(asking);
      asking = requestAnimationFrame(redraw);
    }
    function tell() {
      const { share, least, most } = chance();
      field.value = number(state.value, 6);
      field.setAttribute("aria-invalid", "false");
      slider.value = String(state.value);
      slider.setAttribute("aria-valuetext", naming.amount(output, state.value));
      const room = most - least > 0.0005 ? ` (between ${percent(least, 1)} and ${percent(most, 1)})` : "";
      answer.replaceChildren(make("b", {}, percent(share, 1)), ` of the draws${room}`);
    }
    tell();
    // The picture is not drawn yet: plotly gives an element its events with the first drawing.
    requestAnimationFrame(() => plot.on?.("plotly_click", ({ points }) => set(Number(points[0].x.toPrecision(5)))));
    return make(
      "div",
      { class: "likely" },
      make("span", {}, `${naming.The(output)} is`), choice, field,
      naming.unit(output) ? make("span", {}, naming.unit(output)) : null, slider, answer,
    );
  }

  const shares = known.map(({ share }) => 100 * share);
  return {
    title: `How likely is ${of} at most, or at least, so much`,
    about: "Move the target, type it, or click a curve.",
    wide: true,
    controls,
    draw: (colours) => {
      const { share } = chance();
      const line = (name, y, colour, dash) => ({
        name, x: known.map(({ value }) => value), y, mode: "lines", line: { color: colour, width: 2, dash },
        hovertemplate: `${name} %{x:.5g}: %{y:.1f} %<extra></extra>`,
      });
      return {
        height: 340,
        data: [
          line("at most", shares, colours.accent, "solid"),
          line("at least", shares.map((y) => 100 - y), colours.high, "dash"),
          {
            x: [state.value], y: [100 * share], mode: "markers", showlegend: false, hoverinfo: "skip",
            marker: { color: colours.ink, size: 10 },
          },
        ],
        layout: {
          showlegend: true,
          legend: legendAbove,
          margin: { t: 48 },
          hovermode: "closest",
          xaxis: { title: { text: naming.axis(output) }, zeroline: false },
          yaxis: { ticksuffix: " %", range: [0, 102], title: { text: "of the draws" } },
          ...marked([mark(colours, { x: state.value, words: `target ${number(state.value)}`, dash: "solid" })]),
        },
      };
    },
    table: () => ({
      head: [naming.axis(output), "At most", "At least"],
      rows: known.map(({ value, share }) => [number(value, 6), percent(share, 2), percent(1 - share, 2)]),
    }),
  };
}
