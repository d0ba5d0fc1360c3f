"""The command line's options for rooms."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from prepare_data.errors import UserError

_SHARE_WITH_RESPONSES = 0.5


def add_rooms(parser: argparse.ArgumentParser) -> None:
    """Add the group of options."""
    group = parser.add_argument_group("rooms")
    add = group.add_argument
    add(
        "--reverb",
        type=float,
        metavar="SHARE",
        help="share of the samples whose voice is heard in a room, simulated unless --rir is given "
        f"(default 0, and {_SHARE_WITH_RESPONSES:g} with --rir)",
    )
    add(
        "--rir",
        nargs="+",
        action="extend",
        default=[],
        metavar="DIR",
        help="folders of recorded room impulse responses, each channel of a file a response",
    )
    add(
        "--reverb-target",
        choices=("full", "early"),
        default="full",
        help="the voice to be learnt: in its room, or without what comes later than 50 ms after "
        "the direct sound, which then counts as noise (default full)",
    )


def take_rooms(options: dict[str, Any]) -> tuple[Path, ...]:
    """Take the folders of responses out of the options and fill in the share.

    Raises:
        UserError: if options contradict each other or rooms cannot be simulated.
    """
    from prepare_data.storage import as_path

    folders = tuple(map(as_path, options.pop("rir")))
    if options["reverb"] is None:
        options["reverb"] = _SHARE_WITH_RESPONSES if folders else 0.0
    if folders and options["reverb"] == 0:
        raise UserError("--rir gives rooms and --reverb 0 uses none of them: leave one out.")
    if options["reverb_target"] == "early" and options["reverb"] == 0:
        raise UserError("--reverb-target early needs rooms: add --reverb SHARE or --rir DIR.")
    if 0 < options["reverb"] <= 1 and not folders:  # another share is refused as a setting
        from prepare_data.rooms_simulated import require_simulator

        require_simulator()
    return folders
