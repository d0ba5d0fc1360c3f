"""From an address to a corpus in its place: fetch, check, unpack beside it, rename at the end."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from prepare_data.download.catalog import Archive
from prepare_data.download.fetching import fetch
from prepare_data.download.unpacking import unpack
from prepare_data.errors import UserError
from prepare_data.files import explained, only_writer


def corpus_folder(archive: Archive, to: Path) -> Path:
    """Return where a corpus goes."""
    return to / archive.folder


def is_there(archive: Archive, to: Path) -> bool:
    """Return whether a corpus is in its place already.

    Raises:
        UserError: if something else is.
    """
    folder = corpus_folder(archive, to)
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file, where the folder of {archive.name} should be.")
    with explained(folder):
        return folder.is_dir() and any(folder.iterdir())


def download(
    archive: Archive, to: str | Path, *, keep_archive: bool = False, quiet: bool = False
) -> Path:
    """Fetch a corpus, unless it is there; stopped at any moment, the next call goes on.

    Args:
        archive: one of `ARCHIVES`; mind its licence.
        to: the folder of all corpora.
        keep_archive: leave the archive in it.
        quiet: show no progress.

    Returns:
        The folder of the corpus.

    Raises:
        UserError: if it cannot be fetched, is not what was expected, is not safe to unpack, or if
            it cannot be written.
    """
    to = Path(to)
    folder = corpus_folder(archive, to)
    if is_there(archive, to):
        return folder
    # All on the file system of the target, where renaming is one step. Hidden, so that nothing
    # takes half a corpus for a whole one.
    work = to / f".{archive.name}.download"
    with explained(work):
        work.mkdir(parents=True, exist_ok=True)
    with only_writer(work):
        _refuse_full_disk(archive, work)
        packed = fetch(archive, work, quiet=quiet)
        _install(packed, archive, work / "unpacked", folder, quiet=quiet)
        with explained(to):
            if keep_archive:
                os.replace(packed, to / archive.file_name)
            shutil.rmtree(work)
    return folder


def _install(packed: Path, archive: Archive, unpacked: Path, folder: Path, *, quiet: bool) -> None:
    """Unpack beside the corpus's place and put it there; leave nothing half done."""
    shutil.rmtree(unpacked, ignore_errors=True)  # of a killed run
    try:
        unpack(
            packed,
            unpacked,
            most_bytes=archive.most_unpacked_bytes,
            most_entries=archive.most_entries,
            quiet=quiet,
        )
        with explained(folder):
            _put_in_place(unpacked, archive, folder)
    except BaseException:
        shutil.rmtree(unpacked, ignore_errors=True)
        raise


def _put_in_place(unpacked: Path, archive: Archive, folder: Path) -> None:
    """Rename the corpus into its place, last of all; what lies beside it in the archive, before."""
    tops = list(unpacked.iterdir())
    corpus = tops[0] / archive.inner if len(tops) == 1 else None
    if corpus is None or not corpus.is_dir():
        inside = "" if archive.inner == "." else f" with {archive.inner} in it"
        raise UserError(
            f"{archive.url} is not laid out as {archive.name} is: one folder{inside} was expected."
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    if corpus != tops[0]:
        for beside in tops[0].iterdir():
            place = folder.parent / beside.name
            if beside != corpus and not place.exists():
                os.replace(beside, place)
    os.replace(corpus, folder)


def _refuse_full_disk(archive: Archive, work: Path) -> None:
    """Say before the first byte that there is no room, rather than after an hour."""
    there = sum(path.stat().st_size for path in work.glob(f"{archive.file_name}*"))
    needed = archive.size_bytes - there + archive.unpacked_bytes
    free = shutil.disk_usage(work).free
    if free < needed:
        raise UserError(
            f"{work.parent} has {free / 1e9:.1f} GB free, and {archive.name} needs "
            f"{needed / 1e9:.1f} GB: free some space, or choose another folder with --to."
        )
