"""The published recipe's segments: nothing lost, levels kept, each from rest, constant memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prepare_data.errors import UserError
from tests.waveform_unet_lru import small_waveform_network as small
from waveform_unet_lru.segments import Segments, in_segments

RATE = 100


@settings(max_examples=60, deadline=None)
@given(
    samples=st.integers(0, 600),
    seconds=st.floats(0.01, 4),
    share=st.none() | st.floats(0, 0.95),
    normalize=st.booleans(),
    block=st.integers(1, 200),
)
def test_what_is_left_alone_comes_out_as_it_went_in(
    samples: int, seconds: float, share: float | None, normalize: bool, block: int
) -> None:
    audio = small.sound(samples, channels=2)
    blocks = [audio[start : start + block] for start in range(0, samples, block)]
    segments = Segments(seconds, None if share is None else share * seconds, normalize)
    parts = list(in_segments(blocks, np.copy, segments, RATE))
    result = np.concatenate([audio[:0], *parts])
    assert result.shape == audio.shape and result.dtype == np.float32
    np.testing.assert_allclose(result, audio, atol=1e-6)


def _seen(audio: np.ndarray, segments: Segments) -> list[np.ndarray]:
    seen = []

    def remember(segment: np.ndarray) -> np.ndarray:
        seen.append(segment.copy())
        return segment

    list(in_segments([audio], remember, segments, RATE))
    return seen


def test_segments_are_as_long_as_asked_and_share_a_tenth() -> None:
    audio = np.arange(430, dtype=np.float32)[:, None]
    seen = _seen(audio, Segments(1.0))
    assert [len(segment) for segment in seen] == [100] * 5
    # The last one ends where the recording ends.
    assert [int(segment[0, 0]) for segment in seen] == [0, 90, 180, 270, 330]


def test_a_recording_shorter_than_a_segment_is_not_filled_up() -> None:
    audio = small.sound(70)
    (segment,) = _seen(audio, Segments(1.0))
    np.testing.assert_array_equal(segment, audio)


def test_segments_without_overlap_touch() -> None:
    audio = np.arange(300, dtype=np.float32)[:, None]
    starts = [int(segment[0, 0]) for segment in _seen(audio, Segments(1.0, overlap_seconds=0))]
    assert starts == [0, 100, 200]


def test_each_channel_of_a_normalised_segment_has_a_peak_of_one() -> None:
    audio = small.sound(500, channels=2) * np.array([0.01, 1.5], dtype=np.float32)
    audio[200:] *= 0.1
    seen = _seen(audio, Segments(1.0, normalize=True))
    assert len(seen) == 6
    for segment in seen:
        np.testing.assert_allclose(np.abs(segment).max(axis=0), 1, rtol=1e-6)


def test_levels_are_as_they_are_unless_asked_otherwise() -> None:
    audio = 0.01 * small.sound(100)
    np.testing.assert_array_equal(_seen(audio, Segments(1.0))[0], audio)


def test_normalised_segments_keep_their_levels_and_silence() -> None:
    audio = small.sound(500, channels=2) * np.array([1, 0], dtype=np.float32)
    parts = in_segments([audio], lambda x: 0.5 * x + 0.1, Segments(1.0, normalize=True), RATE)
    result = np.concatenate(list(parts))
    assert not result[:, 1].any()
    np.testing.assert_allclose(result[:, 0], 0.5 * audio[:, 0] + 0.05, atol=1e-3)


def test_segments_are_read_as_they_are_needed() -> None:
    read = given = 0

    def endless() -> Iterator[np.ndarray]:
        nonlocal read
        while True:
            read += 30
            yield small.sound(30)

    stream = in_segments(endless(), np.copy, Segments(1.0), RATE)
    for _ in range(200):
        given += len(next(stream))
        assert read - given <= 100 + 30


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_impossible_segments_name_their_option(seconds: float) -> None:
    with pytest.raises(UserError, match="--segment-seconds"):
        Segments(seconds)


@pytest.mark.parametrize("overlap", [-0.1, 2.0, 3.0, float("nan")])
def test_impossible_overlaps_name_their_option(overlap: float) -> None:
    with pytest.raises(UserError, match="--overlap-seconds"):
        Segments(2.0, overlap)
