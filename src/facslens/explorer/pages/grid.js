/** A list of any number of rows of which only those in sight are there. */
(function (facslens) {
  "use strict";
  const { h, say, whole } = facslens;
  const HIGH = 44;

  /**
   * @typedef {Object} Column
   * @property {string} id
   * @property {string} label
   * @property {string} width of the CSS grid
   * @property {(i: number) => number | string | null} value what is sorted and filtered
   * @property {(cell: HTMLElement, i: number) => void} show
   * @property {boolean} [number]
   * @property {string} [about] a hint
   * @property {boolean} [plain] neither sorted nor filtered
   */

  /** Tell whether a value passes what was typed: ">0.8", "<0.05", "0.6-0.8", or a part of a text. */
  function passes(value, typed) {
    const text = typed.trim().toLowerCase();
    if (!text) return true;
    const span = text.match(/^(-?[\d.]+)\s*(?:-|to|–)\s*(-?[\d.]+)$/);
    const bound = text.match(/^([<>]=?|=)\s*(-?[\d.]+)$/);
    if (typeof value === "number") {
      if (span) return value >= +span[1] && value <= +span[2];
      if (bound) return { ">": value > +bound[2], ">=": value >= +bound[2], "<": value < +bound[2], "<=": value <= +bound[2], "=": value === +bound[2] }[bound[1]];
      return String(value).startsWith(text);
    }
    if (value === null) return false;
    return String(value).toLowerCase().includes(text.replace(/^au0?/, "au"));
  }

  /**
   * @param {{columns: Column[], rows: () => ArrayLike<number>, open: (i: number) => string, label: string,
   *   sort: () => string, onsort: (id: string) => void, filters: () => Object<string, string>, onfilter: (id: string, text: string) => void}} given
   */
  function grid(given) {
    const template = given.columns.map((c) => c.width).join(" ");
    const least = given.columns.reduce((sum, c) => sum + parseInt(c.width.replace("minmax(", ""), 10) + 10, 24) + "px";
    const heads = given.columns.map((column, k) => {
      const cell = h("div", { role: "columnheader", class: column.number ? "number" : "", "aria-colindex": k + 1 });
      if (column.plain) cell.append(h("span", { class: "unseen" }, column.label));
      else {
        cell.append(
          h("button", { type: "button", class: "sort", tip: column.about || null, onclick: () => given.onsort(column.id) }, column.label, h("i", { "aria-hidden": true })),
          h("input", { type: "text", size: 4, spellcheck: "false", autocomplete: "off", "aria-label": "Filter by " + column.label, placeholder: column.number ? "> <" : "…",
            value: given.filters()[column.id] || "", oninput: facslens.calm((event) => given.onfilter(column.id, event.target.value), 150) }));
      }
      return cell;
    });
    const head = h("div", { role: "row", class: "grid-row head", style: { "grid-template-columns": template } }, heads);
    const space = h("div", { class: "space", role: "rowgroup" });
    const scroller = h("div", { class: "scroller", tabindex: 0, style: { "--least": least }, role: "grid", "aria-label": given.label, "aria-colcount": given.columns.length },
      h("div", { role: "rowgroup", class: "heads" }, head), space);
    /** @type {{element: HTMLElement, cells: HTMLElement[], at: number}[]} */
    const pool = [];
    let rows = given.rows(), active = -1;

    function show(slot, at) {
      if (slot.at === at) return;
      slot.at = at;
      const i = rows[at];
      slot.element.style.transform = "translateY(" + at * HIGH + "px)";
      slot.element.setAttribute("aria-rowindex", String(at + 2));
      slot.element.classList.toggle("active", at === active);
      given.columns.forEach((column, k) => column.show(slot.cells[k], i));
    }

    function draw() {
      const sight = scroller.clientHeight || 600;
      const first = Math.max(0, Math.floor(scroller.scrollTop / HIGH) - 4);
      const count = Math.min(rows.length - first, Math.ceil(sight / HIGH) + 8);
      while (pool.length < count) {
        const cells = given.columns.map((column, k) => h("div", { role: "gridcell", class: column.number ? "number" : "", "aria-colindex": k + 1 }));
        const slot = { element: h("div", { role: "row", id: "row-" + pool.length, class: "grid-row", style: { "grid-template-columns": template } }, cells), cells, at: -1 };
        slot.element.addEventListener("click", (event) => { if (!event.target.closest("a")) location.hash = given.open(rows[slot.at]); });
        space.append(slot.element);
        pool.push(slot);
      }
      const free = pool.filter((slot) => slot.at < first || slot.at >= first + count);
      const shown = new Set(pool.filter((slot) => !free.includes(slot)).map((slot) => slot.at));
      for (let at = first; at < first + count; at++) {
        if (shown.has(at)) continue;
        const slot = free.pop();
        slot.element.hidden = false;
        show(slot, at);
      }
      for (const slot of free) { slot.element.hidden = true; slot.at = -1; }
    }

    function update(speak) {
      rows = given.rows();
      active = Math.min(active, rows.length - 1);
      space.style.height = rows.length * HIGH + "px";
      scroller.setAttribute("aria-rowcount", String(rows.length + 1));
      const [, down, id] = given.sort().match(/^(-?)(.*)$/);
      given.columns.forEach((column, k) => {
        if (column.plain) return;
        heads[k].setAttribute("aria-sort", column.id === id ? (down ? "descending" : "ascending") : "none");
        const input = heads[k].querySelector("input");
        if (document.activeElement !== input) input.value = given.filters()[column.id] || "";
      });
      for (const slot of pool) slot.at = -1;
      draw();
      if (speak) say(whole(rows.length) + " units");
    }

    function move(to) {
      active = Math.max(0, Math.min(rows.length - 1, to));
      const top = active * HIGH, sight = scroller.clientHeight - head.offsetHeight;
      if (top < scroller.scrollTop) scroller.scrollTop = top;
      else if (top + HIGH > scroller.scrollTop + sight) scroller.scrollTop = top + HIGH - sight;
      draw();
      for (const slot of pool) slot.element.classList.toggle("active", slot.at === active);
      const slot = pool.find((one) => one.at === active);
      if (slot) scroller.setAttribute("aria-activedescendant", slot.element.id);
    }

    scroller.addEventListener("scroll", () => requestAnimationFrame(draw), { passive: true });
    scroller.addEventListener("keydown", (event) => {
      if (event.target !== scroller) return;
      const page = Math.floor(scroller.clientHeight / HIGH) - 2;
      const to = { ArrowDown: active + 1, ArrowUp: active - 1, PageDown: active + page, PageUp: active - page, Home: 0, End: rows.length - 1 }[event.key];
      if (to !== undefined && rows.length) { event.preventDefault(); move(to); }
      else if (event.key === "Enter" && active >= 0) location.hash = given.open(rows[active]);
    });
    new ResizeObserver(draw).observe(scroller);
    update(false);
    return { element: scroller, update, top: () => { scroller.scrollTop = 0; } };
  }

  facslens.grid = { grid, passes };
})(window.facslens);
