"""Write a data set: check what is there, render what is missing, finish the description."""

from __future__ import annotations

import csv
import io
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tqdm import tqdm

from prepare_data.collection import Collection
from prepare_data.dataset import DESCRIPTION_NAME, MANIFEST_NAME, read_description
from prepare_data.errors import UserError
from prepare_data.files import (
    explained,
    only_writer,
    remove_partial,
    write_json,
    write_whole,
)
from prepare_data.journal import Journal
from prepare_data.plan import Plan
from prepare_data.rendering import KINDS, Line, audio_bytes, manifest_line, picture_bytes, render
from prepare_data.settings import FORMAT_VERSION, SPLITS, Settings
from prepare_data.workers import worker_pool

SKIPPED_NAME = "skipped.csv"
_DECIDING_PACKAGES = ("numpy", "scipy", "soundfile", "soxr", "av", "pillow")  # for the same bytes


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


def sample_files(
    out: Path, split: str, sample_id: str, settings: Settings
) -> dict[tuple[str, str], Path]:
    """Return the paths of a sample's files, by (audio or spectrogram, kind)."""
    forms = {"audio": settings.audio_format}
    if settings.spectrograms:
        forms["spectrogram"] = "png"
    return {
        (form, kind): out / split / form / kind / f"{sample_id}.{suffix}"
        for form, suffix in forms.items()
        for kind in KINDS
    }


def build(
    collection: Collection,
    settings: Settings,
    out: Path,
    *,
    jobs: int = 1,
    overwrite: bool = False,
    quiet: bool = False,
) -> dict[str, Any]:
    """Write a data set into a folder, going on where an earlier run was stopped.

    Args:
        collection: see `prepare_data.collect`.
        settings: of the data set.
        out: its folder.
        jobs: worker processes; the files do not depend on it.
        overwrite: replace a data set made with other settings or recordings.
        quiet: show no progress.

    Returns:
        What was written into dataset.json, with `rendered` added: how many samples this run made.

    Raises:
        UserError: if the folder holds something else, a recording cannot be read, or the disk is
            full; what was written until then stays valid.
    """
    plan = Plan(collection, settings)
    description = describe(collection, settings)
    _refuse_corpus_folder(collection, out)
    with explained(out):
        out.mkdir(parents=True, exist_ok=True)
    with only_writer(out):
        _make_room(out, description, overwrite)
        write_skipped(collection, out)
        with Journal(out) as journal:
            missing = [i for i in range(len(plan)) if not _is_there(plan, i, journal, out)]
            if missing or not is_complete(out):
                write_json(out / DESCRIPTION_NAME, description)
                _make_folders(out, settings)
                _render_all(plan, missing, collection, journal, out, jobs=jobs, quiet=quiet)
                _finish(description, journal, len(plan), out, settings)
            else:
                description = read_description(out)
                journal.remove()
    return description | {"rendered": len(missing)}


def is_complete(out: Path) -> bool:
    """Return whether a folder holds a finished data set."""
    try:
        return bool(read_description(out).get("complete")) and (out / MANIFEST_NAME).exists()
    except UserError:
        return False


def describe(collection: Collection, settings: Settings) -> dict[str, Any]:
    """Return dataset.json as it stands before anything is rendered."""
    corpora = [
        {
            "kind": "speech" if index < collection.speech_corpora else "noise",
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
        "made_with": {name: version(name) for name in _DECIDING_PACKAGES},
        "settings": settings.to_json(),
        "corpora": corpora,
    }


def differences(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Name the settings and corpora in which two descriptions differ."""
    found = []
    for key in sorted(before["settings"].keys() | now["settings"].keys()):
        was, is_now = before["settings"].get(key), now["settings"].get(key)
        if was != is_now:
            found.append(f"{key} was {was} and is {is_now}")
    # By name and not by folder: the same recordings may have moved.
    relevant = ("kind", "layout", "train_only", "fingerprint")
    was, is_now = (
        {c["name"]: [c[key] for key in relevant] for c in d["corpora"]} for d in (before, now)
    )
    for name in sorted(was.keys() | is_now.keys()):
        if name not in was:
            found.append(f"corpus {name} is new")
        elif name not in is_now:
            found.append(f"corpus {name} is missing")
        elif was[name] != is_now[name]:
            found.append(f"corpus {name} has changed")
    return found


def _refuse_corpus_folder(collection: Collection, out: Path) -> None:
    for corpus in collection.corpora:
        if corpus.root.resolve() == out.resolve():
            raise UserError(f"--out {out} is the folder of the recordings; choose another.")


def _make_room(out: Path, description: dict[str, Any], overwrite: bool) -> None:
    """Refuse or remove what stands in the way."""
    if (out / DESCRIPTION_NAME).exists():
        earlier = read_description(out)  # another program's is refused, whatever the options say
        found = differences(earlier, description)
        if found and not overwrite:
            raise UserError(
                f"{out} holds a data set made otherwise ({'; '.join(found)}). Choose another "
                "--out, or replace it with --overwrite."
            )
        if found:
            _remove_data_set(out)
    elif any((out / split).exists() for split in SPLITS):
        raise UserError(
            f"{out} has folders named {', '.join(SPLITS)} but no {DESCRIPTION_NAME}, so they are "
            "not this program's to write into. Choose another --out."
        )


def _make_folders(out: Path, settings: Settings) -> None:
    """Make the folders of all samples, and remove what a killed run left half written there."""
    folders = {
        path.parent for split in SPLITS for path in sample_files(out, split, "0", settings).values()
    }
    with explained(out):
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
            remove_partial(folder)
        remove_partial(out)


def _remove_data_set(out: Path) -> None:
    with explained(out):
        for split in SPLITS:
            shutil.rmtree(out / split, ignore_errors=True)
        for file in [*out.glob("manifest*.jsonl"), out / SKIPPED_NAME, out / DESCRIPTION_NAME]:
            file.unlink(missing_ok=True)


def write_skipped(collection: Collection, out: Path) -> None:
    """Write skipped.csv: file and reason, a line each."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["file", "reason"])
    writer.writerows(sorted((str(path), reason) for path, reason in collection.skipped))
    write_whole(out / SKIPPED_NAME, text.getvalue().encode("utf-8", "surrogateescape"))


def _is_there(plan: Plan, index: int, journal: Journal, out: Path) -> bool:
    """Return whether a sample is in the journal and its files exist and are not empty."""
    sample_id = f"{index:06d}"
    if sample_id not in journal:
        return False
    paths = sample_files(out, plan.split_of(index), sample_id, plan.settings).values()
    there = all(path.exists() and path.stat().st_size > 0 for path in paths)
    if not there:
        journal.forget(sample_id)
    return there


def _render_all(
    plan: Plan,
    missing: Sequence[int],
    collection: Collection,
    journal: Journal,
    out: Path,
    *,
    jobs: int,
    quiet: bool,
) -> None:
    roots = tuple(collection.roots)

    def tasks() -> Iterator[RenderTask]:
        return (RenderTask(plan[i], roots, plan.settings, out) for i in missing)

    with worker_pool(min(jobs, len(missing))) as run:
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
