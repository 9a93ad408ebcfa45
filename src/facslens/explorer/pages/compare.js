/** Two layers, two runs, or training against none: which detectors came, stayed and were lost. */
(function (facslens) {
  "use strict";
  const { h, decimal, between } = facslens;
  const run = facslens.run, site = run.site;

  /** What can stand on a side: id, label, and the evidence for an action unit. */
  function sources() {
    const found = [];
    const of = (layers, aus, detectors, prefix, id, own) => layers.forEach((layer, k) => found.push({
      id: id + layer.name, label: prefix + layer.name,
      get: (au, kind) => { const d = detectors.find((one) => one.layer === k && aus[one.au] === au); return d ? (kind === "observed" ? run.seen(d) : run.switched(d)) : null; },
      link: own ? (unit) => run.unitLink(k, unit) : (unit) => layer.name + "/" + unit,
    }));
    of(site.layers, site.aus.map((one) => one.au), site.detectors, site.against.length ? site.run.name + " · " : "", "", true);
    site.against.forEach((other, n) => of(other.layers, other.aus, other.detectors, other.name + " · ", n + ":", false));
    for (const layer of new Set(site.untrained.map((one) => one.layer))) found.push({
      id: "untrained:" + site.layers[layer].name, label: "untrained networks · " + site.layers[layer].name,
      get: (au, kind) => { const one = site.untrained.find((u) => u.layer === layer && u.kind === kind && site.aus[u.au].au === au); return one ? { value: one.auroc, good: false, state: "untrained", unit: null, low: null, high: null } : null; },
      link: () => "best of each",
    });
    return found;
  }

  facslens.pages.compare = function (main, _rest, query) {
    const all = sources(), byId = new Map(all.map((one) => [one.id, one]));
    const last = site.layers[site.layers.length - 1].name;
    const other = site.against.length ? all.find((one) => one.id === "0:" + last) : byId.get("untrained:" + last) || all[0];
    let a = byId.get(query.get("a")) || other || all[0], b = byId.get(query.get("b")) || byId.get(last);
    let kind = query.get("kind") || (run.hasCaused ? "caused" : "observed");
    const place = h("div", {});
    const select = (label, now, change) => h("label", {}, label + " ", h("select", { onchange: (event) => { change(byId.get(event.target.value)); draw(); } }, all.map((one) => h("option", { value: one.id, selected: one === now }, one.label))));
    function draw() {
      const rows = site.aus.map((one) => ({ one, a: a.get(one.au, kind), b: b.get(one.au, kind) })).filter((r) => r.a || r.b);
      const groups = { came: [], stayed: [], lost: [], neither: [] };
      for (const r of rows) groups[r.b && r.b.good ? (r.a && r.a.good ? "stayed" : "came") : r.a && r.a.good ? "lost" : "neither"].push(r);
      const words = { came: "only on the right", stayed: "on both sides", lost: "only on the left", neither: "on neither side" };
      const value = (side) => (side && side.value !== undefined ? side.value : null);
      const known = rows.flatMap((r) => [value(r.a), value(r.b)]).filter((v) => v !== null);
      place.replaceChildren(
        [a, b].some((one) => one.id.startsWith("untrained:")) ? h("p", { class: "about" }, "Untrained networks have no verdict of their own. Their AUROC is the mean over the networks, the best unit of each, chosen and measured by the same rules.") : "",
        h("div", { class: "tallies" }, Object.entries(groups).map(([id, own]) => h("div", { class: "tally " + id }, h("b", {}, String(own.length)), h("span", {}, " detectors " + words[id]), h("p", {}, own.length ? own.map((r, k) => [k ? ", " : "", run.auLink(r.one.au, false)]) : "–")))),
        h("section", { class: "card wide" }, h("h2", {}, kind === "observed" ? "AUROC on coded faces" : "AUROC on drawn faces"),
          facslens.charts.dumbbells({ names: [a.label, b.label], low: Math.min(0.4, ...known), high: 1, rows: rows.slice().sort((u, v) => ((value(v.b) || 0) - (value(v.a) || 0)) - ((value(u.b) || 0) - (value(u.a) || 0))).map((r) => ({
            label: run.auLink(r.one.au), a: value(r.a), b: value(r.b), mark: r.b && r.b.good ? "strong" : "",
            tip: run.short(r.one.au) + " " + r.one.name + "\n" + a.label + ": " + told(r.a) + "\n" + b.label + ": " + told(r.b) })) })),
        h("section", { class: "card wide" }, h("h2", {}, "Side by side"), h("div", { class: "table" }, h("table", {},
          h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "action unit"), [a, b].map((one) => h("th", { scope: "col", colspan: 2 }, one.label)))),
          h("tbody", {}, rows.map((r) => h("tr", {}, h("th", { scope: "row" }, run.auLink(r.one.au)), [[a, r.a], [b, r.b]].map(([source, own]) => [
            h("td", { class: own && own.good ? "good" : "" }, own ? [own.unit !== null && own.unit !== undefined ? [source.link(own.unit), " "] : "", own.state] : "–"),
            h("td", { class: "number" }, own ? decimal(own.value) + between(own.low, own.high) : "–")]))))))));
      facslens.keepAddress("#/compare?" + new URLSearchParams({ a: a.id, b: b.id, kind }));
    }
    const told = (own) => (own ? own.state + ", " + decimal(own.value) : "not measured");
    main.append(h("header", { class: "page-head" }, h("div", {}, h("h1", {}, "Compare"), h("p", { class: "about" }, "Two layers side by side, " + (site.against.length ? "two runs, " : "") + "or trained against untrained: which detectors came, and which were lost.")),
      h("div", { class: "tools" }, select("Left", a, (one) => { a = one; }), select("Right", b, (one) => { b = one; }), facslens.switcher(kind, (id) => { kind = id; draw(); }))), place);
    draw();
  };
})(window.facslens);
