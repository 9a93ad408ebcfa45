/**
 * What every page needs: data that come as scripts, elements, numbers in words, hints.
 *
 * Pages open from the disk, where a script may be loaded but no module and no JSON. So everything
 * hangs on one object, and each file of data calls `facslens.take`.
 */
(function () {
  "use strict";

  /** @type {Map<string, any>} */
  const taken = new Map();
  /** @type {Map<string, Promise<any>>} */
  const asked = new Map();

  /** Called by a file of data. @param {string} name @param {any} content */
  function take(name, content) {
    taken.set(name, content);
  }

  /** Give data by name; they are loaded when they are first asked for. @param {string} name */
  function need(name) {
    if (taken.has(name)) return Promise.resolve(taken.get(name));
    if (!asked.has(name)) {
      asked.set(
        name,
        new Promise(function (done, failed) {
          const script = document.createElement("script");
          script.src = "data/" + name + ".js";
          script.onload = () =>
            taken.has(name) ? done(taken.get(name)) : failed(new Error(name + " holds nothing"));
          script.onerror = () => {
            asked.delete(name);
            failed(new Error("data/" + name + ".js cannot be read"));
          };
          document.head.append(script);
        }),
      );
    }
    return asked.get(name);
  }

  const SVG = "http://www.w3.org/2000/svg";

  /**
   * Make an element. Keys that begin with "on" are listeners, `style` is an object, `tip` a hint.
   * @param {string} tag @param {Object<string, any>} [given] @param {...any} children
   */
  function h(tag, given, ...children) {
    return fill(document.createElement(tag), given, children);
  }

  /** The same for SVG. @param {string} tag @param {Object<string, any>} [given] @param {...any} children */
  function s(tag, given, ...children) {
    return fill(document.createElementNS(SVG, tag), given, children);
  }

  function fill(element, given, children) {
    for (const [key, value] of Object.entries(given || {})) {
      if (value === null || value === undefined || value === false) continue;
      if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
      else if (key === "style") for (const [n, v] of Object.entries(value)) element.style.setProperty(n, v);
      else if (key === "tip") element.dataset.tip = value;
      else element.setAttribute(key, value === true ? "" : String(value));
    }
    element.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
    return element;
  }

  const DASH = "–";

  /** Write a number with so many places; a dash where there is none. */
  function decimal(value, places = 2) {
    if (value === null || value === undefined || !Number.isFinite(value)) return DASH;
    const written = Math.abs(value).toFixed(places);
    return (value < 0 && Number(written) ? "−" : "") + written;
  }

  /** Write a number with its sign. */
  function signed(value, places = 2) {
    const written = decimal(value, places);
    return value > 0 && Number(written) ? "+" + written : written;
  }

  /** Write a p-value. */
  function chance(value) {
    if (value === null || value === undefined) return DASH;
    return value < 0.001 ? "< 0.001" : value.toFixed(3);
  }

  /** Write a share of 1 in per cent. */
  function percent(value) {
    return value === null || value === undefined || !Number.isFinite(value) ? DASH : Math.round(100 * value) + " %";
  }

  /** Write an interval, with a space before; nothing where there is none. */
  function between(low, high) {
    return low === null || high === null || low === undefined ? "" : " (" + decimal(low) + "–" + decimal(high) + ")";
  }

  /** Write a whole number, its thousands apart. */
  function whole(value) {
    return value === null || value === undefined ? DASH : String(value).replace(/\B(?=(\d{3})+$)/g, "\u202f");
  }

  /** Say something to those who listen. @param {string} text */
  function say(text) {
    document.getElementById("said").textContent = text;
  }

  /* Hints: whatever has one shows it under the pointer or where the focus is. */
  const tip = document.getElementById("tip");

  /** Show a hint beside a point of the window. */
  function hint(text, x, y) {
    if (!text) {
      tip.hidden = true;
      return;
    }
    tip.textContent = text;
    tip.hidden = false;
    const { width, height } = tip.getBoundingClientRect();
    const across = Math.min(Math.max(8, x + 14), Math.max(8, innerWidth - width - 8));
    const down = y + 18 + height > innerHeight ? y - height - 12 : y + 18;
    tip.style.transform = "translate(" + Math.round(across) + "px," + Math.round(Math.max(4, down)) + "px)";
  }

  document.addEventListener("pointermove", (event) => {
    const target = event.target instanceof Element ? event.target.closest("[data-tip]") : null;
    if (target) hint(target.dataset.tip, event.clientX, event.clientY);
    else if (!(event.target instanceof HTMLCanvasElement)) hint("");
  });
  document.addEventListener("focusin", (event) => {
    const target = event.target instanceof Element ? event.target.closest("[data-tip]") : null;
    if (!target || !target.matches(":focus-visible")) return hint("");
    const box = target.getBoundingClientRect();
    hint(target.dataset.tip, box.left, box.bottom - 10);
  });
  document.addEventListener("focusout", () => hint(""));

  /** Tell whether the page is dark. */
  function dark() {
    return document.documentElement.dataset.theme === "dark";
  }

  /** Give a colour of the style sheet, for canvases. @param {string} name */
  function colour(name) {
    return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  }

  const RAMPS = {
    light: [[226, 232, 238], [160, 203, 232], [64, 148, 205], [0, 94, 156], [0, 54, 98]],
    dark: [[43, 53, 64], [32, 84, 122], [38, 128, 186], [98, 186, 238], [206, 236, 255]],
  };

  /**
   * Give the colour of a share from 0 to 1, and the colour of letters upon it.
   * Blue alone, from pale to deep, so that it reads the same with every kind of colour vision.
   * @param {number | null} share
   */
  function ramp(share) {
    const stops = RAMPS[dark() ? "dark" : "light"];
    if (share === null || share === undefined || !Number.isFinite(share))
      return { fill: "none", ink: colour("soft") };
    const at = Math.min(Math.max(share, 0), 1) * (stops.length - 1);
    const low = Math.min(Math.floor(at), stops.length - 2);
    const mixed = stops[low].map((value, k) => Math.round(value + (stops[low + 1][k] - value) * (at - low)));
    const light = 0.299 * mixed[0] + 0.587 * mixed[1] + 0.114 * mixed[2];
    return { fill: "rgb(" + mixed.join(",") + ")", ink: light > 140 ? "#10202e" : "#ffffff" };
  }

  /** Wait until nothing was called for a moment. */
  function calm(work, pause = 120) {
    let timer = 0;
    return (...given) => {
      clearTimeout(timer);
      timer = setTimeout(() => work(...given), pause);
    };
  }

  /** Draw on a canvas that fits its place; drawn again where that changes. */
  function canvas(given, draw) {
    const element = h("canvas", given);
    const again = () => {
      const { clientWidth: wide, clientHeight: high } = element;
      if (!wide || !high) return;
      const dense = window.devicePixelRatio || 1;
      const [w, t] = [Math.round(wide * dense), Math.round(high * dense)];
      if (element.width !== w || element.height !== t) [element.width, element.height] = [w, t];
      const context = element.getContext("2d");
      context.setTransform(dense, 0, 0, dense, 0, 0);
      context.clearRect(0, 0, wide, high);
      draw(context, wide, high);
    };
    new ResizeObserver(again).observe(element);
    return { element, again };
  }

  window.facslens = {
    take, need, taken, h, s, decimal, signed, chance, percent, between, whole, say, hint, dark, colour, ramp, calm,
    canvas, DASH, pages: {},
  };
})();
