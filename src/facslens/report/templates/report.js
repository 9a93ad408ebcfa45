// Everything on the page works without this file: it marks the section in view, copies
// texts, and tells the value under the pointer in the overview of a heat map.
"use strict";

const links = new Map(
  [...document.querySelectorAll(".toc a")].map((a) => [a.hash.slice(1), a])
);
const seen = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      for (const a of links.values()) a.removeAttribute("aria-current");
      const link = links.get(entry.target.id);
      link.setAttribute("aria-current", "true");
      const bar = document.querySelector(".toc");
      if (bar.scrollWidth > bar.clientWidth) bar.scrollLeft = link.offsetLeft - 40;
    }
  },
  { rootMargin: "-15% 0px -80% 0px" }
);
for (const id of links.keys()) seen.observe(document.getElementById(id));

for (const button of document.querySelectorAll("[data-copy]")) {
  const source = document.getElementById(button.dataset.copy);
  const label = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(source.innerText);
      button.textContent = "Copied";
    } catch {
      // no clipboard to write to: the text is selected instead
      getSelection().selectAllChildren(source);
      button.textContent = "Selected: copy it with the keyboard";
    }
    setTimeout(() => { button.textContent = label; }, 3000);
  });
}

for (const figure of document.querySelectorAll(".overview")) {
  const data = JSON.parse(figure.querySelector("script").textContent);
  const map = figure.querySelector(".map");
  const readout = map.querySelector(".readout");
  map.addEventListener("pointermove", (event) => {
    const box = map.getBoundingClientRect();
    const x = Math.min(Math.max((event.clientX - box.left) / box.width, 0), 0.9999);
    const y = Math.min(Math.max((event.clientY - box.top) / box.height, 0), 0.9999);
    const unit = Math.floor(x * data.units.length);
    const au = Math.floor(y * data.aus.length);
    const value = data.values[au][unit];
    readout.textContent =
      `unit ${data.units[unit]} · ${data.aus[au]} · ` +
      (value === null ? "–" : (value / 100 + 0.5).toFixed(2));
    readout.style.left = `${100 * x}%`;
    readout.style.top = `${100 * y}%`;
    readout.classList.toggle("left", x > 0.6);
    readout.classList.add("shown");
  });
  map.addEventListener("pointerleave", () => readout.classList.remove("shown"));
}
