"""What mixtures are cut from: the right split, the right speaker, and the counter alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from prepare_data import UserError
from prepare_data.random_numbers import generator
from tests.waveform_unet_lru.live_sounds import RATE, as_int16, demo_pack, write_pack
from tests.waveform_unet_lru.waveform_pairs import write_pairs
from waveform_unet_lru.live import data
from waveform_unet_lru.live.data import Mixtures, PackMixtures, SetMixtures
from waveform_unet_lru.live.draws import PLAIN, VALIDATION, Ranges
from waveform_unet_lru.live.material import joined
from waveform_unet_lru.live.pack_material import PackMaterial
from waveform_unet_lru.live.set_material import SetMaterial
from waveform_unet_lru.live.shapes import CURVE_HZ

_PLAIN = replace(VALIDATION, second_noise=0.0)


def _level(value: float, seconds: float) -> np.ndarray:
    """A recording that is told by its value."""
    return as_int16(np.full(round(seconds * RATE), value))


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo_pack(tmp_path_factory.mktemp("packs") / "demo.pack")


@pytest.fixture(scope="module")
def levels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pack whose recordings are constants: train below 0.5, others above."""
    return write_pack(
        tmp_path_factory.mktemp("packs") / "levels.pack",
        [
            ("a", "train", _level(0.1, 3)),
            ("b", "train", _level(0.2, 0.3)),
            ("b", "train", _level(0.4, 0.3)),
            ("noisy c", "train", _level(0.3, 3)),
            ("d", "val", _level(0.7, 3)),
        ],
        [
            ("hum", "train", _level(-0.1, 0.2)),
            ("hiss", "train", _level(-0.3, 3)),
            ("rain", "test", _level(-0.8, 3)),
            ("wind", "val", _level(-0.6, 3)),
        ],
    )


def _likeness(audio: np.ndarray) -> float:
    """Return how neighbouring samples correlate."""
    return float(np.corrcoef(audio[1:], audio[:-1])[0, 1])


def _mixtures(pack: Path, **settings: Any) -> PackMixtures:
    return PackMixtures(pack, "train", **{"size": 30, "seconds": 0.5, **settings})


def _same(a: dict[str, Any], b: dict[str, Any]) -> bool:
    return a["id"] == b["id"] and all(
        torch.equal(a[name], b[name]) for name in a if name not in ("id",)
    )


def test_seed_epoch_and_index_alone_decide_an_item(pack: Path) -> None:
    first, second = (_mixtures(pack, seed=3) for _ in range(2))
    forwards = [first[index] for index in range(30)]
    backwards = [second[index] for index in reversed(range(30))][::-1]
    assert all(_same(a, b) for a, b in zip(forwards, backwards, strict=True))
    second.set_epoch(1)
    other_seed = _mixtures(pack, seed=4)
    for index in range(30):
        for other in (second[index], other_seed[index]):
            assert not torch.equal(other["level_dbfs"], forwards[index]["level_dbfs"])
    second.set_epoch(0)
    assert _same(second[5], forwards[5])


def test_no_two_purposes_share_random_numbers(pack: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = []

    def watched(*key: int | str) -> np.random.Generator:
        keys.append(key)
        return generator(*key)

    monkeypatch.setattr(data, "generator", watched)
    mixtures = _mixtures(pack, size=3)
    _ = list(mixtures)
    mixtures.set_epoch(1)
    _ = list(mixtures)
    assert len(set(keys)) == len(keys) == 2 * 6


def test_the_last_fifth_of_a_run_is_longer(pack: Path) -> None:
    mixtures = _mixtures(pack, seconds=0.5, last_seconds=1.5)
    for progress, seconds in ((0.0, 0.5), (0.79, 0.5), (0.8, 1.5), (1.0, 1.5)):
        mixtures.set_progress(progress)
        item = mixtures[0]
        assert item["voice"].shape == item["noise"].shape == (round(seconds * RATE),)


def test_items_are_float32_and_end(pack: Path) -> None:
    mixtures = _mixtures(pack, size=4)
    items = list(mixtures)
    assert len(items) == len(mixtures) == 4
    for item in items:
        tensors = {name: value for name, value in item.items() if name != "id"}
        assert {value.dtype for value in tensors.values()} == {torch.float32}
        assert tensors["noise_filter"].shape == tensors["channel_filter"].shape == (8,)
        assert tensors["noise_curve"].shape == tensors["voice_curve"].shape == (len(CURVE_HZ),)
        assert tensors["noise_room"].shape == tensors["voice_room"].shape == (5,)


def test_a_split_takes_nothing_of_another(levels: Path) -> None:
    for split, voices, noises in (
        ("train", {0.1, 0.2, 0.4}, {-0.1, -0.3}),
        ("val", {0.7}, {-0.6}),
    ):
        mixtures = PackMixtures(levels, split, size=60, seconds=0.1, ranges=_PLAIN)
        heard = [
            {round(float(item[name].median()), 2) for item in mixtures}
            for name in ("voice", "noise")
        ]
        assert heard == [voices, noises]


def test_short_utterances_are_followed_by_others_of_their_speaker(levels: Path) -> None:
    material = PackMaterial(levels, "train")
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(40):
        speaker, audio = material.voice(rng, 2 * RATE)
        # All brought to the level of the first; only what is faded into each other is between.
        values, counts = np.unique(np.round(audio, 2), return_counts=True)
        assert counts.max() > 0.9 * len(audio)
        seen.add((speaker, round(float(values[counts.argmax()]), 2)))
    assert seen == {("a", 0.1), ("b", 0.2), ("b", 0.4)}


def test_short_noises_are_repeated(levels: Path) -> None:
    material = PackMaterial(levels, "train")
    rng = np.random.default_rng(0)
    for _ in range(10):
        audio = material.noise(rng, RATE)
        assert audio.shape == (RATE,) and np.abs(audio).min() > 0.09


def test_a_murmur_is_of_other_speakers_and_of_noisy_recordings(levels: Path) -> None:
    material = PackMaterial(levels, "train")
    rng = np.random.default_rng(0)
    others = {
        round(float(np.median(audio)), 1)
        for _ in range(10)
        for audio in material.voices_of_others(rng, 1000, speaker="a")
    }
    assert others == {0.2, 0.3, 0.4}


def test_a_stretch_holds_speech_where_its_recording_does(tmp_path: Path) -> None:
    voice = np.zeros(20 * RATE)
    voice[9 * RATE : 12 * RATE] = 0.2
    write_pack(
        tmp_path / "a.pack",
        [("a", "train", as_int16(voice))],
        [("hum", "train", _level(0.1, 1))],
    )
    material = PackMaterial(tmp_path / "a.pack", "train")
    rng = np.random.default_rng(0)
    active = [np.mean(material.voice(rng, RATE)[1] > 0.1) >= 0.4 for _ in range(50)]
    # One try would find it in about one stretch of eight, six tries in more than half.
    assert np.mean(active) > 0.4


def test_a_stretch_of_noise_is_no_gap_between_sounds(tmp_path: Path) -> None:
    noise = 1e-4 * np.random.default_rng(0).standard_normal(20 * RATE)
    noise[3 * RATE : 5 * RATE] = 0.5
    write_pack(
        tmp_path / "a.pack",
        [("a", "train", _level(0.1, 1))],
        [("knock", "train", as_int16(noise))],
    )
    material = PackMaterial(tmp_path / "a.pack", "train")
    rng = np.random.default_rng(0)
    loud = [np.abs(material.noise(rng, RATE)).max() > 0.4 for _ in range(50)]
    # One try would find it in about one stretch of six.
    assert np.mean(loud) > 0.4


@pytest.mark.parametrize("missing", ["voice", "noise"])
def test_what_is_not_to_be_heard_is_silent(pack: Path, missing: str) -> None:
    shares: dict[str, Any] = {"without_voice": 0.0, "without_noise": 0.0}
    ranges = Ranges(**{**shares, f"without_{missing}": 1.0})
    other = "noise" if missing == "voice" else "voice"
    for item in _mixtures(pack, size=5, ranges=ranges):
        assert not item[missing].any() and item[other].any()


def test_coloured_noise_is_white_until_it_is_filtered(pack: Path) -> None:
    ranges = Ranges(coloured=1.0, modulation=0.0, without_noise=0.0)
    item = _mixtures(pack, ranges=ranges, seconds=1.0)[0]
    assert float(item["noise"].std()) == pytest.approx(1, abs=0.03)
    assert float(item["noise_filter"][0]) != 0 and item["noise_curve"].any()


def test_voices_played_faster_are_shorter(tmp_path: Path) -> None:
    """A tone of 500 Hz is found where its speed puts it, and fills the item."""
    tone = 0.3 * np.sin(2 * np.pi * 500 * np.arange(8 * RATE) / RATE)
    voice = ("a", "train", as_int16(tone))
    write_pack(tmp_path / "a.pack", [voice], [("hum", "train", _level(0.1, 1))])
    ranges = replace(_PLAIN, voice_speed=1.0)
    mixtures = PackMixtures(tmp_path / "a.pack", "train", size=40, seconds=1.0, ranges=ranges)
    found = []
    for item in mixtures:
        spectrum = np.abs(np.fft.rfft(item["voice"].numpy() * np.hanning(RATE)))
        found.append(float(np.argmax(spectrum)))
        assert item["voice"].shape == (RATE,)
        assert float(item["voice"].abs().max()) == pytest.approx(0.3, abs=0.01)
    assert 390 <= min(found) < 430 and 590 < max(found) <= 640


def test_long_pauses_are_left_out_in_training_alone(tmp_path: Path) -> None:
    """Speech of 1 s with pauses of 3 s: with half of a second each it fills two thirds."""
    time = np.arange(20 * RATE) / RATE
    voice = ("a", "train", as_int16(np.where(time % 4 < 1, 0.2, 0.0)))
    other = ("b", "val", voice[2])
    write_pack(
        tmp_path / "a.pack",
        [voice, other],
        [("hum", split, _level(0.1, 1)) for split in ("train", "val")],
    )
    shares = {}
    for split, ranges in (("train", Ranges(without_voice=0.0, voice_speed=0.0)), ("val", PLAIN)):
        mixtures = PackMixtures(tmp_path / "a.pack", split, size=20, seconds=6.0, ranges=ranges)
        heard = [float((item["voice"] > 0.1).float().mean()) for item in mixtures]
        shares[split] = float(np.median([share for share in heard if share]))
    assert shares["train"] == pytest.approx(2 / 3, abs=0.06)
    assert shares["val"] < 0.51


def test_recordings_are_drawn_by_what_is_kept_of_them(tmp_path: Path) -> None:
    """Of two as long, one is speech and the other speech for 2 s of 10: 10 s and 2.5 s are kept."""
    pauses = np.where(np.arange(10 * RATE) < 2 * RATE, 0.2, 0.0)
    write_pack(
        tmp_path / "a.pack",
        [("a", "train", _level(0.2, 10)), ("b", "train", as_int16(pauses))],
        [("hum", "train", _level(0.1, 1))],
    )
    material = PackMaterial(tmp_path / "a.pack", "train", longest_pause=0.5)
    rng = np.random.default_rng(0)
    drawn = [material.voice(rng, RATE)[0] for _ in range(600)]
    assert drawn.count("b") / 600 == pytest.approx(2.5 / 12.5, abs=0.05)


def test_validation_is_what_it_was_before_there_was_shaping(levels: Path) -> None:
    """One number after the other, as the mixtures of all earlier runs were drawn."""
    mixtures = PackMixtures(levels, "val", size=20, seconds=0.5, ranges=VALIDATION)
    material = PackMaterial(levels, "val")
    for index, item in enumerate(mixtures):
        rng = generator(0, "live", "val", 0, index)
        assert float(item["level_dbfs"]) == pytest.approx(rng.uniform(-35, -15), abs=1e-5)
        rng.random(3)  # what is silent, what kind, whether bent
        second = rng.random() < 0.3
        rng.random(2)  # the channel's filter, the limit
        _, voice = material.voice(rng, RATE // 2)
        assert np.array_equal(item["voice"].numpy(), voice)
        noise = material.noise(rng, RATE // 2)
        assert second or np.array_equal(item["noise"].numpy(), noise)
        for name in ("voice_curve", "noise_curve", "voice_room", "noise_room", "clip_db"):
            expected = torch.zeros_like(item[name])
            if name.endswith("room"):
                expected[3] = 1
            assert torch.equal(item[name], expected)


def test_two_noises_are_about_as_loud(levels: Path) -> None:
    ranges = replace(VALIDATION, second_noise=1.0)
    for item in PackMixtures(levels, "val", size=10, seconds=0.1, ranges=ranges):
        # Both of one sign and, before the second one's gain, of an RMS of 1.
        assert 1.5 <= -float(item["noise"].median()) <= 3.01


def test_pieces_fade_into_each_other_without_a_dip() -> None:
    ones = np.ones(50, dtype=np.float32)
    whole = joined(iter([ones, ones, ones]), 120, 10)
    assert whole == pytest.approx(np.ones(120), abs=1e-6)
    assert joined(iter([ones]), 80, 10).tolist() == [1.0] * 50 + [0.0] * 30
    steps = joined(iter([0 * ones, ones]), 90, 10)
    assert np.all(np.diff(steps) >= 0) and np.diff(steps).max() < 0.1
    single = np.ones(1, dtype=np.float32)
    assert joined((single for _ in range(200)), 100, 10).tolist() == [1.0] * 100


def test_a_data_set_is_mixed_anew_out_of_its_voices_and_noises(tmp_path: Path) -> None:
    write_pairs(tmp_path / "train" / "audio", [8000] * 3)
    mixtures = SetMixtures(tmp_path, "train", seconds=0.25, ranges=_PLAIN)
    assert len(mixtures) == 3 and mixtures.sample_rate == 16_000
    material = SetMaterial(tmp_path, "train")
    rng = np.random.default_rng(0)
    # White noise and a buzz: neighbouring samples have nothing in common, or almost everything.
    assert abs(_likeness(material.noise(rng, 4000))) < 0.1
    assert _likeness(material.voice(rng, 4000)[1]) > 0.9
    names = {material.voice(rng, 4000)[0] for _ in range(20)}
    assert names == {"000000", "000001", "000002"}
    assert material.voice(rng, 20_000)[1].shape == (20_000,)
    others = list(material.voices_of_others(rng, 100, speaker="000001"))
    assert len(others) == 2


def test_what_is_to_be_left_out_is_never_drawn(levels: Path) -> None:
    material = PackMaterial(levels, "train", without=["hum"])
    rng = generator(0)
    assert all(np.allclose(material.noise(rng, 100), -0.3, atol=1e-3) for _ in range(20))
    with pytest.raises(UserError, match="no voice of the train split"):
        PackMaterial(levels, "train", without=["tests"])
    with pytest.raises(UserError, match="named thunder; it has hiss, hum, rain, tests, wind"):
        PackMaterial(levels, "train", without=["hum", "thunder"])


def test_several_splits_together_are_drawn_from_all_of_them(levels: Path) -> None:
    rng = generator(0)
    levels_of = {
        split: {round(float(PackMaterial(levels, split).noise(rng, 9)[0]), 2) for _ in range(40)}
        for split in ("train", "val", "train+val")
    }
    assert levels_of["train"].isdisjoint(levels_of["val"])
    assert levels_of["train+val"] == levels_of["train"] | levels_of["val"]


def test_a_split_without_recordings_is_named(tmp_path: Path, levels: Path) -> None:
    with pytest.raises(UserError, match="holds no voice of the test split"):
        PackMixtures(levels, "test", size=1, seconds=1.0)
    voice = ("a", "train", _level(0.1, 1))
    write_pack(tmp_path / "a.pack", [voice], [("hum", "val", _level(0.1, 1))])
    with pytest.raises(UserError, match="holds no noise of the train split"):
        PackMixtures(tmp_path / "a.pack", "train", size=1, seconds=1.0)


def test_mixtures_have_no_index_beyond_their_size(pack: Path) -> None:
    mixtures: Mixtures = _mixtures(pack, size=3)
    for index in (-1, 3):
        with pytest.raises(IndexError):
            mixtures[index]
