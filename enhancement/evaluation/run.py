"""An evaluation from its parts: what is there already is kept, the rest is run and measured."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter
from typing import Any

from enhancement.evaluation.clips import Clip, ClipSet, recordings_in
from enhancement.evaluation.fingerprints import fingerprint, of_package, stamp
from enhancement.evaluation.journal import Journal, open_journal
from enhancement.evaluation.measuring import Record, Task, crashed, estimate_stamp, run_task
from enhancement.evaluation.results import Results, score_row, write_results
from enhancement.evaluation.summary import Compared, Records, summary_rows
from enhancement.evaluation.systems import NOISY, System
from enhancement.metrics.catalog import Metric
from enhancement.pool import results_of
from prepare_data.errors import UserError
from prepare_data.files import explained, only_writer, remove_partial

_AUDIO = "audio"
_MEASURING = ("pesq", "pystoi", "speechmos")
_PACKAGES = (
    *("voice-from-noise", "numpy", "scipy", "soxr", "soundfile", "torch", "onnxruntime"),
    *_MEASURING,
    *("pyrnnoise", "noisereduce"),
)


@dataclass(frozen=True)
class Evaluation:
    """What to evaluate.

    Attributes:
        clips: to measure on.
        systems: to compare; the first is the untouched input.
        metrics: to measure by.
        out: the folder of the results.
        jobs: worker processes; 0 works in this one.
        reference: the name of the system that the others are set against, if any.
        command: that started it, for the record.
    """

    clips: ClipSet
    systems: Sequence[System]
    metrics: Sequence[Metric]
    out: Path
    jobs: int
    reference: str | None = None
    command: str = ""


def evaluate(evaluation: Evaluation) -> Results:
    """Run and measure what is missing, and write the results.

    Raises:
        UserError: if a system cannot be loaded, no clip can be measured, or the disk is full.
    """
    from tqdm import tqdm

    began = perf_counter()
    out = evaluation.out
    with explained(out):
        for system in evaluation.systems:
            folder = out / _AUDIO / system.name if system.runs_here else out
            folder.mkdir(parents=True, exist_ok=True)
    with only_writer(out), open_journal(out) as journal:
        remove_partial(out)
        tasks = _tasks(evaluation)
        missing = _missing(tasks, journal)
        done = len(tasks) - len(missing)
        with tqdm(total=len(tasks), initial=done, desc="evaluating", disable=None) as bar:
            results = results_of(run_task, missing, jobs=evaluation.jobs, crashed=crashed)
            for record in results:
                journal.add(record)
                bar.update()
        records = {(task.system.name, task.clip.id): _found(journal, task) for task in tasks}
        found = _results(evaluation, records, perf_counter() - began)
        write_results(found)
    if not any(row["by"] == "all" for row in found.rows):
        first = found.failures[0]
        raise UserError(
            f"none of the {len(found.clips)} clips can be measured for every system; the first, "
            f"{first['clip']} of {first['system']}: {first['reason']}; all are in {out}."
        )
    return found


def _tasks(evaluation: Evaluation) -> list[Task]:
    """Return a task for each system and clip, one system after the other."""
    measured_with = [
        of_package("enhancement.metrics"),
        *(_version(name) for name in _MEASURING),
        evaluation.clips.rate,
    ]
    tasks = []
    for system in evaluation.systems:
        folder = evaluation.out / _AUDIO / system.name
        if system.runs_here:
            remove_partial(folder)
        files = recordings_in(Path(system.source)) if system.kind == "folder" else {}
        for clip in evaluation.clips.clips:
            if system.kind == "untouched":
                estimate = None
            elif system.kind == "folder":
                estimate = files.get(clip.id)
            else:
                estimate = folder / f"{clip.id}.wav"
            tasks.append(
                Task(
                    system,
                    clip,
                    tuple(metric.name for metric in evaluation.metrics),
                    _fingerprint(system, clip, estimate, measured_with),
                    estimate,
                    evaluation.clips.rate,
                )
            )
    return tasks


def _fingerprint(
    system: System, clip: Clip, estimate: Path | None, measured_with: list[Any]
) -> str:
    files = [clip.noisy, clip.clean]
    if system.kind == "oracle":
        files.append(clip.noise)
    if system.kind == "folder":
        files.append(estimate)
    stamps = [stamp(file) for file in files]
    return fingerprint([system.kind, system.identity, stamps, measured_with])


def _missing(tasks: Sequence[Task], journal: Journal) -> list[Task]:
    """Return the tasks without a result, with what is known of them."""
    missing = []
    for task in tasks:
        record = journal.get(task.system.name, task.clip.id)
        if record is None or not _is_valid(record, task):
            missing.append(task)
        elif not _is_complete(record, task):
            missing.append(replace(task, known=record))
    return missing


def _is_valid(record: Record, task: Task) -> bool:
    """Return whether a record can stand; what failed may have done so for want of memory."""
    if record["fingerprint"] != task.fingerprint or _has_failed(record):
        return False
    return not task.system.runs_here or _has_estimate(record, task)


def _has_estimate(record: Record, task: Task) -> bool:
    """Return whether the estimate that was measured is there still."""
    if task.estimate is None or not task.estimate.is_file():
        return False
    return record.get("estimate") in (None, estimate_stamp(task.estimate))


def _is_complete(record: Record, task: Task) -> bool:
    tried = {metric for metric, _ in record["failures"]} | record["scores"].keys()
    return all(name in tried for name in task.metrics)


def _has_failed(record: Record) -> bool:
    """Return whether the clip failed as a whole, not in a metric only."""
    return any(metric is None for metric, _ in record["failures"])


def _found(journal: Journal, task: Task) -> Record:
    record = journal.get(task.system.name, task.clip.id)
    assert record is not None
    return record


def _results(evaluation: Evaluation, records: Records, seconds: float) -> Results:
    names = [metric.name for metric in evaluation.metrics]
    systems = [system.name for system in evaluation.systems]
    compared = Compared(
        evaluation.clips.clips, systems, names, records, NOISY, evaluation.reference
    )
    clips = [_plain_clip(clip, evaluation.clips.rate) for clip in evaluation.clips.clips]
    return Results(
        folder=evaluation.out,
        made=_made(evaluation.command, seconds),
        data={
            "kind": evaluation.clips.kind,
            "path": str(evaluation.clips.path.absolute()),
            "split": evaluation.clips.split,
            "clips": len(clips),
            "notes": list(evaluation.clips.notes),
        },
        systems=[_plain_system(evaluation, system, records) for system in evaluation.systems],
        metrics=[
            {name: getattr(metric, name) for name in ("name", "label", "unit", "digits", "better")}
            for metric in evaluation.metrics
        ],
        clips=clips,
        rows=summary_rows(compared),
        failures=compared.failures(),
        scores=[
            score_row(clip, records[system, clip["id"]], names)
            for clip in clips
            for system in systems
        ],
    )


def _plain_clip(clip: Clip, rate: int | None) -> dict[str, Any]:
    return {
        "id": clip.id,
        "noisy": str(clip.noisy.absolute()),
        "clean": str(clip.clean.absolute()) if clip.clean else None,
        "snr_db": clip.snr_db,
        "category": clip.category,
        "corpus": clip.corpus,
        "speaker": clip.speaker,
        "noises": list(clip.noises),
        "seconds": clip.seconds,
        "sample_rate": rate or clip.sample_rate,
    }


def _plain_system(evaluation: Evaluation, system: System, records: Records) -> dict[str, Any]:
    if system.kind == "untouched":
        audio = str(evaluation.clips.clips[0].noisy.absolute().parent)
    elif system.kind == "folder":
        audio = str(Path(system.source).absolute())
    else:
        audio = f"{_AUDIO}/{system.name}"
    return {
        "name": system.name,
        "kind": system.kind,
        "source": system.source,
        "audio": audio,
        "real_time_factor": _real_time_factor(evaluation.clips.clips, system, records),
    }


def _real_time_factor(clips: Sequence[Clip], system: System, records: Records) -> float | None:
    timed = [
        (took, clip.seconds)
        for clip in clips
        if (took := records[system.name, clip.id]["processing_seconds"]) is not None
    ]
    sound = sum(seconds for _, seconds in timed)
    return sum(took for took, _ in timed) / sound if sound else None


def _made(command: str, seconds: float) -> dict[str, Any]:
    versions = {"python": platform.python_version()}
    versions |= {name: found for name in _PACKAGES if (found := _version(name))}
    return {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command,
        "seconds": seconds,
        "versions": versions,
        "machine": f"{_processor()}, {os.cpu_count()} cores",
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
