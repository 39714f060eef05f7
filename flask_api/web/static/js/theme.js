/**
 * Light or dark, before the first paint.
 *
 * A classic script in the head, not a module: modules run after the page is shown, and a
 * dark room would see a white flash at every load.
 */
(() => {
  "use strict";
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const kept = () => {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null; // storage is forbidden here: follow the system
    }
  };
  const now = () => root.dataset.theme || (dark.matches ? "dark" : "light");
  const apply = (name) => {
    if (name === "dark" || name === "light") root.dataset.theme = name;
  };
  apply(kept());

  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    const show = () => {
      const next = now() === "dark" ? "light" : "dark";
      button.textContent = next === "dark" ? "Dark" : "Light";
      button.setAttribute("aria-label", `Switch to the ${next} theme`);
      document.dispatchEvent(new CustomEvent("themechange"));
    };
    button.addEventListener("click", () => {
      const next = now() === "dark" ? "light" : "dark";
      apply(next);
      try {
        localStorage.setItem("theme", next);
      } catch {
        // storage is forbidden here: the choice lasts as long as the page
      }
      show();
    });
    dark.addEventListener("change", show);
    show();
  });
})();
