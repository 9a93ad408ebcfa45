/** A unit's own page: what it answers, to which action units, and what becomes of it. */
(function (facslens) {
  "use strict";
  const { h, need, decimal, signed, chance, percent, between } = facslens;
  const run = facslens.run, site = run.site;
  const RULES = { deconvnet: "deconvnet", guided: "guided backpropagation", gradient: "gradient" };

  facslens.pages.unit = async function (main, [layerName, number]) {
    const layer = site.layers.findIndex((one) => one.name === layerName);
    const unit = Number(number);
    if (layer < 0 || !Number.isInteger(unit) || unit < 0 || unit >= site.layers[layer].units) return facslens.lost(main, "There is no unit " + layerName + "/" + number + " in this run.");
    const i = run.row(layer, unit);
    const first = unit - (unit % site.block);
    main.append(head(layer, unit, i));
    // its projections take longest where a server makes them, and come when they are there
    const projected = need("unit/" + layer + "-" + first).then(() => need("projected/" + layer + "-" + first));
    projected.catch(() => null);
    const [block, profile] = await Promise.all([need("unit/" + layer + "-" + first), need("profile/" + layer)]);
    const own = block.units[unit - first];
    main.append(
      h("div", { class: "cards" },
        verdicts(layer, unit, own),
        exemplars(layer, unit, first, own, projected),
        profiles(profile, unit),
        histograms(own, i),
        doses(own),
        carries(own),
        groups(own),
        neighbours(layer, unit, profile),
        partners(layer, unit, profile)));
  };

  function head(layer, unit, i) {
    const step = (to) => (to < 0 || to >= site.layers[layer].units ? null : run.unitAddress(layer, to));
    const [before, after] = [step(unit - 1), step(unit + 1)];
    return h("header", { class: "page-head" },
      h("div", {}, h("p", { class: "eyebrow" }, h("a", { href: "#/units?layer=" + encodeURIComponent(site.layers[layer].name) }, site.layers[layer].name), run.columns.status[i] ? " · silent" : ""),
        h("h1", {}, "Unit " + site.layers[layer].name + "/" + unit)),
      h("nav", { class: "tools", "aria-label": "Units beside" },
        before ? h("a", { class: "quiet", href: before, rel: "prev", "data-key": "ArrowLeft" }, "← " + (unit - 1)) : null,
        after ? h("a", { class: "quiet", href: after, rel: "next", "data-key": "ArrowRight" }, unit + 1 + " →") : null));
  }

  const card = (title, about, ...children) => h("section", { class: "card" }, h("h2", {}, title), about ? h("p", { class: "about" }, about) : null, children);
  facslens.card = card;

  function verdicts(layer, unit, own) {
    const caused = site.detectors.filter((d) => d.layer === layer && d.c_unit === unit);
    const seen = site.detectors.filter((d) => d.layer === layer && d.unit === unit);
    const rows = own.mapped.filter((m) => m.rule === "tested" && m.view === "unit_to_au");
    const plain = own.mapped.filter((m) => m.rule === "distance" && m.view === "au_to_unit");
    const said = [
      caused.map((d) => h("li", { class: d.c_verdict === "caused" ? "good" : "" }, run.auLink(site.aus[d.au].au), ": " + d.c_said + ".")),
      seen.map((d) => h("li", { class: d.status === "confirmed" ? "good" : "" }, d.said || [run.auLink(site.aus[d.au].au), ": " + d.status])),
    ];
    const empty = !caused.length && !seen.length;
    return h("section", { class: "card wide" }, h("h2", {}, "What it detects"),
      empty ? h("p", {}, rows.length ? "It is no action unit's first choice." : "No action unit was accepted for it, and it is no action unit's choice.") : h("ul", { class: "said" }, said),
      rows.length ? h("div", { class: "table" }, h("table", {}, h("caption", {}, "Action units for which it was accepted on coded faces"),
        h("thead", {}, h("tr", {}, ["action unit", "AUROC", "p (max-T)", "within expression, p", "unseen people"].map((t, k) => h("th", { scope: "col", class: k ? "number" : "" }, t)))),
        h("tbody", {}, rows.map((m) => h("tr", {}, h("th", { scope: "row" }, run.auLink(m.au)), [decimal(m.auroc), chance(m.p), chance(m.within), m.test === null ? facslens.DASH : decimal(m.test) + between(m.low, m.high)].map((t) => h("td", { class: "number" }, t))))))) : null,
      plain.length ? h("p", { class: "about" }, "By the largest distance alone, without any test, it would be the unit of " + plain.map((m) => run.short(m.au)).join(", ") + ".") : null);
  }

  function exemplars(layer, unit, first, own, projected) {
    if (!own.exemplars.length) return null;
    const show = site.faces && own.exemplars.some((e) => e.face !== undefined);
    const input = site.input, note = h("p", { class: "about", role: "status" }, "Its projections are being made …");
    const places = own.exemplars.map(() => h("div", { class: "projected" }));
    const sheet = "projections/" + layer + "-" + first + ".webp";
    projected.then((made) => {
      const cells = made.units[unit - first], rules = Object.keys(cells);
      places.forEach((place, k) => place.replaceChildren(...rules.filter((rule) => cells[rule][k] !== undefined).map((rule) => h("figure", { class: "projection" },
        run.cut(sheet, cells[rule][k], 16, made.size, { class: "face", role: "img", "aria-label": "Projection by " + (RULES[rule] || rule) }),
        k === 0 ? h("figcaption", {}, RULES[rule] || rule) : null))));
      note.textContent = rules.length ? "" : "Its projections are not in this run.";
      note.hidden = rules.length > 0;
    }, (error) => { note.textContent = "Its projections could not be read: " + error.message + "."; });
    return h("section", { class: "card wide" }, h("h2", {}, "Faces it answers most"),
      h("p", { class: "about" }, "At most one of each person. The frame marks what the place of its response can see; below, the response projected back to pixels. Projections show edges of the picture whatever the weights: they say where, not why."),
      h("ol", { class: "exemplars" }, own.exemplars.map((e, k) => h("li", {},
        show ? h("figure", { tip: [e.expression, e.subject && "person " + e.subject, e.split === "test" ? "unseen" : e.split, "response " + decimal(e.response)].filter(Boolean).join(" · ") },
          run.cut("faces/" + (e.face - (e.face % site.faces.sheet)) + ".webp", e.face % site.faces.sheet, 16, site.faces.size, { class: "face", role: "img", "aria-label": "Exemplar " + (k + 1) + (e.expression ? ", " + e.expression : "") + ", response " + decimal(e.response) }),
          e.box && input ? h("i", { class: "frame", style: frame(e.box, input) }) : null) : null,
        places[k],
        h("span", { class: "number" }, decimal(e.response))))),
      note);
  }

  function frame(box, [wide, high]) {
    const clip = (v, most) => (100 * Math.min(Math.max(v, 0), most)) / most;
    const [top, left, bottom, right] = [clip(box[0], high), clip(box[1], wide), clip(box[2], high), clip(box[3], wide)];
    return { left: left + "%", top: top + "%", width: right - left + "%", height: bottom - top + "%" };
  }

  function profiles(profile, unit) {
    const rows = site.aus.map((one, k) => ({
      au: one.au, a: part(profile.observed[unit][k]), b: part(profile.separation[unit][k]), wins: part(profile.wins[unit][k]), size: part(profile.size[unit][k]),
    })).filter((r) => r.a !== null || r.b !== null).sort((u, v) => Math.max(v.a || 0, v.b || 0) - Math.max(u.a || 0, u.b || 0));
    if (!rows.length) return null;
    const all = rows.flatMap((r) => [r.a, r.b]).filter((v) => v !== null);
    return card("Its values over action units", "AUROC: 1 tells faces with the action unit from those without, 0.5 does not, below 0.5 it is lowered.",
      facslens.charts.dumbbells({ names: ["observed on coded faces", "caused on drawn faces"], low: Math.min(0.3, ...all), high: 1,
        rows: rows.map((r) => ({ label: run.auLink(r.au), a: r.a, b: r.b, mark: r.wins !== null && r.wins > 0.5 ? "strong" : "",
          tip: run.short(r.au) + " " + run.auName(r.au) + "\nobserved " + decimal(r.a) + "\ncaused " + decimal(r.b) + ", specificity " + decimal(r.wins) + ", change " + decimal(r.size) + " standard deviations" })) }));
  }
  const part = (v) => (v === null || v === undefined ? null : v / 1000);

  function histograms(own, i) {
    const histogram = own.histogram;
    if (!histogram || !histogram.range) return null;
    const known = Object.keys(histogram).filter((key) => key !== "range").sort();
    const at = [run.columns.mapped[i], run.columns.observed[i]].find((k) => k >= 0 && histogram[site.aus[k].au]);
    let au = at === undefined ? known[0] : site.aus[at].au, unseen = false;
    const place = h("div", {});
    const draw = () => place.replaceChildren(facslens.charts.histogram({ range: histogram.range, counts: histogram[au], unseen, au: run.short(au) }));
    draw();
    return card("Responses with and without", "One value a sequence.",
      h("div", { class: "tools" },
        h("label", {}, "Action unit ", h("select", { onchange: (event) => { au = event.target.value; draw(); } }, known.map((one) => h("option", { value: one, selected: one === au }, run.short(one) + " " + run.auName(one))))),
        h("label", {}, "People ", h("select", { onchange: (event) => { unseen = event.target.value === "1"; draw(); } }, h("option", { value: "0" }, "that chose"), h("option", { value: "1" }, "unseen")))), place);
  }

  function doses(own) {
    if (!own.chosen.length) return null;
    return own.chosen.map((one) => [
      card("Dose of " + run.short(one.au), "Change from rest, the same person at every grade; bars are quartiles, the band what two pictures at rest differ by.",
        one.dose.length ? facslens.charts.dose({ rows: one.dose, people: one.people }) : h("p", {}, "No dose was measured."),
        site.play ? h("p", {}, h("a", { href: "#/play/-/" + one.au + "=E" }, "Play " + run.short(one.au))) : null),
      one.rivals.length ? card("Rivals of " + run.short(one.au), "In how many people it changes more under " + run.short(one.au) + " than under each other action unit. Half would be chance.",
        facslens.charts.bars({ low: 0, high: 1, rows: one.rivals.slice().sort((a, b) => a[1] / a[2] - b[1] / b[2]).slice(0, 10).map((r) => ({
          label: run.auLink(r[0]), value: r[2] ? r[1] / r[2] : null, text: r[1] + " of " + r[2], mark: r[1] / r[2] > 0.5 ? "" : "weak",
          tip: "more than under " + run.short(r[0]) + " " + run.auName(r[0]) + " in " + r[1] + " of " + r[2] + " people, p " + chance(r[3]) + "\nchange " + signed(r[4]) + " against " + signed(r[5]) })) })) : null,
    ]);
  }

  function carries(own) {
    if (!own.carries.length) return null;
    return card("Expressions it feeds", "The part of an action unit's effect on an expression that is lost when this unit's map is put back to rest.",
      facslens.charts.bars({ rows: own.carries.slice().sort((a, b) => Math.abs(b[4] || 0) - Math.abs(a[4] || 0)).slice(0, 12).map((r) => ({
        label: [run.auLink(r[0], false), " → ", h("a", { href: run.expressionAddress(r[1]) }, r[1])], value: r[4], text: r[4] === null ? "rank " + r[2] : percent(r[4]),
        tip: r[0] + " on " + r[1] + ": rank " + r[2] + " of its carriers, removes " + percent(r[4]) })) }));
  }

  function groups(own) {
    if (!own.groups.length) return null;
    return card("The same in other faces?", "Twins of the drawn people, alike but for skin, age or sex: how much more it changes in the second than in the first.",
      h("div", { class: "table" }, h("table", {}, h("thead", {}, h("tr", {}, ["action unit", "twins", "difference", "p (Holm)"].map((t, k) => h("th", { scope: "col", class: k > 1 ? "number" : "" }, t)))),
        h("tbody", {}, own.groups.map((r) => h("tr", {}, h("th", { scope: "row" }, run.auLink(r[0], false)), h("td", {}, r[2] + " → " + r[3]), h("td", { class: "number" }, signed(r[6]), h("small", {}, " (" + decimal(r[7]) + " to " + decimal(r[8]) + ")")), h("td", { class: "number" + (r[10] ? " strong" : "") }, chance(r[9]))))))));
  }

  /** The mean difference of two profiles over the action units that both know; null without any. */
  function away(a, b, pairs) {
    let sum = 0, n = 0;
    for (const [u, v] of pairs) {
      if (a[u] === null || b[v] === null || a[u] === undefined || b[v] === undefined) continue;
      sum += Math.abs(a[u] - b[v]);
      n++;
    }
    return n ? sum / n / 1000 : null;
  }
  const kindOf = (profile) => (profile.observed.some((r) => r.some((v) => v !== null)) ? "observed" : "separation");

  function nearest(own, others, pairs, skip, count) {
    return others.map((o, k) => ({ unit: k, away: k === skip ? null : away(own, o, pairs) })).filter((r) => r.away !== null).sort((a, b) => a.away - b.away).slice(0, count);
  }

  function neighbours(layer, unit, profile) {
    const kind = kindOf(profile), pairs = site.aus.map((_, k) => [k, k]);
    const found = nearest(profile[kind][unit], profile[kind], pairs, unit, 8);
    if (!found.length) return null;
    return card("Neighbours", "Units of the layer with the most similar values over action units, by the mean difference of AUROC.",
      h("ol", { class: "beside" }, found.map((r) => {
        const i = run.row(layer, r.unit), small = run.thumb(i), au = run.columns[kind === "observed" ? "observed" : "caused"][i];
        return h("li", {}, h("a", { href: run.address(i), tip: "mean difference " + decimal(r.away, 3) }, small ? run.cut(small.file, small.cell, 16, [1, 1], { class: "thumb" }) : null,
          h("span", {}, run.name(i)), h("small", {}, au >= 0 ? run.short(site.aus[au].au) : "")), h("span", { class: "number" }, decimal(r.away, 3)));
      })));
  }

  /** The unit of another run that is most like one: of the same layer, or of any where the networks differ. */
  async function partner(other, number, layer, own) {
    const pairs = site.aus.map((one, k) => [k, other.aus.indexOf(one.au)]).filter(([, v]) => v >= 0);
    const layers = facslens.isAlike(other) ? [layer] : other.layers.map((_, k) => k);
    const theirs = await Promise.all(layers.map((at) => need("against/" + number + "-" + at)));
    for (const kind of ["observed", "separation"]) {
      const found = layers.flatMap((at, k) => nearest(own[kind], theirs[k][kind], pairs, -1, 1).map((one) => ({ ...one, at, kind })));
      if (found.length) return found.reduce((a, b) => (b.away < a.away ? b : a));
    }
    return null;
  }

  function partners(layer, unit, profile) {
    if (!site.against.length) return null;
    const own = { observed: profile.observed[unit], separation: profile.separation[unit] };
    const holder = h("div", {}, "…");
    Promise.all(site.against.map(async (other, number) => {
      const found = await partner(other, number, layer, own);
      if (!found) return h("li", {}, "nothing to compare with in " + other.name);
      const held = other.detectors.filter((d) => d.layer === found.at && (d.unit === found.unit || d.c_unit === found.unit));
      return h("li", {}, h("b", {}, other.name), ": " + other.layers[found.at].name + "/" + found.unit + ", mean difference " + decimal(found.away, 3) + (found.kind === "observed" ? " on coded faces" : " on drawn faces"),
        held.length ? ", there the unit of " + [...new Set(held.map((d) => run.short(other.aus[d.au])))].join(", ") : "", facslens.isAlike(other) ? "" : "; of any layer, for it is another network");
    })).then((items) => holder.replaceChildren(h("ul", {}, items)), (error) => holder.replaceChildren(error.message));
    return card("Its partner in other runs", "The unit there with the most similar values over action units.", holder);
  }

  facslens.part = part;
})(window.facslens);
