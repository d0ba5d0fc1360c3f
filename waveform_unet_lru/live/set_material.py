"""Stretches of speech and of noise for mixtures, out of a data set."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from prepare_data.speech_level import active_speech_level
from waveform_unet_lru.live.material import FADE_SECONDS, joined, without_end
from waveform_unet_lru.live.pauses import cut_across, span_length, spans_without_pauses


class SetMaterial:
    """The recordings of one split of a data set, whose voices and noises are mixed anew.

    Which speaker is which is not known here: a murmur may hold the voice's own speaker.

    Args:
        folder: of the data set.
        split: "train", "val" or "test".
        longest_pause: of the speech, in seconds; what a pause has beyond is left out.

    Raises:
        UserError: if there are no recordings, or they cannot be used.
    """

    def __init__(self, folder: Path, split: str, *, longest_pause: float = math.inf) -> None:
        from waveform_unet_lru.dataset import WaveformPairs

        self._longest_pause = longest_pause

        self._pairs = WaveformPairs(folder / split / "audio")
        self.sample_rate = self._pairs.sample_rate
        self._fade = round(FADE_SECONDS * self.sample_rate)

    def __len__(self) -> int:
        return len(self._pairs)

    def voice(self, rng: np.random.Generator, samples: int) -> tuple[str, np.ndarray]:
        """See `Material`; the speaker is the sample's name."""
        place = int(rng.integers(len(self)))
        pair = self._pairs[place]
        return pair["id"], self._speech(pair["voice"].numpy(), rng, samples)

    def noise(self, rng: np.random.Generator, samples: int) -> np.ndarray:
        """See `Material`."""
        pair = self._pairs[int(rng.integers(len(self)))]
        # The mixtures are sums of integers, so that the difference is exactly the noise.
        return self._cut((pair["noisy"] - pair["voice"]).numpy(), rng, samples)

    def voices_of_others(
        self, rng: np.random.Generator, samples: int, *, speaker: str
    ) -> Iterator[np.ndarray]:
        """See `Material`."""
        for place in rng.permutation(len(self)).tolist():
            pair = self._pairs[place]
            if pair["id"] != speaker:
                yield self._speech(pair["voice"].numpy(), rng, samples)

    def _speech(self, recording: np.ndarray, rng: np.random.Generator, samples: int) -> np.ndarray:
        if math.isfinite(self._longest_pause):
            recording = self._without_pauses(recording)
        return self._cut(recording, rng, samples)

    def _without_pauses(self, recording: np.ndarray) -> np.ndarray:
        spans = spans_without_pauses(
            recording,
            level_dbfs=active_speech_level(recording, self.sample_rate)[0],
            floor_db=math.inf,
            longest=self._longest_pause,
            fade=self._fade,
            sample_rate=self.sample_rate,
        )
        return cut_across(recording, spans, 0, span_length(spans), fade=self._fade)

    def _cut(self, recording: np.ndarray, rng: np.random.Generator, samples: int) -> np.ndarray:
        if len(recording) < samples:
            return joined(without_end(recording), samples, self._fade)
        start = int(rng.integers(len(recording) - samples + 1))
        return recording[start : start + samples]
