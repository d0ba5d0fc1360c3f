"""Built-in noise corpus: fourteen kinds of everyday sound, each from a small recipe.

The kinds are named after categories of ESC-50 (Piczak, "ESC: Dataset for Environmental Sound
Classification", ACM Multimedia 2015). Each recipe takes a generator, a length and a character
from 0 to 1: the six sources of a kind are spread over its whole range, so that they differ as
two engines or two dogs do. Three ideas make all of them: noise with a spectrum, pulses with a
period, and impulses that ring. As in speech, a source is followed by its resonances (Fant,
"Acoustic Theory of Speech Production", 1960).
"""

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np
import scipy.signal
from numpy.typing import NDArray

from prepare_data.demo_common import (
    SAMPLE_RATE,
    Indices,
    Signal,
    band,
    bells,
    cycles,
    from_decibels,
    keyed_generator,
    limit_peak,
    normalised,
    pulses,
    resonate,
    ring,
    rms,
    shaped_noise,
    slow_noise,
    write_wav,
)

SOURCES = 6
BACKGROUND_DBFS = -75.0  # between the strokes of a clock there is a quiet room

Recipe: TypeAlias = Callable[[np.random.Generator, int, float], Signal]


def write_demo_noise(folder: Path, *, seed: int = 0) -> None:
    """Write the built-in noise corpus; all of it is synthetic, nothing was recorded.

    Fourteen categories named as in ESC-50, six sources each, 6 to 10 s long, as mono 16-bit
    WAV files at 16 kHz: `folder/<category>/<category>_<nn>.wav`. Every file is a source of its
    own. Enough to try the tools with, no substitute for recordings.

    Args:
        folder: Folder to write into; made if missing, files of the same name are replaced.
        seed: Same seed, same bytes; 0 or more.
    """
    for category, recipe in RECIPES.items():
        home = folder / category
        home.mkdir(parents=True, exist_ok=True)
        order = keyed_generator(seed, category).permutation(SOURCES)
        for index, place in enumerate(order):
            rng = keyed_generator(seed, category, index)
            character = (int(place) + float(rng.uniform(0.3, 0.7))) / SOURCES
            audio = _finish(rng, recipe, character)
            write_wav(home / f"{category}_{index + 1:02d}.wav", audio)


def _finish(rng: np.random.Generator, recipe: Recipe, character: float) -> Signal:
    """Return a source of 6 to 10 s at a level of its own, over a very quiet room."""
    samples = int(rng.integers(60, 100)) * SAMPLE_RATE // 10
    audio = recipe(rng, samples, character)
    level = from_decibels(float(rng.uniform(-32, -20))) / rms(audio)
    audio = limit_peak(audio.astype(np.float32) * level)
    room = rng.standard_normal(samples, dtype=np.float32)
    return audio + from_decibels(BACKGROUND_DBFS) * room


def _between(low: float, high: float, character: float) -> float:
    """Return the value that lies at `character` on the logarithmic way from low to high."""
    return float(low * (high / low) ** character)


def _moments(rng: np.random.Generator, samples: int, per_second: float) -> Indices:
    """Return moments, as sample numbers, that know nothing of each other."""
    return rng.integers(0, samples, max(int(per_second * samples / SAMPLE_RATE), 1))


def _beats(samples: int, period_seconds: float, scatter: NDArray[np.float64]) -> Indices:
    """Return regular moments, each displaced by its share of the period (recycled)."""
    count = max(int(samples / SAMPLE_RATE / period_seconds), 1)
    places = (np.arange(count) + 0.1 + np.resize(scatter, count)) * period_seconds
    return np.clip(places * SAMPLE_RATE, 0, samples - 1).astype(np.int64)


def _calls(rng: np.random.Generator, samples: int, seconds: float, gap: float) -> Signal:
    """Return the progress (samples,) of each call of an animal, 0 to 1, and -1 in the gaps."""
    progress: Signal = np.full(samples, -1, np.float32)
    start = int(rng.uniform(0.1, 0.4) * SAMPLE_RATE)
    while start < samples - SAMPLE_RATE // 2:
        for _ in range(int(rng.integers(1, 4))):
            length = int(seconds * rng.uniform(0.8, 1.2) * SAMPLE_RATE)
            call = np.linspace(0, 1, length, dtype=np.float32)[: max(samples - start, 0)]
            progress[start : start + len(call)] = call
            start += length + int(seconds * rng.uniform(0.4, 0.9) * SAMPLE_RATE)
        start += int(gap * rng.uniform(0.7, 1.4) * SAMPLE_RATE)
    return progress


def _swell(progress: Signal, attack: float) -> Signal:
    """Return the loudness of calls: a quick start, a slow end, nothing in the gaps."""
    inside = np.clip(progress, 0, 1)
    loud = np.minimum(inside / attack, 1) * np.sqrt(1 - inside)
    return np.where(progress >= 0, loud, 0).astype(np.float32)


def _rain(rng: np.random.Generator, samples: int, character: float) -> Signal:
    """Hiss of far drops, and near ones that ring; from a drizzle on tin to a downpour."""
    rain = shaped_noise(rng, samples, band(_between(2500, 400, character), 6000))
    rain *= _between(0.25, 1.0, character)
    for _ in range(4):
        at = _moments(rng, samples, _between(8, 250, character))
        drops = rng.lognormal(0, 0.8, len(at))
        pitch = float(rng.uniform(0.7, 1.4)) * _between(3500, 1300, character)
        drop = ring(samples, at, drops, [pitch, 2.3 * pitch], 0.003)
        rain += 0.4 * normalised(drop)
    return rain


def _wind(rng: np.random.Generator, samples: int, character: float) -> Signal:
    """Rumble in gusts, and a whistle round the corner that comes with the strongest."""
    gusts = np.exp(0.7 * slow_noise(rng, samples, _between(0.2, 0.8, character)))
    steepness = _between(1.5, 0.9, character)
    rumble = shaped_noise(rng, samples, lambda f: band(60, 8000)(f) / (50 + f) ** steepness)
    whistle_hz = _between(250, 1100, character)
    whistle = shaped_noise(rng, samples, bells([whistle_hz, 1.7 * whistle_hz], 0.08))
    return gusts * (rumble + _between(0.03, 0.5, character) * gusts * whistle)


def _sea_waves(rng: np.random.Generator, samples: int, character: float) -> Signal:
    """A low wash with waves that break: the surf brightens as it grows."""
    period = _between(1.8, 5.0, character)
    turns = cycles(1 / period, samples) + 0.15 * slow_noise(rng, samples, 0.3) + rng.random()
    surf = (pulses(turns, 1.5) + 0.08).astype(np.float32)
    wash = shaped_noise(rng, samples, band(60, _between(900, 150, character)))
    spray_low_hz, spray_high_hz = _between(900, 300, character), _between(7000, 1500, character)
    spray = shaped_noise(rng, samples, band(spray_low_hz, spray_high_hz))
    return np.sqrt(surf) * wash + _between(1.6, 0.5, character) * surf * surf * spray


def _engine(rng: np.random.Generator, samples: int, character: float) -> Signal:
    """Combustion pulses of a changing rate through an exhaust; from a truck to a moped."""
    rate_hz = _between(14, 110, character) * (1 + 0.06 * slow_noise(rng, samples, 0.4))
    turned = cycles(rate_hz, samples)
    uneven = 1 + 0.25 * np.cos(np.pi * turned).astype(np.float32)  # two cylinders differ
    strokes = uneven * pulses(turned, _between(300, 25, character))
    pipe_hz = _between(90, 500, character)
    exhaust = resonate(normalised(strokes), [pipe_hz, 2.9 * pipe_hz, 5.1 * pipe_hz], 0.5)
    gas: Signal = shaped_noise(rng, samples, band(100, 2500)) * (0.3 + pulses(turned, 3))
    return normalised(exhaust) + 0.3 * gas


def _helicopter(rng: np.random.Generator, samples: int, character: float) -> Signal:
    """Blades that slap the air, and a turbine's whine above them."""
    rate_hz = _between(9, 26, character) * (1 + 0.01 * slow_noise(rng, samples, 0.5))
    slap = pulses(cycles(rate_hz, samples), 12)
    air = shaped_noise(rng, samples, band(40, _between(300, 1200, character)))
    whine_turns = cycles(_between(900, 3200, character), samples)
    whine = np.sin(2 * np.pi * whine_turns).astype(np.float32)
    return air * (0.15 + slap) + 0.2 * normalised(slap) + 0.05 * whine * (0.5 + slap)


def _vacuum_cleaner(rng: np.random.Generator, samples: int, character: float) -> Signal:
    """Rush of air and a motor's harmonics, both steady but for the nozzle's strokes."""
    strokes = 1 + 0.02 * slow_noise(rng, samples, 0.7)
    motor = pulses(cycles(_between(110, 420, character) * strokes, samples), 6)
    motor = resonate(normalised(motor), [_between(700, 2600, character)], 0.5)
    air = shaped_noise(
        rng, samples, band(_between(100, 900, character), _between(2000, 6000, character))
    )
    air *= strokes
    return air + 0.8 * normalised(motor)


def _clock_tick(rng: np.random.Generator, samples: int, character: float) -> Signal:
    """Tick and tock of a case that rings, above the murmur of a room."""
    period = _between(1.0, 0.2, character)
    at = _beats(samples, period, np.array([0.0, float(rng.uniform(0.0, 0.08))]))
    case_hz = _between(1400, 4500, character)
    tick = ring(samples, at[::2], np.ones(len(at[::2])), [case_hz, 1.6 * case_hz], 0.006)
    tock = ring(samples, at[1::2], np.ones(len(at[1::2])), [0.8 * case_hz, 1.9 * case_hz], 0.008)
    ticks = tick + 0.8 * tock
    return ticks + 0.12 * rms(ticks) * shaped_noise(rng, samples, band(50, 400))


def _keyboard_typing(rng: np.random.Generator, samples: int, character: float) -> Signal:
    """Keys that go down and, more softly, up again, in bursts of words."""
    per_second = _between(3, 11, character)
    gaps = rng.gamma(4, 0.25 / per_second, int(12 * per_second) + 8)
    gaps += (rng.random(len(gaps)) < 0.12) * rng.uniform(0.3, 0.8, len(gaps))
    down = (np.cumsum(gaps) * SAMPLE_RATE).astype(np.int64)
    down = down[down < samples - SAMPLE_RATE // 5]
    up = down + rng.integers(SAMPLE_RATE // 16, SAMPLE_RATE // 8, len(down))
    at = np.concatenate([down, up])
    force = rng.lognormal(0, 0.3, len(at)) * np.repeat([1.0, 0.4], len(down))
    key_hz = _between(900, 2800, character)
    keys = ring(samples, at, force, [key_hz, 2.4 * key_hz], 0.007)
    thud = ring(samples, down, force[: len(down)], [_between(140, 350, character)], 0.02)
    click = _grains(rng, samples, at, force)
    keys += 0.4 * thud + 0.5 * click
    return keys + 0.06 * rms(keys) * shaped_noise(rng, samples, band(50, 800))


def _grains(
    rng: np.random.Generator, samples: int, at: Indices, strength: NDArray[np.float64]
) -> Signal:
    """Return short bursts of noise that die within milliseconds."""
    envelope: Signal = np.zeros(samples, np.float32)
    np.add.at(envelope, at, strength.astype(np.float32))
    envelope = scipy.signal.lfilter([1.0], [1.0, -0.985], envelope)
    return (envelope * rng.standard_normal(samples, dtype=np.float32)).astype(np.float32)


def _siren(rng: np.random.Generator, samples: int, character: float) -> Signal:
    """A gliding tone with harmonics over traffic; slow wails to quick yelps, some in two tones."""
    sweep = np.sin(2 * np.pi * cycles(_between(0.25, 4.0, character), samples))
    if rng.random() < 0.3:
        sweep = np.tanh(8 * sweep)
    pitch_hz = _between(450, 900, float(rng.random())) * 1.5 ** sweep.astype(np.float32)
    horn = pulses(cycles(pitch_hz, samples), 2)
    horn = resonate(normalised(horn), [_between(900, 1800, character)], 0.6)
    road = shaped_noise(rng, samples, band(40, 350))
    return normalised(horn) + 0.15 * road


def _dog(rng: np.random.Generator, samples: int, character: float) -> Signal:
    """Barks in groups: a rough voice that rises and falls; from a mastiff to a terrier."""
    bark = _calls(rng, samples, _between(0.28, 0.13, character), _between(1.1, 0.5, character))
    pitch_hz = _between(170, 750, character) * (0.75 + 0.5 * np.sin(np.pi * np.clip(bark, 0, 1)))
    throat = pulses(cycles(pitch_hz, samples), 10) - 0.1
    throat = throat * (1 + 0.5 * rng.standard_normal(samples, dtype=np.float32))
    mouth_hz = _between(500, 1300, character)
    voice = resonate(throat * _swell(bark, 0.12), [mouth_hz, 2.2 * mouth_hz], 0.2)
    return voice + 0.02 * rms(voice) * shaped_noise(rng, samples, band(50, 500))


def _crackling_fire(rng: np.random.Generator, samples: int, character: float) -> Signal:
    """Snaps of very unequal force over the flames' low flutter."""
    at = _moments(rng, samples, _between(5, 60, character))
    snaps = ring(
        samples, at, rng.pareto(1.8, len(at)) + 0.1, [_between(2600, 900, character)], 0.002
    )
    near = _moments(rng, samples, _between(2, 15, character))
    snaps = snaps / rms(snaps) + _grains(rng, samples, near, 3 * rng.lognormal(0, 0.7, len(near)))
    flutter = np.exp(0.5 * slow_noise(rng, samples, 5.0))
    flames = flutter * shaped_noise(rng, samples, band(50, _between(250, 700, character)))
    return snaps + (0.5 * rms(snaps) / rms(flames)) * flames


def _church_bells(rng: np.random.Generator, samples: int, character: float) -> Signal:
    """Two bells with the partials founders tune: hum, prime, tierce, quint, nominal and up."""
    ratios = np.array([1.0, 0.5, 1.2, 1.5, 2.0, 2.67, 3.0, 4.0])
    prime_hz = _between(220, 900, character)
    sound: Signal = np.zeros(samples, np.float32)
    for interval in (1.0, 0.75):
        modes = (prime_hz * interval * ratios * rng.uniform(0.995, 1.005, 8)).tolist()
        at = _beats(samples, _between(2.4, 0.8, character), rng.uniform(0, 0.5, 5))
        sound += ring(
            samples, at, rng.uniform(0.6, 1, len(at)), modes, _between(1.6, 0.5, character)
        )
    return sound + 0.03 * rms(sound) * shaped_noise(rng, samples, band(50, 600))


def _washing_machine(rng: np.random.Generator, samples: int, character: float) -> Signal:
    """A motor's hum, water that sloshes as the drum turns, and a button that knocks."""
    turn = cycles(
        _between(0.6, 5.0, character) * (1 + 0.03 * slow_noise(rng, samples, 0.3)), samples
    )
    hum = pulses(cycles(_between(40, 160, character), samples), 4)
    slosh = shaped_noise(rng, samples, band(150, _between(500, 2000, character)))
    at = np.flatnonzero(np.diff(np.floor(turn)) > 0)
    knock = ring(samples, at, rng.uniform(0.3, 1, len(at)), [_between(180, 420, character)], 0.03)
    return 0.25 * normalised(hum) + 0.5 * slosh * (0.3 + pulses(turn, 1.5)) + 0.8 * knock


def _crow(rng: np.random.Generator, samples: int, character: float) -> Signal:
    """Caws in groups: a hoarse voice that sinks, with its beak's resonances."""
    caw = _calls(rng, samples, _between(0.5, 0.22, character), _between(1.3, 0.6, character))
    hoarse = 1 + 0.05 * rng.standard_normal(samples // 64 + 1).repeat(64)[:samples]
    pitch_hz = _between(280, 620, character) * (1.1 - 0.25 * np.clip(caw, 0, 1)) * hoarse
    throat = pulses(cycles(pitch_hz, samples), 25) - 0.08
    beak = [_between(1000, 1500, character), _between(1700, 2600, character), 3800.0]
    voice = resonate(throat * _swell(caw, 0.2), beak, 0.12)
    return voice + 0.02 * rms(voice) * shaped_noise(rng, samples, band(60, 3000))


RECIPES: dict[str, Recipe] = {
    "church_bells": _church_bells,
    "clock_tick": _clock_tick,
    "crackling_fire": _crackling_fire,
    "crow": _crow,
    "dog": _dog,
    "engine": _engine,
    "helicopter": _helicopter,
    "keyboard_typing": _keyboard_typing,
    "rain": _rain,
    "sea_waves": _sea_waves,
    "siren": _siren,
    "vacuum_cleaner": _vacuum_cleaner,
    "washing_machine": _washing_machine,
    "wind": _wind,
}
