/** The run: its units as rows of numbers, its action units, and how each is called and reached. */
(function (facslens) {
  "use strict";
  const site = facslens.taken.get("site");
  const columns = site.units;
  const offsets = [];
  let total = 0;
  for (const layer of site.layers) {
    offsets.push(total);
    total += layer.units;
  }
  const layerOf = new Uint16Array(total);
  site.layers.forEach((layer, k) => layerOf.fill(k, offsets[k], offsets[k] + layer.units));

  /** The row of a unit. @param {number} layer @param {number} unit */
  const row = (layer, unit) => offsets[layer] + unit;
  const unitOf = (i) => i - offsets[layerOf[i]];
  const name = (i) => site.layers[layerOf[i]].name + "/" + unitOf(i);
  const unitAddress = (layer, unit) => "#/unit/" + encodeURIComponent(site.layers[layer].name) + "/" + unit;
  const address = (i) => unitAddress(layerOf[i], unitOf(i));

  /** A number of a unit in its own scale. @param {string} column @param {number} i */
  function value(column, i) {
    const found = columns[column][i];
    return found === null ? null : found / 1000;
  }

  const aus = site.aus;
  const places = new Map(aus.map((au, k) => [au.au, k]));
  const short = (au) => "AU" + (aus[places.get(au)] ? aus[places.get(au)].number : au.replace(/^AU0*/, ""));
  const auName = (au) => (places.has(au) ? aus[places.get(au)].name : "");
  const auAddress = (au) => "#/au/" + (places.has(au) ? aus[places.get(au)].number : au);
  const expressionAddress = (expression) => "#/expression/" + encodeURIComponent(expression);

  /** The evidence of a layer for an action unit. @type {Map<string, any>} */
  const evidence = new Map(site.detectors.map((d) => [d.layer + " " + d.au, d]));
  const detector = (layer, au) => evidence.get(layer + " " + places.get(au)) || null;

  /**
   * How well an action unit is detected, in the layer where it is best: on coded faces of unseen
   * people (observed), or on drawn ones where nothing else differs (caused).
   * @param {string} au @param {"observed" | "caused"} kind
   */
  function best(au, kind) {
    let found = null;
    site.layers.forEach((_, layer) => {
      const d = detector(layer, au);
      if (!d) return;
      const own = kind === "observed" ? seen(d) : switched(d);
      if (own && (!found || rank(own) > rank(found))) found = { ...own, layer, detector: d };
    });
    return found;
  }
  const rank = (own) => (own.good ? 2 : 0) + (own.value === null ? 0 : own.value);
  const seen = (d) =>
    d.status
      ? { value: d.unit === null ? null : d.test !== null ? d.test : d.auroc, unit: d.unit, low: d.low, high: d.high,
          good: d.status === "confirmed", state: d.status }
      : null;
  const switched = (d) =>
    d.c_verdict
      ? { value: d.c_auroc, unit: d.c_unit, low: d.c_low, high: d.c_high, good: d.c_verdict === "caused",
          state: VERDICTS[d.c_verdict] || d.c_verdict }
      : null;
  const VERDICTS = {
    caused: "caused", rival: "not its own", dose: "does not rise", controls: "not ahead of controls", silent: "silent",
    uncompared: "not compared",
  };

  const hasObserved = site.detectors.some((d) => d.status);
  const hasCaused = site.detectors.some((d) => d.c_verdict);

  /** A link to a unit. */
  const unitLink = (layer, unit, given) =>
    unit === null || unit === undefined
      ? facslens.DASH
      : facslens.h("a", { href: unitAddress(layer, unit), ...(given || {}) }, site.layers[layer].name + "/" + unit);
  /** A link to an action unit. */
  const auLink = (au, more = true) =>
    facslens.h("a", { href: auAddress(au), class: "au" }, facslens.h("b", {}, short(au)), more ? " " + auName(au) : "");

  /** A picture out of a sheet. @param {string} file @param {number} cell @param {number} across @param {[number, number]} size */
  function cut(file, cell, across, size, given) {
    const [wide, high] = size;
    return facslens.h("span", {
      ...given,
      class: "cut " + ((given || {}).class || ""),
      style: {
        "--wide": wide, "--high": high, "--across": across, "--column": cell % across, "--row": Math.floor(cell / across),
        "background-image": "url(" + JSON.stringify(file) + ")", ...((given || {}).style || {}),
      },
    });
  }

  /** The small picture of a unit: what its first exemplar shows there. */
  function thumb(i) {
    if (!site.thumbs) return null;
    const unit = unitOf(i), first = unit - (unit % site.thumbs);
    return { file: "thumbs/" + layerOf[i] + "-" + first + ".jpg", cell: unit - first };
  }

  facslens.run = {
    site, columns, total, offsets, layerOf, unitOf, row, name, address, unitAddress, value, aus, places, short, auName,
    auAddress, expressionAddress, detector, best, seen, switched, VERDICTS, hasObserved, hasCaused, unitLink, auLink, cut, thumb,
  };
})(window.facslens);
