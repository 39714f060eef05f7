/** Words beside points, so that none covers another. */

const LETTER = 6.2; // px of an average letter at size 11
const LINE = 14;
const PLACES = [["top right", 0, 1], ["bottom right", 0, -1], ["top left", -1, 1], ["bottom left", -1, -1]];

const meet = (a, b) => a.left < b.right && b.left < a.right && a.low < b.high && b.low < a.high;

/**
 * A place for each point's name; names that find none are left to hovering.
 * @param {{x: number, y: number, words: string, from?: number, to?: number}[]} points the
 *   most important first; x and y as shares of the picture's width and height; `from` and
 *   `to`: ends of a whisker
 * @param {number} width of the plane, px
 * @param {number} height
 * @param {{x: number, y: number, words: string}[]} there words that stand there already,
 *   left of and above their points
 * @returns {{words: string, place: string}[]}
 */
export function spread(points, width, height, there = [], most = 26) {
  const dots = points.map(({ x, y, from = x, to = x }) => ({ left: from * width - 5, right: to * width + 5, low: y * height - 5, high: y * height + 5 }));
  const taken = there.map(({ x, y, words }) => ({ left: x * width - LETTER * words.length, right: x * width, low: y * height, high: y * height + LINE }));
  return points.map(({ x, y, words }, index) => {
    const short = words.length > most ? `${words.slice(0, most - 1)}…` : words;
    const size = LETTER * short.length;
    for (const [place, across, up] of PLACES) {
      const left = x * width + (across < 0 ? -size - 6 : 6);
      const low = y * height + (up > 0 ? 2 : -2 - LINE);
      const box = { left, right: left + size, low, high: low + LINE };
      const inside = box.left >= 0 && box.right <= width && box.low >= 0 && box.high <= height;
      if (!inside || taken.some((other) => meet(box, other))) continue;
      if (dots.some((dot, at) => at !== index && meet(box, dot))) continue;
      taken.push(box);
      return { words: short, place };
    }
    return { words: "", place: "top right" };
  });
}
