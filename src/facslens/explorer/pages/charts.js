/** Pictures of numbers, drawn by hand: SVG where there are few marks, canvas where there are many. */
(function (facslens) {
  "use strict";
  const { h, s, decimal, signed, canvas, colour, hint } = facslens;

  /** Round steps between two numbers. */
  function ticks(low, high, count = 5) {
    const raw = (high - low) / count || 1;
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = [1, 2, 5, 10].map((k) => k * power).find((k) => k >= raw * 0.999);
    const found = [];
    for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9; k++) found.push(+(k * step).toFixed(10));
    return found;
  }
  const places = (step) => Math.max(0, Math.min(4, Math.ceil(-Math.log10(step) - 1e-9)));

  /**
   * Responses with an action unit above the line, without it below.
   * @param {{range: number[], counts: number[][], unseen: boolean, au: string}} given
   */
  function histogram({ range, counts, unseen, au }) {
    const [present, absent] = unseen ? counts.slice(2) : counts.slice(0, 2);
    const sums = [present, absent].map((own) => own.reduce((a, b) => a + b, 0));
    const shares = [present, absent].map((own, k) => own.map((n) => (sums[k] ? n / sums[k] : 0)));
    const top = Math.max(0.01, ...shares.flat());
    const [wide, half, left] = [520, 112, 8];
    const step = (wide - 2 * left) / present.length;
    const bars = shares.flatMap((own, k) =>
      own.map((share, bin) => {
        const high = (share / top) * (half - 24); // room for words above and below
        const low = range[0] + ((range[1] - range[0]) * bin) / own.length;
        const end = range[0] + ((range[1] - range[0]) * (bin + 1)) / own.length;
        return s("rect", {
          class: k ? "without" : "with", x: left + bin * step + 0.75, width: step - 1.5, height: Math.max(high, 0),
          y: k ? half + 1 : half - high, rx: 1.5,
          tip: decimal(low) + " to " + decimal(end) + ": " + [present, absent][k][bin] + " of " + sums[k] +
            " sequences " + (k ? "without " : "with ") + au,
        });
      }),
    );
    const marks = ticks(range[0], range[1], 5).map((at) => {
      const x = left + ((at - range[0]) / (range[1] - range[0])) * (wide - 2 * left);
      return s("text", { x, y: 2 * half + 16, class: "tick", "text-anchor": "middle" }, decimal(at, places(ticks(range[0], range[1], 5)[1] - ticks(range[0], range[1], 5)[0] || 1)));
    });
    return s("svg", { viewBox: "0 0 " + wide + " " + (2 * half + 22), class: "histogram", role: "img",
        "aria-label": "Responses with " + au + " (" + sums[0] + " sequences) and without (" + sums[1] + "), in " + present.length + " bins from " + decimal(range[0]) + " to " + decimal(range[1]) },
      bars, s("line", { x1: left, x2: wide - left, y1: half + 0.5, y2: half + 0.5, class: "axis" }), marks,
      s("text", { x: wide - left - 2, y: 14, class: "tick strong", "text-anchor": "end" }, "with, n = " + sums[0]),
      s("text", { x: wide - left - 2, y: 2 * half - 4, class: "tick strong", "text-anchor": "end" }, "without, n = " + sums[1]));
  }

  /**
   * The change from rest by grade: each person a line, the mean with quartiles, noise as a band.
   * @param {{rows: any[][], people: any[][]}} given rows are grade, change, low, high, noise, n
   */
  function dose({ rows, people }) {
    const grades = ["A", "B", "C", "D", "E"];
    const values = [0, ...rows.flatMap((r) => [r[1], r[2], r[3]]), ...people.flatMap((p) => p.slice(1).map((v) => v[1]))]
      .filter((v) => v !== null && v !== undefined);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const [wide, tall, left, bottom] = [520, 230, 44, 26];
    const x = (grade) => left + 14 + ((grades.indexOf(grade) + 1) * (wide - left - 34)) / 5;
    const y = (v) => 10 + (1 - (v - low) / (high - low || 1)) * (tall - bottom - 14);
    const path = (points) => points.map(([a, b], k) => (k ? "L" : "M") + x(a).toFixed(1) + "," + y(b).toFixed(1)).join("");
    const noise = rows.length && rows[0][4] !== null ? rows[0][4] : null;
    const steps = ticks(low, high, 4);
    return s("svg", { viewBox: "0 0 " + wide + " " + tall, class: "dose", role: "img",
        "aria-label": "Mean change from rest: " + rows.map((r) => r[0] + " " + signed(r[1])).join(", ") },
      noise === null ? null : s("rect", { class: "noise", x: left, width: wide - left, y: y(noise), height: Math.max(0, y(-noise > low ? -noise : low) - y(noise)),
        tip: "two pictures at rest differ by " + decimal(noise) + " (median)" }),
      steps.map((at) => [s("line", { class: "grid", x1: left, x2: wide, y1: y(at), y2: y(at) }),
        s("text", { class: "tick", x: left - 6, y: y(at) + 4, "text-anchor": "end" }, decimal(at, places(steps[1] - steps[0] || 1)))]),
      people.map((p) => s("path", { class: "person", d: path([["", 0], ...p.slice(1)]), tip: p[0] + ": " + p.slice(1).map((v) => v[0] + " " + signed(v[1])).join(", ") })),
      s("path", { class: "mean", d: path([["", 0], ...rows.map((r) => [r[0], r[1]])]) }),
      rows.map((r) => [s("line", { class: "quartile", x1: x(r[0]), x2: x(r[0]), y1: y(r[2]), y2: y(r[3]) }),
        s("circle", { class: "dot", cx: x(r[0]), cy: y(r[1]), r: 5, tip: "grade " + r[0] + ": " + signed(r[1]) + ", quartiles " + signed(r[2]) + " to " + signed(r[3]) + ", " + r[5] + " people" })]),
      ["", ...grades].map((g) => s("text", { class: "tick", x: x(g), y: tall - 6, "text-anchor": "middle" }, g || "rest")));
  }

  /**
   * Rows of bars from a zero line, with intervals.
   * @param {{rows: {label: any, value: number, low?: number, high?: number, tip?: string, mark?: string, text?: string}[],
   *   low?: number, high?: number, unit?: string}} given
   */
  function bars({ rows, low, high }) {
    const known = rows.flatMap((r) => [r.value, r.low, r.high]).filter((v) => v !== null && v !== undefined);
    const start = low !== undefined ? low : Math.min(0, ...known);
    const end = high !== undefined ? high : Math.max(0, ...known);
    const at = (v) => (100 * (Math.min(Math.max(v, start), end) - start)) / (end - start || 1);
    const zero = at(Math.max(start, Math.min(0, end)));
    return h("ul", { class: "bars" }, rows.map((r) => {
      const place = r.value === null || r.value === undefined ? zero : at(r.value);
      const own = h("span", { class: "track", "aria-hidden": true },
        h("i", { class: "zero", style: { left: zero + "%" } }),
        h("i", { class: "bar " + (r.value < 0 ? "down " : "") + (r.mark || ""), style: { left: Math.min(zero, place) + "%", width: Math.abs(place - zero) + "%" } }),
        r.low === null || r.low === undefined ? null : h("i", { class: "whisker", style: { left: at(r.low) + "%", width: at(r.high) - at(r.low) + "%" } }));
      return h("li", { tip: r.tip || null, class: r.mark || null }, h("span", { class: "label" }, r.label), own, h("span", { class: "number" }, r.text !== undefined ? r.text : signed(r.value)));
    }));
  }

  /**
   * Two dots a row on one axis: what was observed, what was caused; or one run and another.
   * @param {{rows: {label: any, a: number | null, b: number | null, tip: string, mark?: string}[], low: number, high: number, names: string[]}} given
   */
  function dumbbells({ rows, low, high, names }) {
    const at = (v) => (100 * (Math.min(Math.max(v, low), high) - low)) / (high - low);
    const steps = ticks(low, high, 5);
    const axis = h("li", { class: "axis", "aria-hidden": true }, h("span", {}), h("span", { class: "track" },
      steps.map((v) => h("i", { class: "tick", style: { left: at(v) + "%" } }, decimal(v, 1)))), h("span", {}));
    return h("div", {}, h("p", { class: "legend" }, h("i", { class: "dot a" }), names[0] + " ", h("i", { class: "dot b" }), names[1]),
      h("ul", { class: "dumbbells" }, axis, rows.map((r) =>
        h("li", { tip: r.tip, class: r.mark || null }, h("span", { class: "label" }, r.label),
          h("span", { class: "track", "aria-hidden": true },
            steps.map((v) => h("i", { class: "grid", style: { left: at(v) + "%" } })),
            r.a === null || r.b === null ? null : h("i", { class: "between", style: { left: Math.min(at(r.a), at(r.b)) + "%", width: Math.abs(at(r.a) - at(r.b)) + "%" } }),
            r.b === null ? null : h("i", { class: "dot b", style: { left: at(r.b) + "%" } }),
            r.a === null ? null : h("i", { class: "dot a", style: { left: at(r.a) + "%" } })),
          h("span", { class: "number" }, decimal(r.a) + " / " + decimal(r.b))))));
  }

  /**
   * Many points on two axes. A box selects; a click opens what is under it.
   * @param {{x: (i: number) => number | null, y: (i: number) => number | null, rows: () => ArrayLike<number>,
   *   xName: string, yName: string, xRange: number[], yRange: number[], strong: (i: number) => boolean,
   *   tip: (i: number) => string, box?: () => number[] | null, onbox?: (box: number[] | null) => void,
   *   onopen: (i: number) => void, label: string}} given
   */
  function scatter(given) {
    const pad = { left: 46, right: 12, top: 12, bottom: 40 };
    let drag = null, near = -1, size = [0, 0];
    const [x0, x1] = given.xRange, [y0, y1] = given.yRange;
    const px = (v) => pad.left + ((v - x0) / (x1 - x0)) * (size[0] - pad.left - pad.right);
    const py = (v) => size[1] - pad.bottom - ((v - y0) / (y1 - y0)) * (size[1] - pad.top - pad.bottom);
    const back = (a, b) => [
      x0 + ((a - pad.left) / (size[0] - pad.left - pad.right)) * (x1 - x0),
      y0 + ((size[1] - pad.bottom - b) / (size[1] - pad.top - pad.bottom)) * (y1 - y0),
    ];
    const made = canvas({ class: "scatter" + (given.onbox ? " boxes" : ""), role: "img", "aria-label": given.label }, (context, wide, high) => {
      size = [wide, high];
      const [ink, soft, line, deep, warm] = ["ink", "soft", "line", "accent", "warm"].map(colour);
      context.font = "12px system-ui, sans-serif";
      context.lineWidth = 1;
      for (const v of ticks(x0, x1, 5)) {
        context.strokeStyle = line;
        context.beginPath(); context.moveTo(px(v), pad.top); context.lineTo(px(v), high - pad.bottom); context.stroke();
        context.fillStyle = soft; context.textAlign = "center"; context.fillText(decimal(v, 1), px(v), high - pad.bottom + 16);
      }
      for (const v of ticks(y0, y1, 5)) {
        context.strokeStyle = line;
        context.beginPath(); context.moveTo(pad.left, py(v)); context.lineTo(wide - pad.right, py(v)); context.stroke();
        context.fillStyle = soft; context.textAlign = "right"; context.fillText(decimal(v, 1), pad.left - 6, py(v) + 4);
      }
      context.fillStyle = ink; context.textAlign = "right"; context.fillText(given.xName + " →", wide - pad.right, high - 6);
      context.save(); context.translate(12, pad.top); context.rotate(-Math.PI / 2); context.fillText(given.yName + " →", 0, 0); context.restore();
      const rows = given.rows();
      for (const strong of [false, true]) {
        context.fillStyle = strong ? deep : soft;
        context.globalAlpha = strong ? 0.95 : rows.length > 1500 ? 0.3 : 0.45;
        const r = strong ? 4 : 2.6;
        for (let k = 0; k < rows.length; k++) {
          const i = rows[k];
          if (given.strong(i) !== strong) continue;
          const [a, b] = [given.x(i), given.y(i)];
          if (a === null || b === null) continue;
          context.beginPath(); context.arc(px(a), py(b), r, 0, 7); context.fill();
        }
      }
      context.globalAlpha = 1;
      if (near >= 0) {
        context.strokeStyle = warm; context.lineWidth = 2;
        context.beginPath(); context.arc(px(given.x(near)), py(given.y(near)), 7, 0, 7); context.stroke();
      }
      const box = drag ? [...drag.from, ...drag.to] : given.box ? given.box() : null;
      if (box) {
        const [a, b, c, d] = [px(box[0]), py(box[1]), px(box[2]), py(box[3])];
        context.globalAlpha = 0.12; context.fillStyle = warm; context.fillRect(a, b, c - a, d - b);
        context.globalAlpha = 1; context.strokeStyle = warm; context.lineWidth = 1.5; context.strokeRect(a, b, c - a, d - b);
      }
    });
    const { element, again } = made;
    const at = (event) => { const b = element.getBoundingClientRect(); return [event.clientX - b.left, event.clientY - b.top]; };
    const find = (a, b) => {
      let found = -1, least = 14 * 14;
      const rows = given.rows();
      for (let k = 0; k < rows.length; k++) {
        const [u, v] = [given.x(rows[k]), given.y(rows[k])];
        if (u === null || v === null) continue;
        const away = (px(u) - a) ** 2 + (py(v) - b) ** 2 - (given.strong(rows[k]) ? 9 : 0);
        if (away < least) [found, least] = [rows[k], away];
      }
      return found;
    };
    element.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      drag = { from: back(...at(event)), to: back(...at(event)), start: at(event), moved: false };
      if (given.onbox && event.pointerType !== "touch") element.setPointerCapture(event.pointerId);
    });
    element.addEventListener("pointermove", (event) => {
      const here = at(event);
      if (drag && given.onbox && event.pointerType !== "touch") {
        if (Math.hypot(here[0] - drag.start[0], here[1] - drag.start[1]) > 5) drag.moved = true;
        drag.to = back(...here);
        hint("");
        again();
        return;
      }
      const found = find(...here);
      if (found !== near) { near = found; again(); }
      hint(near < 0 ? "" : given.tip(near), event.clientX, event.clientY);
    });
    element.addEventListener("pointerup", (event) => {
      const own = drag;
      drag = null;
      if (own && own.moved && given.onbox) {
        const [xs, ys] = [[own.from[0], own.to[0]].sort((a, b) => a - b), [own.from[1], own.to[1]].sort((a, b) => a - b)];
        given.onbox([xs[0], ys[0], xs[1], ys[1]]);
      } else {
        const found = find(...at(event));
        if (found >= 0) given.onopen(found);
        else if (given.onbox) given.onbox(null);
      }
      again();
    });
    element.addEventListener("pointercancel", () => { drag = null; again(); });
    element.addEventListener("pointerleave", () => { near = -1; hint(""); if (!drag) again(); });
    return made;
  }

  facslens.charts = { ticks, histogram, dose, bars, dumbbells, scatter };
})(window.facslens);
