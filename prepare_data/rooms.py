"""What a room does to a voice: direct sound and early reflections, and late reverberation.

The voice keeps its place in time: a response's travel time from mouth to microphone is taken away.
The noise is left as it was recorded, for it brings along the place that it was recorded in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

EARLY_SECONDS = 0.05
_ONSET_DB = 20.0
_DIRECT_SECONDS = 0.001  # from the onset to the crest of the direct sound, at most
_LEAD_SECONDS = 0.005  # kept before the direct sound, which rings a little both ways once filtered


@dataclass(frozen=True)
class Response:
    """A room's impulse response in two parts, of unit energy in the early one.

    Attributes:
        early: shape (samples,), float64: the direct sound and the 50 ms after it, then zeros.
        late: the same shape: zeros, then the rest.
        direct: the sample of the direct sound.
    """

    early: np.ndarray
    late: np.ndarray
    direct: int

    @property
    def late_reverb_db(self) -> float:
        """Energy of the late part over that of the early one: ISO 3382-1's C50, sign turned."""
        energy = float(self.late @ self.late)
        return 10 * math.log10(energy) if energy > 0 else -math.inf


def split_response(samples: np.ndarray, sample_rate: int) -> Response:
    """Find the direct sound of an impulse response, and part it 50 ms later.

    A response begins where it first comes within 20 dB of its peak (ISO 3382-1); its direct sound
    is the crest within the millisecond after that. What lies more than 5 ms before is cut off.

    Args:
        samples: shape (samples,).
        sample_rate: in hertz.

    Returns:
        The parts; they add up to the response, scaled.

    Raises:
        ValueError: if it is silent.
    """
    magnitude = np.abs(samples)
    peak = float(magnitude.max(initial=0))
    if peak <= 0:
        raise ValueError("a silent response has no direct sound")
    onset = int(np.argmax(magnitude >= peak * 10 ** (-_ONSET_DB / 20)))
    crest = magnitude[onset : onset + math.ceil(_DIRECT_SECONDS * sample_rate)]
    direct = onset + int(np.argmax(crest))
    first = max(0, direct - round(_LEAD_SECONDS * sample_rate))
    kept, direct = samples[first:].astype(np.float64), direct - first
    boundary = direct + round(EARLY_SECONDS * sample_rate)
    kept /= math.sqrt(float(kept[:boundary] @ kept[:boundary]))
    early = kept.copy()
    early[boundary:] = 0
    return Response(early, kept - early, direct)


def reverberate(
    voice: np.ndarray, response: Response, *, run_up: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Let a voice sound in a room.

    Args:
        voice: shape (run_up + samples,).
        response: of the room, at the voice's rate.
        run_up: samples before those that are wanted, whose reverberation reaches into them.

    Returns:
        The early and the late part of what the microphone hears, float64, each of shape
        (samples,) and aligned with the voice; their sum is the voice in its room.
    """
    from scipy.signal import oaconvolve

    start = run_up + response.direct
    stop = start + len(voice) - run_up
    early, late = (
        oaconvolve(voice.astype(np.float64), part)[start:stop]
        for part in (response.early, response.late)
    )
    return early, late
