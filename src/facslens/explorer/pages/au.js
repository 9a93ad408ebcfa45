/** An action unit's own page: where it shows, its units by layer, observed against caused. */
(function (facslens) {
  "use strict";
  const { h, need, decimal, signed, between, whole } = facslens;
  const run = facslens.run, site = run.site;

  facslens.pages.au = async function (main, [number]) {
    const at = site.aus.findIndex((one) => String(one.number) === String(number).replace(/^AU0*/i, ""));
    if (at < 0) return facslens.lost(main, "This run has no action unit " + number + ".");
    const one = site.aus[at], au = one.au;
    const observed = run.best(au, "observed"), caused = run.best(au, "caused");
    const beside = (k) => (site.aus[k] ? run.auAddress(site.aus[k].au) : null);
    main.append(
      h("header", { class: "page-head" },
        h("div", {}, h("p", { class: "eyebrow" }, "action unit"), h("h1", {}, run.short(au), " ", h("span", { class: "thin" }, one.name))),
        h("nav", { class: "tools", "aria-label": "Action units beside" },
          beside(at - 1) ? h("a", { class: "quiet", href: beside(at - 1), rel: "prev", "data-key": "ArrowLeft" }, "← " + run.short(site.aus[at - 1].au)) : null,
          beside(at + 1) ? h("a", { class: "quiet", href: beside(at + 1), rel: "next", "data-key": "ArrowRight" }, run.short(site.aus[at + 1].au) + " →") : null)),
      h("div", { class: "au-top" },
        h("div", { class: "au-face" }, facslens.face.diagram({ kind: caused && (!observed || caused.good) ? "caused" : "observed", only: au })),
        h("div", {},
          one.muscles ? h("p", { class: "lead" }, "Muscles: " + one.muscles + ".") : null,
          one.when ? h("p", {}, "It shows when " + one.when + ".") : null,
          h("dl", { class: "verdicts" },
            tile("Observed", observed, one.present === null ? "" : whole(one.present) + " sequences with it, " + whole(one.absent) + " without" + (one.reason ? "; " + one.reason : "")),
            tile("Caused", caused, caused && caused.detector.c_people ? "ahead of its strongest rival, " + run.short(caused.detector.c_rival || au) + ", in " + caused.detector.c_wins + " of " + caused.detector.c_people + " drawn people" : "")),
          h("ul", { class: "said" }, sentences(au)),
          h("p", { class: "ways" }, site.play && site.play.detectors.length ? h("a", { class: "button", href: "#/play/-/" + au + "=E" }, "Play " + run.short(au)) : null,
            one.prototypes.length ? h("span", {}, "Belongs to ", one.prototypes.map((e, k) => [k ? ", " : "", site.expressions.includes(e) ? h("a", { href: run.expressionAddress(e) }, e) : e]), ".") : null))));
    const data = await need("au/" + au);
    main.append(h("div", { class: "cards" }, byLayer(au, at, data), against(au, data), dose(data), drawn(au, data), does(data)));
  };

  function tile(label, best, note) {
    return h("div", { class: best && best.good ? "good" : "" }, h("dt", {}, label),
      h("dd", {}, best && best.unit !== null && best.unit !== undefined ? [h("b", {}, decimal(best.value)), " ", h("span", {}, best.state), h("br"), run.unitLink(best.layer, best.unit), h("small", {}, " AUROC" + between(best.low, best.high))] : h("span", {}, best ? best.state : "not measured"),
        note ? h("small", { class: "below" }, note) : null));
  }

  function sentences(au) {
    const found = [];
    site.layers.forEach((_, layer) => {
      const d = run.detector(layer, au);
      if (d && d.b_said && layer === site.layers.length - 1) found.push(h("li", {}, d.b_said));
      else if (d && d.said && layer === site.layers.length - 1) found.push(h("li", {}, d.said));
    });
    return found;
  }

  function byLayer(au, at, data) {
    const parts = site.layers.map((layer, k) => {
      const own = data.layers[k];
      const best = (values, count) => values.map((v, unit) => [v, unit]).filter(([v]) => v !== null).sort((a, b) => b[0] - a[0]).slice(0, count);
      const scores = run.hasCaused && own.wins.some((v) => v !== null) ? own.wins.map((w, unit) => (w === null ? null : w + (own.auroc[unit] || 0) / 1e4)) : null;
      const seen = best(own.observed, 5), moved = scores ? best(scores, 5) : [];
      const d = run.detector(k, au) || {};
      const item = (unit, text, strong, tip) => h("li", { class: strong ? "strong" : "", tip },
        h("a", { href: run.unitAddress(k, unit) }, small(k, unit), h("span", {}, layer.name + "/" + unit)), h("span", { class: "number" }, text));
      return h("div", { class: "layer" }, h("h3", {}, layer.name),
        seen.length ? [h("h4", {}, "observed"), h("ol", { class: "beside" }, seen.map(([v, unit]) => item(unit, decimal(v / 1000), d.unit === unit, "AUROC on coded faces " + decimal(v / 1000))))] : null,
        moved.length ? [h("h4", {}, "caused"), h("ol", { class: "beside" }, moved.map(([, unit]) => item(unit, decimal(own.wins[unit] / 1000), d.c_unit === unit && d.c_verdict === "caused", "specificity " + decimal(own.wins[unit] / 1000) + ", AUROC on drawn faces " + decimal(facslens.part(own.auroc[unit])))))] : null);
    });
    return h("section", { class: "card wide" }, h("h2", {}, "Its units, layer by layer"),
      h("p", { class: "about" }, "Observed: AUROC on the coded faces that chose" + (data.coded ? ", " + data.coded : "") + ". Caused: in what share of drawn people a unit changes more under this action unit than under any other. The unit that was chosen is strong."),
      h("div", { class: "layers" }, parts));
  }
  function small(layer, unit) {
    const found = run.thumb(run.row(layer, unit));
    return found ? run.cut(found.file, found.cell, 16, [1, 1], { class: "thumb" }) : null;
  }

  function against(au, data) {
    if (!run.hasObserved || !run.hasCaused) return null;
    const flat = (name) => data.layers.flatMap((l) => l[name]);
    const [seen, moved] = [flat("observed"), flat("auroc")];
    if (!seen.some((v) => v !== null) || !moved.some((v) => v !== null)) return null;
    const rows = Uint32Array.from({ length: run.total }, (_, k) => k).filter((i) => seen[i] !== null && moved[i] !== null);
    const strong = new Set(site.layers.flatMap((_, k) => { const d = run.detector(k, au); return d ? [d.unit, d.c_unit].filter((u) => u !== null && u !== undefined).map((u) => run.row(k, u)) : []; }));
    const plot = facslens.charts.scatter({ x: (i) => seen[i] / 1000, y: (i) => moved[i] / 1000, rows: () => rows, xRange: [Math.min(0.2, ...seen.map((v) => (v === null ? 1 : v / 1000))) - 0.02, 1.02], yRange: [Math.min(0.2, ...moved.map((v) => (v === null ? 1 : v / 1000))) - 0.02, 1.02],
      xName: "observed, AUROC", yName: "caused, AUROC", strong: (i) => strong.has(i), tip: (i) => run.name(i) + "\nobserved " + decimal(seen[i] / 1000) + "\ncaused " + decimal(moved[i] / 1000), onopen: (i) => { location.hash = run.address(i); },
      label: "Every unit: AUROC on coded faces against AUROC on drawn faces" });
    return facslens.card("Observed against caused", "Each dot is a unit. On the right and low: it goes with the action unit on coded faces, but the action unit itself does not move it.", plot.element);
  }

  function dose(data) {
    const layers = [...new Set(data.dose.map((r) => r[0]))];
    if (!layers.length) return null;
    let layer = layers[layers.length - 1];
    const place = h("div", {});
    const draw = () => { const own = data.dose.filter((r) => r[0] === layer); place.replaceChildren(facslens.charts.dose({ rows: own.map((r) => [r[2], r[3], r[4], r[5], r[6], "all"]), people: [] }), h("p", { class: "about" }, "The unit chosen in " + layer + ": ", run.unitLink(site.layers.findIndex((l) => l.name === layer), own[0][1]))); };
    draw();
    return facslens.card("Dose", "Mean change of the chosen unit from rest, by grade, with quartiles over people.",
      layers.length > 1 ? h("label", {}, "Layer ", h("select", { onchange: (event) => { layer = event.target.value; draw(); } }, layers.map((l) => h("option", { selected: l === layer }, l)))) : null, place);
  }

  function drawn(au, data) {
    if (!data.drawn) return null;
    return facslens.card("From rest to E", "One drawn person, and below what its unit in the last layer answers, projected back to pixels.",
      h("img", { class: "graded", src: "drawn/" + au + ".png", alt: "Drawn faces with " + run.short(au) + " from rest to grade E, and below them projections of its unit" }));
  }

  function does(data) {
    if (!data.effects.length) return null;
    return facslens.card("What it does to the expression", "Change of the score of each expression from rest to grade E, drawn faces, 95 % interval over people. Members of the prototype are strong.",
      facslens.charts.bars({ rows: data.effects.slice().sort((a, b) => b[1] - a[1]).map((r) => ({ label: h("a", { href: run.expressionAddress(r[0]) }, r[0]), value: r[1], low: r[2], high: r[3], mark: r[5] === true ? "strong" : "",
        tip: r[0] + ": " + signed(r[1]) + " (" + decimal(r[2]) + " to " + decimal(r[3]) + "), probability " + signed(r[4]) + (r[6] === true ? "; differs from the prototype" : "") })) }),
      data.mediation.length ? h("p", { class: "about" }, "Half of the largest effect passes through " + (data.mediation[0][4] === null ? "no number of units that was tried" : data.mediation[0][4] + " of " + data.mediation[0][3] + " units of " + data.mediation[0][0]) + ".") : null);
  }
})(window.facslens);
