/** What was changed on the page, as a variant in the text of the model's file. */

/** A scalar that YAML reads back as the same; JSON's spelling is YAML's, too. */
const scalar = (value) => JSON.stringify(value);

/** Overrides that are no inputs, by the place they have in a file. */
const CONVENTION = "conventions";

/**
 * Lines of an extension.
 * @param {{name: string, title: string, extends: string,
 *          overrides: Object<string, *>, conventions: string[],
 *          classes: Object<string, number>}} variant
 *   `conventions`: names among the overrides that are no inputs; `classes`: share of the
 *   capital that each class of assets has
 */
function lines({ name, title, extends: base, overrides, conventions, classes }) {
  const found = [`  ${name}:`, `    title: ${scalar(title)}`];
  if (base) found.push(`    extends: ${base}`);
  const { preset, depreciation_method: method, ...rest } = overrides;
  if (preset !== undefined) found.push(`    preset: ${scalar(preset)}`);
  if (method !== undefined) {
    found.push("    depreciation:");
    for (const [asset, share] of Object.entries(classes)) {
      found.push(`      ${asset}: {method: ${scalar(method)}, share: ${share}}`);
    }
  }
  const block = (head, entries) => {
    if (entries.length) found.push(`    ${head}:`, ...entries.map(([key, value]) => `      ${key}: ${scalar(value)}`));
  };
  const choice = ([key]) => conventions.includes(key);
  block(CONVENTION, Object.entries(rest).filter(choice));
  block("inputs", Object.entries(rest).filter((entry) => !choice(entry)));
  return found;
}

/**
 * The text of a file with one more extension, at the end of those it has.
 * @param {string} text
 * @param {object} variant as `lines` takes it
 * @returns {{text: string, line: number}} `line`: where the new one begins, from 1
 */
export function withVariant(text, variant) {
  const all = text.replace(/\s*$/, "").split("\n");
  const head = all.findIndex((line) => /^extensions:\s*(#.*)?$/.test(line));
  const added = lines(variant);
  if (head < 0) {
    return { text: [...all, "", "extensions:", ...added, ""].join("\n"), line: all.length + 3 };
  }
  let end = all.findIndex((line, k) => k > head && /^[^\s#]/.test(line));
  if (end < 0) end = all.length;
  while (all[end - 1].trim() === "") end -= 1;
  all.splice(end, 0, ...added);
  return { text: `${all.join("\n")}\n`, line: end + 1 };
}

/** A name no extension has: `variant_1`, `variant_2` ... */
export function freeName(taken) {
  let next = 1;
  while (taken.includes(`variant_${next}`)) next += 1;
  return `variant_${next}`;
}
