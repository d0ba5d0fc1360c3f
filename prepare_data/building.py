"""Write a data set: check what is there, render what is missing, finish the description."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tqdm import tqdm

from prepare_data.collection import Collection
from prepare_data.dataset import DESCRIPTION_NAME, read_description
from prepare_data.files import explained, write_json, write_whole
from prepare_data.journal import Journal
from prepare_data.output import (
    SKIPPED_NAME,
    identity,
    is_complete,
    make_folders,
    make_room,
    refuse_corpus_folder,
    sample_files,
)
from prepare_data.plan import Plan
from prepare_data.rendering import KINDS, Line, audio_bytes, manifest_line, picture_bytes, render
from prepare_data.settings import FORMAT_VERSION, SPLITS, Settings
from prepare_data.shards import Shard, one_at_a_time, only_writer_of, refuse_other_versions
from prepare_data.storage import exists, file_sizes, make_folder
from prepare_data.workers import Run, worker_pool

# Those that decide the bytes.
_DECIDING_PACKAGES = ("numpy", "scipy", "soundfile", "soxr", "av", "pillow", "isal")


@dataclass(frozen=True)
class RenderTask:
    """All that a worker needs to render one line; `roots` are the corpus folders."""

    line: Line
    roots: tuple[Path, ...]
    settings: Settings
    out: Path

    def files(self) -> dict[tuple[str, str], Path]:
        """Return the paths that the sample consists of, by (audio or spectrogram, kind)."""
        return sample_files(self.out, self.line["split"], self.line["id"], self.settings)

    def __call__(self) -> Line:
        """Render the line, write its files and return it with what was measured."""
        rendered = render(self.line, self.roots, self.settings)
        paths = self.files()
        for kind in KINDS:
            content = audio_bytes(rendered.audio[kind], self.settings)
            write_whole(paths["audio", kind], content)
        if self.settings.spectrograms:
            for kind, content in picture_bytes(rendered.audio, self.settings).items():
                write_whole(paths["spectrogram", kind], content)
        return manifest_line(self.line, rendered)


def build(
    collection: Collection,
    settings: Settings,
    out: Path,
    *,
    jobs: int = 1,
    shard: Shard | None = None,
    scheduler: str | None = None,
    overwrite: bool = False,
    quiet: bool = False,
) -> dict[str, Any]:
    """Write a data set into a folder, going on where an earlier run was stopped.

    Args:
        collection: see `prepare_data.collect`.
        settings: of the data set.
        out: its folder.
        jobs: worker processes; the files do not depend on it.
        shard: render these samples only, and leave the manifest to a run without a shard.
        scheduler: address of a Dask cluster that renders in place of this machine.
        overwrite: replace a data set made with other settings or recordings.
        quiet: show no progress.

    Returns:
        What was written into dataset.json, with `rendered` added, how many samples this run made,
        and `samples`, how many it answers for.

    Raises:
        UserError: if the folder holds something else, a recording cannot be read, or the disk is
            full; what was written until then stays valid.
    """
    plan = Plan(collection, settings)
    description = describe(collection, settings)
    wanted = shard.indices(len(plan)) if shard else range(len(plan))
    refuse_corpus_folder(collection, out)
    with explained(out):
        make_folder(out)
    with only_writer_of(out, shard):
        with one_at_a_time(out, shard):
            make_room(out, description, overwrite)
            write_skipped(collection, out)
            if shard:
                _join_others(shard, description, out)
        with Journal(out, shard, identity=identity(description)) as journal:
            size = file_sizes(out)
            missing = [i for i in wanted if not _is_there(plan, i, journal, out, size)]
            if missing or not (shard or is_complete(out)):
                write_json(out / DESCRIPTION_NAME, description)
                make_folders(out, settings, clear=shard is None)
                pool = _pool(min(jobs, len(missing)), scheduler, collection, settings, out)
                _render_all(plan, missing, collection, journal, out, pool=pool, quiet=quiet)
                if shard is None:
                    _finish(description, journal, len(plan), out, settings)
            elif is_complete(out):
                description = read_description(out)
                journal.remove()
    return description | {"rendered": len(missing), "samples": len(wanted)}


def describe(collection: Collection, settings: Settings) -> dict[str, Any]:
    """Return dataset.json as it stands before anything is rendered."""
    corpora = [
        {
            "kind": collection.kind(index),
            "name": corpus.name,
            "root": str(corpus.root),
            "layout": corpus.describe(),
            "synthetic": corpus.synthetic,
            "train_only": corpus.train_only,
            "fingerprint": corpus.fingerprint(),
        }
        for index, corpus in enumerate(collection.corpora)
    ]
    return {
        "format_version": FORMAT_VERSION,
        "complete": False,
        "made_with": {name: version(name) for name in _deciding(collection, settings)},
        "settings": settings.to_json(),
        "corpora": corpora,
    }


def _deciding(collection: Collection, settings: Settings) -> tuple[str, ...]:
    """Return the packages whose versions decide the bytes."""
    simulated = settings.reverb > 0 and not collection.responses
    return (*_DECIDING_PACKAGES, *(("pyroomacoustics",) if simulated else ()))


def _join_others(shard: Shard, description: dict[str, Any], out: Path) -> None:
    """Describe the data set for the shards that come after, or refuse to differ from it."""
    if exists(out / DESCRIPTION_NAME):
        refuse_other_versions(shard, read_description(out), description)
    else:
        write_json(out / DESCRIPTION_NAME, description)


def write_skipped(collection: Collection, out: Path) -> None:
    """Write skipped.csv: file and reason, a line each."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["file", "reason"])
    writer.writerows(sorted((str(path), reason) for path, reason in collection.skipped))
    write_whole(out / SKIPPED_NAME, text.getvalue().encode("utf-8", "surrogateescape"))


def _is_there(
    plan: Plan, index: int, journal: Journal, out: Path, size: Callable[[Path], int]
) -> bool:
    """Return whether a sample is in the journal and its files exist and are not empty."""
    sample_id = f"{index:06d}"
    if sample_id not in journal:
        return False
    paths = sample_files(out, plan.split_of(index), sample_id, plan.settings).values()
    there = all(size(path) > 0 for path in paths)
    if not there:
        journal.forget(sample_id)
    return there


def _pool(
    jobs: int, scheduler: str | None, collection: Collection, settings: Settings, out: Path
) -> AbstractContextManager[Run]:
    if scheduler is None:
        return worker_pool(jobs)
    from prepare_data.cluster import Site, cluster_pool

    packages = _deciding(collection, settings)
    return cluster_pool(scheduler, Site.of(collection, out, packages))


def _render_all(
    plan: Plan,
    missing: Sequence[int],
    collection: Collection,
    journal: Journal,
    out: Path,
    *,
    pool: AbstractContextManager[Run],
    quiet: bool,
) -> None:
    roots = tuple(collection.roots)
    folder = out.absolute()  # workers elsewhere have another working folder

    def tasks() -> Iterator[RenderTask]:
        return (RenderTask(plan[i], roots, plan.settings, folder) for i in missing)

    with pool as run:
        bar = tqdm(total=len(missing), desc="rendering", unit=" samples", disable=quiet or None)
        with bar:
            for line in run(_call, tasks()):
                journal.add(line)
                bar.update()


def _call(task: RenderTask) -> Line:
    return task()


def _finish(
    description: dict[str, Any], journal: Journal, samples: int, out: Path, settings: Settings
) -> None:
    """Write manifest.jsonl and the totals, then remove the journal."""
    counts: Counter[str] = Counter(dict.fromkeys((*SPLITS, "all"), 0))
    used: dict[str, dict[str, set[str]]] = {s: {"voice": set(), "noises": set()} for s in SPLITS}

    def visit(line: Line) -> None:
        counts.update((line["split"], "all"))
        for kind, sources in used[line["split"]].items():
            sources.update(entry["source"] for entry in line[kind])

    ids = (f"{i:06d}" for i in range(samples))
    journal.finish(ids, visit)
    seconds = settings.segment_samples / settings.sample_rate
    description["complete"] = True
    description["counts"] = dict(counts)
    description["seconds"] = {name: round(n * seconds, 3) for name, n in counts.items()}
    description["sources_used"] = {
        split: {kind: len(sources) for kind, sources in kinds.items()}
        for split, kinds in used.items()
    }
    write_json(out / DESCRIPTION_NAME, description)
    journal.remove()
