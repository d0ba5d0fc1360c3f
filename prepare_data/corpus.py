"""What a corpus is once its layout is recognised: recordings, each with its source."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path

from prepare_data.storage import file_state


@dataclass(frozen=True)
class Recording:
    """One file of a corpus.

    Attributes:
        path: relative to the corpus folder, with forward slashes.
        source: the speaker, or the noise's origin; splits keep sources apart.
        category: of a noise; empty for speech.
        fold: of a noise, where the corpus has folds.
    """

    path: str
    source: str
    category: str = ""
    fold: int | None = None


@dataclass
class Corpus:
    """A folder of recordings of one layout.

    Attributes:
        root: absolute path of the folder.
        name: of the folder, for people.
        layout: what was recognised, such as "speaker/file".
        recordings: sorted by path.
        train_only: whether all of it goes into train.
        synthetic: whether it is one of the built-in corpora.
    """

    root: Path
    name: str
    layout: str
    recordings: list[Recording] = field(default_factory=list)
    train_only: bool = False
    synthetic: bool = False

    @property
    def sources(self) -> set[str]:
        """The speakers or noise sources."""
        return {recording.source for recording in self.recordings}

    def fingerprint(self) -> str:
        """Return a hash of the recordings' paths, sources and sizes."""
        digest = hashlib.sha256()
        for recording in self.recordings:
            state = file_state(self.root / recording.path)
            size = -1 if state is None else state[0]
            line = f"{recording.path}\t{recording.source}\t{recording.category}\t{size}\n"
            digest.update(line.encode("utf-8", "surrogateescape"))
        return digest.hexdigest()[:16]

    def describe(self) -> str:
        """Say what was recognised, such as "251 speakers" or "10 categories in 4 folds"."""
        counts = [f"{len(self.recordings)} recordings", f"{len(self.sources)} sources"]
        if categories := {r.category for r in self.recordings if r.category}:
            counts.append(f"{len(categories)} categor{'y' if len(categories) == 1 else 'ies'}")
        if folds := {r.fold for r in self.recordings if r.fold is not None}:
            counts[-1] += f" in {len(folds)} folds"
        kind = "synthetic, " if self.synthetic else ""
        return f"{kind}{self.layout}: {', '.join(counts)}"
