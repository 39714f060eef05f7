/** Merging what is nearest, again and again: hierarchical clusters. Pure. */

const JOINED = {
  average: (a, b, m, n) => (m * a + n * b) / (m + n),
  complete: (a, b) => Math.max(a, b),
  single: (a, b) => Math.min(a, b),
};

/** @param {number} n @param {(i: number, j: number) => number} distance */
function nearest(groups) {
  let found = { distance: Infinity, i: 0, j: 1 };
  for (let i = 0; i < groups.length; i += 1) {
    for (let j = i + 1; j < groups.length; j += 1) {
      const distance = groups[i].to.get(groups[j]);
      if (distance < found.distance) found = { distance, i, j };
    }
  }
  return found;
}

/**
 * The tree of n things: their order from top to bottom, and the brackets to draw.
 * @param {number} n at least 1
 * @param {(i: number, j: number) => number} distance of two things
 * @param {"average"|"complete"|"single"} linkage how far two groups are apart
 * @returns {{order: number[], brackets: {x: number[], y: number[], members: number[]}[]}}
 *   x: distances of merges; y: places in the order, from 0
 */
export function merges(n, distance, linkage = "average") {
  let groups = Array.from({ length: n }, (_, index) => ({ members: [index], height: 0, parts: null }));
  for (const [i, group] of groups.entries()) group.to = new Map(groups.map((other, j) => [other, i === j ? Infinity : distance(i, j)]));
  while (groups.length > 1) {
    const { distance: height, i, j } = nearest(groups);
    const [one, other] = [groups[i], groups[j]];
    const rest = groups.filter((group) => group !== one && group !== other);
    const joined = { members: [...one.members, ...other.members], height, parts: [one, other] };
    joined.to = new Map(rest.map((group) => [group, JOINED[linkage](group.to.get(one), group.to.get(other), one.members.length, other.members.length)]));
    for (const group of rest) group.to.set(joined, joined.to.get(group));
    groups = [...rest, joined];
  }
  const order = groups[0].members;
  const place = new Map(order.map((index, at) => [index, at]));
  const brackets = [];
  const middle = (group) => {
    if (!group.parts) return place.get(group.members[0]);
    const [one, other] = group.parts;
    const ends = [middle(one), middle(other)];
    brackets.push({ x: [one.height, group.height, group.height, other.height], y: [ends[0], ends[0], ends[1], ends[1]], members: group.members });
    return (ends[0] + ends[1]) / 2;
  };
  middle(groups[0]);
  return { order, brackets };
}
