"""What a room does to a voice: its parts, its place in time, what comes before the segment."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.signal import correlate

from prepare_data import active_speech_level, mix, to_int16
from prepare_data.mixing import mix_amplitudes, power_db
from prepare_data.random_numbers import generator
from prepare_data.rooms import reverberate, split_response
from prepare_data.rooms_simulated import draw_room, simulate
from tests.prepare_data.room_sounds import decaying, echo
from tests.prepare_data.sounds import speech_like

RATE = 16_000


@pytest.mark.parametrize("gain", [0.5, 0.1, 0.03])
def test_late_reverberation_of_a_known_echo_is_its_energy(gain: float) -> None:
    response = split_response(echo(RATE, gain), RATE)
    assert response.late_reverb_db == pytest.approx(20 * math.log10(gain), abs=1e-6)


def test_reflections_within_50_ms_are_early_and_later_ones_late() -> None:
    samples = np.zeros(4000)
    samples[[100, 100 + 799, 100 + 800]] = 1, 0.5, 0.25
    response = split_response(samples, RATE)
    assert np.count_nonzero(response.early) == 2
    assert np.count_nonzero(response.late) == 1
    assert response.late_reverb_db == pytest.approx(10 * math.log10(0.0625 / 1.25))


def test_a_response_without_a_late_part_has_none() -> None:
    assert split_response(echo(RATE, 0)[:200], RATE).late_reverb_db == -math.inf


def test_a_silent_response_is_refused() -> None:
    with pytest.raises(ValueError, match="silent"):
        split_response(np.zeros(100), RATE)


def test_the_direct_sound_is_found_before_a_louder_reflection() -> None:
    samples = np.zeros(4000)
    samples[200], samples[600] = 0.3, -1.0
    samples[50] = 0.05  # below -20 dB: noise of the recording
    response = split_response(samples, RATE)
    assert np.flatnonzero(response.early)[0] == response.direct
    assert response.early[response.direct + 400] < 0


def test_early_and_late_parts_add_up_to_the_convolution() -> None:
    voice = speech_like(2, RATE).astype(np.float64)
    samples = decaying(RATE, 0.5)
    response = split_response(samples, RATE)
    early, late = reverberate(voice, response)
    scale = response.early[response.direct] / samples[50]
    whole = scale * np.convolve(voice, samples)[50 : 50 + len(voice)]
    assert np.abs(early + late - whole).max() < 1e-9


def test_reverberation_of_what_came_before_reaches_into_the_segment() -> None:
    voice = np.random.default_rng(0).standard_normal(2 * RATE)
    response = split_response(echo(RATE, 0.5), RATE)
    _, whole = reverberate(voice, response)
    early, late = reverberate(voice[8000:], response, run_up=4000)
    assert len(early) == len(late) == len(voice) - 12_000
    assert np.abs(late - whole[12_000:]).max() < 1e-9
    assert np.abs(late[:100]).max() > 0.01


@pytest.mark.parametrize("number", range(6))
def test_a_voice_in_a_simulated_room_keeps_its_place_in_time(number: int) -> None:
    response = split_response(simulate(draw_room(generator(number)), RATE), RATE)
    dry = np.random.default_rng(number).standard_normal(RATE)
    early, late = reverberate(dry, response)
    lags = correlate(early + late, dry)
    assert int(np.argmax(lags)) - (len(dry) - 1) == 0


def test_a_blend_with_late_reverberation_counts_the_ratio_without_it_and_adds_up() -> None:
    rng = np.random.default_rng(3)
    voice = speech_like(3, RATE).astype(np.float64)
    noise, late = rng.standard_normal(len(voice)), 0.02 * rng.standard_normal(len(voice))
    mixture = mix(voice, noise, sample_rate=RATE, snr_db=15, level_dbfs=-25, late_reverb=late)
    assert mixture.late_reverb is not None
    level, _ = active_speech_level(mixture.voice, RATE)
    assert level - power_db(mixture.noise - mixture.late_reverb) == pytest.approx(15, abs=0.01)
    assert mixture.late_reverb == pytest.approx(mixture.voice_gain * late)
    assert power_db(mixture.noisy_voice) == pytest.approx(-25, abs=0.01)
    written = to_int16(mixture)
    assert np.array_equal(written[0].astype(int) + written[1], written[2])


def test_amplitude_blending_takes_late_reverberation_as_it_is() -> None:
    voice, noise, late = np.full(4, 0.1), np.full(4, 0.2), np.full(4, 0.05)
    mixture = mix_amplitudes(voice, noise, noise_level=0.5, late_reverb=late)
    assert mixture.noisy_voice == pytest.approx(np.full(4, 0.25))
    with pytest.raises(ValueError, match="late reverb"):
        mix_amplitudes(voice, noise, noise_level=0.5, late_reverb=late[1:])
