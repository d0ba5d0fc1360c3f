"""Command line: `python -m spectrogram_unet train|denoise|show|evaluate`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from enhancement.subcommands import run_subcommand

_COMMANDS = {
    "train": "spectrogram_unet.train",
    "denoise": "spectrogram_unet.command_line",
    "show": "spectrogram_unet.show",
    "evaluate": "spectrogram_unet.evaluation",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `python -m spectrogram_unet` and return its exit code."""
    return run_subcommand(
        arguments,
        package="spectrogram_unet",
        description="Train, use, look at and measure the spectrogram U-Net.",
        modules=_COMMANDS,
    )


if __name__ == "__main__":
    sys.exit(main())
