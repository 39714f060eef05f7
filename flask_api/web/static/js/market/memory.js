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

/** The file that these data came from, as far as this browser knows. @returns {string} */
export const nameOf = (id) => kept()[id] ?? "";

/** Keep what a file was called. */
export function remember(id, name) {
  const rest = Object.entries(kept()).filter(([other]) => other !== id).slice(1 - MOST);
  try {
    localStorage.setItem(KEY, JSON.stringify(Object.fromEntries([...rest, [id, name]])));
  } catch {
    // storage is forbidden here: the data are named by their size and day
  }
}
