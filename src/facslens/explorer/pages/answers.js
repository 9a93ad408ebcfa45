/** What a network answers to the face that is played with: expressions, detectors, all units. */
(function (facslens) {
  "use strict";
  const { h, decimal, signed, percent, colour, canvas, hint } = facslens;
  const run = facslens.run, site = run.site;

  /*
   * Each is given a view: `data` of the person, `layers` by their numbers, and `now()` and `rest()`,
   * the face that is shown and the one at rest. Each gives elements, and what to call when the face
   * has changed.
   */

  /** The score of every expression. */
  function expressions(view) {
    const all = view.data.scores.flat().filter((v) => v !== null);
    let low = Math.min(0, ...all), high = Math.max(0, ...all);
    const at = (v) => (100 * (v - low)) / (high - low || 1);
    const rows = site.expressions.map((expression, e) => {
      const bar = h("i", { class: "bar" }), mark = h("i", { class: "rest" }), zero = h("i", { class: "zero" }), number = h("span", { class: "number" });
      const element = h("li", {}, h("a", { class: "label", href: run.expressionAddress(expression) }, expression), h("span", { class: "track" }, zero, bar, mark), number);
      const follow = () => {
        const { scores, chances } = view.now(), value = scores[e], before = view.rest().scores[e];
        const share = chances ? chances[e] / 1000 : null;
        zero.style.left = at(0) + "%";
        Object.assign(bar.style, { left: Math.min(at(0), at(value)) + "%", width: Math.abs(at(value) - at(0)) + "%" });
        mark.style.left = at(before) + "%";
        number.textContent = share === null ? decimal(value) : percent(share);
        element.classList.toggle("first", value === Math.max(...scores));
        element.dataset.tip = expression + ": score " + signed(value) + ", at rest " + signed(before) + (share === null ? "" : "\nprobability " + decimal(share, 3));
      };
      return { element, follow };
    });
    return {
      elements: rows.map((row) => row.element),
      follow: () => {
        // a face that was drawn now may go beyond every recorded one
        [low, high] = [Math.min(low, ...view.now().scores), Math.max(high, ...view.now().scores)];
        for (const row of rows) row.follow();
      },
    };
  }

  /** The unit of each action unit, and what it sees. */
  function detectors(view) {
    const { units, cell } = view.data.seen, order = new Map(units.map(([layer, unit], k) => [layer + "/" + unit, k]));
    const rows = site.play.detectors.map(([layer, au, unit, verdict]) => {
      const k = order.get(layer + "/" + unit), own = view.layers.get(layer);
      if (!own) return null;
      const bar = h("i", { class: "bar" }), mark = h("i", { class: "rest" }), shown = cell ? h("span", { class: "cut seen", "aria-hidden": true }) : null;
      if (shown) for (const [name, value] of [["--wide", 1], ["--high", 1], ["--across", units.length], ["--column", k]]) shown.style.setProperty(name, String(value));
      const element = h("a", { class: "detector" + (verdict === "caused" ? " good" : ""), href: run.unitAddress(layer, unit) }, shown,
        h("span", { class: "names" }, h("b", {}, run.short(au)), h("small", {}, "unit " + unit)), h("span", { class: "track" }, bar, mark));
      const follow = () => {
        const now = view.now(), value = now.at(layer, unit), before = view.rest().at(layer, unit);
        const [low, high] = [Math.min(0, own.low[unit]), Math.max(own.high[unit], value)];
        const at = (v) => (high > low ? (100 * (v - low)) / (high - low) : 0);
        bar.style.width = at(value) + "%";
        mark.style.left = at(before) + "%";
        if (shown) {
          shown.style.setProperty("background-image", "url(" + JSON.stringify(now.seen.source) + ")");
          shown.style.setProperty("--row", String(now.seen.row));
        }
        element.classList.toggle("up", high > low && (value - before) / (high - low) > 0.12);
        element.classList.toggle("own", now.aus.includes(au));
        element.dataset.tip = run.short(au) + " " + run.auName(au) + ", " + (run.VERDICTS[verdict] || verdict) + "\n" + site.layers[layer].name + "/" + unit + ": " + decimal(value) + ", at rest " + decimal(before);
      };
      return { element, follow };
    }).filter(Boolean);
    return { elements: rows.map((row) => row.element), follow: () => { for (const row of rows) row.follow(); } };
  }

  /** Every unit of a layer as a cell. */
  function field(view, layer) {
    const own = view.layers.get(layer);
    const strong = new Map(site.play.detectors.filter((d) => d[3] === "caused" && d[0] === layer).map(([, au, unit]) => [unit, au]));
    const change = (unit) => { const span = own.high[unit] - own.low[unit]; return span > 0 ? (view.now().at(layer, unit) - view.rest().at(layer, unit)) / span : 0; };
    let columns = 1, side = 10;
    const made = canvas({ class: "field", role: "img", "aria-label": site.layers[layer].name + ", " + own.units + " units" }, (context, wide, high) => {
      side = Math.max(4, Math.floor(Math.sqrt((wide * high) / own.units)));
      while (Math.ceil(own.units / Math.floor(wide / side)) * side > high && side > 4) side -= 1;
      columns = Math.max(1, Math.floor(wide / side));
      const [up, down, empty, ring] = ["up", "down", "cell", "ink"].map(colour);
      const gap = side > 8 ? 2 : 1;
      for (let unit = 0; unit < own.units; unit++) {
        const [x, y] = [(unit % columns) * side, Math.floor(unit / columns) * side], changed = change(unit);
        context.globalAlpha = 1;
        context.fillStyle = empty;
        context.fillRect(x, y, side - gap, side - gap);
        context.globalAlpha = Math.min(1, Math.abs(changed) * 1.25);
        context.fillStyle = changed < 0 ? down : up;
        context.fillRect(x, y, side - gap, side - gap);
        if (strong.has(unit)) { context.globalAlpha = 0.85; context.strokeStyle = ring; context.lineWidth = 1; context.strokeRect(x + 0.5, y + 0.5, side - gap - 1, side - gap - 1); }
      }
      context.globalAlpha = 1;
    });
    const under = (event) => { const b = made.element.getBoundingClientRect(); const unit = Math.floor((event.clientY - b.top) / side) * columns + Math.floor((event.clientX - b.left) / side); return (event.clientX - b.left) < columns * side && unit < own.units ? unit : -1; };
    made.element.addEventListener("pointermove", (event) => { const unit = under(event); hint(unit < 0 ? "" : site.layers[layer].name + "/" + unit + (strong.has(unit) ? ", the unit of " + run.short(strong.get(unit)) : "") + "\n" + decimal(view.now().at(layer, unit)) + ", at rest " + decimal(view.rest().at(layer, unit)), event.clientX, event.clientY); });
    made.element.addEventListener("pointerleave", () => hint(""));
    made.element.addEventListener("click", (event) => { const unit = under(event); if (unit >= 0) location.hash = run.unitAddress(layer, unit); });
    const most = h("p", { class: "most" });
    const follow = () => {
      made.again();
      const found = [];
      for (let unit = 0; unit < own.units; unit++) if (own.high[unit] > own.low[unit]) found.push([change(unit), unit]);
      found.sort((a, b) => Math.abs(b[0]) - Math.abs(a[0]));
      most.replaceChildren(...(view.now().aus.length ? ["most: ", ...found.slice(0, 5).map(([changed, unit], k) => [k ? ", " : "", run.unitLink(layer, unit), " " + signed(changed)]).flat()] : ["Move an action unit."]));
    };
    return { element: h("div", { class: "field-of" }, h("h3", {}, site.layers[layer].name), made.element, most), follow };
  }

  function fields(view) {
    const rows = [...view.layers.keys()].map((layer) => field(view, layer));
    return { elements: rows.map((row) => row.element), follow: () => { for (const row of rows) row.follow(); } };
  }

  facslens.answers = { expressions, detectors, fields };
})(window.facslens);
