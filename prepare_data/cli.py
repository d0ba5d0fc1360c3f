"""`python -m prepare_data`: from a command line to a job, and the job."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prepare_data.cluster_options import SeveralMachines, refuse_elsewhere
from prepare_data.errors import UserError
from prepare_data.options import make_parser
from prepare_data.rooms_options import take_rooms

if TYPE_CHECKING:
    from prepare_data.settings import Settings


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
    options = vars(make_parser().parse_args(arguments))
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
