// The data of the page, and how its numbers are said. Names only ever become text, never markup.
"use strict";

const data = JSON.parse(document.getElementById("data").textContent);
const COLOURS = 8;
const noisyIndex = Math.max(0, data.systems.findIndex((system) => system.kind === "untouched"));

// The first system is the noisy input; past the eighth, colours come again in another shape.
const swatchOf = (index) =>
  index === 0 ? ["s0"] : [`s${((index - 1) % COLOURS) + 1}`, ...(index > COLOURS ? ["again"] : [])];

for (const clip of data.clips) {
  clip.tracks.forEach((track, index) => {
    const system = data.systems[index];
    track.index = index;
    track.name = system ? system.name : "clean";
    track.kind = system ? system.kind : "clean";
    track.swatch = system ? swatchOf(index) : ["clean"];
  });
}

const metricNamed = (name) => data.metrics.find((metric) => metric.name === name);

// By how much a track is better than the noisy input; null where either was not measured.
function gainOf(clip, index, metric) {
  const before = clip.tracks[noisyIndex].scores[metric.name];
  const after = clip.tracks[index].scores[metric.name];
  if (before == null || after == null) return null;
  return metric.better === "lower" ? before - after : after - before;
}

function numberText(value, digits, signed = false) {
  if (value == null) return "\u2013";
  let text = value.toFixed(digits);
  if (Number(text) === 0) text = text.replace("-", "");
  else if (signed && value > 0) text = `+${text}`;
  return text.replace("-", "\u2212");
}

const snrText = (snr) => `${numberText(snr, Number.isInteger(snr) ? 0 : 1)} dB`;
const byId = (id) => document.getElementById(id);

// A copy of a <template>'s only element.
const copyOf = (id) => byId(id).content.firstElementChild.cloneNode(true);

function element(tag, text, className) {
  const made = document.createElement(tag);
  if (text != null) made.textContent = text;
  if (className) made.className = className;
  return made;
}
