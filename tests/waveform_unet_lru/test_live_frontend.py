"""The live model's front end: reconstruction, the same bins at every rate, bins above 8 kHz."""

from __future__ import annotations

import numpy as np
import pytest

from prepare_data.errors import UserError
from waveform_unet_lru.live.config import Window
from waveform_unet_lru.live.frontend import FrontEnd

RATES = (8_000, 11_025, 16_000, 22_050, 44_100, 48_000)
WINDOWS: tuple[Window, ...] = ("32ms", "16ms")


def _frames(audio: np.ndarray, front_end: FrontEnd) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(audio, front_end.n_fft)
    return windows[:: front_end.hop]


def _added_up(ends: np.ndarray, front_end: FrontEnd) -> np.ndarray:
    """Overlap-add by definition; the first sample is that of the first frame's end."""
    hop, length = front_end.hop, front_end.synthesis_length
    audio = np.zeros((len(ends) - 1) * hop + length)
    for index, end in enumerate(ends):
        audio[index * hop : index * hop + length] += end
    return audio


def _ones(spectrum: np.ndarray) -> np.ndarray:
    mask = np.zeros((*spectrum.shape[:-1], 256, 2), dtype=np.float32)
    mask[..., 0] = 1
    return mask


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("window", WINDOWS)
def test_a_mask_of_ones_returns_the_input(rate: int, window: Window) -> None:
    front_end = FrontEnd(rate, window)
    audio = np.random.default_rng(0).uniform(-1, 1, 12 * front_end.n_fft).astype(np.float32)
    spectrum = front_end.spectrum(_frames(audio, front_end))
    ends = front_end.samples(front_end.masked(spectrum, _ones(spectrum)))
    assert spectrum.dtype == np.complex64 and ends.dtype == np.float32
    result = _added_up(ends, front_end)[front_end.hop : -front_end.hop]
    begin = front_end.n_fft - front_end.synthesis_length + front_end.hop
    np.testing.assert_allclose(result, audio[begin : begin + len(result)], rtol=0, atol=1e-6)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("window", WINDOWS)
def test_the_window_pair_reconstructs_in_double_precision(rate: int, window: Window) -> None:
    front_end = FrontEnd(rate, window)
    end = front_end.analysis_window[-front_end.synthesis_length :] * front_end.synthesis_window
    np.testing.assert_allclose(end[: front_end.hop] + end[front_end.hop :], 1, rtol=0, atol=1e-15)
    assert front_end.synthesis_window.max() < 1.3


def test_lengths_are_32_ms_that_transform_fast() -> None:
    lengths = {rate: FrontEnd(rate).n_fft for rate in RATES}
    assert lengths == {
        8_000: 256,
        11_025: 352,
        16_000: 512,
        22_050: 704,
        44_100: 1410,
        48_000: 1536,
    }
    short = FrontEnd(16_000, "16ms")
    assert (short.n_fft, short.hop, short.lag_samples) == (512, 128, 256)
    assert FrontEnd(16_000).lag_samples == 512


@pytest.mark.parametrize("hertz", [1000, 3000])
@pytest.mark.parametrize("rate", RATES)
def test_a_tone_looks_the_same_at_every_rate(hertz: float, rate: int) -> None:
    def seen(rate: int) -> np.ndarray:
        front_end = FrontEnd(rate)
        tone = np.sin(2 * np.pi * hertz * np.arange(front_end.n_fft) / rate).astype(np.float32)
        parts = front_end.for_network(front_end.spectrum(tone))
        assert parts.shape == (256, 2) and parts.dtype == np.float32
        return np.hypot(parts[:, 0], parts[:, 1])

    expected, found = seen(16_000), seen(rate)
    assert found.argmax() == expected.argmax() == hertz / 31.25
    # A bin of 31.32 Hz instead of 31.25 shows a tone beside its middle.
    assert found.max() == pytest.approx(expected.max(), rel=0.05)


def test_noise_of_one_density_has_one_level_at_every_rate() -> None:
    def level(rate: int) -> float:
        front_end = FrontEnd(rate)
        density = np.sqrt(rate / 16_000)
        samples = np.random.default_rng(1).standard_normal((400, front_end.n_fft)) * density
        parts = front_end.for_network(front_end.spectrum(samples.astype(np.float32)))
        return float(np.square(parts[:, 10:100]).mean())

    for rate in RATES:
        assert level(rate) == pytest.approx(level(16_000), rel=0.03)


def test_bins_that_a_low_rate_lacks_are_zero() -> None:
    front_end = FrontEnd(8_000)
    spectrum = front_end.spectrum(np.ones((2, 256), np.float32))
    parts = front_end.for_network(spectrum)
    np.testing.assert_array_equal(parts[:, :129, 0], spectrum.real)
    assert (parts[:, 129:] == 0).all()
    np.testing.assert_array_equal(front_end.masked(spectrum, _ones(spectrum)), spectrum)


def test_the_mask_is_a_complex_factor() -> None:
    front_end = FrontEnd(16_000)
    generator = np.random.default_rng(2)
    spectrum = front_end.spectrum(generator.standard_normal((3, 512)).astype(np.float32))
    mask = generator.standard_normal((3, 256, 2)).astype(np.float32)
    expected = spectrum[:, :256] * (mask[..., 0] + 1j * mask[..., 1])
    np.testing.assert_allclose(front_end.masked(spectrum, mask)[:, :256], expected, atol=1e-6)


@pytest.mark.parametrize("rate", [22_050, 48_000])
@pytest.mark.parametrize(("level", "expected"), [(0.25, 0.25), (1.0, 1.0), (3.0, 1.0)])
def test_bins_from_8_khz_take_the_masks_level_below(
    rate: int, level: float, expected: float
) -> None:
    front_end = FrontEnd(rate)
    spectrum = np.ones(front_end.n_fft // 2 + 1, np.complex64)
    mask = np.zeros((256, 2), np.float32)
    mask[160:, 1] = level
    masked = front_end.masked(spectrum, mask)
    np.testing.assert_allclose(masked[256:], expected, rtol=1e-6)
    assert (masked[:160] == 0).all()


def test_a_last_bin_at_8_khz_takes_its_neighbours_mask() -> None:
    front_end = FrontEnd(16_000)
    mask = np.zeros((256, 2), np.float32)
    mask[-1] = 0.5, 0.25
    masked = front_end.masked(np.full(257, 2, np.complex64), mask)
    assert masked[256] == masked[255] == 1 + 0.5j


@pytest.mark.parametrize("rate", [7_999, 48_001, 0])
def test_other_rates_are_refused(rate: int) -> None:
    with pytest.raises(UserError, match=str(rate)):
        FrontEnd(rate)
