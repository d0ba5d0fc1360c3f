"""The options that spread one data set over several machines."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prepare_data.errors import UserError

if TYPE_CHECKING:
    from prepare_data.shards import Shard

_ADDRESS = re.compile(r"(tcp|tls|ws|wss)://([^/:\[\]]+|\[[0-9a-fA-F:]+\]):\d+")
_WAYS_OUT = {
    "overwrite": "remove the older data set before the shards start",
    "plan_only": "run it once without --shard",
    "pack": "write the pack once without --shard, with --plan-only",
}


@dataclass(frozen=True)
class SeveralMachines:
    """How a command shares its work with others.

    Attributes:
        shard: the part that it renders; None for all.
        scheduler: address of a Dask cluster that renders; None for this machine.
    """

    shard: Shard | None = None
    scheduler: str | None = None

    @classmethod
    def take(cls, options: dict[str, Any]) -> SeveralMachines:
        """Take the options of `add_cluster` out of a parsed command line.

        Raises:
            UserError: if a shard is malformed, or asked to do what one command alone may do.
        """
        text, scheduler = options.pop("shard"), options.pop("scheduler")
        if scheduler is not None and not _ADDRESS.fullmatch(scheduler):
            raise UserError(
                f"--scheduler takes an address such as tcp://host:8786; it was given {scheduler}."
            )
        if text is None:
            return cls(scheduler=scheduler)
        from prepare_data.shards import Shard

        for name, way_out in _WAYS_OUT.items():
            if options[name]:
                raise UserError(
                    f"--{name.replace('_', '-')} is not for a shard, because several run at once: "
                    f"{way_out}."
                )
        if not options["speech"] or not options["noise"]:
            raise UserError("--shard needs folders after --speech and --noise.")
        return cls(Shard.parse(text), scheduler)


def refuse_elsewhere(options: dict[str, Any]) -> None:
    """Refuse what is not done on a file system that is not this machine's.

    Raises:
        UserError: if a plan, a pack or the built-in sounds would be written there.
    """
    from prepare_data.storage import is_remote

    out, pack = options["out"], options["pack"]
    if pack is not None and ":/" in str(pack):
        raise UserError(f"--pack writes a file on this machine; it was given {pack}.")
    if not is_remote(out):
        return
    if options["plan_only"]:
        raise UserError(f"--plan-only writes into a folder of this machine; --out is {out}.")
    if not options["speech"] or not options["noise"]:
        raise UserError(f"the built-in sounds need a folder of this machine; --out is {out}.")


def add_cluster(parser: argparse.ArgumentParser) -> None:
    """Add them to a command line."""
    add = parser.add_argument_group("several machines").add_argument
    add(
        "--shard",
        metavar="I/N",
        help="render part I of N only, for batch queues; without it, what is missing is rendered "
        "and the manifest put together",
    )
    add(
        "--scheduler",
        metavar="ADDRESS",
        help="render on the Dask cluster of this scheduler, such as tcp://host:8786",
    )
