"""PESQ, STOI, DNSMOS and the composite measures: the packages' values, and where there are none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from enhancement.metrics import (
    composite,
    dnsmos,
    estoi,
    log_likelihood_ratio,
    nb_pesq,
    segmental_snr,
    stoi,
    wb_pesq,
    weighted_spectral_slope,
)

for _package in ("pesq", "pystoi", "speechmos"):
    pytest.importorskip(_package, reason=f"{_package} is not installed (the extra eval)")

RATE = 16_000
Metric = Callable[[np.ndarray, np.ndarray, int], float]
SCORES = [wb_pesq, nb_pesq, stoi, estoi]


@pytest.fixture(scope="module")
def voice(demo_speech: Path) -> np.ndarray:
    """Some seconds of a synthetic voice."""
    audio, rate = soundfile.read(sorted(demo_speech.rglob("*.wav"))[0])
    assert rate == RATE
    return audio


@pytest.fixture(scope="module")
def noise(voice: np.ndarray) -> np.ndarray:
    """White noise as strong as the voice."""
    noise = np.random.default_rng(0).standard_normal(len(voice))
    return noise * np.sqrt(np.mean(voice**2) / np.mean(noise**2))


def test_values_are_the_packages_own(voice: np.ndarray, noise: np.ndarray) -> None:
    from pesq import pesq
    from pystoi import stoi as package_stoi

    noisy = voice + 0.3 * noise
    for found, theirs in (
        (wb_pesq(voice, noisy, RATE), pesq(RATE, voice, noisy, "wb")),
        (nb_pesq(voice, noisy, RATE), pesq(RATE, voice, noisy, "nb")),
        (stoi(voice, noisy, RATE), package_stoi(voice, noisy, RATE)),
        (estoi(voice, noisy, RATE), package_stoi(voice, noisy, RATE, extended=True)),
    ):
        # Not to the last bit, which depends on where the arrays happen to lie in memory.
        assert found == pytest.approx(theirs, rel=1e-12)


def test_narrowband_pesq_takes_8_khz_as_it_is(voice: np.ndarray, noise: np.ndarray) -> None:
    import soxr
    from pesq import pesq

    pair = [soxr.resample(audio, RATE, 8000) for audio in (voice, voice + 0.3 * noise)]
    assert nb_pesq(pair[0], pair[1], 8000) == pytest.approx(pesq(8000, *pair, "nb"))


@pytest.mark.parametrize("metric", SCORES)
def test_other_rates_make_little_difference(
    metric: Metric, voice: np.ndarray, noise: np.ndarray
) -> None:
    import soxr

    noisy = voice + 0.3 * noise
    at_48 = [soxr.resample(audio, RATE, 48_000) for audio in (voice, noisy)]
    assert metric(at_48[0], at_48[1], 48_000) == pytest.approx(metric(voice, noisy, RATE), abs=0.03)


@pytest.mark.parametrize("metric", SCORES)
def test_more_noise_is_worse_whatever_the_level(
    metric: Metric, voice: np.ndarray, noise: np.ndarray
) -> None:
    values = [metric(voice, voice + gain * noise, RATE) for gain in (0.0, 0.05, 0.3, 1.0)]
    assert values == sorted(values, reverse=True) and values[0] > values[-1] + 0.1
    louder = metric(voice, 2 * (voice + 0.3 * noise), RATE)
    assert louder == pytest.approx(values[2], abs=0.02)


@pytest.mark.parametrize("metric", [*SCORES, composite])
def test_what_cannot_be_measured_is_refused(metric: Metric, voice: np.ndarray) -> None:
    silence = np.zeros_like(voice)
    for clean, estimate, message in (
        (voice, silence, "the estimate is silent"),
        (silence, voice, "the clean voice is silent"),
        (voice[:1], voice[:1], "at least"),
        (voice[:0], voice[:0], "silent"),
        (voice[:3000], voice[:3000], "at least"),
        (voice, voice[1:], "as many samples"),
        (voice[:, None], voice[:, None], "as many samples"),
        (voice, np.full_like(voice, np.nan), "not numbers"),
    ):
        with pytest.raises(ValueError, match=message):
            metric(clean, estimate, RATE)


def test_stoi_of_a_word_among_silence_is_refused_instead_of_zero(voice: np.ndarray) -> None:
    short = np.zeros(RATE)
    short[:2000] = voice[8000:10_000]
    with pytest.raises(ValueError, match=r"0\.4 s of speech"):
        stoi(short, short, RATE)


def test_the_composite_measures_are_the_published_sums(
    voice: np.ndarray, noise: np.ndarray
) -> None:
    noisy = voice + 0.3 * noise
    llr, wss = log_likelihood_ratio(voice, noisy, RATE), weighted_spectral_slope(voice, noisy, RATE)
    pesq, snr_db = wb_pesq(voice, noisy, RATE), segmental_snr(voice, noisy, RATE)
    found = composite(voice, noisy, RATE)
    expected = {
        "csig": max(1.0, 3.093 - 1.029 * llr + 0.603 * pesq - 0.009 * wss),
        "cbak": 1.634 + 0.478 * pesq - 0.007 * wss + 0.063 * snr_db,
        "covl": max(1.0, 1.594 + 0.805 * pesq - 0.512 * llr - 0.007 * wss),
        "wb_pesq": pesq,
    }
    assert found == pytest.approx(expected)


def test_the_composite_measures_stay_on_the_scale(voice: np.ndarray, noise: np.ndarray) -> None:
    best, worst = composite(voice, voice, RATE), composite(voice, 30 * noise, RATE)
    assert [best[name] for name in ("csig", "cbak", "covl")] == [5.0, 5.0, 5.0]
    assert worst["csig"] == 1.0 and worst["covl"] == 1.0 and 1 <= worst["cbak"] < 2


def test_dnsmos_is_the_packages_own(
    voice: np.ndarray, noise: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    from speechmos import dnsmos as package

    # Its other network listens to a mel spectrogram, which takes librosa a minute to compile.
    silence = np.zeros((900, 120))
    monkeypatch.setattr(package.DNSMOS, "audio_melspec", lambda *_, **__: silence)
    names = {"dnsmos_sig": "sig_mos", "dnsmos_bak": "bak_mos", "dnsmos_ovrl": "ovrl_mos"}
    long = np.tile(voice + 0.1 * noise, 3)[: 12 * RATE]  # four windows
    for audio in (voice, long):
        expected = package.run(audio.astype(np.float32), RATE)
        found = dnsmos(audio, RATE)
        assert found == pytest.approx(
            {name: float(expected[theirs]) for name, theirs in names.items()}, abs=1e-4
        )


def test_dnsmos_hears_the_noise_and_takes_any_length(voice: np.ndarray, noise: np.ndarray) -> None:
    quiet, loud = dnsmos(voice, RATE), dnsmos(voice + noise, RATE)
    assert all(quiet[name] > loud[name] for name in quiet)
    assert set(dnsmos(voice[8000:8001], RATE)) == {"dnsmos_sig", "dnsmos_bak", "dnsmos_ovrl"}
    loud = 2 * voice / abs(voice).max()
    assert dnsmos(loud, RATE) == pytest.approx(dnsmos(np.clip(loud, -1, 1), RATE), rel=1e-5)
    for audio, message in (
        (np.zeros(RATE), "silent"),
        (np.full(RATE, np.nan), "not numbers"),
        (np.zeros((RATE, 2)), "one channel"),
    ):
        with pytest.raises(ValueError, match=message):
            dnsmos(audio, RATE)
