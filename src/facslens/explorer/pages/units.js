/** All units: a plot in which a box selects, and a list that is sorted and filtered by any column. */
(function (facslens) {
  "use strict";
  const { h, decimal, whole, chance } = facslens;
  const run = facslens.run, site = run.site;

  const auText = (column) => (i) => { const at = run.columns[column][i]; return at < 0 ? null : run.short(site.aus[at].au) + " " + site.aus[at].name; };
  const showAu = (column) => (cell, i) => {
    const at = run.columns[column][i];
    if (!cell.firstChild) cell.append(h("b", {}), document.createTextNode(""));
    cell.firstChild.textContent = at < 0 ? "" : run.short(site.aus[at].au);
    cell.lastChild.data = at < 0 ? facslens.DASH : " " + site.aus[at].name;
  };
  const showNumber = (column, places = 2) => (cell, i) => { cell.textContent = decimal(run.value(column, i), places); };

  /** The columns of the list. */
  function columns() {
    const found = [];
    if (site.thumbs) {
      found.push({ id: "picture", label: "what it answers most", width: "46px", plain: true, value: () => null, show: (cell, i) => {
        const { file, cell: at } = run.thumb(i);
        if (!cell.firstChild) cell.append(run.cut(file, at, 16, [1, 1], { class: "thumb" }));
        const own = cell.firstChild.style;
        own.setProperty("background-image", "url(" + JSON.stringify(file) + ")");
        own.setProperty("--column", at % 16);
        own.setProperty("--row", Math.floor(at / 16));
      } });
    }
    found.push({ id: "unit", label: "Unit", width: "minmax(96px,1fr)", value: run.name, show: (cell, i) => {
      if (!cell.firstChild) cell.append(h("a", { tabindex: -1 }));
      cell.firstChild.href = run.address(i);
      cell.firstChild.textContent = run.name(i);
      cell.classList.toggle("dead", run.columns.status[i] === 1);
    } });
    if (run.hasCaused) {
      found.push(
        { id: "caused", label: "Moved by", width: "minmax(140px,1.4fr)", about: "the action unit under which it changes more than under any other, in most drawn people", value: auText("caused"), show: showAu("caused") },
        { id: "wins", label: "Specificity", number: true, width: "88px", about: "share of drawn people in whom it changes more under this action unit than under the strongest rival", value: (i) => run.value("wins", i), show: showNumber("wins") },
        { id: "separation", label: "Drawn AUROC", number: true, width: "112px", about: "how well its response alone tells faces with this action unit from all others", value: (i) => run.value("separation", i), show: showNumber("separation") });
    }
    if (run.hasObserved) {
      found.push(
        { id: "mapped", label: "Accepted", width: "minmax(140px,1.4fr)", about: "the first action unit for which the unit was accepted on coded faces, after permutations", value: auText("mapped"), show: showAu("mapped") },
        { id: "p", label: "p", number: true, width: "62px", about: "p of the accepted action unit, by the largest of all units and action units (max-T)", value: (i) => run.value("p", i), show: (cell, i) => { cell.textContent = run.columns.mapped[i] < 0 ? facslens.DASH : chance(run.value("p", i)); } },
        { id: "test", label: "Unseen", number: true, width: "66px", about: "AUROC of the accepted action unit on unseen people", value: (i) => run.value("test", i), show: showNumber("test") },
        { id: "observed", label: "Observed", width: "minmax(140px,1.4fr)", about: "the action unit that its responses tell apart best on coded faces", value: auText("observed"), show: showAu("observed") },
        { id: "auroc", label: "AUROC", number: true, width: "70px", about: "of that action unit, on the people that chose", value: (i) => run.value("auroc", i), show: showNumber("auroc") });
    }
    return found;
  }

  facslens.pages.units = function (main, _rest, query) {
    const list = columns(), byId = new Map(list.map((c) => [c.id, c]));
    const state = { sort: query.get("sort") || (run.hasCaused ? "-wins" : "-auroc"), filters: {}, live: query.get("live") !== "all", box: null, layer: query.get("layer") || "" };
    for (const [key, value] of query) if (key.startsWith("f.") && byId.has(key.slice(2))) state.filters[key.slice(2)] = value;
    if (query.get("box")) { const box = query.get("box").split(",").map(Number); if (box.length === 4 && box.every(Number.isFinite)) state.box = box; }
    if (!byId.has(state.sort.replace("-", ""))) state.sort = list.find((c) => !c.plain).id;

    const [xColumn, yColumn] = run.hasCaused ? ["separation", "wins"] : ["auroc", "margin"];
    const x = (i) => run.value(xColumn, i), y = (i) => run.value(yColumn, i);
    let rows = new Uint32Array(0), without = rows;

    function choose() {
      const layer = site.layers.findIndex((one) => one.name === state.layer);
      const kept = [], points = [];
      const filters = Object.entries(state.filters).filter(([, text]) => text.trim()).map(([id, text]) => [byId.get(id), text]);
      for (let i = 0; i < run.total; i++) {
        if (state.live && run.columns.status[i] === 1) continue;
        if (layer >= 0 && run.layerOf[i] !== layer) continue;
        if (!filters.every(([column, text]) => facslens.grid.passes(column.value(i), text))) continue;
        points.push(i);
        if (state.box) {
          const [a, b] = [x(i), y(i)];
          if (a === null || b === null || a < state.box[0] || a > state.box[2] || b < state.box[1] || b > state.box[3]) continue;
        }
        kept.push(i);
      }
      const [, down, id] = state.sort.match(/^(-?)(.*)$/);
      const value = byId.get(id).value, turn = down ? -1 : 1;
      if (id !== "unit" || down) {
        kept.sort((a, b) => {
          const [u, v] = [value(a), value(b)];
          if (u === null || v === null) return u === v ? a - b : u === null ? 1 : -1;
          if (u !== v) return (typeof u === "number" ? u - v : id === "unit" ? a - b : String(u).localeCompare(String(v), "en", { numeric: true })) * turn;
          const [s, t] = [x(a), x(b)];
          return (t || 0) - (s || 0) || a - b;
        });
      }
      rows = Uint32Array.from(kept);
      without = Uint32Array.from(points);
    }

    function keep() {
      const given = new URLSearchParams();
      given.set("sort", state.sort);
      if (state.layer) given.set("layer", state.layer);
      if (!state.live) given.set("live", "all");
      for (const [id, text] of Object.entries(state.filters)) if (text.trim()) given.set("f." + id, text);
      if (state.box) given.set("box", state.box.map((v) => v.toFixed(3)).join(","));
      facslens.keepAddress("#/units?" + given);
    }

    const count = h("p", { class: "count" });
    function change(speak = true, top = true) {
      choose();
      table.update(speak);
      if (top) table.top();
      plot.again();
      count.replaceChildren(h("b", {}, whole(rows.length)), " of " + whole(run.total) + " units", ...(state.box ? [" in the box ", h("button", { type: "button", class: "link", onclick: () => { state.box = null; change(); } }, "clear")] : []));
      keep();
    }

    choose();
    const table = facslens.grid.grid({
      columns: list, rows: () => rows, open: run.address, label: "Units",
      sort: () => state.sort, filters: () => state.filters,
      onsort: (id) => { const number = byId.get(id).number; state.sort = state.sort === id ? "-" + id : state.sort === "-" + id ? id : number && id !== "p" ? "-" + id : id; change(); },
      onfilter: (id, text) => { state.filters[id] = text; change(); },
    });
    const held = new Set(site.detectors.flatMap((d) => [
      ...(d.c_verdict === "caused" ? [run.row(d.layer, d.c_unit)] : []), ...(d.status === "confirmed" ? [run.row(d.layer, d.unit)] : [])]));
    const tip = (i) => {
      const [o, c] = [run.columns.observed[i], run.columns.caused[i]];
      return run.name(i) +
        (c >= 0 ? "\nmoved by " + run.short(site.aus[c].au) + " " + site.aus[c].name + ": specificity " + decimal(run.value("wins", i)) + ", AUROC " + decimal(run.value("separation", i)) : "") +
        (o >= 0 ? "\nobserved " + run.short(site.aus[o].au) + " " + site.aus[o].name + ": AUROC " + decimal(run.value("auroc", i)) : "");
    };
    const range = (f, low, high) => { let [a, b] = [low, high]; for (let i = 0; i < run.total; i++) { const v = f(i); if (v !== null) { if (v < a) a = v; if (v > b) b = v; } } return [a - 0.02, b + 0.02]; };
    const plot = facslens.charts.scatter({
      x, y, rows: () => without, xRange: range(x, 0.5, 1), yRange: range(y, 0, run.hasCaused ? 1 : 0.3),
      xName: run.hasCaused ? "AUROC on drawn faces" : "AUROC on coded faces", yName: run.hasCaused ? "specificity" : "ahead of the next action unit",
      strong: (i) => held.has(i), tip, box: () => state.box, onbox: (box) => { state.box = box; change(); }, onopen: (i) => { location.hash = run.address(i); },
      label: "Every unit by AUROC and specificity. The same numbers stand in the list, where they can be filtered.",
    });
    main.append(
      h("header", { class: "page-head" }, h("h1", {}, "Units"),
        h("div", { class: "tools" },
          h("label", {}, "Layer ", h("select", { onchange: (event) => { state.layer = event.target.value; change(); } },
            h("option", { value: "" }, "all"), site.layers.map((l) => h("option", { value: l.name, selected: l.name === state.layer }, l.name)))),
          h("label", {}, h("input", { type: "checkbox", checked: !state.live, onchange: (event) => { state.live = !event.target.checked; change(); } }), " with silent ones"),
          h("button", { type: "button", class: "quiet", onclick: () => { Object.assign(state, { filters: {}, box: null, layer: "", live: true }); main.querySelector("select").value = ""; main.querySelector("input[type=checkbox]").checked = false; change(); } }, "Clear all"))),
      h("div", { class: "units" },
        h("section", { class: "plot", "aria-label": "Plot" }, plot.element,
          h("p", { class: "legend" }, h("i", { class: "dot a" }), "the unit of an action unit by every test ", h("i", { class: "dot plain" }), "any other unit. Draw a box to select; click a point to open it.")),
        h("section", { class: "list", "aria-label": "List" }, count, table.element)));
    change(false, false);
  };
})(window.facslens);
