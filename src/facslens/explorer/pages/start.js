/** The first page: the face, what was found in a few words, and the ways in. */
(function (facslens) {
  "use strict";
  const { h, whole, decimal } = facslens;
  const run = facslens.run, site = run.site;

  /** Which kind of evidence colours the face. */
  let kind = run.hasCaused && !run.hasObserved ? "caused" : "observed";

  const KINDS = {
    observed: ["Observed", "On coded faces of people whom neither the network nor the choice has seen"],
    caused: ["Caused", "On drawn faces of the same person, with this action unit switched and nothing else"],
  };

  /** A switch between both kinds. */
  function switcher(now, change) {
    if (!run.hasObserved || !run.hasCaused) return null;
    return h("div", { class: "switch", role: "radiogroup", "aria-label": "Evidence" }, Object.entries(KINDS).map(([id, [label, about]]) =>
      h("label", { tip: about }, h("input", { type: "radio", name: "kind", value: id, checked: id === now, onchange: () => change(id) }), h("span", {}, label))));
  }

  function sentence(which) {
    const known = site.aus.map((one) => run.best(one.au, which)).filter(Boolean);
    const good = known.filter((one) => one.good).length;
    return which === "caused"
      ? [h("b", {}, good + " of " + known.length), " action units themselves move a unit of their own in some layer, on drawn faces in which nothing else differs."]
      : [h("b", {}, good + " of " + known.length), " action units have a unit in some layer that tells them apart on coded faces of unseen people."];
  }

  facslens.pages.start = function (main) {
    const both = site.aus.filter((one) => ["observed", "caused"].every((k) => { const b = run.best(one.au, k); return b && b.good; }));
    const panel = h("div", { class: "hero-face" });
    const list = h("ol", { class: "au-list" });
    function draw() {
      panel.replaceChildren(facslens.face.diagram({ kind }), facslens.face.key());
      const order = site.aus.map((one) => ({ one, best: run.best(one.au, kind) })).sort((a, b) => rank(b) - rank(a));
      list.replaceChildren(...order.map(({ one, best }) => {
        const share = best && best.value !== null ? Math.max(0, (best.value - 0.5) / 0.5) : 0;
        const paint = facslens.ramp(best && best.value !== null ? share : null);
        return h("li", {}, h("a", { href: run.auAddress(one.au), tip: one.au + ": " + facslens.face.told(best, kind) },
          h("b", {}, run.short(one.au)), h("span", { class: "name" }, one.name),
          h("span", { class: "meter", "aria-hidden": true }, h("i", { class: best && best.good ? "good" : "", style: { width: 100 * share + "%", background: paint.fill } })),
          h("span", { class: "number" }, best ? decimal(best.value) : facslens.DASH),
          h("span", { class: "state" + (best && best.good ? " good" : "") }, best ? best.state : "–")));
      }));
    }
    const rank = ({ best }) => (best ? (best.good ? 2 : 0) + (best.value || 0) : -1);
    draw();
    main.append(
      h("section", { class: "hero" },
        h("div", { class: "hero-words" },
          h("p", { class: "eyebrow" }, site.run.name),
          h("h1", {}, "What has this network learned to see in a face?"),
          run.hasCaused ? h("p", { class: "lead" }, sentence("caused")) : null,
          run.hasObserved ? h("p", { class: "lead" }, sentence("observed")) : null,
          run.hasCaused && run.hasObserved ? h("p", {}, both.length ? ["Both hold for ", both.map((one, k) => [k ? ", " : "", run.auLink(one.au, false)]), "."] : "Both hold for none.") : null,
          h("p", { class: "ways" },
            site.play ? h("a", { class: "button", href: "#/play" }, "Play the experiment") : null,
            h("a", { class: "button second", href: "#/units" }, "All " + whole(run.total) + " units")),
          site.expressions.length ? [h("h2", {}, "Expressions"), h("p", { class: "about" }, "What the network was trained to name: how a face looks to a coder, and not what the person feels."),
            h("ul", { class: "chips" }, site.expressions.map((e) => h("li", {}, h("a", { href: run.expressionAddress(e) }, e))))] : null,
          facts(), warnings()),
        h("div", {}, switcher(kind, (id) => { kind = id; draw(); }), panel)),
      h("section", {}, h("h2", {}, "Action units"), list));
  };

  function facts() {
    const r = site.run;
    return h("dl", { class: "facts" },
      h("div", {}, h("dt", {}, "layers"), h("dd", {}, site.layers.map((l) => l.name + " " + l.units).join(" · "))),
      r.images ? h("div", {}, h("dt", {}, "faces"), h("dd", {}, whole(r.images) + " of " + whole(r.subjects) + " people" + (r.synthetic ? ", drawn" : ""))) : null,
      r.data ? h("div", {}, h("dt", {}, "data"), h("dd", {}, r.data)) : null);
  }

  function warnings() {
    const r = site.run;
    return [
      r.stale.length ? h("p", { class: "note" }, "Out of date, for a stage before was run again: " + r.stale.join(", ") + ".") : null,
      r.doubts.map((text) => h("p", { class: "note" }, text)),
    ];
  }

  facslens.switcher = switcher;
})(window.facslens);
