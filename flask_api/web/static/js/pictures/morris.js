/** Elementary effects: the plane of mean size and spread. */

import { plane } from "./growing.js";
import { count, number } from "../format.js";
import { intervalBars, MOST } from "./bars.js";
import { spread } from "./labels.js";
import { plain, whiskers } from "./parts.js";
import { lead, listed, within } from "./ranking.js";
import { rankColumns, rankShares, stable } from "./ranks.js";

/** sigma / mu* up to which an input's effect counts as what, as the answer's `shape`. */
const GUIDES = [[0.1, "a line"], [0.5, "monotone"], [1, "almost monotone"]];

export function live(box, { output, rows }, naming) {
  plane(box, rows ?? [], { label: naming.label, axis: naming.axis(output), title: `Elementary effects on ${naming.the(output)}` });
}

export const outputs = (result) => Object.keys(result.outputs ?? {});

/** What is shown of a result: tiles, a sentence, pictures. */
export function view(result, output, naming) {
  const report = result.outputs[output];
  const own = (id) => (result.parameter_id === id ? result.results : result.results[id]) ?? {};
  const told = (id) => own(id).outputs?.[output] ?? own(id);
  const rows = report.ranking.map(({ id }) => ({
    id, ...report.indices.mu_star[id], mu: report.indices.mu[id].value, sigma: told(id).sigma, shape: told(id).shape, ranks: told(id).ranks,
  }));
  const shown = rows.filter(({ value, sigma }) => Number.isFinite(value) && Number.isFinite(sigma));
  const [first] = rows;
  const most = first?.value || 0;
  const idle = rows.filter(({ value, upper }) => (upper ?? value) < 0.01 * most).map(({ id }) => naming.label(id));
  const of = naming.the(output);
  const ranked = rankColumns(rows.map(({ ranks }) => ranks));
  const table = () => ({
    head: ["Input", "mu*", "from", "to", "mu", "sigma", "Shape", ...ranked.head],
    rows: rows.map((row) => [
      naming.label(row.id), ...[row.value, row.lower, row.upper, row.mu, row.sigma].map((value) => number(value, 5)), row.shape ?? "–", ...ranked.cells(row.ranks),
    ]),
  });
  return {
    tiles: [
      ["Strongest input", naming.label(first.id)],
      ["its mu*", number(first.value), naming.unit(output)],
      ["its shape", first.shape ?? "–"],
      ["Trajectories", count(report.trajectories)],
      ["Evaluations", count(result.metadata.evaluations)],
    ],
    verdict: most
      ? [
          ["", naming.label(first.id)],
          ` moves ${of} most: over its whole range by ${within(first, report.confidence)}${naming.unit(output) && ` ${naming.unit(output)}`} in the mean${lead(rows, naming.label)}.`,
          stable(first.ranks, naming.label(first.id)),
          idle.length ? ` ${listed(idle)} can be fixed: below 1 % of that.` : "",
        ]
      : [`No input moves ${of}.`],
    pictures: [
      {
        title: `What moves ${of}, and how evenly`,
        about: "To the right: a large effect. Far up: an effect that depends on where one stands, from a curve or from other inputs.",
        wide: true,
        draw: (colours, narrow) => scatter(colours, narrow, shown, naming, output),
        table,
      },
      {
        title: `Mean size of the effects on ${of}` + (rows.length > MOST ? `: the ${MOST} strongest of ${rows.length}` : ""),
        wide: true,
        draw: (colours, narrow) =>
          intervalBars(colours, narrow, [{ name: "mu*", rows: rows.slice(0, MOST) }], { label: naming.label, axis: `mu*: ${naming.axis(output)} over the input's whole range` }),
        table,
      },
      rankShares(report.resampled?.mu_star, rows.map(({ id }) => id), naming, output),
    ].filter(Boolean),
  };
}

function scatter(colours, narrow, rows, naming, output) {
  const right = 1.12 * Math.max(...rows.map(({ value, upper }) => Math.max(value, upper ?? value)), 0) || 1;
  const top = 1.15 * Math.max(...rows.map(({ sigma }) => sigma), 0.5 * right);
  const height = narrow ? 360 : 440;
  const guides = GUIDES.map(([slope, words]) => ({
    x: Math.min(right, top / slope), y: Math.min(slope * right, top), text: slope === 1 ? "sigma = mu*" : `${words}: sigma = ${slope} mu*`,
  }));
  const names = spread(
    rows.map(({ id, value, lower, upper, sigma }) => ({
      x: value / right, y: sigma / top, from: (lower ?? value) / right, to: (upper ?? value) / right, words: naming.label(id),
    })),
    narrow ? 280 : 740,
    height - 60,
    guides.map(({ x, y, text }) => ({ x: x / right, y: y / top, words: text })),
  );
  return {
    height,
    data: [
      ...GUIDES.map(([slope]) => ({
        mode: "lines", x: [0, Math.min(right, top / slope)], y: [0, Math.min(slope * right, top)],
        line: { color: colours.muted, width: 1, dash: "dot" }, hoverinfo: "skip",
      })),
      {
        mode: "markers+text",
        x: rows.map(({ value }) => value),
        y: rows.map(({ sigma }) => sigma),
        error_x: whiskers(rows, colours.muted),
        text: names.map(({ words }) => plain(words)),
        textposition: names.map(({ place }) => place),
        textfont: { size: 11, color: colours.ink },
        marker: { color: colours.accent, size: 9, line: { color: colours.surface, width: 1 } },
        customdata: rows.map((row) => `${plain(naming.label(row.id))}<br>mu* ${within(row)}<br>sigma ${number(row.sigma)}<br>${row.shape ?? ""}`),
        hovertemplate: "%{customdata}<extra></extra>",
      },
    ],
    layout: {
      margin: { t: 20, r: narrow ? 24 : 16 },
      xaxis: { range: [0, right], title: { text: `mu*, mean size: ${naming.axis(output)}` } },
      yaxis: { range: [0, top], title: { text: "sigma, spread" } },
      annotations: guides.map((guide) => ({ ...guide, xanchor: "right", yanchor: "bottom", showarrow: false, font: { size: 11, color: colours.muted } })),
    },
  };
}
