"""Overlapping windows: exact lengths, no trace of the grid, constant memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from enhancement.windows import overlapped

_WINDOW, _STRIDE = 64, 24


def _through(audio: np.ndarray, cuts: list[int], first_stride: int) -> np.ndarray:
    blocks = np.split(audio, cuts)
    parts = overlapped(blocks, np.copy, window=_WINDOW, stride=_STRIDE, first_stride=first_stride)
    return np.concatenate([np.zeros((0, audio.shape[1]), np.float32), *parts])


@pytest.mark.parametrize("samples", [0, 1, 2, 63, 64, 65, 87, 88, 89, 200, 1000])
@pytest.mark.parametrize("cuts", [[], [1], [10, 10, 80]])
@pytest.mark.parametrize("first_stride", [24, 5])
def test_what_is_left_alone_comes_out_as_it_went_in(
    samples: int, cuts: list[int], first_stride: int
) -> None:
    audio = np.random.default_rng(0).standard_normal((samples, 2)).astype(np.float32)
    np.testing.assert_allclose(_through(audio, cuts, first_stride), audio, atol=1e-6)


@pytest.mark.parametrize("samples", [1, 70, 200, 1001])
def test_result_does_not_depend_on_the_blocks(samples: int) -> None:
    audio = np.random.default_rng(0).standard_normal((samples, 1)).astype(np.float32)

    def louder_by_its_own_peak(window: np.ndarray) -> np.ndarray:
        return window * np.abs(window).max()

    whole, cut = (
        np.concatenate(
            list(overlapped(blocks, louder_by_its_own_peak, window=_WINDOW, stride=_STRIDE))
        )
        for blocks in ([audio], np.split(audio, range(7, samples, 7)))
    )
    np.testing.assert_array_equal(whole, cut)


def test_windows_that_disagree_leave_no_step() -> None:
    """Each window is multiplied by its own factor; the result must glide from one to the next."""
    factors = iter(np.tile([1.0, 2.0], 50))
    audio = np.ones((2000, 1), dtype=np.float32)
    parts = overlapped([audio], lambda w: w * next(factors), window=_WINDOW, stride=_STRIDE)
    result = np.concatenate(list(parts))[:, 0]
    assert np.ptp(result) > 0.5
    # A cut from one window to the other would be a step of 1.
    assert np.abs(np.diff(result)).max() < 0.12


def test_stream_is_read_no_further_than_a_window_ahead() -> None:
    read = 0

    def endless() -> Iterator[np.ndarray]:
        nonlocal read
        while True:
            read += 10
            yield np.ones((10, 1), dtype=np.float32)

    given = 0
    stream = overlapped(endless(), np.copy, window=_WINDOW, stride=_STRIDE)
    for _ in range(200):
        given += len(next(stream))
        assert read - given <= _WINDOW + 10


def test_stream_shorter_than_a_window_is_mirrored_to_fill_it() -> None:
    seen = []

    def remember(window: np.ndarray) -> np.ndarray:
        seen.append(window)
        return window

    audio = np.arange(1.0, 51.0, dtype=np.float32)[:, None]
    list(overlapped([audio], remember, window=_WINDOW, stride=_STRIDE))
    assert len(seen) == 1
    np.testing.assert_array_equal(seen[0][50:, 0], audio[48:34:-1, 0])


def test_short_stream_is_left_as_it_is_where_nothing_is_to_be_mirrored() -> None:
    seen = []

    def remember(window: np.ndarray) -> np.ndarray:
        seen.append(window)
        return window

    audio = np.arange(1.0, 51.0, dtype=np.float32)[:, None]
    parts = overlapped([audio], remember, window=_WINDOW, stride=_STRIDE, mirror=False)
    result = np.concatenate(list(parts))
    assert len(seen) == 1
    np.testing.assert_array_equal(seen[0], audio)
    np.testing.assert_array_equal(result, audio)


@settings(max_examples=60, deadline=None)
@given(
    samples=st.integers(0, 400),
    window=st.integers(1, 120),
    share=st.floats(0, 1),
    block=st.integers(1, 150),
    mirror=st.booleans(),
)
def test_weights_sum_to_one_whatever_the_windows(
    samples: int, window: int, share: float, block: int, mirror: bool
) -> None:
    stride = max(1, round(share * window))
    audio = np.random.default_rng(samples).uniform(-1, 1, (samples, 2)).astype(np.float32)
    blocks = [audio[start : start + block] for start in range(0, samples, block)]
    seen = []

    def remember(window: np.ndarray) -> np.ndarray:
        seen.append(len(window))
        return window

    parts = list(overlapped(blocks, remember, window=window, stride=stride, mirror=mirror))
    assert all(len(part) for part in parts)
    assert set(seen) <= {window if mirror else min(window, samples)}
    result = np.concatenate([audio[:0], *parts])
    assert result.shape == audio.shape
    np.testing.assert_allclose(result, audio, atol=1e-6)
