"""Segmental SNR, log likelihood ratio and spectral slope: by hand, and frame after frame."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import scipy.linalg

from enhancement.metrics import log_likelihood_ratio, segmental_snr, weighted_spectral_slope
from enhancement.metrics.frames import typical, windowed_frames
from enhancement.metrics.llr import autocorrelation, linear_prediction
from enhancement.metrics.wss import _band_levels, _nearest_peaks

RATE = 16_000
Distance = Callable[[np.ndarray, np.ndarray, int], float]
DISTANCES = [log_likelihood_ratio, weighted_spectral_slope]


def _voice(seconds: float = 1.0, seed: int = 0) -> np.ndarray:
    """Harmonics that come and go, with a little noise: something with formants and a slope."""
    time = np.arange(round(seconds * RATE)) / RATE
    harmonics = sum(np.sin(2 * np.pi * 140 * k * time) / k for k in range(1, 25))
    noise = np.random.default_rng(seed).standard_normal(len(time))
    return 0.1 * harmonics * (1.1 + np.sin(2 * np.pi * 3 * time)) + 0.003 * noise


def _noise(seconds: float = 1.0, seed: int = 1) -> np.ndarray:
    return 0.05 * np.random.default_rng(seed).standard_normal(round(seconds * RATE))


def test_frames_are_30_ms_long_and_7_5_ms_apart() -> None:
    audio = np.arange(RATE, dtype=np.float64)
    frames = windowed_frames(audio, RATE)
    assert frames.shape == ((RATE - 480) // 120, 480)
    # The window is symmetric, positive at its ends and nearly 1 in its middle.
    np.testing.assert_allclose(frames[3] / audio[360:840], frames[5] / audio[600:1080])
    window = windowed_frames(np.ones(RATE), RATE)[0]
    np.testing.assert_allclose(window, window[::-1])
    assert 0 < window[0] < 1e-4 and 0.9999 < window.max() <= 1


def test_segmental_snr_by_hand() -> None:
    voice = _voice()
    # Everywhere the same error: a tenth of the voice, 20 dB.
    assert segmental_snr(voice, 0.9 * voice, RATE) == pytest.approx(20.0, abs=1e-3)
    # Held at both ends.
    assert segmental_snr(voice, voice, RATE) == 35.0
    assert segmental_snr(voice, voice + 100 * _noise(), RATE) == -10.0
    # Half of the frames at 20 dB, half at 0 dB, but for those on the border.
    halves = np.where(np.arange(RATE) < RATE // 2, 0.9, 0.0) * voice
    assert segmental_snr(voice, halves, RATE) == pytest.approx(10.0, abs=0.3)


def test_a_silent_pause_with_noise_in_it_is_worth_the_least() -> None:
    voice = np.where(np.arange(RATE) < RATE // 2, _voice(), 0.0)
    noisy = voice + 1e-3 * _noise()
    both, spoken = segmental_snr(voice, noisy, RATE), segmental_snr(_voice(), _voice(), RATE)
    assert both == pytest.approx((spoken - 10) / 2, abs=1.0)


def test_linear_prediction_is_what_a_solver_finds() -> None:
    lags = autocorrelation(windowed_frames(_voice() + _noise(), RATE), 16)
    filters = linear_prediction(lags)
    for own, solved in zip(lags[::20], filters[::20], strict=True):
        expected = scipy.linalg.solve_toeplitz(own[:-1], -own[1:])
        np.testing.assert_allclose(solved, [1.0, *expected], rtol=1e-6, atol=1e-9)


def test_linear_prediction_of_a_first_order_process_by_hand() -> None:
    lags = 0.8 ** np.arange(5.0)[None]
    np.testing.assert_allclose(linear_prediction(lags), [[1, -0.8, 0, 0, 0]], atol=1e-12)
    np.testing.assert_allclose(linear_prediction(np.zeros((1, 3))), [[1, 0, 0]])


def test_the_log_likelihood_ratio_is_that_of_prediction_errors() -> None:
    voice, noisy = _voice(), _voice() + _noise()
    expected = []
    frames = [windowed_frames(each, RATE) for each in (voice, noisy)]
    for clean, other in zip(*frames, strict=True):
        lags = np.array([clean[: 480 - k] @ clean[k:] for k in range(17)])
        others = np.array([other[: 480 - k] @ other[k:] for k in range(17)])
        matrix = scipy.linalg.toeplitz(lags)
        own = np.r_[1, scipy.linalg.solve_toeplitz(lags[:-1], -lags[1:])]
        foreign = np.r_[1, scipy.linalg.solve_toeplitz(others[:-1], -others[1:])]
        expected.append(math.log((foreign @ matrix @ foreign) / (own @ matrix @ own)))
    assert log_likelihood_ratio(voice, noisy, RATE) == pytest.approx(
        typical(np.array(expected)), rel=1e-6
    )


def test_the_nearest_peak_is_uphill() -> None:
    # Slopes + + - - + -: peaks at the bands 2 and 5, each found one band early from the left.
    levels = np.array([[0.0, 1.0, 3.0, 2.0, 1.0, 5.0, 4.0]])
    np.testing.assert_array_equal(_nearest_peaks(levels), [[1.0, 1.0, 3.0, 3.0, 1.0, 5.0]])
    # Monotonous spectra: the last slope's band, and the first band.
    np.testing.assert_array_equal(_nearest_peaks(np.array([[0.0, 1.0, 2.0]])), [[1.0, 1.0]])
    np.testing.assert_array_equal(_nearest_peaks(np.array([[2.0, 1.0, 0.0]])), [[2.0, 2.0]])


def test_the_spectral_slope_distance_is_klatts_band_after_band() -> None:
    pair = [_band_levels(audio, RATE) for audio in (_voice(0.1), _voice(0.1) + _noise(0.1))]
    expected = []
    for clean, other in zip(*pair, strict=True):
        total = weights = 0.0
        for band in range(24):
            weight = (_klatt_weight(clean, band) + _klatt_weight(other, band)) / 2
            slopes = clean[band + 1] - clean[band], other[band + 1] - other[band]
            total += weight * (slopes[0] - slopes[1]) ** 2
            weights += weight
        expected.append(total / weights)
    found = weighted_spectral_slope(_voice(0.1), _voice(0.1) + _noise(0.1), RATE)
    assert found == pytest.approx(typical(np.array(expected)))


def _klatt_weight(levels: np.ndarray, band: int) -> float:
    """20 / (20 + dB below the highest) * 1 / (1 + dB below the peak that the slope climbs to)."""
    peak = band
    if levels[band + 1] > levels[band]:
        while peak < 24 and levels[peak + 1] > levels[peak]:
            peak += 1
        peak -= 1  # as the published program has it
    else:
        while peak >= 0 and levels[peak + 1] <= levels[peak]:
            peak -= 1
        peak += 1
    below = float(levels.max() - levels[band])
    return 20 / (20 + below) / (1 + float(levels[peak] - levels[band]))


def test_the_bands_hear_a_tone_where_it_is() -> None:
    time = np.arange(RATE) / RATE
    for band, hertz in ((1, 120.0), (7, 540.0), (24, 3597.63)):
        levels = _band_levels(0.1 * np.sin(2 * np.pi * hertz * time), RATE)
        assert (levels.argmax(axis=1) == band).all()
        # Each filter is as high as the lowest is wide over its own width.
        assert levels.max() == pytest.approx(
            20 * np.log10(0.1 * 240.5 / 2) + 10 * np.log10(_gathered(band)), abs=1.0
        )


def _gathered(band: int) -> float:
    """A tone's power in a band: its spectral line under the window, weighed by the filter."""
    widths = {1: 70.0, 7: 77.3724, 24: 346.136}
    line = np.abs(np.fft.rfft(windowed_frames(np.ones(RATE), RATE)[0], 1024)) ** 2
    bins = np.arange(len(line))
    height = 70.0 / widths[band]
    filters = height * np.exp(-11 * (bins / (widths[band] * 512 / 8000)) ** 2)
    kept = np.where(filters > np.exp(-30 / 4.606), filters, 0.0) * line / line[0]
    return float(kept[0] + 2 * kept[1:].sum())


@pytest.mark.parametrize("distance", DISTANCES)
def test_a_distance_grows_with_the_noise_and_not_with_the_level(distance: Distance) -> None:
    voice, noise = _voice(), _noise()
    assert distance(voice, voice, RATE) == pytest.approx(0.0, abs=1e-9)
    assert distance(voice, 0.5 * voice, RATE) == pytest.approx(0.0, abs=1e-3)
    found = [distance(voice, voice + gain * noise, RATE) for gain in (0.01, 0.1, 1.0)]
    assert found == sorted(found) and found[0] > 0


@pytest.mark.parametrize("distance", DISTANCES)
def test_a_distance_to_and_from_silence_is_a_number(distance: Distance) -> None:
    voice, silence = _voice(), np.zeros(RATE)
    for clean, estimate in ((voice, silence), (silence, voice), (silence, silence)):
        assert math.isfinite(distance(clean, estimate, RATE))
    half = np.where(np.arange(RATE) < RATE // 2, voice, 0.0)
    assert distance(half, half, RATE) == pytest.approx(0.0, abs=1e-9)


def test_the_worst_frames_do_not_count() -> None:
    assert typical(np.array([1.0] * 95 + [1000.0] * 5)) == 1.0
    assert typical(np.array([3.0])) == 3.0


@pytest.mark.parametrize("metric", [segmental_snr, *DISTANCES])
def test_what_cannot_be_measured_is_refused(metric: Distance) -> None:
    voice = _voice()
    with pytest.raises(ValueError, match="as many samples"):
        metric(voice, voice[1:], RATE)
    with pytest.raises(ValueError, match="too short"):
        metric(voice[:500], voice[:500], RATE)
    with pytest.raises(ValueError, match="not numbers"):
        metric(voice, np.full(RATE, np.nan), RATE)
    with pytest.raises(ValueError, match="not numbers"):
        metric(np.full(RATE, np.inf), voice, RATE)


def test_bands_up_to_4_khz_need_8_khz() -> None:
    with pytest.raises(ValueError, match="too low"):
        weighted_spectral_slope(_voice(), _voice(), 7000)
    assert weighted_spectral_slope(_voice(), _voice() + _noise(), 8000) > 0
