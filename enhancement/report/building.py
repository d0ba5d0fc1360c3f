"""Put the report together: choose the clips, write their media, and last the page."""

from __future__ import annotations

import shutil
from collections.abc import Hashable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from enhancement.evaluation.clips import recordings_in
from enhancement.evaluation.results import Results
from enhancement.report.checking import load_results
from enhancement.report.choice import choose_clips
from enhancement.report.folder import ASSETS, CLIPS, PAGE, report_folder
from enhancement.report.media import ClipTask, Media, prepare_clip, slug
from enhancement.report.page import CLEAN, numbers
from enhancement.report.rendering import render_page
from prepare_data.errors import UserError
from prepare_data.files import explained, write_whole


def build_report(
    results: Path, out: Path | None = None, *, clips: int = 200, jobs: int | None = None
) -> Path:
    """Write a report; see `enhancement.report.build`.

    Args:
        results: the folder that `evaluate` wrote.
        out: the folder of the report.
        clips: how many to show at most.
        jobs: processes that prepare clips; all processors by default.

    Returns:
        The page.
    """
    if clips < 1:
        raise UserError(f"--clips is {clips}; it must be 1 or more.")
    if jobs is not None and jobs < 1:
        raise UserError(f"--jobs is {jobs}; it must be 1 or more.")
    evaluated = load_results(results)
    out = results / "report" if out is None else out
    choice = choose_clips(evaluated.clips, _gains(evaluated), clips)
    files = [_files(evaluated, system) for system in evaluated.systems]
    tasks = [_task(evaluated, out, files, position) for position in choice.shown]
    with report_folder(out):
        media = _prepared(tasks, jobs)
        _copy_assets(out)
        places = [task.folder.relative_to(out).as_posix() for task in tasks]
        page = render_page(evaluated, choice, list(zip(places, media, strict=True)))
        write_whole(out / PAGE, page.encode("utf-8", "backslashreplace"))
    return out / PAGE


def _gains(results: Results) -> dict[Hashable, dict[int, float]]:
    """Return how much each system gained in each metric, by the clip's position, more is better."""
    scores = {(row["clip"], row["system"]): numbers(row, results.metrics) for row in results.scores}
    untouched = next((s["name"] for s in results.systems if s["kind"] == "untouched"), None)
    judged = [s["name"] for s in results.systems if s["kind"] not in ("untouched", "oracle")]
    gains: dict[Hashable, dict[int, float]] = {}
    for position, clip in enumerate(results.clips):
        before = scores.get((clip["id"], untouched or ""), {})
        for system in judged:
            after = scores.get((clip["id"], system), {})
            for metric in results.metrics:
                name = metric["name"]
                low, high = before.get(name), after.get(name)
                if low is not None and high is not None:
                    gain = low - high if metric["better"] == "lower" else high - low
                    gains.setdefault((system, name), {})[position] = gain
    return gains


def _files(results: Results, system: Mapping[str, Any]) -> dict[str, Path]:
    """Return a system's files by clip."""
    if system["kind"] == "untouched":
        return {clip["id"]: results.folder / clip["noisy"] for clip in results.clips}
    folder = results.audio_folder(system["name"])
    return recordings_in(folder) if folder.is_dir() else {}


def _task(
    results: Results, out: Path, files: Sequence[Mapping[str, Path]], position: int
) -> ClipTask:
    clip = results.clips[position]
    names = [system["name"] for system in results.systems]
    sources = [of_system.get(clip["id"]) for of_system in files]
    clean = None
    if clip["clean"] is not None:
        clean = len(sources)
        names.append(CLEAN)
        sources.append(results.folder / clip["clean"])
    return ClipTask(
        folder=out / CLIPS / f"{position:04d}-{slug(clip['id'])}",
        sample_rate=clip["sample_rate"],
        seconds=clip["seconds"],
        names=tuple(f"{place}-{slug(name)}" for place, name in enumerate(names)),
        sources=tuple(sources),
        clean=clean,
    )


def _prepared(tasks: Sequence[ClipTask], jobs: int | None) -> list[Media]:
    from tqdm import tqdm

    from prepare_data.workers import usable_cpus, worker_pool

    jobs = min(jobs or usable_cpus(), len(tasks))
    with worker_pool(jobs) as run:
        return list(tqdm(run(prepare_clip, tasks), "clips", total=len(tasks), disable=None))


def _copy_assets(out: Path) -> None:
    with explained(out / ASSETS):
        for asset in (resources.files("enhancement.report") / "assets").iterdir():
            with resources.as_file(asset) as path:
                shutil.copyfile(path, out / ASSETS / path.name)
