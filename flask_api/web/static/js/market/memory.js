/** What uploaded files were called: the server knows data by their content alone. */

const KEY = "market-data-names";
const MOST = 200;

function kept() {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "{}");
  } catch {
    return {}; // storage is forbidden here, or holds something else
  }
}

function keep(names) {
  try {
    localStorage.setItem(KEY, JSON.stringify(Object.fromEntries(names)));
  } catch {
    // storage is forbidden here: the data are named by their size and day
  }
}

const without = (id) => Object.entries(kept()).filter(([other]) => other !== id);

/** The file that these data came from, as far as this browser knows. @returns {string} */
export const nameOf = (id) => kept()[id] ?? "";

/** Keep what a file was called. */
export const remember = (id, name) => keep([...without(id).slice(1 - MOST), [id, name]]);

/** The data are deleted. */
export const forget = (id) => keep(without(id));
