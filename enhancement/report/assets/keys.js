// The keyboard and the buttons, and the start of it all.
"use strict";

const keys = {
  " ": () => player.toggle(),
  ArrowLeft: () => player.step(-1),
  ArrowRight: () => player.step(1),
  ArrowDown: () => stepClip(1),
  ArrowUp: () => stepClip(-1),
  j: () => stepClip(1),
  k: () => stepClip(-1),
  l: () => byId("loop").click(),
  r: () => blind.active && player.view?.cards[player.track]?.querySelector(".rank").click(),
  "?": () => byId("keys").showModal(),
};

const ONCE = " lr?"; // holding these down does no more than pressing them

// Whether the element under the focus does something of its own with this key.
function isTaken(target, key) {
  if (target.closest("dialog, select, [contenteditable]")) return true;
  if (target.matches(".scroll") && key.startsWith("Arrow")) return true;
  if (target.matches("input[type=range], input[type=radio]") && key.startsWith("Arrow")) return true;
  return key === " " && target.matches("button, a, summary, input");
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTaken(event.target, event.key)) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const action = /^[1-9]$/.test(key) ? () => player.pick(Number(key) - 1) : keys[key];
  if (!action) return;
  event.preventDefault();
  if (!event.repeat || !ONCE.includes(key)) action();
});

byId("previous").addEventListener("click", () => stepClip(-1));
byId("next").addEventListener("click", () => stepClip(1));
byId("help").addEventListener("click", () => byId("keys").showModal());
byId("worst").addEventListener("click", () => sortBy({ sort: "worst" }));
byId("clear").addEventListener("click", () => {
  tools.reset();
  arrange();
});
tools.addEventListener("change", arrange);
tools.addEventListener("submit", (event) => event.preventDefault());
for (const button of document.querySelectorAll("button.gain")) {
  button.addEventListener("click", () => {
    const system = data.systems.findIndex((each) => each.name === button.dataset.system);
    sortBy({ sort: "worst", system, metric: button.dataset.metric, outcome: "all" });
    byId("clips").scrollIntoView();
  });
}
for (const tab of document.querySelectorAll(".tabs input")) {
  tab.addEventListener("change", drawFigures);
}

const chosen = element("style");
chosen.id = "chosen";
document.head.append(chosen);
fillTools();
drawFigures();
byId("list").append(...views.map((view) => view.article));
arrange();
for (const view of views) seen.observe(view.article);
