/** Two layers, two runs, or training against none: which detectors came, stayed and were lost. */
(function (facslens) {
  "use strict";
  const { h, decimal, between } = facslens;
  const run = facslens.run, site = run.site;

  /** The action units that any of the runs knows; of those that only others know, the number. */
  const known = site.aus.map((one) => one.au);
  const every = known.concat([...new Set(site.against.flatMap((other) => other.aus))].filter((au) => !known.includes(au))).sort();
  const auOf = (au, more = true) => (known.includes(au) ? run.auLink(au, more) : h("b", {}, run.short(au)));

  /** Tell whether another run's network has the same layers, so that they can stand beside each other by name. */
  facslens.isAlike = (other) => other.layers.length === site.layers.length && other.layers.every((one, k) => one.name === site.layers[k].name && one.units === site.layers[k].units);

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
    const [next] = site.against;
    const other = next ? byId.get("0:" + (facslens.isAlike(next) ? last : next.layers[next.layers.length - 1].name)) : byId.get("untrained:" + last) || all[0];
    let a = byId.get(query.get("a")) || other || all[0], b = byId.get(query.get("b")) || byId.get(last);
    const has = (source, id) => every.some((au) => source.get(au, id));
    let kind = query.get("kind") || (run.hasCaused && !(run.hasObserved && has(a, "observed") && has(b, "observed") && !(has(a, "caused") && has(b, "caused"))) ? "caused" : "observed");
    const place = h("div", {});
    const select = (label, now, change) => h("label", {}, label + " ", h("select", { onchange: (event) => { change(byId.get(event.target.value)); draw(); } }, all.map((one) => h("option", { value: one.id, selected: one === now }, one.label))));
    function draw() {
      const rows = every.map((au) => ({ au, a: a.get(au, kind), b: b.get(au, kind) })).filter((r) => r.a || r.b);
      const groups = { came: [], stayed: [], lost: [], neither: [], alone: [] };
      for (const r of rows) groups[!r.a || !r.b ? "alone" : r.b.good ? (r.a.good ? "stayed" : "came") : r.a.good ? "lost" : "neither"].push(r);
      if (!groups.alone.length) delete groups.alone;
      const words = { came: "detectors only on the right", stayed: "detectors on both sides", lost: "detectors only on the left", neither: "detectors on neither side", alone: "action units measured on one side alone" };
      const lacking = [a, b].filter((one) => !has(one, kind));
      const value = (side) => (side && side.value !== undefined ? side.value : null);
      const values = rows.flatMap((r) => [value(r.a), value(r.b)]).filter((v) => v !== null);
      place.replaceChildren(
        [a, b].some((one) => one.id.startsWith("untrained:")) ? h("p", { class: "about" }, "Untrained networks have no verdict of their own. Their AUROC is the mean over the networks, the best unit of each, chosen and measured by the same rules.") : "",
        lacking.length ? h("p", { class: "note" }, lacking.map((one) => one.label).join(" and ") + (lacking.length > 1 ? " have" : " has") + " no values on " + (kind === "observed" ? "coded" : "drawn") + " faces: nothing came or was lost.") : "",
        h("div", { class: "tallies" }, Object.entries(groups).map(([id, own]) => h("div", { class: "tally " + id }, h("b", {}, String(own.length)), h("span", {}, " " + words[id]), h("p", {}, own.length ? own.map((r, k) => [k ? ", " : "", auOf(r.au, false)]) : "–")))),
        h("section", { class: "card wide" }, h("h2", {}, kind === "observed" ? "AUROC on coded faces" : "AUROC on drawn faces"),
          facslens.charts.dumbbells({ names: [a.label, b.label], low: Math.min(0.4, ...values), high: 1, rows: rows.slice().sort((u, v) => ((value(v.b) || 0) - (value(v.a) || 0)) - ((value(u.b) || 0) - (value(u.a) || 0))).map((r) => ({
            label: auOf(r.au), a: value(r.a), b: value(r.b), mark: r.b && r.b.good ? "strong" : "",
            tip: run.short(r.au) + " " + run.auName(r.au) + "\n" + a.label + ": " + told(r.a) + "\n" + b.label + ": " + told(r.b) })) })),
        h("section", { class: "card wide" }, h("h2", {}, "Side by side"), h("div", { class: "table" }, h("table", {},
          h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "action unit"), [a, b].map((one) => h("th", { scope: "col" }, one.label)))),
          h("tbody", {}, rows.map((r) => h("tr", {}, h("th", { scope: "row" }, auOf(r.au)), [[a, r.a], [b, r.b]].map(([source, own]) =>
            h("td", { class: own && own.good ? "good" : "" }, h("div", { class: "both" }, h("span", {}, own ? [own.unit !== null && own.unit !== undefined ? [source.link(own.unit), " "] : "", own.state] : "not measured"),
              own ? h("span", { class: "number" }, decimal(own.value), h("small", {}, between(own.low, own.high))) : null))))))))));
      facslens.keepAddress("#/compare?" + new URLSearchParams({ a: a.id, b: b.id, kind }));
    }
    /** What the networks are, where they are not of one kind. */
    function networks() {
      const others = site.against.filter((one) => !facslens.isAlike(one) || one.expressions.join() !== site.expressions.join());
      if (!others.length) return null;
      const layers = (one) => one.layers.map((layer) => layer.name + " (" + layer.units + ")").join(", ");
      return h("section", { class: "card wide" }, h("h2", {}, "Different networks"),
        h("p", { class: "about" }, "Their layers do not correspond, and neither do their units: what can be compared is which action units have a detector, and how well it tells them apart."),
        h("div", { class: "table" }, h("table", {}, h("thead", {}, h("tr", {}, ["run", "layers (units)", "tells apart"].map((text) => h("th", { scope: "col" }, text)))),
          h("tbody", {}, [{ name: site.run.name, layers: site.layers, expressions: site.expressions }, ...others].map((one) => h("tr", {}, h("th", { scope: "row" }, one.name), h("td", {}, layers(one)), h("td", {}, one.expressions.join(", ") || "–")))))));
    }
    const told = (own) => (own ? own.state + ", " + decimal(own.value) : "not measured");
    main.append(h("header", { class: "page-head" }, h("div", {}, h("h1", {}, "Compare"), h("p", { class: "about" }, "Two layers side by side, " + (site.against.length ? "two runs, " : "") + "or trained against untrained: which detectors came, and which were lost.")),
      h("div", { class: "tools" }, select("Left", a, (one) => { a = one; }), select("Right", b, (one) => { b = one; }), facslens.switcher(kind, (id) => { kind = id; draw(); }))), place, networks() || "");
    draw();
  };
})(window.facslens);
