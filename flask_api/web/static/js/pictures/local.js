/** Slopes at today's values: derivatives, effects over the range and elasticities. */

import { effects } from "./growing.js";
import { number } from "../format.js";
import { intervalBars, MOST } from "./bars.js";
import { lead } from "./ranking.js";

export function live(box, { output, rows }, naming) {
  effects(box, rows ?? [], {
    label: naming.label, title: `How steeply ${naming.the(output)} moves`, axis: `${naming.axis(output)} over the whole range`, signed: true,
  });
}

export const outputs = (result) => Object.keys(result.outputs ?? {});

/** What is shown of a result: tiles, a sentence, pictures. */
export function view(result, output, naming) {
  const report = result.outputs[output];
  const own = (id) => (result.parameter_id === id ? result.results : result.results[id]) ?? {};
  const told = (id) => own(id).outputs?.[output] ?? own(id);
  const rows = report.ranking.map(({ id }) => ({
    id,
    ...report.indices.effect[id],
    slope: report.indices.derivative[id].value,
    elasticity: told(id).elasticity,
    scheme: told(id).scheme ?? own(id).scheme,
  }));
  const [first] = rows;
  const elastic = rows
    .filter(({ elasticity }) => Number.isFinite(elasticity))
    .map(({ id, elasticity }) => ({ id, value: elasticity }))
    .sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  const of = naming.the(output);
  const table = () => ({
    head: ["Input", "Slope, per unit of the input", "Effect over its range", "Elasticity", "Found by"],
    rows: rows.map((row) => [
      naming.label(row.id), number(row.slope, 5), number(row.value, 5), number(row.elasticity, 5), row.scheme ?? "–",
    ]),
  });
  const pictures = [
    {
      title: `What the slope at today's values makes of each input's whole range`,
      about: `Slope times width of the range: what ${of} would move by if it went on in a straight line. Below 0: it falls as the input rises.`,
      wide: true,
      draw: (colours, narrow) =>
        intervalBars(colours, narrow, [{ name: "effect", rows: rows.slice(0, MOST) }], { label: naming.label, axis: naming.axis(output) }),
      table,
    },
  ];
  if (elastic.length) {
    pictures.push({
      title: `Percent of ${of} per percent of the input`,
      about: "Elasticity at today's values.",
      wide: true,
      draw: (colours, narrow) =>
        intervalBars(colours, narrow, [{ name: "elasticity", rows: elastic.slice(0, MOST) }], { label: naming.label, axis: "elasticity" }),
      table: () => ({ head: ["Input", "Elasticity"], rows: elastic.map(({ id, value }) => [naming.label(id), number(value, 5)]) }),
    });
  }
  return {
    tiles: [
      [`${naming.whole(output)} as it stands`, number(result.metadata.baseline?.[output], 5), naming.unit(output)],
      first ? ["Steepest over its range", naming.label(first.id)] : null,
      first ? ["by", number(first.value), naming.unit(output)] : null,
    ],
    verdict: first && first.value
      ? [
          ["", naming.label(first.id)],
          ` moves ${of} most: at today's slope its whole range makes ${naming.amount(output, first.value)}${lead(rows.slice(0, 2).map(({ id, value }) => ({ id, value })), naming.label)}. This holds near today's values only.`,
        ]
      : [`No input has a slope at today's values.`],
    pictures,
  };
}
