"""Command line: `python -m waveform_unet_lru train|denoise|stream|export|evaluate`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from enhancement.subcommands import run_subcommand

_COMMANDS = {
    "train": "waveform_unet_lru.train",
    "denoise": "waveform_unet_lru.command_line",
    "stream": "waveform_unet_lru.stream_command",
    "export": "waveform_unet_lru.export_command",
    "evaluate": "waveform_unet_lru.evaluation",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `python -m waveform_unet_lru` and return its exit code."""
    return run_subcommand(
        arguments,
        package="waveform_unet_lru",
        description="Train, use and measure the waveform models with Linear Recurrent Units.",
        modules=_COMMANDS,
    )


if __name__ == "__main__":
    sys.exit(main())
