/** Tabs as screen readers and keyboards expect them: one is open, arrows move between. */

import { byId } from "./dom.js";

const STEP = { ArrowRight: 1, ArrowLeft: -1 };

/** @param {() => void} opened a panel has come into sight: what it draws has a width now */
export function start(opened) {
  const all = [...document.querySelectorAll("[role=tab]")];
  const open = (tab) => {
    for (const one of all) {
      one.setAttribute("aria-selected", String(one === tab));
      one.tabIndex = one === tab ? 0 : -1;
      byId(one.getAttribute("aria-controls")).hidden = one !== tab;
    }
    opened();
  };
  all.forEach((tab, index) => {
    tab.addEventListener("click", () => open(tab));
    tab.addEventListener("keydown", ({ key }) => {
      const to = { Home: 0, End: all.length - 1 }[key] ?? (STEP[key] ? (index + STEP[key] + all.length) % all.length : index);
      if (to === index) return;
      open(all[to]);
      all[to].focus();
    });
  });
}
