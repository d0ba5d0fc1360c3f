// The blind test: no names, an order of its own for each clip, and the listener's ranking.
"use strict";

const blind = {
  active: false,
  orders: new Map(), // clip -> its tracks in the order of this test
  ranks: new Map(), // clip -> indices of tracks, the best first
  saved: true,

  start() {
    this.active = true;
    this.orders.clear();
    this.ranks.clear();
    this.saved = true;
    this.turned();
  },

  stop() {
    if (!this.saved && !confirm("The ranking has not been saved. End the test all the same?")) return;
    this.saved = true;
    this.active = false;
    this.turned();
  },

  turned() {
    document.body.classList.toggle("blind", this.active);
    byId("blind").setAttribute("aria-pressed", this.active);
    byId("blind").textContent = this.active ? "End the blind test" : "Blind test";
    byId("test").hidden = !this.active;
    byId("outcome").hidden = true;
    this.say();
    redraw();
  },

  label: (index) => String.fromCharCode(65 + (index % 26)) + (index < 26 ? "" : Math.floor(index / 26)),

  // A clip's tracks that can be heard, shuffled once a test (Fisher and Yates).
  orderOf(clip) {
    if (!this.orders.has(clip)) {
      const tracks = clip.tracks.filter((track) => track.audio);
      for (let last = tracks.length - 1; last > 0; last--) {
        const other = Math.floor(Math.random() * (last + 1));
        [tracks[last], tracks[other]] = [tracks[other], tracks[last]];
      }
      this.orders.set(clip, tracks);
    }
    return this.orders.get(clip);
  },

  // Turn a card into one that gives nothing away.
  dress(view, track, made) {
    made.querySelector("img").remove();
    made.querySelector(".values").remove();
    made.querySelector(".reason").remove();
    made.querySelector(".swatch").remove();
    made.querySelector(".rank").addEventListener("click", () => this.rank(view, track));
    this.drawRank(view, track, made);
  },

  rank(view, track) {
    const before = this.ranks.get(view.clip) ?? [];
    const without = before.filter((index) => index !== track.index);
    const after = without.length < before.length ? without : [...before, track.index];
    if (after.length) this.ranks.set(view.clip, after);
    else this.ranks.delete(view.clip);
    this.saved = !this.ranks.size;
    view.cards.forEach((card, index) => this.drawRank(view, view.tracks[index], card));
    this.say();
  },

  drawRank(view, track, made) {
    const place = (this.ranks.get(view.clip) ?? []).indexOf(track.index) + 1;
    const button = made.querySelector(".rank");
    const label = this.label(view.tracks.indexOf(track));
    button.textContent = place ? `Rank ${place}` : "Rank";
    button.setAttribute("aria-pressed", place > 0);
    button.setAttribute("aria-label", place ? `${label} has rank ${place}; take it back` : `Rank ${label} next`);
  },

  say() {
    const count = this.ranks.size;
    byId("ranked").textContent = `${count || "No"} ${count === 1 || !count ? "clip is" : "clips are"} ranked${count ? "" : " yet"}.`;
    byId("finish").disabled = !count;
  },

  // A row for each track of each ranked clip. What was not ranked shares the remaining places.
  results() {
    const rows = [];
    for (const [clip, ranked] of this.ranks) {
      const tracks = this.orderOf(clip);
      tracks.forEach((track, index) => {
        const place = ranked.indexOf(track.index);
        const shared = (ranked.length + 1 + tracks.length) / 2;
        const rank = place < 0 ? shared : place + 1;
        rows.push({ clip: clip.id, heard_as: this.label(index), system: track.name, kind: track.kind, rank, ranked: place < 0 ? "no" : "yes" });
      });
    }
    return rows;
  },

  finish() {
    player.pause();
    const of = new Map();
    for (const row of this.results()) {
      const key = `${row.kind === "clean"} ${row.system}`; // a system may be called clean, too
      const sum = of.get(key) ?? { name: row.system, total: 0, first: 0, clips: 0 };
      sum.total += row.rank;
      sum.first += row.rank === 1;
      sum.clips += 1;
      of.set(key, sum);
    }
    const sums = [...of.values()].sort((a, b) => a.total / a.clips - b.total / b.clips);
    const rows = sums.map((sum) => {
      const row = element("tr");
      const head = element("th", sum.name);
      head.scope = "row";
      const cells = [numberText(sum.total / sum.clips, 2), sum.first, sum.clips];
      row.append(head, ...cells.map((cell) => element("td", cell)));
      return row;
    });
    document.querySelector("#outcome tbody").replaceChildren(...rows);
    const count = this.ranks.size;
    byId("verdict").textContent = `You ranked ${count} ${count === 1 ? "clip" : "clips"}; 1 is the best rank.`;
    byId("outcome").hidden = false;
    byId("outcome").focus();
  },

  csv() {
    const columns = ["clip", "heard_as", "system", "rank", "ranked"];
    const field = (value) => {
      const text = String(value);
      return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    };
    const lines = this.results().map((row) => columns.map((column) => field(row[column])).join(","));
    return `${[columns.join(","), ...lines].join("\r\n")}\r\n`;
  },

  save() {
    const link = element("a");
    link.href = URL.createObjectURL(new Blob([this.csv()], { type: "text/csv" }));
    link.download = "blind-test.csv";
    link.click();
    this.saved = true;
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  },
};

byId("blind").addEventListener("click", () => (blind.active ? blind.stop() : blind.start()));
window.addEventListener("beforeunload", (event) => {
  if (!blind.saved) event.preventDefault();
});
byId("finish").addEventListener("click", () => blind.finish());
byId("save").addEventListener("click", () => blind.save());
byId("close").addEventListener("click", () => {
  byId("outcome").hidden = true;
});
