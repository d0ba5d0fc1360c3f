"""Noises that are made have the sound of their kind."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from prepare_data.random_numbers import generator
from tests.waveform_unet_lru.live_sounds import RATE, as_int16, write_pack
from waveform_unet_lru.live import bursts, tones
from waveform_unet_lru.live.draws import VALIDATION, Draw, Ranges, draw_mixture
from waveform_unet_lru.live.noises import babble, make_noise, several_noises
from waveform_unet_lru.live.pack_material import PackMaterial
from waveform_unet_lru.live.shapes import draw_shaping

_SECONDS = 2
_SAMPLES = _SECONDS * RATE


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> PackMaterial:
    """Twelve speakers and three noises, each told by its value."""
    voices = [(f"speaker {n}", "train", _value(0.1 + 0.05 * n)) for n in range(12)]
    noises = [(f"noise {n}", "train", _value(-0.1 * (n + 1))) for n in range(3)]
    path = tmp_path_factory.mktemp("packs") / "values.pack"
    return PackMaterial(write_pack(path, voices, noises), "train")


def _value(value: float) -> np.ndarray:
    return as_int16(np.full(5 * RATE, value))


def _power(audio: np.ndarray) -> np.ndarray:
    return np.abs(np.fft.rfft(audio * np.hanning(len(audio)))) ** 2


def _crest(audio: np.ndarray) -> float:
    return float(np.abs(audio).max() / np.sqrt(np.mean(audio**2)))


def test_harmonics_stand_at_multiples_and_as_high_as_asked() -> None:
    amplitudes = np.array([1.0, 0.0, 0.5, 0.25])
    tone = tones.harmonics(np.full(_SAMPLES, 440.0), amplitudes, sample_rate=RATE)
    time = np.arange(1, _SAMPLES + 1) / RATE
    expected = sum(
        a * np.sin(2 * np.pi * 440 * k * time) for k, a in enumerate(amplitudes, start=1)
    )
    assert tone == pytest.approx(expected, abs=1e-6)


def test_harmonics_beyond_half_the_rate_are_left_out() -> None:
    tone = tones.harmonics(np.full(_SAMPLES, 3000.0), np.ones(8), sample_rate=RATE)
    power = _power(tone)
    loud = np.flatnonzero(power > 1e-3 * power.max()) / _SECONDS
    assert {round(hertz, -2) for hertz in loud} == {3000.0, 6000.0}


@pytest.mark.parametrize("seed", range(40))
def test_tonal_noise_is_of_lines_not_of_hiss(seed: int) -> None:
    """In any 0.1 s, a few frequencies hold nearly all the power; white noise's hold a tenth."""
    sound = tones.tonal(generator(seed), _SAMPLES, RATE)
    assert sound.shape == (_SAMPLES,) and sound.dtype == np.float32 and np.isfinite(sound).all()
    frames = sound[: _SAMPLES // 1600 * 1600].reshape(-1, 1600)
    shares = []
    for frame in frames[np.sqrt((frames**2).mean(-1)) > 0.01 * np.abs(sound).max()]:
        power = np.sort(_power(frame))[::-1]
        shares.append(power[:80].sum() / power.sum())
    assert np.median(shares) > 0.9


def test_every_kind_of_tonal_noise_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = set()
    for name in ("_hum", "_glide", "_chord", "_siren"):
        made = getattr(tones, name)

        def watched(*arguments: object, name: str = name, made: object = made) -> np.ndarray:
            heard.add(name)
            return made(*arguments)  # type: ignore[operator]

        monkeypatch.setattr(tones, name, watched)
    for seed in range(60):
        tones.tonal(generator(seed), 1000, RATE)
    assert heard == {"_hum", "_glide", "_chord", "_siren"}


def test_hum_has_the_mains_frequency_or_its_multiples_alone() -> None:
    for seed in range(10):
        power = _power(tones._hum(generator(seed), 4 * RATE, RATE))
        lines = np.flatnonzero(power > 1e-2 * power.max()) / 4
        mains = min((50, 60), key=lambda f: np.abs(lines / f - np.round(lines / f)).max())
        assert np.abs(lines - mains * np.round(lines / mains)).max() < 0.002 * lines.max() + 0.6


def test_glides_stay_within_50_and_4000_hertz() -> None:
    for seed in range(20):
        power = _power(tones._glide(generator(seed), _SAMPLES, RATE))
        assert power[: 40 * _SECONDS].sum() < 0.02 * power.sum()


def test_the_level_of_moving_noise_swings_at_one_frequency() -> None:
    """The envelope's spectrum has its line where the modulation was drawn."""
    found = []
    for seed in range(30):
        noise = bursts.moving_noise(generator(seed), 8 * RATE, RATE)
        assert noise.dtype == np.float32 and np.isfinite(noise).all()
        assert abs(np.corrcoef(noise[1:], noise[:-1])[0, 1]) < 0.03  # still white
        envelope = np.sqrt((noise.reshape(-1, 160) ** 2).mean(-1))  # at 100 Hz
        spectrum = _power(envelope - envelope.mean())
        found.append((4 + spectrum[4:].argmax()) / 8)
    assert all(0.4 <= hertz <= 16.2 for hertz in found)
    assert min(found) < 1 and max(found) > 8 and len(set(found)) > 15


def test_moving_noise_drifts_slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bursts, "_DEPTH", (0.0, 0.0))
    levels = []
    for seed in range(20):
        noise = bursts.moving_noise(generator(seed), 8 * RATE, RATE)
        powers = (noise.reshape(-1, RATE // 4) ** 2).mean(-1)
        levels.append(10 * np.log10(powers))
    assert np.abs(levels).max() < 6.5 and np.std(levels, axis=-1).min() > 0.8
    assert np.abs(np.diff(levels, axis=-1)).max() < 4.5  # of 12 dB a second, in a quarter of one


def test_clicks_are_short_and_few() -> None:
    crests, quiet = [], []
    for seed in range(40):
        sound = bursts.clicks(generator(seed), _SAMPLES, RATE)
        assert sound.shape == (_SAMPLES,) and sound.dtype == np.float32
        assert sound.any() and np.isfinite(sound).all()
        crests.append(_crest(sound))
        quiet.append(np.mean(np.abs(sound) < 0.01 * np.abs(sound).max()))
    noise = np.random.default_rng(0).standard_normal(_SAMPLES)
    assert min(crests) > _crest(noise) and np.median(crests) > 10
    assert np.median(quiet) > 0.8


def test_a_stretch_without_time_for_a_click_has_one() -> None:
    for seed in range(20):
        assert bursts.clicks(generator(seed), 50, RATE).any()


def _draw(ranges: Ranges, index: int) -> Draw:
    return draw_mixture(generator(index), ranges, index)


@pytest.mark.parametrize("kind", ["coloured", "babble", "tonal", "clicks", "recorded"])
def test_every_kind_is_made_at_the_length_asked_for(kind: str, material: PackMaterial) -> None:
    ranges = Ranges(
        coloured=float(kind == "coloured"),
        babble=float(kind == "babble"),
        tonal=float(kind == "tonal"),
        clicks=float(kind == "clicks"),
    )
    for index in range(12):
        draw = _draw(ranges, index)
        assert draw.kind == kind
        first, second = (
            make_noise(
                generator(index),
                material,
                7000,
                draw=draw,
                shaping=draw_shaping(generator(index), ranges, draw),
                speakers=(3, 8),
                speaker="speaker 0",
            )
            for _ in range(2)
        )
        assert first.shape == (7000,) and first.dtype == np.float32 and first.any()
        assert np.array_equal(first, second)


def test_a_murmur_is_of_three_to_eight_others(material: PackMaterial) -> None:
    """Each speaker is a constant, brought to 1."""
    sizes = [
        round(float(np.median(babble(generator(i), material, 500, speakers=(3, 8), speaker=""))))
        for i in range(200)
    ]
    assert set(sizes) == {3, 4, 5, 6, 7, 8}


def test_a_murmur_without_others_is_a_noise(tmp_path: Path) -> None:
    pack = write_pack(
        tmp_path / "a.pack", [("a", "train", _value(0.2))], [("hum", "train", _value(-0.6))]
    )
    murmur = babble(generator(0), PackMaterial(pack, "train"), 1000, speakers=(3, 8), speaker="a")
    assert np.median(murmur) == pytest.approx(-0.6, abs=0.01)


def test_further_noises_are_about_as_loud_as_the_first(material: PackMaterial) -> None:
    """All are constants of one sign, brought to 1 before their gains."""
    for count in (2, 3):
        totals = [
            -float(np.median(several_noises(generator(i), material, 500, count)))
            for i in range(100)
        ]
        low, high = 1 + (count - 1) * 10 ** (-6 / 20), 1 + (count - 1) * 10 ** (6 / 20)
        assert low <= min(totals) < max(totals) <= high + 0.01


def test_recorded_noises_are_played_faster_and_slower(tmp_path: Path) -> None:
    tone = as_int16(0.3 * np.sin(2 * np.pi * 1000 * np.arange(10 * RATE) / RATE))
    pack = write_pack(tmp_path / "a.pack", [("a", "train", _value(0.2))], [("b", "train", tone)])
    ranges = replace(VALIDATION, second_noise=0.0, noise_speed=1.0)
    found = []
    for index in range(40):
        draw = _draw(ranges, index)
        noise = make_noise(
            generator(index),
            PackMaterial(pack, "train"),
            RATE,
            draw=draw,
            shaping=draw_shaping(generator(index), ranges, draw),
            speakers=(3, 8),
            speaker="",
        )
        found.append(int(_power(noise).argmax()))
    assert 480 <= min(found) < 650 and 1600 < max(found) <= 2080
    assert max(b - a for a, b in pairwise(sorted(found))) < 300
