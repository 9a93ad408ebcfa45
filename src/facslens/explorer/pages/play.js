/**
 * The experiment to play with: one drawn person, a slider for each action unit, and what the
 * network answers. A slider stops at what was drawn and recorded; where `facslens serve` can draw,
 * any other face is drawn and answered when it is asked for. Nothing between two faces is made up.
 */
(function (facslens) {
  "use strict";
  const { h, need, say, colour, canvas } = facslens;
  const draws = facslens.draws;
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
    let data, layers, index, faces, seen, now, atRest, wanting = [], moved = null, glow = true, running = 0, left = false;
    /** What can be drawn now; null where nothing can, or it is not known yet. */
    let facts = null;
    const aus = () => [...new Set([...data.states.flatMap((state) => state.aus), ...(facts ? Object.keys(facts.aus) : [])])].sort();
    /** What an action unit is called and where it shows. */
    const about = (au) => site.aus[run.places.get(au)] || (facts && facts.aus[au]) || { name: "", region: "mouth", muscles: "" };

    /* The parts of the page. */
    const stage = canvas({ class: "stage", role: "img", "aria-label": "The drawn face" }, drawFace);
    const caption = h("p", { class: "caption", "aria-live": "polite" });
    const why = h("p", { class: "why", "aria-hidden": true });
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
        h("p", { class: "about" }, "Move action units of a drawn person and see what the network answers. " + (draws.offered ? "Faces that were not among the stimuli are drawn and read now, by this computer. " : "Every face was drawn and every number recorded. ") + "Nothing in between is made up."))),
      h("div", { class: "play" },
        h("section", { class: "face-side", "aria-label": "Face" }, h("div", { class: "stage-box" }, stage.element, caption), why, strip, sides, presets, people),
        h("section", { class: "slider-side", "aria-label": "Action units" }, h("div", { class: "tools" }, h("h2", {}, "Action units"),
          h("button", { type: "button", class: "quiet", onclick: () => { stop(); go(atRest); } }, "Rest"),
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
      atRest = recorded(index.get(""));
    }

    const auOf = (part) => part.split("=")[0];
    const gradesOf = (au) => play.grades.filter((grade) => index.has(au + "=" + grade));

    /** A face of the stimuli, and what was recorded of it. */
    function recorded(k) {
      const { aus: on, grade, side } = data.states[k], across = data.columns;
      return {
        k, aus: on, side, parts: on.map((au) => au + "=" + grade), scores: data.scores[k], chances: data.chances.length ? data.chances[k] : null,
        at: (layer, unit) => layers.get(layer).at(k, unit), boxes: data.seen.boxes[k] || [],
        face: { image: faces, column: k % across, row: Math.floor(k / across) }, seen: { image: seen, row: k, source: "play/" + person + "-seen.webp" },
      };
    }

    /** A face that was drawn now, and what is answered to it. */
    async function drawn(answer, parts) {
      const source = "data:image/webp;base64," + answer.seen;
      const [image, own] = await Promise.all([picture("data:image/png;base64," + answer.face), picture(source)]);
      return {
        k: -1, aus: parts.map(auOf), side: "", parts, scores: answer.scores, chances: answer.chances.length ? answer.chances : null,
        at: (layer, unit) => answer.responses[layer][unit], boxes: answer.boxes,
        face: { image, column: 0, row: 0 }, seen: { image: own, row: 0, source },
      };
    }

    const listed = (parts) => parts.map((part) => run.short(auOf(part))).join(", ");
    const titled = (parts) => { const grades = [...new Set(parts.map((part) => part.split("=")[1]))]; return grades.length === 1 ? parts.map((part) => run.short(auOf(part))).join(" + ") + " at " + grades[0] : parts.map((part) => run.short(auOf(part)) + " at " + part.split("=")[1]).join(" + "); };
    const named = (on) => { const found = data.states.find((state) => key(state.aus, "") === key(on, "")); return found && !/^AU/.test(found.name) ? found.name.replace(/-/g, " ") : ""; };
    const tell = (speak) => { why.textContent = speak || ""; if (speak) say(speak); };

    /** Show a face. */
    function go(face, speak) {
      draws.forget();
      main.classList.remove("waiting");
      now = face;
      wanting = face.parts;
      if (now.aus.length === 1) moved = now.aus[0];
      show();
      caption.replaceChildren(h("b", {}, now.aus.length ? titled(now.parts) + (now.side ? ", " + now.side + " side" : "") : "at rest"), " ",
        now.aus.length === 1 ? about(now.aus[0]).name : now.aus.length ? named(now.aus) : "nothing is moved",
        h("small", { class: "origin" }, now.k < 0 ? "drawn now by this computer" : "rendered with the stimuli"));
      tell(speak);
      facslens.keepAddress("#/play/" + encodeURIComponent(play.people[person]) + "/" + (key(now.parts, now.side) || "rest"));
    }

    /** Go to a face that was recorded, or have it drawn. */
    async function reach(parts, speak) {
      const known = index.get(key(parts, ""));
      if (known !== undefined) return go(recorded(known), speak);
      wanting = parts.slice().sort();
      main.classList.add("waiting");
      caption.replaceChildren(h("b", {}, titled(wanting)), h("small", { class: "origin" }, "is being drawn …"));
      for (const one of follow) if (one.slider) one();
      try {
        const answer = await draws.face(play.people[person], wanting);
        if (!answer || left) return;
        const face = await drawn(answer, wanting);
        if (wanting === face.parts && !left) go(face, speak);
      } catch (error) {
        if (left) return;
        if (error.status === 501) { facts = null; build(); }
        go(now, error.message);
      }
    }

    /** Move one action unit; what cannot be shown with it goes back to rest. */
    function move(au, grade) {
      stop();
      moved = au;
      const others = wanting.filter((part) => auOf(part) !== au), own = grade ? [au + "=" + grade] : [];
      if (facts) {
        const out = grade ? others.filter((part) => facts.excluded.some((pair) => pair.includes(au) && pair.includes(auOf(part)))) : [];
        return reach([...others.filter((part) => !out.includes(part)), ...own], out.length ? listed(out) + " back to rest: no face shows " + (out.length > 1 ? "them" : "it") + " with " + run.short(au) : "");
      }
      const all = index.get(key([...others, ...own], ""));
      if (all !== undefined) return go(recorded(all));
      if (!grade) return go(atRest, "all back to rest: the others together were not drawn");
      return go(recorded(index.get(own[0])), others.length ? listed(others) + " back to rest: this combination was not drawn" : "");
    }

    /** Step through the grades of one action unit, one drawn face after the other. */
    function walk() {
      if (running) return stop();
      const au = moved, grades = gradesOf(au);
      const steps = ["", ...grades, ...grades.slice(0, -1).reverse(), ""];
      const button = document.getElementById("walk");
      button.textContent = "■ Stop";
      let at = 0;
      const next = () => {
        if (!document.body.contains(button)) return stop();
        go(steps[at] ? recorded(index.get(au + "=" + steps[at])) : atRest);
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
        const [value, before, low, high] = [now.at(layer, unit), atRest.at(layer, unit), own.low[unit], own.high[unit]];
        return { k, layer, unit, value, before, low, high, change: high > low ? (value - before) / (high - low) : 0 };
      });
    }
    function drawFace(context, wide, high) {
      if (!now) return;
      const size = play.size;
      context.imageSmoothingEnabled = true;
      context.imageSmoothingQuality = "high";
      context.drawImage(now.face.image, now.face.column * size, now.face.row * size, size, size, 0, 0, wide, high);
      if (!glow || !data.seen.cell) return;
      const cell = data.seen.cell, [iw, ih] = data.seen.input;
      const on = now.aus;
      const own = (one) => play.detectors.some((d) => d[0] === one.layer && d[2] === one.unit && on.includes(d[1]));
      const shown = changes().filter((one) => one.change > (own(one) ? 0.03 : 0.12)).sort((a, b) => own(b) - own(a) || b.change - a.change).slice(0, 2);
      for (const [turn, one] of shown.entries()) {
        const box = now.boxes[one.k];
        if (!box) continue;
        const [top, start, bottom, right] = [(box[0] / ih) * high, (box[1] / iw) * wide, (box[2] / ih) * high, (box[3] / iw) * wide];
        context.globalAlpha = Math.min(0.85, 0.3 + one.change);
        context.drawImage(now.seen.image, one.k * cell, now.seen.row * cell, cell, cell, start, top, right - start, bottom - top);
        corners(context, start, top, right, bottom);
        const d = play.detectors.find((each) => each[0] === one.layer && each[2] === one.unit);
        const label = site.layers[one.layer].name + "/" + one.unit + (d ? " · " + run.short(d[1]) : "");
        context.font = "600 12px system-ui, sans-serif";
        const width = context.measureText(label).width + 12;
        const [x, y] = [Math.min(Math.max(4, start), wide - width - 4), turn ? Math.min(bottom - 10, high - 84) : Math.max(4, top - 9)];
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
      stage.element.setAttribute("aria-label", "The drawn face of " + play.people[person] + ", " + (now.parts.join(", ") || "at rest"));
      stage.again();
      for (const one of follow) one();
    }

    function build() {
      follow = [];
      const drawn = aus();
      if (!moved || !drawn.includes(moved)) moved = drawn.includes("AU12") ? "AU12" : drawn[0];
      sliders.replaceChildren(...REGIONS.map(([region, label]) => {
        const own = drawn.filter((au) => about(au).region === region);
        return own.length ? h("fieldset", {}, label ? h("legend", {}, label) : null, own.map(slider)) : null;
      }).filter(Boolean));
      const whole = data.states.map((state, k) => [state, k]).filter(([state]) => state.name && site.expressions.concat("contempt").includes(state.name) );
      presets.replaceChildren(...whole.map(([state, k]) => {
        const button = h("button", { type: "button", class: "chip", tip: state.aus.map((au) => run.short(au) + " " + run.auName(au)).join("\n"), onclick: () => { stop(); go(recorded(index.get(key(recorded(k).parts, state.side)))); } }, state.name);
        follow.push(() => button.setAttribute("aria-pressed", String(key(recorded(k).parts, state.side) === key(now.parts, now.side))));
        return button;
      }));
      people.replaceChildren(...play.people.map((name, k) => h("label", { tip: name }, h("input", { type: "radio", name: "person", value: name, checked: k === person, onchange: () => choose(k) }), run.cut("play/people.webp", k, 16, [1, 1], { class: "thumb", role: "img", "aria-label": name }))));
      const view = { data, layers, now: () => now, rest: () => atRest };
      for (const [place, make] of [[bars, facslens.answers.expressions], [detectors, facslens.answers.detectors], [fields, facslens.answers.fields]]) {
        const made = make(view);
        place.replaceChildren(...made.elements);
        follow.push(made.follow);
      }
      follow.push(buildStrip, buildSides);
    }

    function slider(au) {
      const grades = ["", ...(facts && facts.aus[au] ? facts.grades : gradesOf(au))];
      const input = h("input", { type: "range", min: 0, max: grades.length - 1, step: 1, value: 0, "aria-label": run.short(au) + " " + about(au).name, oninput: () => move(au, grades[Number(input.value)]) });
      const grade = h("output", { "aria-hidden": true });
      const label = h("label", { class: "slider", tip: about(au).name + (about(au).muscles ? "\n" + about(au).muscles : "") }, h("span", {}, h("b", {}, run.short(au)), " " + about(au).name), input, grade);
      const own = () => {
        const part = wanting.find((each) => auOf(each) === au), at = part ? Math.max(0, grades.indexOf(part.split("=")[1])) : 0;
        input.value = String(at);
        input.style.setProperty("--filled", (100 * at) / (grades.length - 1) + "%");
        input.setAttribute("aria-valuetext", at ? "grade " + grades[at] : "at rest");
        grade.textContent = at ? grades[at] : "";
        label.classList.toggle("on", Boolean(part));
        const others = wanting.filter((each) => auOf(each) !== au);
        label.classList.toggle("joins", !facts && !part && others.length > 0 && index.has(key([...others, au + "=" + others[0].split("=")[1]], "")));
      };
      own.slider = true;
      follow.push(own);
      return label;
    }

    function buildStrip() {
      const grades = ["", ...gradesOf(moved)];
      strip.replaceChildren(...grades.map((one) => {
        const face = one ? recorded(index.get(moved + "=" + one)) : atRest;
        return h("button", { type: "button", class: "frame-of", "aria-pressed": String(face.k === now.k), "aria-label": one ? run.short(moved) + " at " + one : "rest", onclick: () => { stop(); const keep = moved; go(face); moved = keep; } },
          run.cut("play/" + person + ".webp", face.k, data.columns, [1, 1], { class: "thumb" }), h("span", {}, one || "rest"));
      }));
    }

    function buildSides() {
      const [part] = now.parts;
      const own = now.parts.length === 1 ? ["", "left", "right"].filter((one) => index.has(key([part], one))) : [];
      sides.replaceChildren(...(own.length < 2 ? [] : [h("div", { class: "switch", role: "radiogroup", "aria-label": "Side" }, own.map((one) => h("label", {}, h("input", { type: "radio", name: "side", checked: one === now.side, onchange: () => { stop(); go(recorded(index.get(key([part], one)))); } }), h("span", {}, one || "both sides"))))]));
    }

    async function choose(k) {
      stop();
      draws.forget();
      const before = wanting, side = now.side;
      person = k;
      await load();
      now = atRest;
      build();
      const again = index.get(key(before, side));
      if (again !== undefined) go(recorded(again));
      else if (facts && !side) { go(atRest); reach(before); }
      else go(atRest);
    }

    await load();
    now = atRest;
    build();
    const given = decodeURIComponent(wanted || "");
    const [parts, side] = given.split(":");
    const start = index.get(given === "rest" || !given ? "" : key(parts.split("+"), side || ""));
    const open = start === undefined && draws.offered && /^AU\d\d=[A-E](\+AU\d\d=[A-E])*$/.test(given);
    go(start === undefined ? atRest : recorded(start), start !== undefined || open ? "" : "this combination was not drawn");
    if (draws.offered) {
      draws.facts().then((found) => {
        if (left) return;
        facts = found;
        build();
        show();
        if (open) reach(given.split("+"));
      }, (error) => { if (!left) tell(error.message); });
    }
    return () => { left = true; draws.forget(); stop(); };
  };
})(window.facslens);
