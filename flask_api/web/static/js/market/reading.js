/** How a file is written, where the server is not to guess: its fields come from the description. */

import * as part from "../controls.js";
import { byId } from "../dom.js";
import * as offer from "../offer.js";
import { READING } from "./words.js";

const VALUES = { ",": "comma", ";": "semicolon", "\t": "tab", "|": "upright bar" };

let fields = [];

/** Draw the fields. */
export function startReading() {
  fields = Object.entries(READING).flatMap(([name, title]) => {
    const about = offer.setting("market.read_data", `data.${name}`);
    if (!about) return [];
    const found = about.enum?.map((value) => [value, VALUES[value] ?? value]) ?? [["true", "names the columns"], ["false", "is a row already"]];
    return [[name, part.framed({ id: `read-${name}`, title }, part.choice(`read-${name}`, () => [["", "as the server finds"], ...found]))]];
  });
  byId("reading-settings").replaceChildren(...fields.map(([, field]) => field.node));
}

/** What was said, by name. @returns {Object<string, string>} */
export const options = () => Object.fromEntries(fields.map(([name, field]) => [name, field.read([])]).filter(([, value]) => value !== undefined));
