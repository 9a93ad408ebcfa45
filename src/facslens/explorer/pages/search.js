/** One field that finds action units, units and expressions. */
(function (facslens) {
  "use strict";
  const { h } = facslens;
  const run = facslens.run, site = run.site;
  const input = /** @type {HTMLInputElement} */ (document.getElementById("find"));
  const list = document.getElementById("found");
  let items = [], active = -1;

  /** Find what a text may mean. @param {string} typed */
  function find(typed) {
    const text = typed.trim().toLowerCase();
    if (!text) return [];
    const found = [];
    const number = text.match(/^(?:au)?[ _]?0*(\d+)$/);
    for (const one of site.aus) {
      const exact = number && Number(number[1]) === one.number;
      const score = exact ? 0 : one.name.startsWith(text) ? 1 : one.name.includes(text) ? 2 : one.region.includes(text) || text.includes(one.region) && text.length > 3 ? 3 : one.muscles.includes(text) ? 4 : -1;
      if (score >= 0) found.push({ score, href: run.auAddress(one.au), label: [h("b", {}, run.short(one.au)), " " + one.name], kind: "action unit" });
    }
    const unit = text.match(/^(.*?)[/ :#]+(\d+)$/);
    site.layers.forEach((layer, k) => {
      const name = layer.name.toLowerCase();
      if (unit && name.includes(unit[1]) && Number(unit[2]) < layer.units) found.push({ score: name === unit[1] ? 0 : 2, href: run.unitAddress(k, Number(unit[2])), label: layer.name + "/" + unit[2], kind: "unit" });
      if (name.includes(text)) found.push({ score: 2, href: "#/units?layer=" + encodeURIComponent(layer.name), label: layer.name, kind: layer.units + " units" });
      if (number && !text.startsWith("au") && Number(number[1]) < layer.units) found.push({ score: 3, href: run.unitAddress(k, Number(number[1])), label: layer.name + "/" + number[1], kind: "unit" });
    });
    for (const expression of site.expressions) if (expression.includes(text)) found.push({ score: 1, href: run.expressionAddress(expression), label: expression, kind: "expression" });
    return found.sort((a, b) => a.score - b.score).slice(0, 10);
  }

  function close() {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
    active = -1;
  }

  function show() {
    items = find(input.value);
    active = items.length ? 0 : -1;
    list.replaceChildren(...items.map((item, k) => h("li", { role: "option", id: "found-" + k, "aria-selected": String(k === active), onpointerdown: (event) => { event.preventDefault(); open(item); } }, h("span", {}, item.label), h("small", {}, item.kind))));
    if (!items.length && input.value.trim()) list.append(h("li", { role: "option", "aria-disabled": "true", "aria-selected": "false" }, "nothing found"));
    list.hidden = !input.value.trim();
    input.setAttribute("aria-expanded", String(!list.hidden));
    if (active >= 0) input.setAttribute("aria-activedescendant", "found-0");
  }

  function open(item) {
    input.value = "";
    close();
    input.blur();
    location.hash = item.href;
  }

  input.addEventListener("input", show);
  input.addEventListener("focus", show);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { input.value = ""; close(); input.blur(); return; }
    if (event.key === "Enter" && items[active]) { event.preventDefault(); open(items[active]); return; }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || !items.length) return;
    event.preventDefault();
    active = (active + step + items.length) % items.length;
    [...list.children].forEach((li, k) => li.setAttribute("aria-selected", String(k === active)));
    input.setAttribute("aria-activedescendant", "found-" + active);
  });
  facslens.find = find;
})(window.facslens);
