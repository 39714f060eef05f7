/** Which plant is looked at: a model, its variant, and what was changed on the page. */

let chosen = { version: "1", extension: "", overrides: {} };
const listeners = [];

/** The plant as requests name it. */
export const plant = () => ({
  version: chosen.version,
  ...(chosen.extension ? { extension: chosen.extension } : {}),
  ...(changes() > 0 ? { overrides: { ...chosen.overrides } } : {}),
});

/** How many values and choices differ from the file. */
export const changes = () => Object.keys(chosen.overrides).length;

export const override = (name) => chosen.overrides[name];

/** Call `listener()` after every change. */
export const whenChanged = (listener) => listeners.push(listener);

function tell() {
  for (const listener of listeners) listener();
}

/** Look at another plant; what was changed on the one before is dropped. */
export function choose(version, extension = "") {
  chosen = { version, extension, overrides: {} };
  tell();
}

/** Change a value or a choice; undefined takes the file's again. */
export function set(name, value) {
  const overrides = { ...chosen.overrides };
  if (value === undefined) delete overrides[name];
  else overrides[name] = value;
  chosen = { ...chosen, overrides };
  tell();
}

/** All as in the file. */
export const undo = () => choose(chosen.version, chosen.extension);
