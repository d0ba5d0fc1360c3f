"""The options of `python -m prepare_data`."""

from __future__ import annotations

import argparse
from pathlib import Path

from prepare_data.cluster_options import add_cluster
from prepare_data.guard import Parser
from prepare_data.rooms_options import add_rooms

_DESCRIPTION = """\
Blend recordings of speech and noise into a data set for training denoisers: voice, noise and
noisy_voice as WAV and as spectrogram pictures, for train, val and test, with no speaker and no
noise source in two of them. Run again, it goes on where it was stopped."""

_EXAMPLES = """\
examples:
  python -m prepare_data --speech --noise                 built-in synthetic sounds, no recordings
  python -m prepare_data --speech LibriSpeech --noise ESC-50-master --samples 5000
  python -m prepare_data --speech hindi --noise ESC-50-master --sample-rate 8000 --seconds 5 \\
      --hop-length 512 --noise-level 0.2 0.8 --picture-scale own     the older recipe"""


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command line; nothing heavy is imported for it."""
    parser = Parser(
        prog="python -m prepare_data",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_corpora(parser)
    _add_contents(parser)
    add_rooms(parser)
    _add_pictures(parser)
    _add_quality(parser)
    _add_running(parser)
    add_cluster(parser)
    return parser


def _add_corpora(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("recordings")
    add = group.add_argument
    add(
        "--speech",
        nargs="*",
        required=True,
        metavar="DIR",
        help="folders of speech; none for the built-in synthetic voices",
    )
    add(
        "--noise",
        nargs="*",
        required=True,
        metavar="DIR",
        help="folders of noise; none for the built-in synthetic noises",
    )
    add(
        "--train-only",
        nargs="+",
        action="extend",
        default=[],
        metavar="DIR",
        help="corpora below these folders go into train only (no speaker ids, for instance)",
    )
    add(
        "--speaker-regex",
        metavar="REGEX",
        help="its first group finds the speaker in a recording's path below --speech",
    )
    add(
        "--noise-folds",
        nargs=2,
        type=int,
        metavar=("VAL", "TEST"),
        help="folds that become val and test, for noise that has folds (ESC-50: 1 to 5)",
    )


def _add_contents(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what a sample is")
    add = group.add_argument
    add(
        "--samples",
        nargs="+",
        type=int,
        default=[1000],
        metavar="N",
        help="how many, or three numbers for train, val and test (default 1000)",
    )
    add(
        "--split",
        nargs=3,
        type=float,
        default=[0.8, 0.1, 0.1],
        metavar=("TRAIN", "VAL", "TEST"),
        help="shares of the sources (default 0.8 0.1 0.1)",
    )
    add("--sample-rate", type=int, default=16_000, metavar="HZ", help="(default 16000)")
    add("--seconds", type=float, default=5.12, help="length of a sample (default 5.12)")
    add(
        "--snr-db",
        nargs=2,
        type=float,
        default=[-5.0, 20.0],
        metavar=("LOW", "HIGH"),
        help="signal-to-noise ratio of train (default -5 20)",
    )
    add(
        "--eval-snr-db",
        nargs="+",
        type=float,
        default=[-5.0, 0.0, 5.0, 10.0, 15.0, 20.0],
        metavar="DB",
        help="ratios of val and test, in equal numbers (default -5 0 5 10 15 20)",
    )
    add(
        "--level-dbfs",
        nargs=2,
        type=float,
        default=[-35.0, -15.0],
        metavar=("LOW", "HIGH"),
        help="RMS level of the mixture (default -35 -15)",
    )
    add(
        "--noises-per-sample",
        nargs=2,
        type=int,
        default=[1, 2],
        metavar=("FEWEST", "MOST"),
        help="(default 1 2)",
    )
    add(
        "--noise-level",
        nargs=2,
        type=float,
        metavar=("LOW", "HIGH"),
        help="blend by amplitude factor instead of SNR, as older recipes do (0.2 0.8)",
    )
    add("--audio-format", choices=("wav", "flac"), default="wav", help="16 bits (default wav)")
    add("--seed", type=int, default=0, help="decides every random choice (default 0)")


def _add_pictures(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("pictures")
    add = group.add_argument
    add(
        "--picture-scale",
        choices=("shared", "own"),
        default="shared",
        help="one scale for the three pictures of a sample, or each its own (default shared)",
    )
    add("--n-fft", type=int, default=1024, metavar="N", help="STFT window (default 1024)")
    add("--hop-length", type=int, metavar="N", help="STFT hop (default: a hundredth of a second)")
    add("--no-spectrograms", dest="spectrograms", action="store_false", help="write audio only")


def _add_quality(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what is good enough")
    add = group.add_argument
    add(
        "--min-speech-snr-db",
        nargs="+",
        type=float,
        metavar="DB",
        help="leave out speech less far above its own noise floor; a second value is for val and "
        "test (default: use all)",
    )
    add(
        "--min-activity",
        type=float,
        default=0.4,
        metavar="SHARE",
        help="least share of a sample's frames that hold speech (default 0.4)",
    )
    add(
        "--min-duration",
        type=float,
        default=0.1,
        metavar="SECONDS",
        help="shortest recording that is used (default 0.1)",
    )


def _add_running(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("running")
    add = group.add_argument
    add("--out", default="data/processed", metavar="DIR", help="(default data/processed)")
    add("--jobs", type=int, metavar="N", help="processes (default: one a processor)")
    add("--plan-only", action="store_true", help="write plan.jsonl and render nothing")
    add(
        "--pack",
        type=Path,
        metavar="FILE",
        help="also write all usable recordings into one training pack",
    )
    add("--overwrite", action="store_true", help="replace a data set of other settings in --out")
    add("--quiet", action="store_true", help="no progress bars")
