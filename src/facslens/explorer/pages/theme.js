/* Light or dark, before anything is drawn: as the system says, or as the reader chose. */
(function () {
  "use strict";
  var chosen = null;
  try {
    chosen = window.localStorage.getItem("facslens-theme");
  } catch (refused) {
    chosen = null;
  }
  var dark = window.matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = chosen || (dark ? "dark" : "light");
})();
