"""Long pauses become short ones; what is said stays, and joints are not heard."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tests.waveform_unet_lru.live_sounds import RATE, as_int16
from waveform_unet_lru.live.pauses import cut_across, span_length, spans_without_pauses

_FADE = 160
_LEVEL_DBFS = 20 * math.log10(0.2)


def _spans(recording: np.ndarray, **changes: Any) -> np.ndarray:
    settings: dict[str, Any] = {"floor_db": math.inf, "longest": 0.5, "fade": _FADE}
    return spans_without_pauses(
        recording, level_dbfs=_LEVEL_DBFS, sample_rate=RATE, **{**settings, **changes}
    )


def _speech(*seconds: float, floor: float = 0.0) -> np.ndarray:
    """Stretches of sound and of pause in turn, the first one sound."""
    parts = [
        np.full(round(length * RATE), floor if number % 2 else 0.2)
        for number, length in enumerate(seconds)
    ]
    return np.concatenate(parts).astype(np.float32)


def _all_of(recording: np.ndarray, spans: np.ndarray) -> np.ndarray:
    return cut_across(recording, spans, 0, span_length(spans), fade=_FADE)


@pytest.mark.parametrize("as_stored", [lambda audio: audio, as_int16])
def test_long_pauses_are_shortened_and_no_speech_is_lost(as_stored: Any) -> None:
    recording = as_stored(_speech(1, 2, 0.5, 0.4, 0.5, 3, 1, floor=1e-4))
    spans = _spans(recording)
    kept = _all_of(recording, spans)
    assert len(kept) / RATE == pytest.approx(1 + 0.5 + 0.5 + 0.4 + 0.5 + 0.5 + 1, abs=0.001)
    loud = recording.max() / 2
    assert np.count_nonzero(kept > loud) == np.count_nonzero(recording > loud) == 3 * RATE
    starts = np.flatnonzero(np.diff((kept > loud).astype(int)) == 1) / RATE
    assert starts == pytest.approx([1.5, 2.4, 3.4], abs=0.001)


def test_silence_before_and_after_speech_is_a_pause_too() -> None:
    recording = np.concatenate([np.zeros(2 * RATE, np.float32), _speech(1, 3)])
    assert span_length(_spans(recording)) / RATE == pytest.approx(0.5 + 1 + 0.5, abs=0.001)


def test_recordings_without_pauses_or_without_speech_stay_whole() -> None:
    for recording in (_speech(1, 0.5, 1), _speech(3), np.zeros(5 * RATE, np.float32)):
        assert _spans(recording).tolist() == [[0, len(recording)]]
    recording = _speech(1, 5, 1)
    assert _spans(recording, longest=math.inf).tolist() == [[0, len(recording)]]
    assert len(_spans(np.zeros(7, np.float32))) == 1


def test_a_pause_with_a_floor_is_one_and_faint_speech_is_not() -> None:
    """A floor 27 dB below the speech, then sounds that are 20 dB below it."""
    floor = _speech(1, 2, 1, floor=0.2 * 10 ** (-27 / 20))
    assert span_length(_spans(floor, floor_db=27.0)) / RATE == pytest.approx(2.5, abs=0.001)
    assert span_length(_spans(floor, floor_db=40.0)) == len(floor)
    faint = _speech(1, 2, 1, floor=0.02)
    assert span_length(_spans(faint, floor_db=27.0)) == len(faint)


def test_stretches_are_those_of_the_whole() -> None:
    generator = np.random.default_rng(0)
    loudness = generator.uniform(0.5, 1.5, round(12.5 * RATE))
    recording = (_speech(1, 2, 0.5, 3, 1, 4, 1) * loudness + 1e-4).astype(np.float32)
    spans = _spans(recording)
    whole = _all_of(recording, spans)
    for _ in range(50):
        samples = int(generator.integers(1, 3 * RATE))
        start = int(generator.integers(len(whole) - samples + 1))
        stretch = cut_across(recording, spans, start, samples, fade=_FADE)
        expected = whole[start : start + samples]
        # A stretch that begins inside a joint begins with what comes after it.
        begun = [end for end in np.cumsum(np.diff(spans)[:, 0]) if 0 <= start - end < _FADE]
        skipped = begun[0] + _FADE - start if begun else 0
        np.testing.assert_array_equal(stretch[skipped:], expected[skipped:])


def test_a_floor_goes_over_into_another_without_a_step() -> None:
    """A floor that has moved while nobody spoke."""
    recording = _speech(1, 4, 1)
    middle = np.linspace(0.001, 0.005, 4 * RATE, dtype=np.float32)
    recording[RATE : 5 * RATE] = middle
    kept = _all_of(recording, _spans(recording))
    pause = kept[RATE : len(kept) - RATE]
    assert len(pause) == RATE // 2
    assert pause[0] < 0.0011 and pause[-1] > 0.0049
    assert np.abs(np.diff(pause)).max() < 0.0001
