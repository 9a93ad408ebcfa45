/** What this is, what it must not be used for, and how to go about it with the keyboard. */
(function (facslens) {
  "use strict";
  const { h } = facslens;
  const run = facslens.run, site = run.site;

  facslens.pages.about = function (main) {
    const keys = [["/", "find an action unit, a unit or an expression"], ["g then f, p, u, c", "go to the face, play, units, compare"], ["← →", "the page before or after, on pages of units, action units and expressions"],
      ["↑ ↓ Page Home End", "move in the list of units; Enter opens"], ["t", "light or dark"], ["Esc", "leave the search"]];
    main.append(h("header", { class: "page-head" }, h("h1", {}, "About these pages")),
      h("div", { class: "cards" },
        h("section", { class: "card prose" }, h("h2", {}, "What they show"),
          h("p", {}, "Every unit (one feature map of one layer), every action unit of the Facial Action Coding System and every expression of one run of facslens " + site.run.version + ", made " + (site.run.made || "at a time that is not known") + ", each under an address of its own that can be kept and sent on with the folder."),
          h("p", {}, h("b", {}, "Observed"), " means: on coded faces the unit tells those with the action unit from those without, tested against permutations, on people whom neither the network nor the choice has seen. On posed faces action units come with expressions, so that this is no proof of a detector."),
          h("p", {}, h("b", {}, "Caused"), " means: on drawn faces, equal but for one action unit, the unit changes more under it than under any other, rises with its intensity, and is ahead of pixels, gradients and untrained networks. Drawn faces are not photographs."),
          h("p", {}, h("b", {}, "Projections"), " show where a response comes from. They show edges of the picture whatever the weights of the network are.")),
        h("section", { class: "card prose" }, h("h2", {}, "What they must not be used for"),
          h("p", {}, "An expression label is the name that a coder gives to how a face looks. It is not what the person feels. Do not infer anyone's emotions with it, at work, in schools or anywhere else; the European Union forbids systems that do so at work and in education (Regulation 2024/1689, Article 5(1)(f), except for medical or safety reasons)."),
          h("p", {}, "Do not identify people with it, and do not sort people into groups by their faces.")),
        h("section", { class: "card" }, h("h2", {}, "Keys"), h("dl", { class: "keys" }, keys.map(([key, what]) => h("div", {}, h("dt", {}, h("kbd", {}, key)), h("dd", {}, what))))),
        h("section", { class: "card prose" }, h("h2", {}, "Nothing is sent anywhere else"), h("p", {}, (facslens.draws.offered ? "The server that gives these pages draws faces that are asked for, and its network answers. Nothing else is asked for anything. " : "The pages ask no server for anything: scripts, numbers and pictures lie beside them. ") + (site.run.faces ? "They show faces of the dataset: share the folder only where its terms allow that, or write it with --no-faces." : "They show no face of the dataset.")))));
  };
})(window.facslens);
