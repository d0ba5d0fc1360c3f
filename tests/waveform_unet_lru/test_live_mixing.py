"""The mixer of batches does what the data sets' mixer does, and has an answer to silence."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from prepare_data import active_speech_level as measured_level
from prepare_data import mixing
from tests.waveform_unet_lru.live_sounds import RATE, bursts
from waveform_unet_lru.live.mixing import active_speech_level, clipped, mix, power_db

_SAMPLES = 2 * RATE + 77
_ACTIVE = (0.3, 0.6, 1.0, 0.6)


def _sounds() -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    voice = np.stack([bursts(_SAMPLES, active=a, seed=i) for i, a in enumerate(_ACTIVE)])
    noise = generator.standard_normal(voice.shape) * np.array([[1e-3], [0.1], [0.3], [0.02]])
    return voice.astype(np.float32), noise.astype(np.float32)


def _numbers(values: list[float]) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float32)


@pytest.mark.parametrize("sample_rate", [8000, 16_000, 44_100])
def test_speech_level_is_that_of_the_data_sets(sample_rate: int) -> None:
    voice, _ = _sounds()
    voice[1, 10_000:] *= 1e-3  # the hangover after the last burst counts
    expected = [measured_level(row, sample_rate)[0] for row in voice]
    levels = active_speech_level(torch.from_numpy(voice), sample_rate)
    assert levels.numpy() == pytest.approx(expected, abs=1e-9)


def test_mixtures_are_those_of_the_data_sets() -> None:
    voice, noise = _sounds()
    snrs, levels = [-5.0, 0.0, 12.5, 20.0], [-35.0, -20.0, -15.0, 0.0]
    mixed = mix(
        torch.from_numpy(voice),
        torch.from_numpy(noise),
        sample_rate=RATE,
        snr_db=_numbers(snrs),
        level_dbfs=_numbers(levels),
    )
    for row, (snr_db, level_dbfs) in enumerate(zip(snrs, levels, strict=True)):
        expected = mixing.mix(
            voice[row], noise[row], sample_rate=RATE, snr_db=snr_db, level_dbfs=level_dbfs
        )
        for part, wanted in (
            (mixed.voice, expected.voice),
            (mixed.noise, expected.noise),
            (mixed.noisy, expected.noisy_voice),
        ):
            assert part.dtype == torch.float32
            scale = np.abs(wanted).max()
            assert np.abs(part[row].numpy() - wanted).max() < 1e-5 * scale
    # The last one would have clipped: it is turned down as a whole.
    assert float(mixed.noisy[3].abs().max()) == pytest.approx(mixing.PEAK_LIMIT, abs=1e-4)


def test_a_silent_voice_leaves_the_noise_and_silence_the_voice() -> None:
    voice, noise = _sounds()
    voice[0] = 0
    noise[1] = 0
    voice[2] = noise[2] = 0
    levels = _numbers([-30.0, -30.0, -30.0, -30.0])
    mixed = mix(
        torch.from_numpy(voice),
        torch.from_numpy(noise),
        sample_rate=RATE,
        snr_db=_numbers([5.0] * 4),
        level_dbfs=levels,
    )
    assert float(power_db(mixed.noise)[0]) == pytest.approx(-30, abs=1e-3)
    assert float(power_db(mixed.voice)[1]) == pytest.approx(-30, abs=1e-3)
    assert torch.equal(mixed.noisy[0], mixed.noise[0])
    assert torch.equal(mixed.noisy[1], mixed.voice[1])
    assert not mixed.noisy[2].any() and torch.isfinite(mixed.noisy).all()


def test_clipping_leaves_the_voice_and_counts_as_noise() -> None:
    voice, noise = _sounds()
    voice[3] = noise[3] = 0
    before = mix(
        torch.from_numpy(voice),
        torch.from_numpy(noise),
        sample_rate=RATE,
        snr_db=_numbers([10.0] * 4),
        level_dbfs=_numbers([-25.0] * 4),
    )
    after = clipped(before, _numbers([0.0, 6.0, 12.0, 6.0]))
    assert torch.equal(after.voice, before.voice)
    assert torch.equal(after.noisy[0], before.noisy[0])
    for row, factor in ((1, 10 ** (-6 / 20)), (2, 10 ** (-12 / 20))):
        limit = factor * float(before.noisy[row].abs().max())
        assert float(after.noisy[row].abs().max()) == pytest.approx(limit, rel=1e-5)
        within = before.noisy[row].abs() < limit
        assert torch.equal(after.noisy[row][within], before.noisy[row][within])
        assert within.any() and not within.all()
    torch.testing.assert_close(after.voice + after.noise, after.noisy, rtol=0, atol=1e-6)
    assert float(after.noise.abs().max()) <= 1
    assert not after.noisy[3].any() and torch.isfinite(after.noise).all()


def test_shapes_must_be_the_same() -> None:
    ones = _numbers([1.0])
    with pytest.raises(ValueError, match=r"\(1, 5\) and noise \(1, 6\)"):
        mix(torch.ones(1, 5), torch.ones(1, 6), sample_rate=RATE, snr_db=ones, level_dbfs=ones)
