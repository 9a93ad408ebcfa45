/** An expression's page: what raises and lowers it, through which units, and how faces are read. */
(function (facslens) {
  "use strict";
  const { h, need, decimal, signed, percent } = facslens;
  const run = facslens.run, site = run.site;

  facslens.pages.expression = async function (main, [name]) {
    if (!site.expressions.includes(name)) return facslens.lost(main, "This network has no expression " + name + ".");
    const at = site.expressions.indexOf(name), beside = (k) => (site.expressions[k] ? run.expressionAddress(site.expressions[k]) : null);
    main.append(h("header", { class: "page-head" },
      h("div", {}, h("p", { class: "eyebrow" }, "expression"), h("h1", {}, name[0].toUpperCase() + name.slice(1))),
      h("nav", { class: "tools", "aria-label": "Expressions beside" },
        beside(at - 1) ? h("a", { class: "quiet", href: beside(at - 1), rel: "prev", "data-key": "ArrowLeft" }, "← " + site.expressions[at - 1]) : null,
        beside(at + 1) ? h("a", { class: "quiet", href: beside(at + 1), rel: "next", "data-key": "ArrowRight" }, site.expressions[at + 1] + " →") : null)),
      h("p", { class: "about" }, "A name that a coder gives to how a face looks. It is not what the person feels, and nothing here may be used to tell that."));
    const own = (await need("expressions"))[name];
    const known = own.prototype.filter((au) => run.places.has(au));
    const cards = h("div", { class: "cards" });
    if (own.words.length) cards.append(h("section", { class: "card wide" }, h("h2", {}, "In words"), h("p", { class: "prose" }, own.words.join(" "))));
    if (own.prototype.length) cards.append(facslens.card("Its prototype", "One convention after EMFACS, and not the truth.",
      h("ul", { class: "chips" }, own.prototype.map((au) => h("li", {}, known.includes(au) ? run.auLink(au) : au))),
      site.play ? h("p", {}, h("a", { class: "button", href: "#/play/-/" + own.prototype.map((au) => au + "=D").join("+") }, "Play " + name)) : null));
    if (own.effects.length) {
      const rows = own.effects.slice().sort((a, b) => b[1] - a[1]);
      cards.append(facslens.card("What each action unit does to it", "Change of its score from rest to grade E, one action unit alone, with the 95 % interval over people. Members of the prototype are strong.",
        facslens.charts.bars({ rows: rows.map((r) => ({ label: run.auLink(r[0]), value: r[1], low: r[2], high: r[3], mark: r[5] === true ? "strong" : "",
          tip: run.short(r[0]) + " " + run.auName(r[0]) + ": " + signed(r[1]) + " (" + decimal(r[2]) + " to " + decimal(r[3]) + "), probability " + signed(r[4]) })) })));
    }
    if (own.needed.length) cards.append(facslens.card("What the whole prototype needs", "What its score loses without each member (bar), and what the member does alone.",
      facslens.charts.bars({ rows: own.needed.map((r) => ({ label: run.auLink(r[0]), value: r[2], low: r[3], high: r[4], tip: "without " + r[0] + " it loses " + decimal(r[2]) + " of " + decimal(r[1]) + "; alone it does " + signed(r[5]) })) })));
    const read = Object.entries(own.read), total = read.reduce((sum, [, n]) => sum + n, 0);
    if (total) cards.append(facslens.card("How faces that show it are read", total + " faces of unseen people.",
      facslens.charts.bars({ low: 0, high: 1, rows: read.sort((a, b) => b[1] - a[1]).map(([e, n]) => ({ label: h("a", { href: run.expressionAddress(e) }, e), value: n / total, text: n + ", " + percent(n / total), mark: e === name ? "strong" : "" })) })));
    if (own.carriers.length) {
      const byAu = new Map();
      for (const r of own.carriers) byAu.set(r[1], [...(byAu.get(r[1]) || []), r]);
      cards.append(facslens.card("Through which units", "For each action unit, the units that carry most of its effect on this expression.",
        h("ul", { class: "carriers" }, [...byAu].map(([au, rows]) => h("li", {}, run.auLink(au, false), " ", rows.map((r) => [run.unitLink(site.layers.findIndex((l) => l.name === r[0]), r[2], { class: r[5] === true ? "pill strong" : "pill", tip: "rank " + r[3] + ", removes " + percent(r[4]) }), " "]))))));
    }
    if (!cards.children.length) cards.append(h("p", {}, "This run has not asked what moves this expression: run ", h("code", {}, "facslens mechanism RUN"), "."));
    main.append(cards);
  };
})(window.facslens);
