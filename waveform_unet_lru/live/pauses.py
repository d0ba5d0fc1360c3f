"""Leave out what long pauses of a recording of speech have beyond a limit.

A recording is kept as it is; what is kept of it are spans, and stretches are cut across them.
"""

from __future__ import annotations

import numpy as np

_FRAME_SECONDS = 0.02
# A pause is quieter than the speech by this, or by less where the recording's own floor is louder:
# what is faint in speech must not be taken for a pause, nor a floor for speech.
_QUIET_DB = (16.0, 30.0)
_ABOVE_FLOOR_DB = 6.0


def spans_without_pauses(
    recording: np.ndarray,
    *,
    level_dbfs: float,
    floor_db: float,
    longest: float,
    fade: int,
    sample_rate: int,
) -> np.ndarray:
    """Find what is to be kept of a recording.

    Args:
        recording: float of shape (samples,), full scale at 1, or 16-bit.
        level_dbfs: its active speech level.
        floor_db: how far its own noise lies below that.
        longest: of the pauses, in seconds; half of it is kept at either end of a longer one.
        fade: pauses that would lose fewer samples than this stay.
        sample_rate: in hertz.

    Returns:
        The first sample of each span and the one after its last, int64 of shape (spans, 2); a
        recording without speech is one span.
    """
    everything = np.array([[0, len(recording)]])
    length = round(_FRAME_SECONDS * sample_rate)
    quiet_db = np.clip(floor_db - _ABOVE_FLOOR_DB, *_QUIET_DB)
    heard = np.flatnonzero(frame_power(recording, length) > 10 ** ((level_dbfs - quiet_db) / 10))
    if not len(heard) or not np.isfinite(longest):
        return everything
    # From before the first sound to after the last one, a pause is what is between two sounds.
    starts = np.concatenate([[0], (heard + 1) * length])
    ends = np.concatenate([heard * length, [len(recording)]])
    half = round(longest * sample_rate / 2)
    long = ends - starts >= 2 * half + max(fade, 1)
    cuts = np.stack([starts[long] + half, ends[long] - half], axis=-1)
    return np.concatenate([[0], cuts.ravel(), [len(recording)]]).reshape(-1, 2)


def span_length(spans: np.ndarray) -> int:
    """Return how many samples spans hold together."""
    return int((spans[:, 1] - spans[:, 0]).sum())


def cut_across(
    recording: np.ndarray, spans: np.ndarray, start: int, samples: int, *, fade: int
) -> np.ndarray:
    """Cut a stretch out of what is kept of a recording.

    Args:
        recording: shape (samples,).
        spans: see `spans_without_pauses`.
        start: of the stretch, in samples that are kept.
        samples: of the stretch; the spans must hold as many from `start` on.
        fade: samples over which a pause's beginning goes over into its end.

    Returns:
        Shape (samples,), of the recording's type where it is cut out of one span, else float32 of
        the same scale.
    """
    ends = np.cumsum(spans[:, 1] - spans[:, 0])
    first = int(np.searchsorted(ends, start, side="right"))
    begin = int(spans[first, 1] - (ends[first] - start))
    if start + samples <= ends[first]:
        return recording[begin : begin + samples]
    whole = np.empty(samples, dtype=np.float32)
    filled = 0
    for number in range(first, len(spans)):
        after = recording[begin : spans[number, 1]][: samples - filled]
        whole[filled : filled + len(after)] = after
        if number > first:
            _fade_in(whole[filled : filled + len(after)][:fade], recording[spans[number - 1, 1] :])
        filled += len(after)
        if filled == samples:
            break
        begin = int(spans[number + 1, 0])
    return whole


def frame_power(recording: np.ndarray, length: int) -> np.ndarray:
    """Return the mean power of a recording's frames, float32 of shape (frames,).

    Args:
        recording: float of shape (samples,), full scale at 1, or 16-bit.
        length: of a frame, in samples; what is left at the end is no frame.
    """
    scale = 32_767.0 if recording.dtype == np.int16 else 1.0
    frames = recording[: len(recording) // length * length].reshape(-1, length)
    frames = frames.astype(np.float32)
    return np.einsum("ij,ij->i", frames, frames) / (length * scale**2)


def _fade_in(audio: np.ndarray, before: np.ndarray) -> None:
    """Let what went on before a cut go over into what comes after it, in place."""
    ramp = np.linspace(0, 1, len(audio) + 2, dtype=np.float32)[1:-1]
    audio *= ramp
    audio += (1 - ramp) * before[: len(audio)]
