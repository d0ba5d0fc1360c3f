"""Parts of a data set that separate commands render, for batch queues.

Every `count`-th sample belongs to a shard, so that each has its share of every split. Shards write
into one folder, never the same file: a shard's lines go into a journal of its own, and the command
without a shard renders what none of them did and puts the manifest together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prepare_data.errors import UserError
from prepare_data.files import locked, only_writer

_FORM = re.compile(r"(\d{1,6})/(\d{1,6})")
_SETUP_NAME = ".lock.setup"


@dataclass(frozen=True)
class Shard:
    """Samples `number - 1`, `number - 1 + count`, `number - 1 + 2 count`, and so on.

    Attributes:
        number: from 1 to `count`.
        count: how many shards there are.
    """

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Read "3/16".

        Raises:
            UserError: if it is not such a pair.
        """
        match = _FORM.fullmatch(text)
        shard = cls(int(match[1]), int(match[2])) if match else cls(0, 0)
        if not 1 <= shard.number <= shard.count:
            raise UserError(
                f"--shard takes I/N with I from 1 to N, such as 3/16; it was given {text}."
            )
        return shard

    @property
    def name(self) -> str:
        """The shard in the names of its files."""
        return f"shard-{self.number}-of-{self.count}"

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def indices(self, samples: int) -> range:
        """Return the samples of the shard among the first `samples`."""
        return range(self.number - 1, samples, self.count)

    def holds(self, index: int) -> bool:
        """Return whether a sample belongs to the shard."""
        return index % self.count == self.number - 1


@contextmanager
def only_writer_of(out: Path, shard: Shard | None) -> Iterator[None]:
    """Keep others from writing the same data set, or the same shard of it.

    Raises:
        UserError: if another process is at it; a shard goes with other shards, and with nothing
            else.
    """
    if shard is None:
        with only_writer(out):
            yield
        return
    with (
        locked(out / ".lock", f"another process is writing {out} at this moment.", shared=True),
        locked(
            out / f".lock.{shard.name}",
            f"another process is writing shard {shard} of {out} at this moment.",
        ),
    ):
        yield


@contextmanager
def one_at_a_time(out: Path, shard: Shard | None) -> Iterator[None]:
    """Let shards that start together look at the folder and describe it one after the other."""
    if shard is None:
        yield
        return
    with locked(out / _SETUP_NAME, wait=True):
        yield


def refuse_other_versions(shard: Shard, earlier: dict[str, Any], now: dict[str, Any]) -> None:
    """Keep a shard from a machine that would render other bytes than those before it.

    Raises:
        UserError: if a package has another version than dataset.json says.
    """
    for name, version in now["made_with"].items():
        was = earlier["made_with"].get(name)
        if was != version:
            raise UserError(
                f"shard {shard} runs with {name} {version} and the data set was begun with "
                f"{name} {was}, whose bytes may differ; install that version here."
            )


def describe_shard(out: Path, shard: Shard, description: dict[str, Any], seconds: float) -> str:
    """Say what a shard rendered, and what is left to do."""
    samples, rendered = description["samples"], description["rendered"]
    return (
        f"\nshard {shard}: {samples} samples, {rendered} rendered in {seconds:.0f} s\n{out}\n"
        "When all shards are done, run the same command without --shard: it writes the manifest."
    )
