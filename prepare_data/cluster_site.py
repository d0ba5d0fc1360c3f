"""What the machines of a cluster must have in common: recordings, the folder written, versions."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from prepare_data.collection import Collection
from prepare_data.files import explained, partial_path, write_whole
from prepare_data.storage import exists, file_state, is_remote, remove

_OURS = "prepare_data"


@dataclass(frozen=True)
class Site:
    """What a worker is asked for.

    Attributes:
        out: the data set's folder, absolute.
        recordings: one of each corpus, with its size in bytes.
        versions: of the packages that decide about the written bytes, this one included.
        mark: a file that the driver wrote into `out`; a folder of the same name on a worker's own
            disk does not have it.
    """

    out: Path
    recordings: tuple[tuple[Path, int], ...]
    versions: tuple[tuple[str, str], ...]
    mark: Path | None = None

    @classmethod
    def of(cls, collection: Collection, out: Path, packages: Sequence[str]) -> Site:
        """Describe this machine."""
        usables = [*collection.voices, *collection.noises]
        first = {usable.root: collection.path(usable) for usable in reversed(usables)}
        states = ((path, file_state(path)) for path in first.values())
        recordings = tuple((path, state[0]) for path, state in states if state is not None)
        return cls(out.absolute(), recordings, versions_here(tuple(packages)))

    @contextmanager
    def marked(self) -> Iterator[Site]:
        """Write the mark for as long as the block runs."""
        mark = partial_path(self.out / "cluster")
        with explained(mark):
            write_whole(mark, b"seen")
        try:
            yield replace(self, mark=mark)
        finally:
            with suppress(OSError):
                remove(mark) if is_remote(mark) else mark.unlink()


@lru_cache(maxsize=8)
def problem_at(site: Site) -> str:
    """Say why the machine that this runs on cannot render for a driver, or nothing if it can."""
    packages = tuple(name for name, _ in site.versions if name != _OURS)
    here = dict(versions_here(packages))
    for name, wanted in site.versions:
        if here[name] != wanted:
            return (
                f"has {name} {here[name]} and this machine has {wanted}, so its files might differ "
                "by a step of 16 bits: install the same versions"
            )
    if site.mark is not None and not exists(site.mark):
        return f"does not see the folder {site.out}: --out must lie on a file system that all share"
    for path, size in site.recordings:
        state = file_state(path)
        if state is None:
            return f"does not see {path}: the recordings must lie where all machines find them"
        if state[0] != size:
            return f"sees another file at {path}, of another size"
    return ""


@lru_cache(maxsize=8)
def versions_here(packages: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Return the versions of packages, and in place of our own a hash of its source."""
    found = []
    for name in packages:
        try:
            found.append((name, version(name)))
        except PackageNotFoundError:
            found.append((name, "not at all"))
    return (*found, (_OURS, _source_hash()))


def _source_hash() -> str:
    """Hash this package's modules: a checkout may change without its version."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]
