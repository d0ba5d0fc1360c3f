// One clip plays at a time, one of its tracks at a time. Switching keeps the position.
"use strict";

const player = {
  view: null, // the clip that is current: {clip, article, tracks, cards}, see clips.js
  track: 0, // position of the current track in view.tracks
  at: 0, // seconds, while nothing plays
  playing: false,
  sounds: [],

  // Make a clip the current one; its files are opened now, so that switching is quick.
  show(view, track) {
    const wasPlaying = this.playing;
    this.leave();
    this.view = view;
    this.track = track;
    this.at = 0;
    view.article.classList.add("current");
    this.sounds = view.tracks.map((each) => each.audio && this.opened(each));
    if (!this.sounds[track]) this.track = Math.max(0, this.sounds.findIndex(Boolean));
    byId("seek").max = view.clip.seconds;
    if (wasPlaying) this.play();
    this.draw();
  },

  // Close the clip that is current.
  leave() {
    this.pause();
    for (const sound of this.sounds.filter(Boolean)) {
      sound.removeAttribute("src");
      sound.load();
      sound.remove();
    }
    this.sounds = [];
    if (this.view) {
      this.view.article.classList.remove("current");
      this.view.article.style.removeProperty("--at");
    }
    this.view = null;
    for (const part of [...byId("now").children, byId("time")]) part.textContent = "";
  },

  opened(track) {
    const sound = document.createElement("audio");
    sound.preload = "auto";
    sound.src = track.audio;
    sound.addEventListener("ended", () => this.ended(sound));
    this.view.article.append(sound);
    return sound;
  },

  sound() {
    return this.sounds[this.track];
  },

  position() {
    return this.playing ? this.sound().currentTime : this.at;
  },

  play() {
    const sound = this.sound();
    if (!sound) return;
    if (this.at >= this.view.clip.seconds - 0.02) this.at = 0;
    sound.currentTime = this.at;
    this.playing = true;
    // A switch or a pause right after cancels the start, which is no fault.
    sound.play().catch((fault) => {
      if (fault.name !== "AbortError" && sound === this.sound()) this.stopAt(this.at);
    });
    this.draw();
    requestAnimationFrame(() => this.follow());
  },

  pause() {
    if (this.playing) this.stopAt(this.position());
  },

  stopAt(seconds) {
    this.playing = false;
    this.at = seconds;
    this.sound()?.pause();
    this.draw();
  },

  toggle() {
    if (this.playing) this.pause();
    else this.play();
  },

  pick(track) {
    if (!this.sounds[track] || track === this.track) return;
    const wasPlaying = this.playing;
    this.pause();
    this.track = track;
    if (wasPlaying) this.play();
    this.draw();
  },

  step(by) {
    const count = this.sounds.length;
    for (let tried = 1; tried <= count; tried++) {
      const track = (((this.track + by * tried) % count) + count) % count;
      if (this.sounds[track]) return this.pick(track);
    }
  },

  seek(seconds) {
    if (!this.view) return;
    this.at = Math.min(Math.max(0, seconds), this.view.clip.seconds);
    if (this.playing) this.sound().currentTime = this.at;
    this.draw();
  },

  ended(sound) {
    if (sound !== this.sound() || !this.playing) return;
    if (!byId("loop").checked) return this.stopAt(this.view.clip.seconds);
    this.at = 0;
    this.play();
  },

  follow() {
    if (!this.playing) return;
    this.drawPosition();
    requestAnimationFrame(() => this.follow());
  },

  draw() {
    if (!this.view) return;
    this.view.cards.forEach((card, index) => {
      const picked = index === this.track;
      card.classList.toggle("picked", picked);
      card.querySelector(".pick").setAttribute("aria-pressed", picked);
    });
    const button = byId("play");
    button.classList.toggle("playing", this.playing);
    button.setAttribute("aria-label", this.playing ? "Pause" : "Play");
    byId("now").firstElementChild.textContent = this.view.clip.id;
    byId("now").lastElementChild.textContent = this.view.labels[this.track] ?? "";
    this.drawPosition();
  },

  drawPosition() {
    const { seconds } = this.view.clip;
    const at = Math.min(this.position(), seconds);
    this.view.article.style.setProperty("--at", at / seconds);
    byId("seek").value = at;
    byId("time").textContent = `${at.toFixed(1)} / ${seconds.toFixed(1)} s`;
  },
};

byId("play").addEventListener("click", () => player.toggle());
byId("seek").addEventListener("input", (event) => player.seek(Number(event.target.value)));
