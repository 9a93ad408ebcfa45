/**
 * The experiment to play with: one drawn person, a slider for each action unit, and what the
 * network answered. Every picture was drawn and every number recorded; a slider stops only at what
 * was drawn, and nothing between two faces is made up.
 */
(function (facslens) {
  "use strict";
  const { h, need, decimal, signed, percent, say, colour, canvas, hint } = facslens;
  const run = facslens.run, site = run.site;
  const REGIONS = [["brows", "Brows"], ["eyes", "Eyes"], ["cheeks", "Cheeks"], ["nose", "Nose"], ["mouth", "Mouth"], ["chin", "Chin and jaw"], ["jaw", ""], ["neck", ""]];

  const key = (parts, side) => parts.slice().sort().join("+") + (side ? ":" + side : "");

  /** Read the numbers of one layer. @param {{low: number[], high: number[], text: string}} given */
  function unpack(given, states) {
    const raw = atob(given.text), units = given.low.length;
    const bytes = Uint8Array.from(raw, (c) => c.charCodeAt(0));
    const whole = new Uint16Array(bytes.buffer);
    return { units, low: given.low, high: given.high, at: (state, unit) => given.low[unit] + ((given.high[unit] - given.low[unit]) * whole[state * units + unit]) / 65535, states };
  }

  /** Load a picture so that a canvas can draw it. */
  function picture(source) {
    return new Promise((done, failed) => { const image = new Image(); image.onload = () => done(image); image.onerror = () => failed(new Error(source + " cannot be read")); image.src = source; });
  }

  facslens.pages.play = async function (main, [asked, wanted]) {
    const play = site.play;
    if (!play) { facslens.lost(main, "This run was not shown drawn faces: run facslens experiment on it."); return; }
    let person = Math.max(0, play.people.indexOf(asked));
    let data, layers, index, faces, seen, now = 0, moved = null, glow = true, running = 0;
    const aus = () => [...new Set(data.states.flatMap((state) => state.aus))].sort();

    /* The parts of the page. */
    const stage = canvas({ class: "stage", role: "img", "aria-label": "The drawn face" }, drawFace);
    const caption = h("p", { class: "caption", "aria-live": "polite" });
    const strip = h("div", { class: "strip", role: "group", "aria-label": "Grades of the action unit that moved last" });
    const sliders = h("div", { class: "sliders" });
    const presets = h("div", { class: "presets", role: "group", "aria-label": "Expressions that were drawn whole" });
    const people = h("div", { class: "people", role: "radiogroup", "aria-label": "Person" });
    const bars = h("ul", { class: "expressions" });
    const fields = h("div", { class: "fields" });
    const detectors = h("div", { class: "detectors" });
    const sides = h("div", { class: "sides" });
    main.append(
      h("header", { class: "page-head" }, h("div", {}, h("h1", {}, "Play the experiment"),
        h("p", { class: "about" }, "Move one action unit of a drawn person and see what the network answers. Every face was drawn and every number recorded; nothing in between is made up."))),
      h("div", { class: "play" },
        h("section", { class: "face-side", "aria-label": "Face" }, h("div", { class: "stage-box" }, stage.element, caption), strip, sides, presets, people),
        h("section", { class: "slider-side", "aria-label": "Action units" }, h("div", { class: "tools" }, h("h2", {}, "Action units"),
          h("button", { type: "button", class: "quiet", onclick: () => { stop(); go(index.get("")); } }, "Rest"),
          h("button", { type: "button", class: "quiet", id: "walk", onclick: walk }, "▶ Walk")), sliders),
        h("section", { class: "answer-side", "aria-label": "Answers" }, h("h2", {}, "Expressions"), h("p", { class: "about" }, "The score of each; the grey mark is at rest. How a face looks, not what anyone feels."), bars),
        h("section", { class: "detector-side", "aria-label": "Detectors" },
          h("h2", {}, "The unit of each action unit" + (play.detectors.length ? ", in " + site.layers[play.detectors[0][0]].name : "")),
          h("p", { class: "about" }, "Response now (bar) and at rest (mark), and the response projected back to pixels. Chosen on other people; blue names are caused."),
          h("p", { class: "tools" }, h("label", {}, h("input", { type: "checkbox", checked: true, onchange: (event) => { glow = event.target.checked; stage.again(); } }), " show on the face what moved units see")), detectors),
        h("section", { class: "field-side", "aria-label": "All units" }, h("h2", {}, "All units"), h("p", { class: "about" }, "Each cell is a unit: blue where it answers more than at rest, orange where less, as a share of its own range over all these faces."), fields)));

    async function load() {
      [data, faces, seen] = await Promise.all([need("play/" + person), picture("play/" + person + ".webp"), picture("play/" + person + "-seen.webp")]);
      index = new Map();
      data.states.forEach((state, k) => { const own = key(state.aus.map((au) => au + "=" + state.grade), state.side); if (!index.has(own)) index.set(own, k); });
      layers = new Map(Object.entries(data.responses).map(([layer, given]) => [Number(layer), unpack(given, data.states.length)]));
    }

    const rest = () => index.get("");
    const partsOf = (state) => data.states[state].aus.map((au) => au + "=" + data.states[state].grade);
    const gradesOf = (au) => play.grades.filter((grade) => index.has(au + "=" + grade));

    /** Go to a face that was drawn. */
    function go(state, speak) {
      now = state;
      const { aus: on, grade, side } = data.states[now];
      if (on.length === 1) moved = on[0];
      show();
      const text = on.length ? on.map(run.short).join(" + ") + " at " + grade + (side ? ", " + side + " side" : "") : "at rest";
      caption.replaceChildren(h("b", {}, text), " ", on.length === 1 ? run.auName(on[0]) : on.length ? named(on) : "nothing is moved");
      if (speak) say(speak);
      facslens.keepAddress("#/play/" + encodeURIComponent(play.people[person]) + "/" + (key(partsOf(now), side) || "rest"));
    }
    const named = (on) => { const found = data.states.find((state) => key(state.aus, "") === key(on, "")); return found && !/^AU/.test(found.name) ? found.name.replace(/-/g, " ") : ""; };

    /** Move one action unit; where the combination was not drawn the others go back to rest. */
    function move(au, grade) {
      stop();
      moved = au;
      const others = partsOf(now).filter((part) => !part.startsWith(au + "="));
      if (!grade) {
        if (index.has(key(others, ""))) return go(index.get(key(others, "")));
        return go(rest(), "all back to rest: the others together were not drawn");
      }
      const all = index.get(key([...others, au + "=" + grade], ""));
      if (all !== undefined) return go(all);
      go(index.get(au + "=" + grade), others.length ? others.map((part) => run.short(part.split("=")[0])).join(", ") + " back to rest: this combination was not drawn" : "");
    }

    /** Step through the grades of one action unit, one drawn face after the other. */
    function walk() {
      if (running) return stop();
      const au = moved || aus()[0], grades = gradesOf(au);
      const steps = ["", ...grades, ...grades.slice(0, -1).reverse(), ""];
      const button = document.getElementById("walk");
      button.textContent = "■ Stop";
      let at = 0;
      const next = () => {
        if (!document.body.contains(button)) return stop();
        go(steps[at] ? index.get(au + "=" + steps[at]) : rest());
        moved = au;
        at += 1;
        if (at < steps.length) running = setTimeout(next, 420); else stop();
      };
      running = 1;
      next();
    }
    function stop() { clearTimeout(running); running = 0; const button = document.getElementById("walk"); if (button) button.textContent = "▶ Walk"; }

    /* The face, and upon it what the moved units see. */
    function changes() {
      const { units } = data.seen;
      return units.map(([layer, unit], k) => {
        const own = layers.get(layer);
        const [value, before, low, high] = [own.at(now, unit), own.at(rest(), unit), own.low[unit], own.high[unit]];
        return { k, layer, unit, value, before, low, high, change: high > low ? (value - before) / (high - low) : 0 };
      });
    }
    function drawFace(context, wide, high) {
      if (!data) return;
      const size = play.size, across = data.columns;
      context.imageSmoothingEnabled = true;
      context.imageSmoothingQuality = "high";
      context.drawImage(faces, (now % across) * size, Math.floor(now / across) * size, size, size, 0, 0, wide, high);
      if (!glow || !data.seen.cell) return;
      const cell = data.seen.cell, [iw, ih] = data.seen.input;
      const on = data.states[now].aus;
      const own = (one) => play.detectors.some((d) => d[0] === one.layer && d[2] === one.unit && on.includes(d[1]));
      const shown = changes().filter((one) => one.change > (own(one) ? 0.03 : 0.12)).sort((a, b) => own(b) - own(a) || b.change - a.change).slice(0, 2);
      for (const [turn, one] of shown.entries()) {
        const box = data.seen.boxes[now][one.k];
        if (!box) continue;
        const [top, left, bottom, right] = [(box[0] / ih) * high, (box[1] / iw) * wide, (box[2] / ih) * high, (box[3] / iw) * wide];
        context.globalAlpha = Math.min(0.85, 0.3 + one.change);
        context.drawImage(seen, one.k * cell, now * cell, cell, cell, left, top, right - left, bottom - top);
        corners(context, left, top, right, bottom);
        const d = play.detectors.find((each) => each[0] === one.layer && each[2] === one.unit);
        const label = site.layers[one.layer].name + "/" + one.unit + (d ? " · " + run.short(d[1]) : "");
        context.font = "600 12px system-ui, sans-serif";
        const width = context.measureText(label).width + 12;
        const [x, y] = [Math.min(Math.max(4, left), wide - width - 4), turn ? Math.min(bottom - 10, high - 84) : Math.max(4, top - 9)];
        context.fillStyle = colour("glow");
        context.beginPath(); context.roundRect(x, y, width, 19, 6); context.fill();
        context.fillStyle = "#08131c"; context.fillText(label, x + 6, y + 14);
      }
      context.globalAlpha = 1;
    }

    /** Mark the corners of what a place can see. */
    function corners(context, left, top, right, bottom) {
      const long = Math.min(18, (right - left) / 4);
      context.globalAlpha = 0.95;
      context.strokeStyle = colour("glow");
      context.lineWidth = 2;
      context.beginPath();
      for (const [x, y, a, b] of [[left, top, 1, 1], [right, top, -1, 1], [left, bottom, 1, -1], [right, bottom, -1, -1]]) {
        context.moveTo(x + a * long, y); context.lineTo(x, y); context.lineTo(x, y + b * long);
      }
      context.stroke();
    }

    /* Everything that follows the face. */
    let follow = [];
    function show() {
      stage.element.setAttribute("aria-label", "The drawn face of " + play.people[person] + ", " + (partsOf(now).join(", ") || "at rest"));
      stage.again();
      for (const one of follow) one();
    }

    function build() {
      follow = [];
      const drawn = aus();
      if (!moved || !drawn.includes(moved)) moved = drawn.includes("AU12") ? "AU12" : drawn[0];
      sliders.replaceChildren(...REGIONS.map(([region, label]) => {
        const own = drawn.filter((au) => (site.aus[run.places.get(au)] || { region: "mouth" }).region === region);
        return own.length ? h("fieldset", {}, label ? h("legend", {}, label) : null, own.map(slider)) : null;
      }).filter(Boolean));
      const whole = data.states.map((state, k) => [state, k]).filter(([state]) => state.name && site.expressions.concat("contempt").includes(state.name) );
      presets.replaceChildren(...whole.map(([state, k]) => {
        const button = h("button", { type: "button", class: "chip", tip: state.aus.map((au) => run.short(au) + " " + run.auName(au)).join("\n"), onclick: () => { stop(); go(index.get(key(partsOf(k), ""))); } }, state.name);
        follow.push(() => button.setAttribute("aria-pressed", String(key(partsOf(k), "") === key(partsOf(now), data.states[now].side))));
        return button;
      }));
      people.replaceChildren(...play.people.map((name, k) => h("label", { tip: name }, h("input", { type: "radio", name: "person", value: name, checked: k === person, onchange: () => choose(k) }), run.cut("play/people.webp", k, 16, [1, 1], { class: "thumb", role: "img", "aria-label": name }))));
      buildExpressions();
      buildDetectors();
      buildFields();
      follow.push(buildStrip, buildSides);
    }

    function slider(au) {
      const grades = ["", ...gradesOf(au)];
      const input = h("input", { type: "range", min: 0, max: grades.length - 1, step: 1, value: 0, "aria-label": run.short(au) + " " + run.auName(au), oninput: () => move(au, grades[Number(input.value)]) });
      const grade = h("output", { "aria-hidden": true });
      const label = h("label", { class: "slider", tip: run.auName(au) + (site.aus[run.places.get(au)] && site.aus[run.places.get(au)].muscles ? "\n" + site.aus[run.places.get(au)].muscles : "") }, h("span", {}, h("b", {}, run.short(au)), " " + run.auName(au)), input, grade);
      follow.push(() => {
        const on = data.states[now].aus.includes(au), at = on ? Math.max(0, grades.indexOf(data.states[now].grade)) : 0;
        input.value = String(at);
        input.style.setProperty("--filled", (100 * at) / (grades.length - 1) + "%");
        input.setAttribute("aria-valuetext", at ? "grade " + grades[at] : "at rest");
        grade.textContent = at ? grades[at] : "";
        label.classList.toggle("on", on);
        const others = partsOf(now).filter((part) => !part.startsWith(au + "="));
        label.classList.toggle("joins", !on && others.length > 0 && index.has(key([...others, au + "=" + data.states[now].grade], "")));
      });
      return label;
    }

    function buildStrip() {
      const grades = ["", ...gradesOf(moved)];
      const { aus: on, grade, side } = data.states[now];
      strip.replaceChildren(...grades.map((one) => {
        const k = one ? index.get(moved + "=" + one) : rest();
        const here = one ? on.length === 1 && on[0] === moved && grade === one && !side : on.length === 0;
        return h("button", { type: "button", class: "frame-of", "aria-pressed": String(here), "aria-label": one ? run.short(moved) + " at " + one : "rest", onclick: () => { stop(); const keep = moved; go(k); moved = keep; } },
          run.cut("play/" + person + ".webp", k, data.columns, [1, 1], { class: "thumb" }), h("span", {}, one || "rest"));
      }));
    }

    function buildSides() {
      const { aus: on, grade, side } = data.states[now];
      const own = on.length === 1 ? ["", "left", "right"].filter((one) => index.has(key([on[0] + "=" + grade], one))) : [];
      sides.replaceChildren(...(own.length < 2 ? [] : [h("div", { class: "switch", role: "radiogroup", "aria-label": "Side" }, own.map((one) => h("label", {}, h("input", { type: "radio", name: "side", checked: one === side, onchange: () => { stop(); go(index.get(key([on[0] + "=" + grade], one))); } }), h("span", {}, one || "both sides"))))]));
    }

    function buildExpressions() {
      const all = data.scores.flat().filter((v) => v !== null), low = Math.min(0, ...all), high = Math.max(0, ...all);
      const at = (v) => (100 * (v - low)) / (high - low || 1);
      bars.replaceChildren(...site.expressions.map((expression, e) => {
        const bar = h("i", { class: "bar" }), mark = h("i", { class: "rest" }), number = h("span", { class: "number" });
        const row = h("li", {}, h("a", { class: "label", href: run.expressionAddress(expression) }, expression), h("span", { class: "track" }, h("i", { class: "zero", style: { left: at(0) + "%" } }), bar, mark), number);
        follow.push(() => {
          const [value, before] = [data.scores[now][e], data.scores[rest()][e]];
          const share = data.chances.length ? data.chances[now][e] / 1000 : null;
          Object.assign(bar.style, { left: Math.min(at(0), at(value)) + "%", width: Math.abs(at(value) - at(0)) + "%" });
          mark.style.left = at(before) + "%";
          number.textContent = share === null ? decimal(value) : percent(share);
          row.classList.toggle("first", value === Math.max(...data.scores[now]));
          row.dataset.tip = expression + ": score " + signed(value) + ", at rest " + signed(before) + (share === null ? "" : "\nprobability " + decimal(share, 3));
        });
        return row;
      }));
    }

    function buildDetectors() {
      const { units, cell } = data.seen, order = new Map(units.map(([layer, unit], k) => [layer + "/" + unit, k]));
      detectors.replaceChildren(...play.detectors.map(([layer, au, unit, verdict]) => {
        const k = order.get(layer + "/" + unit), own = layers.get(layer);
        if (!own) return null;
        const bar = h("i", { class: "bar" }), mark = h("i", { class: "rest" }), shown = cell ? h("span", { class: "cut seen", "aria-hidden": true }) : null;
        if (shown) {
          shown.style.setProperty("background-image", "url(" + JSON.stringify("play/" + person + "-seen.webp") + ")");
          for (const [name, value] of [["--wide", 1], ["--high", 1], ["--across", units.length], ["--column", k]]) shown.style.setProperty(name, String(value));
        }
        const element = h("a", { class: "detector" + (verdict === "caused" ? " good" : ""), href: run.unitAddress(layer, unit) }, shown,
          h("span", { class: "names" }, h("b", {}, run.short(au)), h("small", {}, "unit " + unit)), h("span", { class: "track" }, bar, mark));
        follow.push(() => {
          const [low, high] = [Math.min(0, own.low[unit]), own.high[unit]];
          const at = (v) => (high > low ? (100 * (v - low)) / (high - low) : 0);
          const [value, before] = [own.at(now, unit), own.at(rest(), unit)];
          bar.style.width = at(value) + "%";
          mark.style.left = at(before) + "%";
          if (shown) shown.style.setProperty("--row", String(now));
          element.classList.toggle("up", high > low && (value - before) / (high - low) > 0.12);
          element.classList.toggle("own", data.states[now].aus.includes(au));
          element.dataset.tip = run.short(au) + " " + run.auName(au) + ", " + (run.VERDICTS[verdict] || verdict) + "\n" + site.layers[layer].name + "/" + unit + ": " + decimal(value) + ", at rest " + decimal(before);
        });
        return element;
      }).filter(Boolean));
    }

    /* Every unit as a cell. */
    function buildFields() {
      const strong = new Map(play.detectors.filter((d) => d[3] === "caused").map(([layer, au, unit]) => [layer + "/" + unit, au]));
      fields.replaceChildren(...[...layers].map(([layer, own]) => {
        let columns = 1, side = 10;
        const made = canvas({ class: "field", role: "img", "aria-label": site.layers[layer].name + ", " + own.units + " units" }, (context, wide, high) => {
          side = Math.max(4, Math.floor(Math.sqrt((wide * high) / own.units)));
          while (Math.ceil(own.units / Math.floor(wide / side)) * side > high && side > 4) side -= 1;
          columns = Math.max(1, Math.floor(wide / side));
          const [up, down, empty, ring] = ["up", "down", "cell", "ink"].map(colour);
          const gap = side > 8 ? 2 : 1;
          for (let unit = 0; unit < own.units; unit++) {
            const [x, y] = [(unit % columns) * side, Math.floor(unit / columns) * side];
            const span = own.high[unit] - own.low[unit];
            const change = span > 0 ? (own.at(now, unit) - own.at(rest(), unit)) / span : 0;
            context.globalAlpha = 1;
            context.fillStyle = empty;
            context.fillRect(x, y, side - gap, side - gap);
            context.globalAlpha = Math.min(1, Math.abs(change) * 1.25);
            context.fillStyle = change < 0 ? down : up;
            context.fillRect(x, y, side - gap, side - gap);
            if (strong.has(layer + "/" + unit)) { context.globalAlpha = 0.85; context.strokeStyle = ring; context.lineWidth = 1; context.strokeRect(x + 0.5, y + 0.5, side - gap - 1, side - gap - 1); }
          }
          context.globalAlpha = 1;
        });
        const under = (event) => { const b = made.element.getBoundingClientRect(); const unit = Math.floor((event.clientY - b.top) / side) * columns + Math.floor((event.clientX - b.left) / side); return (event.clientX - b.left) < columns * side && unit < own.units ? unit : -1; };
        made.element.addEventListener("pointermove", (event) => { const unit = under(event); hint(unit < 0 ? "" : site.layers[layer].name + "/" + unit + (strong.has(layer + "/" + unit) ? ", the unit of " + run.short(strong.get(layer + "/" + unit)) : "") + "\n" + decimal(own.at(now, unit)) + ", at rest " + decimal(own.at(rest(), unit)), event.clientX, event.clientY); });
        made.element.addEventListener("pointerleave", () => hint(""));
        made.element.addEventListener("click", (event) => { const unit = under(event); if (unit >= 0) location.hash = run.unitAddress(layer, unit); });
        const most = h("p", { class: "most" });
        follow.push(made.again, () => {
          const found = [];
          for (let unit = 0; unit < own.units; unit++) { const span = own.high[unit] - own.low[unit]; if (span > 0) found.push([(own.at(now, unit) - own.at(rest(), unit)) / span, unit]); }
          found.sort((a, b) => Math.abs(b[0]) - Math.abs(a[0]));
          most.replaceChildren(...(now === rest() ? ["Move an action unit."] : ["most: ", ...found.slice(0, 5).map(([change, unit], k) => [k ? ", " : "", run.unitLink(layer, unit), " " + signed(change)]).flat()]));
        });
        return h("div", { class: "field-of" }, h("h3", {}, site.layers[layer].name), made.element, most);
      }));
    }

    async function choose(k) {
      stop();
      const before = partsOf(now), side = data.states[now].side;
      person = k;
      await load();
      build();
      const again = index.get(key(before, side));
      go(again === undefined ? rest() : again);
    }

    await load();
    build();
    const given = decodeURIComponent(wanted || "");
    const [parts, side] = given.split(":");
    const start = index.get(given === "rest" || !given ? "" : key(parts.split("+"), side || ""));
    go(start === undefined ? rest() : start);
    if (start === undefined) say("this combination was not drawn");
    return () => stop();
  };
})(window.facslens);
