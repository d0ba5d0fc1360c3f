"""What a recording is worth, in a few numbers that follow from its levels.

They do not depend on the settings of a data set, so that they are kept beside the levels: looking
through a corpus a second time then reads a few bytes a recording and computes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from prepare_data.measure import FRAMES_PER_SECOND, Levels, find_sound, find_speech
from prepare_data.settings import Settings
from prepare_data.voices import LEAST_SPEECH_SECONDS, densest_phrase


@dataclass(frozen=True)
class Worth:
    """How much speech or noise a recording holds.

    Attributes:
        seconds: its length.
        peak_db: level of its loudest frame in dBFS.
        sounding_seconds: of its length, those between digital silences, where it is a noise.
        speech_seconds: of its length, those that hold speech, where it is speech.
        speech_level_dbfs: its active speech level.
        speech_snr_db: that level over its own noise floor.
        densest_phrase: the share of speech in the phrase of it that holds most.
    """

    seconds: float
    peak_db: float
    sounding_seconds: float
    speech_seconds: float
    speech_level_dbfs: float
    speech_snr_db: float
    densest_phrase: float

    def surely_speech(self, settings: Settings) -> bool:
        """Return whether segments can be cut from it; where not, its levels must tell."""
        enough = self.speech_seconds >= LEAST_SPEECH_SECONDS
        return enough and self.densest_phrase >= settings.min_activity


def weigh(levels: Levels) -> Worth:
    """Find out what a recording is worth."""
    speech = find_speech(levels)
    sounding = sum(end - first for first, end in find_sound(levels))
    return Worth(
        levels.seconds,
        levels.peak_db,
        sounding / FRAMES_PER_SECOND,
        speech.active_seconds,
        speech.level_dbfs,
        speech.snr_db,
        densest_phrase(speech.active),
    )
