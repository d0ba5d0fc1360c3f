// The list of clips: drawn when it comes near, sorted and filtered.
"use strict";

const tools = document.querySelector(".tools");
const views = data.clips.map((clip, order) => {
  const article = copyOf("clip");
  article.querySelector("h3").textContent = clip.id;
  const known = [
    clip.snr_db == null ? null : snrText(clip.snr_db),
    clip.category,
    clip.corpus,
    `${clip.seconds.toFixed(1)} s`,
  ];
  const about = article.querySelector(".about");
  about.append(...known.filter(Boolean).map((text) => element("span", text)));
  return { clip, order, article, tracks: clip.tracks, labels: [], cards: [] };
});

const seen = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) drawTracks(viewOf.get(entry.target));
    }
  },
  { rootMargin: "1000px" },
);

// Draw a clip's tracks, unless they are there.
function drawTracks(view) {
  if (view.cards.length) return;
  seen.unobserve(view.article);
  view.tracks = blind.active ? blind.orderOf(view.clip) : view.clip.tracks;
  view.labels = view.tracks.map((track, index) => (blind.active ? blind.label(index) : track.name));
  view.cards = view.tracks.map((track, index) => card(view, track, index));
  const tracks = view.article.querySelector(".tracks");
  tracks.replaceChildren(...view.cards);
  byId("list").style.setProperty("--tracks", `${tracks.offsetHeight}px`);
}

// Draw all clips anew, those that are near at once.
function redraw() {
  player.leave();
  for (const view of views) {
    view.cards = [];
    view.article.querySelector(".tracks").replaceChildren();
    seen.unobserve(view.article);
    seen.observe(view.article);
  }
  const [first] = visible();
  if (first) activate(first, 0);
}

function card(view, track, index) {
  const made = copyOf("track");
  const pick = made.querySelector(".pick");
  const key = index < 9 ? String(index + 1) : "";
  pick.querySelector("kbd").textContent = key;
  pick.querySelector("kbd").hidden = !key;
  pick.querySelector(".name").textContent = view.labels[index];
  pick.title = view.labels[index]; // a narrow card cuts a long name
  pick.addEventListener("click", () => choose(view, index));
  const picture = made.querySelector(".picture");
  picture.addEventListener("click", (event) => seekIn(view, index, event));
  pick.disabled = !track.audio;
  made.classList.toggle("missing", !track.audio);
  if (blind.active) {
    blind.dress(view, track, made);
    return made;
  }
  pick.querySelector(".swatch").classList.add(...track.swatch);
  const image = picture.querySelector("img");
  if (track.picture) {
    image.alt = `Spectrogram of ${track.name}, clip ${view.clip.id}`;
    image.src = track.picture;
  } else image.remove();
  made.querySelector(".reason").textContent = track.reason ?? "";
  if (track.kind !== "clean") drawValues(made, view.clip, track);
  return made;
}

function drawValues(made, clip, track) {
  const rows = data.metrics.map((metric) => {
    const row = element("tr");
    const score = track.scores[metric.name];
    const value = element("td", numberText(score, metric.digits));
    const gain = track.kind === "untouched" ? null : gainOf(clip, track.index, metric);
    const change = element("td", gain == null ? "" : numberText(gain, metric.digits, true), "gain");
    change.classList.toggle("loss", change.textContent.startsWith("\u2212")); // not for -0.00
    if (score != null) value.dataset.score = score;
    const head = element("th", metric.label);
    head.scope = "row";
    row.dataset.metric = metric.name;
    row.append(head, value, change);
    return row;
  });
  made.querySelector("tbody").append(...rows);
}

function choose(view, index) {
  if (view === player.view && index === player.track) return player.toggle();
  if (view !== player.view) activate(view, index);
  player.pick(index);
  if (!player.playing) player.play();
}

function seekIn(view, index, event) {
  if (!view.tracks[index].audio) return;
  const box = event.currentTarget.getBoundingClientRect();
  if (view !== player.view) activate(view, index);
  player.pick(index);
  player.seek(((event.clientX - box.left) / box.width) * view.clip.seconds);
  if (!player.playing) player.play();
}

function activate(view, index) {
  drawTracks(view);
  player.show(view, Math.min(index, view.tracks.length - 1));
}

// Go to the clip before or after; the track stays, and what played goes on playing.
function stepClip(by) {
  const shown = visible();
  const here = shown.indexOf(player.view);
  const next = shown[here < 0 ? 0 : here + by];
  if (!next) return;
  activate(next, player.track);
  next.cards[player.track]?.querySelector(".pick").focus({ preventScroll: true });
  next.article.scrollIntoView({ block: "nearest" });
}

const sorted = () => [...byId("list").children].map((article) => viewOf.get(article));
const visible = () => sorted().filter((view) => !view.article.hidden);
const viewOf = new Map(views.map((view) => [view.article, view]));

// What a clip is sorted by, ascending; null comes last.
function sortKey(view, settings) {
  const index = Number(settings.system);
  const metric = metricNamed(settings.metric);
  const gain = gainOf(view.clip, index, metric);
  const score = view.clip.tracks[index].scores[metric.name];
  const keys = {
    given: view.order,
    worst: gain,
    best: gain == null ? null : -gain,
    low: score,
    high: score == null ? null : -score,
    "snr-up": view.clip.snr_db,
    "snr-down": view.clip.snr_db == null ? null : -view.clip.snr_db,
  };
  return keys[settings.sort];
}

function isWanted(view, settings) {
  const { clip } = view;
  if (settings.category && `=${clip.category ?? ""}` !== settings.category) return false;
  if (settings.snr && String(clip.snr_db) !== settings.snr) return false;
  if (settings.outcome === "all") return true;
  if (settings.outcome === "failed") return clip.tracks.some((track) => track.reason);
  const gain = gainOf(clip, Number(settings.system), metricNamed(settings.metric));
  return settings.outcome === "loss" ? gain < 0 : gain > 0;
}

function arrange() {
  const settings = Object.fromEntries(new FormData(tools));
  const keyed = views.map((view) => [sortKey(view, settings), view]);
  keyed.sort(
    ([a, one], [b, other]) => (a == null) - (b == null) || a - b || one.order - other.order,
  );
  byId("list").append(...keyed.map(([, view]) => view.article));
  for (const view of views) view.article.hidden = !isWanted(view, settings);
  const name = CSS.escape(settings.metric);
  byId("chosen").textContent = `.values [data-metric="${name}"] { font-weight: 650 }`;
  const shown = visible();
  byId("count").textContent = `${shown.length} of ${views.length} clips`;
  if (!shown.includes(player.view)) {
    player.leave();
    if (shown.length) activate(shown[0], player.track);
  }
}

function sortBy(settings) {
  for (const [name, value] of Object.entries(settings)) tools.elements[name].value = value;
  arrange();
  if (visible().length) activate(visible()[0], Number(tools.elements.system.value));
}

function fillTools() {
  const judged = data.systems.map((system, index) => ({ ...system, index }));
  const others = judged.filter((system) => system.kind !== "untouched");
  const option = (text, value) => new Option(text, value);
  tools.elements.system.append(...others.map((each) => option(each.name, each.index)));
  if (!others.length) tools.elements.system.append(option(judged[0].name, 0));
  tools.elements.metric.append(...data.metrics.map((each) => option(each.label, each.name)));
  const values = (key) => [...new Set(data.clips.map((clip) => clip[key]))];
  const categories = values("category").sort();
  tools.elements.category.append(
    ...categories.map((each) => option(each ?? "unknown", `=${each ?? ""}`)),
  );
  const snrs = values("snr_db").filter((snr) => snr != null);
  snrs.sort((a, b) => a - b);
  tools.elements.snr.append(...snrs.map((snr) => option(snrText(snr), snr)));
  // Nothing to choose from is nothing to show.
  tools.elements.category.parentElement.hidden = categories.length < 2;
  tools.elements.snr.parentElement.hidden = snrs.length < 2;
  for (const each of tools.querySelectorAll('[value^="snr-"]')) each.hidden = snrs.length < 2;
}

function drawFigures() {
  const chosen = document.querySelector(".tabs input:checked")?.value;
  for (const each of document.querySelectorAll(".figures")) {
    each.hidden = each.dataset.figure !== chosen;
  }
}
