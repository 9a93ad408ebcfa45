/** A drawn face: every action unit where it shows, coloured by how well it is detected. */
(function (facslens) {
  "use strict";
  const { h, s, ramp, decimal } = facslens;
  const run = facslens.run;

  /**
   * Where an action unit stands (its mark) and shows (an ellipse: centre, half axes, turned by),
   * on a face whose middle is at 200; ellipses off the middle are drawn on both sides.
   * @type {Object<string, {mark: [number, number], area: [number, number, number, number, number]}>}
   */
  const PLACES = {
    AU01: { mark: [177, 141], area: [178, 158, 24, 17, -8] }, AU02: { mark: [272, 149], area: [268, 157, 26, 18, 14] },
    AU04: { mark: [200, 166], area: [200, 170, 30, 20, 0] }, AU05: { mark: [256, 184], area: [254, 192, 30, 11, 0] },
    AU07: { mark: [141, 225], area: [146, 219, 32, 10, 0] }, AU43: { mark: [146, 187], area: [146, 200, 32, 12, 0] },
    AU06: { mark: [276, 240], area: [268, 236, 30, 24, 12] }, AU09: { mark: [200, 222], area: [200, 232, 24, 26, 0] },
    AU10: { mark: [224, 296], area: [226, 296, 24, 14, 14] }, AU11: { mark: [160, 288], area: [158, 290, 14, 22, 18] },
    AU12: { mark: [278, 309], area: [256, 322, 26, 24, -24] }, AU13: { mark: [122, 309], area: [140, 316, 18, 18, 24] },
    AU14: { mark: [117, 334], area: [140, 334, 16, 18, 0] }, AU15: { mark: [272, 357], area: [250, 354, 20, 20, 20] },
    AU16: { mark: [176, 365], area: [200, 362, 40, 14, 0] }, AU17: { mark: [200, 400], area: [200, 400, 30, 18, 0] },
    AU18: { mark: [176, 305], area: [200, 334, 30, 28, 0] }, AU20: { mark: [288, 333], area: [266, 338, 30, 14, 0] },
    AU22: { mark: [200, 300], area: [200, 334, 38, 30, 0] }, AU23: { mark: [163, 334], area: [200, 334, 48, 16, 0] },
    AU24: { mark: [188, 334], area: [200, 334, 44, 12, 0] }, AU25: { mark: [213, 334], area: [200, 336, 36, 12, 0] },
    AU28: { mark: [238, 334], area: [200, 334, 34, 10, 0] }, AU26: { mark: [226, 368], area: [200, 386, 46, 26, 0] },
    AU27: { mark: [151, 386], area: [200, 376, 60, 44, 0] },
  };
  const REGIONS = { brows: [200, 150], eyes: [120, 206], nose: [200, 262], cheeks: [120, 262], mouth: [124, 356], chin: [240, 402], jaw: [268, 392], neck: [200, 440] };

  function place(au) {
    if (PLACES[au]) return PLACES[au];
    const known = run.aus[run.places.get(au)];
    const [x, y] = REGIONS[known.region] || [200, 440];
    const number = run.aus.filter((one) => one.region === known.region && !PLACES[one.au]).findIndex((one) => one.au === au);
    return { mark: [x + 24 * number, y], area: [x + 24 * number, y, 18, 14, 0] };
  }

  function area(au, given) {
    const [x, y, across, down, turn] = place(au).area;
    const one = (cx, by) => s("ellipse", { cx, cy: y, rx: across, ry: down, transform: "rotate(" + by + " " + cx + " " + y + ")", ...given });
    return Math.abs(x - 200) < 8 ? [one(x, turn)] : [one(x, turn), one(400 - x, -turn)];
  }

  /** The lines of the face. */
  function outline() {
    return s("g", { class: "outline" },
      s("path", { class: "faint", d: "M158 398c1 26-2 40-8 50-20 10-46 14-66 22M242 398c-1 26 2 40 8 50 20 10 46 14 66 22" }),
      s("path", { d: "M99 196c-15-10-22 4-19 26 3 21 11 40 26 37M301 196c15-10 22 4 19 26-3 21-11 40-26 37" }),
      s("path", { class: "skin", d: "M200 50c-68 0-101 50-102 120-1 28 1 54 5 78 6 40 12 74 28 106 15 30 41 66 69 66s54-36 69-66c16-32 22-66 28-106 4-24 6-50 5-78-1-70-34-120-102-120Z" }),
      s("path", { class: "hair", d: "M98 178c-8-78 34-136 102-136s110 58 102 136c-5-22-12-42-24-56-30-2-70-8-98-26-14 24-44 42-64 50-8 8-14 18-18 32Z" }),
      s("path", { class: "brow", d: "M116 172c13-13 38-16 60-8M284 172c-13-13-38-16-60-8" }),
      s("path", { d: "M117 206c12-15 45-16 58 3-15 10-44 12-58-3ZM283 206c-12-15-45-16-58 3 15 10 44 12 58-3Z" }),
      s("circle", { class: "iris", cx: 147, cy: 204.5, r: 9 }), s("circle", { class: "iris", cx: 253, cy: 204.5, r: 9 }),
      s("path", { class: "faint", d: "M114 197c14-14 46-16 62 3M286 197c-14-14-46-16-62 3" }),
      s("path", { class: "faint", d: "M188 206c-1 20-4 34-10 48M212 206c1 20 4 34 10 48" }),
      s("path", { d: "M176 258c-5 9 1 15 11 13 7 7 19 7 26 0 10 2 16-4 11-13" }),
      s("path", { class: "lips", d: "M150 336c14-7 30-17 43-18 3 0 5 2 7 2s4-2 7-2c13 1 29 11 43 18-15 17-32 25-50 25s-35-8-50-25Z" }),
      s("path", { d: "M150 336c20 2 34 0 50 0s30 2 50 0" }),
      s("path", { class: "faint", d: "M167 276c-12 10-20 24-25 40M233 276c12 10 20 24 25 40M187 382c9 4 17 4 26 0" }));
  }

  /**
   * The diagram with a mark for every action unit.
   * @param {{kind: "observed" | "caused", only?: string, width?: string}} given
   */
  function diagram({ kind, only }) {
    const marks = only ? [only] : run.aus.map((one) => one.au);
    const root = s("svg", { viewBox: "72 40 256 424", class: "face-diagram" + (only ? " single" : ""), role: only ? "img" : "group",
      "aria-label": only ? run.short(only) + " shows here: " + run.aus[run.places.get(only)].region : "A face with a link for every action unit" });
    const glow = s("g", { class: "areas" }), nodes = s("g", { class: "marks" });
    root.append(outline(), glow, nodes);
    const order = marks.map((au) => ({ au, best: run.best(au, kind) }))
      .sort((a, b) => ((a.best && a.best.value) || 0) - ((b.best && b.best.value) || 0));
    for (const { au, best } of order) {
      const share = best && best.value !== null ? (best.value - 0.5) / 0.5 : null;
      const paint = ramp(share);
      const good = best && best.good;
      for (const ellipse of area(au, { class: "area" + (good ? " good" : ""), "data-au": au })) {
        ellipse.setAttribute("fill", paint.fill);
        glow.append(ellipse);
      }
    }
    for (const { au, best } of order.sort((a, b) => (a.au < b.au ? -1 : 1))) {
      const [x, y] = place(au).mark;
      const share = best && best.value !== null ? (best.value - 0.5) / 0.5 : null;
      const paint = ramp(share);
      const good = best && best.good;
      const said = run.short(au) + ", " + run.auName(au) + ": " + told(best, kind);
      const parts = [
        s("circle", { cx: x, cy: y, r: 11.5, fill: paint.fill === "none" ? "var(--card)" : paint.fill }),
        s("text", { x, y: y + 4, "text-anchor": "middle", fill: paint.ink }, String(run.aus[run.places.get(au)].number)),
      ];
      const node = only
        ? s("g", { class: "mark here", tip: said }, parts)
        : s("a", { href: run.auAddress(au), class: "mark" + (good ? " good" : ""), "aria-label": said, tip: said, "data-au": au }, parts);
      const light = (on) => () => { for (const one of glow.children) one.classList.toggle("lit", on && one.dataset.au === au); root.classList.toggle("lighting", on); };
      if (!only) for (const [event, on] of [["pointerenter", true], ["pointerleave", false], ["focus", true], ["blur", false]]) node.addEventListener(event, light(on));
      nodes.append(node);
    }
    return root;
  }

  /** Say how well an action unit is detected. */
  function told(best, kind) {
    if (!best) return kind === "observed" ? "not in the coded faces" : "not in the experiment";
    if (best.unit === null || best.unit === undefined) return "no unit (" + best.state + ")";
    const layer = run.site.layers[best.layer].name;
    return best.state + ", " + layer + "/" + best.unit + ", AUROC " + decimal(best.value) + facslens.between(best.low, best.high);
  }

  /** What the colours mean. */
  function key() {
    const steps = [0, 0.25, 0.5, 0.75, 1].map((share) => h("i", { style: { background: ramp(share).fill } }));
    return h("p", { class: "key" }, h("span", {}, "AUROC 0.5"), h("span", { class: "ramp", "aria-hidden": true }, steps), h("span", {}, "1"),
      h("span", { class: "ring" }, h("i", { "aria-hidden": true }), "holds by every test"));
  }

  facslens.face = { diagram, told, key };
})(window.facslens);
