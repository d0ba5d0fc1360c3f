"""The options of `python -m prepare_data` and what it prints."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prepare_data.cluster_options import SeveralMachines, add_cluster, refuse_elsewhere
from prepare_data.errors import UserError
from prepare_data.guard import Parser
from prepare_data.rooms_options import add_rooms, take_rooms

if TYPE_CHECKING:
    from prepare_data.settings import Settings

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


@dataclass(frozen=True)
class Job:
    """A command line, understood: what to read, what to make of it, where to put it."""

    speech: tuple[Path, ...]
    noise: tuple[Path, ...]
    out: Path
    settings: Settings
    rir: tuple[Path, ...]
    train_only: tuple[Path, ...]
    machines: SeveralMachines
    jobs: int
    plan_only: bool
    pack: Path | None
    overwrite: bool
    quiet: bool


def parse(arguments: Sequence[str] | None = None) -> Job:
    """Turn a command line into a `Job`.

    Raises:
        UserError: if an option or its value cannot be.
    """
    options = vars(_parser().parse_args(arguments))
    from prepare_data.settings import Settings
    from prepare_data.storage import as_path

    limits = options.pop("min_speech_snr_db")
    if limits is not None:
        if len(limits) > 2:
            raise UserError("--min-speech-snr-db takes one or two values: train, and val and test.")
        options["min_speech_snr_db"] = (limits[0], limits[-1])
    outside = {
        "machines": SeveralMachines.take(options),
        "speech": tuple(map(as_path, options.pop("speech"))),
        "noise": tuple(map(as_path, options.pop("noise"))),
        "out": as_path(options.pop("out")),
        "rir": take_rooms(options),
        "train_only": tuple(map(as_path, options.pop("train_only"))),
        "pack": options.pop("pack"),
    }
    for name in ("jobs", "plan_only", "overwrite", "quiet"):
        outside[name] = options.pop(name)
    if outside["jobs"] is None:
        from prepare_data.workers import usable_cpus

        outside["jobs"] = usable_cpus()
    if outside["jobs"] < 1:
        raise UserError(f"--jobs must be 1 or more; it was given {outside['jobs']}.")
    refuse_elsewhere(outside)
    return Job(settings=Settings.from_json(options), **outside)


def run(job: Job) -> int:
    """Do the job and print what was found and made."""
    from prepare_data.storage import remote_errors_said

    with remote_errors_said([*job.speech, *job.noise, *job.rir, job.out]):
        return _run(job)


def _run(job: Job) -> int:
    from prepare_data.building import build
    from prepare_data.collection import collect
    from prepare_data.demo import demo_corpus, is_demo_corpus
    from prepare_data.summary import describe_collection, describe_data_set

    started = time.monotonic()
    _refuse_wrong_paths(job)
    folders = {}
    for kind, given in (("speech", job.speech), ("noise", job.noise)):
        folders[kind] = given or (demo_corpus(kind, job.out),)
    collection = collect(
        folders["speech"],
        folders["noise"],
        job.settings,
        rooms=job.rir,
        train_only=job.train_only,
        excluded=job.out,
        jobs=job.jobs,
        quiet=job.quiet,
    )
    for corpus in collection.corpora:
        corpus.synthetic = is_demo_corpus(corpus.root, job.out)
    print(describe_collection(collection, job.settings))
    if job.pack is not None:
        from prepare_data.pack import write_pack

        size = write_pack(
            job.pack, collection, sample_rate=job.settings.sample_rate, quiet=job.quiet
        )
        print(f"training pack: {job.pack} ({size / 1e6:.0f} MB)")
    if job.plan_only:
        _write_plan(job, collection)
        return 0
    description = build(
        collection,
        job.settings,
        job.out,
        jobs=job.jobs,
        shard=job.machines.shard,
        scheduler=job.machines.scheduler,
        overwrite=job.overwrite,
        quiet=job.quiet,
    )
    seconds = time.monotonic() - started
    print(describe_data_set(job.out, description, seconds, shard=job.machines.shard))
    return 0


def _write_plan(job: Job, collection: Any) -> None:
    from prepare_data.building import write_skipped
    from prepare_data.files import explained
    from prepare_data.plan import Plan

    path = job.out / "plan.jsonl"
    partial = path.with_name(".plan.jsonl.0.partial")
    with explained(path):
        job.out.mkdir(parents=True, exist_ok=True)
        with open(partial, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(line) + "\n" for line in Plan(collection, job.settings))
        partial.replace(path)
    write_skipped(collection, job.out)
    print(f"plan: {path} (nothing was rendered)")


def _refuse_wrong_paths(job: Job) -> None:
    """Check every folder before any work is done."""
    from prepare_data.storage import is_remote

    if not is_remote(job.out) and job.out.exists() and not job.out.is_dir():
        raise UserError(f"--out {job.out} is a file; a folder is wanted.")
    for option, folders in (
        ("--speech", job.speech),
        ("--noise", job.noise),
        ("--rir", job.rir),
        ("--train-only", job.train_only),
    ):
        for folder in folders:
            if is_remote(folder):  # listing it will tell
                continue
            if not folder.exists():
                raise UserError(f"{option} {folder} does not exist.")
            if not folder.is_dir():
                raise UserError(f"{option} {folder} is a file; a folder is wanted.")


def _parser() -> argparse.ArgumentParser:
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
