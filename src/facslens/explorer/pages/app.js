/** The way from an address to a page, and the keys. */
(function (facslens) {
  "use strict";
  const { h, hint } = facslens;
  const site = facslens.run.site;
  const main = document.getElementById("main");
  let leave = null, shown = 0, opened = "";

  /** Say that there is no such page. */
  facslens.lost = function (place, text) {
    place.append(h("h1", {}, "Not here"), h("p", { class: "lead" }, text), h("p", {}, h("a", { class: "button", href: "#/" }, "To the face")));
  };

  /** Keep what a page shows in its address, without a step of the history. */
  facslens.keepAddress = function (address) {
    opened = address;
    history.replaceState(null, "", address);
  };

  /** Read an address: page, parts, and what follows the question mark. */
  function read(hash) {
    const [path, query] = hash.replace(/^#\/?/, "").split("?");
    const [page, ...rest] = path.split("/").map((part) => { try { return decodeURIComponent(part); } catch (broken) { return part; } });
    return { page: page || "start", rest, query: new URLSearchParams(query || "") };
  }

  async function route(moved) {
    if (location.hash === opened && moved) return;
    opened = location.hash;
    const { page, rest, query } = read(location.hash);
    const turn = ++shown;
    if (leave) leave();
    leave = null;
    hint("");
    const place = h("div", { class: "page page-" + page });
    main.replaceChildren(place);
    for (const link of document.querySelectorAll("nav.pages a")) link.toggleAttribute("aria-current", false);
    const section = { unit: "units", au: "start", expression: "start" }[page] || page;
    const current = document.querySelector('nav.pages a[data-page="' + CSS.escape(section) + '"]');
    if (current) current.setAttribute("aria-current", "page");
    try {
      const make = Object.hasOwn(facslens.pages, page) ? facslens.pages[page] : null;
      const left = make ? await make(place, rest, query) : facslens.lost(place, "There is no page " + page + ".");
      if (turn === shown) leave = typeof left === "function" ? left : null;
      else if (typeof left === "function") left();
    } catch (error) {
      place.append(h("p", { class: "note", role: "alert" }, "This page could not be made: " + error.message + "."));
    }
    if (turn !== shown) return;
    const heading = place.querySelector("h1");
    document.title = (heading ? heading.textContent + " · " : "") + site.run.name + " · facslens";
    if (moved) {
      window.scrollTo(0, 0);
      // but not away from somebody who types already
      if (heading && !document.activeElement.matches("input, select")) { heading.tabIndex = -1; heading.focus({ preventScroll: true }); }
    }
    document.documentElement.dataset.ready = String(turn);
    performance.mark("made");
  }

  function turnTheme() {
    const next = facslens.dark() ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    try { window.localStorage.setItem("facslens-theme", next); } catch (refused) { /* it holds until the page is left */ }
    const top = window.scrollY;
    opened = "";
    route(false).then(() => window.scrollTo(0, top));
  }

  let went = 0;
  document.addEventListener("keydown", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.ctrlKey || event.metaKey || event.altKey || target.matches("input[type=text], input[type=search], select, textarea")) return;
    if (event.key === "/") { event.preventDefault(); document.getElementById("find").focus(); return; }
    if (event.key === "t") { turnTheme(); return; }
    if (event.key === "g") { went = Date.now(); return; }
    if (Date.now() - went < 1500) {
      const to = { f: "#/", p: "#/play", u: "#/units", c: "#/compare", a: "#/about" }[event.key];
      if (to) { location.hash = to; return; }
    }
    const link = main.querySelector('a[data-key="' + CSS.escape(event.key) + '"]');
    if (link && !target.matches("[role=grid], input")) location.hash = link.getAttribute("href");
  });
  document.getElementById("theme").addEventListener("click", turnTheme);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", (event) => {
    let chosen = null;
    try { chosen = window.localStorage.getItem("facslens-theme"); } catch (refused) { chosen = null; }
    if (chosen) return;
    document.documentElement.dataset.theme = event.matches ? "dark" : "light";
    opened = "";
    route(false);
  });
  window.addEventListener("hashchange", () => route(true));
  document.getElementById("whose").textContent = site.run.name + " · facslens " + site.run.version;
  route(false);
})(window.facslens);
