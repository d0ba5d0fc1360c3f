"""Resampling around a model: exact length, alignment, and independence of the block sizes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from enhancement.resampling import at_rate

RATES = (8000, 11025, 16000, 22050, 44100, 48000)


def identity(blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    yield from blocks


def in_blocks(audio: np.ndarray, sizes: list[int]) -> Iterator[np.ndarray]:
    start, turn = 0, 0
    while start < len(audio):
        size = sizes[turn % len(sizes)]
        yield audio[start : start + size]
        start, turn = start + size, turn + 1


def there_and_back(audio: np.ndarray, rate: int, model_rate: int, sizes: list[int]) -> np.ndarray:
    parts = list(at_rate(identity, in_blocks(audio, sizes), rate, model_rate))
    return np.concatenate(parts) if parts else audio[:0]


def band_limited(frames: int, channels: int, rate: int, highest_hz: float) -> np.ndarray:
    """Noise below a frequency that fades in and out, so that its ends are no edges."""
    spectrum = np.fft.rfft(np.random.default_rng(1).standard_normal((frames, channels)), axis=0)
    spectrum[np.fft.rfftfreq(frames, 1 / rate) > highest_hz] = 0
    audio = np.fft.irfft(spectrum, frames, axis=0) * np.hanning(frames)[:, None] ** 2
    return (0.5 * audio / np.abs(audio).max()).astype(np.float32)


@settings(max_examples=60, deadline=None)
@given(
    frames=st.integers(1, 6000),
    channels=st.integers(1, 3),
    rate=st.sampled_from(RATES),
    model_rate=st.sampled_from(RATES),
    sizes=st.lists(st.integers(1, 3000), min_size=1, max_size=5),
)
def test_any_blocks_give_what_whole_file_resampling_gives(
    frames: int, channels: int, rate: int, model_rate: int, sizes: list[int]
) -> None:
    noise = np.random.default_rng(frames).standard_normal((frames, channels))
    audio = (0.1 * noise).astype(np.float32)
    result = there_and_back(audio, rate, model_rate, sizes)
    assert result.shape == audio.shape
    assert result.dtype == np.float32
    whole = there_and_back(audio, rate, model_rate, [frames])
    np.testing.assert_allclose(result, whole, atol=1e-6)
    if rate != model_rate:
        # What follows the end differs (silence here, nothing there), and rings on before it.
        settled = max(0, frames - int(0.025 * rate))
        expected = soxr.resample(soxr.resample(audio, rate, model_rate), model_rate, rate)
        np.testing.assert_allclose(result[:settled], expected[:settled], atol=1e-4)


@pytest.mark.parametrize("rate", [8000, 11025, 44100, 48000])
def test_a_band_limited_signal_comes_back_in_place(rate: int) -> None:
    audio = band_limited(rate, 2, rate, 3000)
    result = there_and_back(audio, rate, 16000, [777])
    assert np.abs(result - audio).max() < 2e-4


def test_equal_rates_pass_the_blocks_through_untouched() -> None:
    block = np.ones((5, 1), np.float32)
    (result,) = at_rate(identity, [block], 16000, 16000)
    assert result is block


def test_a_model_that_answers_only_at_the_end_gets_the_same_result() -> None:
    def hoarding(blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        yield np.concatenate(list(blocks))

    audio = band_limited(20000, 1, 44100, 3000)
    late = np.concatenate(list(at_rate(hoarding, in_blocks(audio, [999]), 44100, 16000)))
    np.testing.assert_allclose(late, there_and_back(audio, 44100, 16000, [5000]), atol=1e-6)


def test_results_come_before_the_recording_has_ended() -> None:
    """What is read ahead of what is written must not grow with the length."""
    read = 0

    def endless() -> Iterator[np.ndarray]:
        nonlocal read
        while True:
            read += 4410
            yield np.zeros((4410, 1), np.float32)

    written = 0
    for block in at_rate(identity, endless(), 44100, 16000):
        written += len(block)
        assert read - written < 44100
        if written > 30 * 44100:
            break


def test_nothing_in_is_nothing_out() -> None:
    assert list(at_rate(identity, [], 44100, 16000)) == []
