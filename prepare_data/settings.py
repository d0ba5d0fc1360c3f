"""The settings of a data set: one frozen dataclass, checked once, written into dataset.json."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from prepare_data.errors import UserError

SPLITS = ("train", "val", "test")
PICTURE_SIZE = 512
PICTURE_FRAMES_PER_SECOND = 100
FORMAT_VERSION = 1
_FAINTEST_NOISE_DBFS = -80.0


@dataclass(frozen=True)
class Settings:
    """Everything that decides what a data set holds, besides the recordings themselves.

    Attributes:
        samples: how many samples in all, divided as `split` says, or for train, val and test.
        split: shares of the sources (and of the samples) for train, val and test.
        sample_rate: of the written audio, in hertz.
        seconds: length of a sample; rounded to whole hops of the picture.
        snr_db: lowest and highest signal-to-noise ratio of train, drawn uniformly.
        eval_snr_db: the grid of val and test, used in equal numbers.
        level_dbfs: lowest and highest RMS level of the mixture.
        noises_per_sample: fewest and most noises in one sample.
        noise_level: if set, noise amplitude factors instead of SNR (older recipes).
        picture_scale: "shared" (one reference for the three pictures) or "own".
        n_fft: window of the picture's STFT, in samples.
        hop_length: its hop in samples; None for a hundredth of a second.
        spectrograms: whether pictures are written.
        audio_format: "wav" or "flac", both 16-bit.
        noise_folds: the folds that become val and test, for noise corpora that have folds.
        min_speech_snr_db: least level of a recording over its own noise floor, for train and for
            val and test; None to use all.
        min_activity: least share of a sample's frames that hold speech.
        min_duration: shortest recording that is used, in seconds.
        speaker_regex: finds the speaker in a recording's path.
        reverb: share of the samples whose voice is heard in a room.
        reverb_target: "full" (the voice in its room) or "early" (the voice with the first 50 ms of
            its room; what comes later counts as noise).
        seed: decides every random choice.
    """

    samples: tuple[int, ...] = (1000,)
    split: tuple[float, float, float] = (0.8, 0.1, 0.1)
    sample_rate: int = 16_000
    seconds: float = 5.12
    snr_db: tuple[float, float] = (-5.0, 20.0)
    eval_snr_db: tuple[float, ...] = (-5.0, 0.0, 5.0, 10.0, 15.0, 20.0)
    level_dbfs: tuple[float, float] = (-35.0, -15.0)
    noises_per_sample: tuple[int, int] = (1, 2)
    noise_level: tuple[float, float] | None = None
    picture_scale: str = "shared"
    n_fft: int = 1024
    hop_length: int | None = None
    spectrograms: bool = True
    audio_format: str = "wav"
    noise_folds: tuple[int, int] | None = None
    min_speech_snr_db: tuple[float, float] | None = None
    min_activity: float = 0.4
    min_duration: float = 0.1
    speaker_regex: str | None = None
    reverb: float = 0.0
    reverb_target: str = "full"
    seed: int = 0

    def __post_init__(self) -> None:
        _check(self)

    @property
    def picture_hop(self) -> int:
        """Hop of the picture's STFT in samples: a hundredth of a second unless it was given."""
        if self.hop_length is None:
            return round(self.sample_rate / PICTURE_FRAMES_PER_SECOND)
        return self.hop_length

    @property
    def segment_samples(self) -> int:
        """Length of a sample: whole hops of the picture where it takes one hop a hundredth."""
        if self.hop_length is None:
            return round(self.seconds * PICTURE_FRAMES_PER_SECOND) * self.picture_hop
        return round(self.seconds * self.sample_rate)

    @property
    def split_pattern(self) -> tuple[int, ...]:
        """The splits (0, 1, 2) of consecutive samples, one period long."""
        weights = self.samples if len(self.samples) == 3 else _whole_shares(self.split)
        return _round_robin(weights)

    @property
    def total_samples(self) -> int:
        """How many samples the data set has."""
        return sum(self.samples)

    def to_json(self) -> dict[str, Any]:
        """Return plain types, as dataset.json holds them."""
        plain = dict(self.__dict__)
        return {key: list(v) if isinstance(v, tuple) else v for key, v in plain.items()}

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Settings:
        """Build from what `to_json` returned."""
        values: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in plain.items()
        }
        return cls(**values)


def _whole_shares(split: tuple[float, ...]) -> tuple[int, ...]:
    """Turn shares such as 0.8, 0.1, 0.1 into the smallest whole numbers: 8, 1, 1."""
    shares = [Fraction(share).limit_denominator(1000) for share in split]
    scale = math.lcm(*(share.denominator for share in shares))
    whole = [int(share * scale) for share in shares]
    divisor = math.gcd(*whole)
    return tuple(number // divisor for number in whole)


def _round_robin(weights: tuple[int, ...]) -> tuple[int, ...]:
    """Spread the splits evenly: at each step the one that lags furthest behind its share."""
    divisor = math.gcd(*weights)
    weights = tuple(weight // divisor for weight in weights)
    period = sum(weights)
    given = [0] * len(weights)
    pattern = []
    for step in range(1, period + 1):
        lag = [weight * step - count * period for weight, count in zip(weights, given, strict=True)]
        chosen = lag.index(max(lag))
        given[chosen] += 1
        pattern.append(chosen)
    return tuple(pattern)


def _check(s: Settings) -> None:
    """Raise a UserError that names the first option whose value cannot be."""
    _require(
        len(s.samples) in (1, 3) and min(s.samples) >= 0 and sum(s.samples) > 0,
        "--samples takes one number, or three for train, val and test, not all 0",
        s.samples,
    )
    _require(
        len(s.split) == 3 and min(s.split) >= 0 and abs(sum(s.split) - 1) < 1e-6 and s.split[0] > 0,
        "--split takes three shares that add up to 1, the first above 0",
        s.split,
    )
    _require(
        4000 <= s.sample_rate <= 192_000, "--sample-rate must be 4000 to 192000", s.sample_rate
    )
    _require(
        _finite(s.seconds) and 0.1 <= s.seconds <= 3600, "--seconds must be 0.1 to 3600", s.seconds
    )
    _require_range("--snr-db", s.snr_db, -60, 100)
    _require(
        len(s.eval_snr_db) > 0 and all(_finite(v) and -60 <= v <= 100 for v in s.eval_snr_db),
        "--eval-snr-db takes numbers of -60 to 100",
        s.eval_snr_db,
    )
    _require_range("--level-dbfs", s.level_dbfs, -70, 0)
    _require_range("--noises-per-sample", s.noises_per_sample, 1, 16)
    if s.noise_level is not None:
        _require_range("--noise-level", s.noise_level, 1e-6, 1e3)
    _require(
        s.picture_scale in ("shared", "own"), "--picture-scale is shared or own", s.picture_scale
    )
    _require(16 <= s.n_fft <= 65_536, "--n-fft must be 16 to 65536", s.n_fft)
    _require(1 <= s.picture_hop <= s.n_fft, "--hop-length must be 1 to --n-fft", s.picture_hop)
    _require(
        s.segment_samples >= s.picture_hop,
        "--seconds must hold at least one --hop-length",
        s.seconds,
    )
    faintest = s.level_dbfs[0] - max(s.snr_db[1], *s.eval_snr_db)
    _require(
        s.noise_level is not None or faintest >= _FAINTEST_NOISE_DBFS,
        f"the lowest --level-dbfs less the highest ratio must be {_FAINTEST_NOISE_DBFS:g} or more, "
        "or the noise drowns in the rounding to 16 bits",
        faintest,
    )
    _require(s.audio_format in ("wav", "flac"), "--audio-format is wav or flac", s.audio_format)
    if s.noise_folds is not None:
        _require(
            len(set(s.noise_folds)) == 2 and min(s.noise_folds) >= 0,
            "--noise-folds takes two different folds",
            s.noise_folds,
        )
    if s.min_speech_snr_db is not None:
        _require(
            all(_finite(v) for v in s.min_speech_snr_db),
            "--min-speech-snr-db takes decibels",
            s.min_speech_snr_db,
        )
    _require(0 <= s.min_activity <= 0.95, "--min-activity must be 0 to 0.95", s.min_activity)
    _require(
        _finite(s.min_duration) and s.min_duration >= 0,
        "--min-duration takes seconds, 0 or more",
        s.min_duration,
    )
    _require(_finite(s.reverb) and 0 <= s.reverb <= 1, "--reverb takes a share of 0 to 1", s.reverb)
    _require(
        s.reverb_target in ("full", "early"), "--reverb-target is full or early", s.reverb_target
    )
    _require(s.seed >= 0, "--seed must be 0 or more", s.seed)
    if s.speaker_regex is not None:
        _check_regex(s.speaker_regex)


def _check_regex(expression: str) -> None:
    try:
        groups = re.compile(expression).groups
    except re.error as error:
        raise UserError(f"--speaker-regex {expression!r} is malformed: {error}.") from error
    if not groups:
        raise UserError(
            f"--speaker-regex {expression!r} has no group: put the part that names the speaker "
            "in parentheses."
        )


def _require_range(option: str, pair: tuple[float, ...], lowest: float, highest: float) -> None:
    _require(
        len(pair) == 2
        and all(_finite(v) for v in pair)
        and lowest <= pair[0] <= pair[1] <= highest,
        f"{option} takes a lower and an upper value of {lowest:g} to {highest:g}",
        pair,
    )


def _finite(value: float) -> bool:
    return math.isfinite(value)


def _require(condition: bool, message: str, value: object) -> None:
    if not condition:
        shown = " ".join(map(str, value)) if isinstance(value, tuple) else value
        raise UserError(f"{message}; it was given {shown}.")
