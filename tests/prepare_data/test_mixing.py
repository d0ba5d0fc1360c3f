"""The blend: its ratio, its level, and that it adds up."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prepare_data import active_speech_level, mix, to_int16
from prepare_data.mixing import mix_amplitudes, power_db

RATE = 16_000


def voice_and_noise(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two seconds of noise bursts as a voice, and a steady noise."""
    rng = np.random.default_rng(seed)
    syllables = np.repeat(rng.random(16) > 0.4, RATE // 8)
    syllables[: RATE // 8] = True
    return 0.1 * rng.standard_normal(2 * RATE) * syllables, 0.03 * rng.standard_normal(2 * RATE)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 99), st.floats(-10, 40), st.floats(-45, -5))
def test_written_blend_has_the_ratio_asked_for_and_adds_up(
    seed: int, snr_db: float, level_dbfs: float
) -> None:
    voice, noise = voice_and_noise(seed)
    mixture = mix(voice, noise, sample_rate=RATE, snr_db=snr_db, level_dbfs=level_dbfs)
    written_voice, written_noise, noisy = to_int16(mixture)
    assert np.array_equal(written_voice.astype(int) + written_noise.astype(int), noisy)
    assert max(np.abs(part.astype(int)).max() for part in to_int16(mixture)) < 32_768
    speech_level, _ = active_speech_level(mixture.voice, RATE)
    assert speech_level - power_db(mixture.noise) == pytest.approx(snr_db, abs=0.01)
    if level_dbfs < -20:  # far enough from full scale to be met
        assert power_db(noisy / 32_768) == pytest.approx(level_dbfs, abs=0.05)


def test_ratio_counts_speech_and_not_pauses() -> None:
    voice, noise = voice_and_noise(0)
    padded = np.concatenate([voice, np.zeros(6 * RATE)])
    steady = np.concatenate([noise, noise, noise, noise])
    short = mix(voice, noise, sample_rate=RATE, snr_db=5)
    long = mix(padded, steady, sample_rate=RATE, snr_db=5)
    # Only the hangover of 0.2 s after the last sound tells them apart; 6 s of pause would be 6 dB.
    assert power_db(long.noise) == pytest.approx(power_db(short.noise), abs=0.6)


def test_blend_keeps_the_voice_where_no_level_is_asked_for() -> None:
    voice, noise = voice_and_noise(3)
    mixture = mix(voice, noise, sample_rate=RATE, snr_db=10)
    assert np.array_equal(mixture.voice, voice)
    assert mixture.noise == pytest.approx(mixture.noise_gain * noise)


def test_loud_blend_is_turned_down_as_a_whole() -> None:
    voice, noise = voice_and_noise(1)
    mixture = mix(voice, noise, sample_rate=RATE, snr_db=0, level_dbfs=0)
    assert np.abs(mixture.noisy_voice).max() <= 0.999
    assert mixture.voice == pytest.approx(mixture.voice_gain * voice)
    speech_level, _ = active_speech_level(mixture.voice, RATE)
    assert speech_level - power_db(mixture.noise) == pytest.approx(0, abs=0.01)


def test_voice_and_noise_that_cancel_fit_into_16_bits_each() -> None:
    voice, _ = voice_and_noise(1)
    parts = to_int16(mix(voice, -voice, sample_rate=RATE, snr_db=0, level_dbfs=-1))
    assert np.array_equal(parts[0].astype(int) + parts[1], parts[2])


def test_silence_and_other_shapes_are_refused() -> None:
    voice, noise = voice_and_noise(0)
    with pytest.raises(ValueError, match="silent"):
        mix(np.zeros_like(voice), noise, sample_rate=RATE, snr_db=0)
    with pytest.raises(ValueError, match="silent"):
        mix(voice, np.zeros_like(noise), sample_rate=RATE, snr_db=0)
    with pytest.raises(ValueError, match="samples"):
        mix(voice, noise[1:], sample_rate=RATE, snr_db=0)


def test_amplitude_blending_multiplies_the_noise_and_nothing_else() -> None:
    voice, noise = voice_and_noise(2)
    mixture = mix_amplitudes(voice, noise, noise_level=0.5)
    assert mixture.noisy_voice == pytest.approx(voice + 0.5 * noise)


def test_blending_loads_no_scipy() -> None:
    program = (
        "import sys\n"
        "import numpy as np\n"
        "from prepare_data.rendering import mix, to_int16\n"
        "voice, noise = np.random.default_rng(0).standard_normal((2, 16_000)) / 10\n"
        "to_int16(mix(voice, noise, sample_rate=16_000, snr_db=0, level_dbfs=-30))\n"
        "sys.exit('scipy' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0
