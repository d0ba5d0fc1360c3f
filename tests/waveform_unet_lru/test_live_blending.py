"""Whatever is done to voices and noises, they are mixed as promised."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils.data import default_collate

from prepare_data import active_speech_level
from tests.waveform_unet_lru.live_sounds import RATE, demo_pack
from waveform_unet_lru.live.augment import filtered
from waveform_unet_lru.live.blending import blended
from waveform_unet_lru.live.data import PackMixtures
from waveform_unet_lru.live.draws import Ranges
from waveform_unet_lru.live.rooms import reverberated

_ALL = dict.fromkeys(
    ("noise_speed", "noise_bands", "voice_speed", "voice_bands", "rooms", "channel_filter"), 1.0
)
_ALWAYS = Ranges(without_voice=0.0, without_noise=0.0, clipping=0.0, **_ALL)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo_pack(tmp_path_factory.mktemp("packs") / "demo.pack")


def _batch(pack: Path, ranges: Ranges, *, size: int = 24) -> dict[str, Any]:
    mixtures = PackMixtures(pack, "train", size=size, seconds=1.0, ranges=ranges)
    return default_collate(list(mixtures))


def test_the_ratio_is_that_of_what_is_heard_after_all_shaping(pack: Path) -> None:
    batch = _batch(pack, _ALWAYS)
    mixed = blended(batch, sample_rate=RATE)
    for row in range(len(mixed.noisy)):
        voice, noise = (audio[row].double().numpy() for audio in (mixed.voice, mixed.noise))
        ratio = active_speech_level(voice, RATE)[0] - 10 * np.log10(np.mean(noise**2))
        assert ratio == pytest.approx(float(batch["snr_db"][row]), abs=0.02)
        level = 10 * np.log10(np.mean((voice + noise) ** 2))
        turned_down = np.abs([voice, noise, voice + noise]).max() > 0.99
        assert turned_down or level == pytest.approx(float(batch["level_dbfs"][row]), abs=0.01)
    torch.testing.assert_close(mixed.voice + mixed.noise, mixed.noisy, rtol=0, atol=1e-6)


def test_the_target_is_the_voice_in_its_bands_its_room_and_its_microphone(pack: Path) -> None:
    batch = _batch(pack, _ALWAYS)
    mixed = blended(batch, sample_rate=RATE)
    expected = filtered(
        reverberated(batch["voice"], batch["voice_room"], sample_rate=RATE),
        batch["channel_filter"],
        sample_rate=RATE,
        highest_hz=batch["highest_hz"],
        curve=batch["voice_curve"],
    )
    for row in range(len(expected)):
        shapes = [audio[row] / audio[row].norm() for audio in (expected, mixed.voice)]
        torch.testing.assert_close(*shapes, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["noise_curve", "noise_room", "voice_curve", "voice_room"])
def test_what_is_drawn_for_a_sound_bends_that_sound_alone(pack: Path, name: str) -> None:
    batch = _batch(pack, _ALWAYS)
    with_it = blended(batch, sample_rate=RATE)
    without = blended({**batch, name: torch.zeros_like(batch[name])}, sample_rate=RATE)
    rows = batch[name].any(-1)
    if name.endswith("room"):
        rows = batch[name][:, 0] > 0
    assert rows.any()
    for row in rows.nonzero()[:, 0].tolist():
        for part in ("voice", "noise"):
            a, b = (getattr(mixed, part)[row] for mixed in (with_it, without))
            apart = float((a / a.norm() - b / b.norm()).norm())
            assert apart > 0.01 if name.startswith(part) else apart < 1e-4


def test_clipping_leaves_the_target_alone(pack: Path) -> None:
    batch = _batch(pack, Ranges(clipping=1.0, without_voice=0.0, without_noise=0.0))
    hard = blended(batch, sample_rate=RATE)
    soft = blended({**batch, "clip_db": torch.zeros(24)}, sample_rate=RATE)
    assert torch.equal(hard.voice, soft.voice)
    factor = hard.noisy.abs().amax(-1) / soft.noisy.abs().amax(-1)
    torch.testing.assert_close(-20 * torch.log10(factor), batch["clip_db"], rtol=0, atol=1e-3)


def test_a_mixture_does_not_depend_on_those_beside_it(pack: Path) -> None:
    mixtures = PackMixtures(pack, "train", size=24, seconds=1.0, ranges=Ranges(rooms=0.6))
    items = list(mixtures)
    together = blended(default_collate(items), sample_rate=RATE)
    for row, item in enumerate(items):
        alone = blended(default_collate([item]), sample_rate=RATE)
        for part in ("voice", "noise", "noisy"):
            a, b = getattr(together, part)[row], getattr(alone, part)[0]
            torch.testing.assert_close(a, b, rtol=0, atol=1e-5)


def test_numbers_that_a_batch_does_not_have_change_nothing(pack: Path) -> None:
    batch = _batch(pack, Ranges(rooms=0.0, noise_bands=0.0, voice_bands=0.0, peaks=False))
    batch["clip_db"] = torch.zeros(24)
    optional = ("voice_curve", "noise_curve", "voice_room", "noise_room", "clip_db")
    fewer = {name: value for name, value in batch.items() if name not in optional}
    mixed, same = (blended(one, sample_rate=RATE) for one in (batch, fewer))
    assert torch.equal(mixed.noisy, same.noisy) and torch.equal(mixed.voice, same.voice)


def test_silence_is_mixed_without_numbers_that_are_none(pack: Path) -> None:
    batch = _batch(pack, Ranges(rooms=1.0, clipping=1.0, voice_bands=1.0))
    batch["voice"][::2] = 0
    batch["noise"][::3] = 0
    mixed = blended(batch, sample_rate=RATE)
    for part in (mixed.voice, mixed.noise, mixed.noisy):
        assert torch.isfinite(part).all()
    assert not mixed.noisy[0].any() and mixed.noisy[1].any()


def test_a_band_limit_holds_for_voice_and_noise_in_their_rooms(pack: Path) -> None:
    ranges = Ranges(band_limit=1.0, band_hz=(4000.0, 5000.0), rooms=1.0, clipping=0.0)
    mixed = blended(_batch(pack, ranges), sample_rate=RATE)
    power = torch.fft.rfft(mixed.noisy).abs().square().sum(0)
    assert float(power[5300:].sum()) < 1e-6 * float(power.sum())
    assert math.isfinite(float(power.sum()))
