"""`python -m spectrogram_unet denoise`, and the options that say what a checkpoint does not."""

from __future__ import annotations

import argparse
from typing import Any

from enhancement.running.cli import add_denoise_arguments, denoise_command

SUMMARY = "denoise files and folders"
_MODEL_NAME = "spectrogram-unet"
_PUBLISHED = (
    ("sample-rate", int, "HZ", "of the sound it was trained on (default: 8000)"),
    ("n-fft", int, "N", "window of its STFT in samples (default: 1024)"),
    ("hop-length", int, "N", "its hop in samples (default: 512)"),
    ("seconds", float, "S", "of sound in one of its pictures (default: 5.12)"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `denoise`."""
    add_denoise_arguments(parser)
    add_model_arguments(parser)


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what can be said of the gain rule, and of published networks."""
    gain = parser.add_argument_group("gain rule (default: the checkpoint's)")
    gain.add_argument(
        "--rule",
        choices=("wiener", "subtraction"),
        help="with N the predicted noise and Y the noisy voice, wiener keeps 1 - beta (N/Y)^2 of "
        "a bin, subtraction the square root of that",
    )
    gain.add_argument("--beta", type=float, help="higher removes more")
    gain.add_argument(
        "--floor-db", type=float, metavar="DB", help="lowest gain of a bin, such as -20"
    )
    published = parser.add_argument_group(
        "published networks (a .pt file)",
        "Such a file does not say what its pictures were made of. Where each picture was scaled "
        "by its own extremes (own), the predicted noise is read on the noisy picture's range: its "
        "level is then a guess.",
    )
    for name, kind, metavar, text in _PUBLISHED:
        published.add_argument(f"--{name}", type=kind, metavar=metavar, help=text)
    published.add_argument("--picture-scale", choices=("own", "shared"), help="(default: own)")


def model_options(namespace: argparse.Namespace) -> dict[str, Any]:
    """Return what was said of the model, for its loader."""
    names = ["rule", "beta", "floor_db", "picture_scale"]
    names += [name.replace("-", "_") for name, *_ in _PUBLISHED]
    given = {name: getattr(namespace, name) for name in names}
    return {name: value for name, value in given.items() if value is not None}


def command(namespace: argparse.Namespace) -> int:
    """Run `denoise`.

    Raises:
        UserError: for wrong options, inputs or a model that cannot be loaded.
    """
    return denoise_command(
        namespace,
        default_model=_MODEL_NAME,
        model_kind=_MODEL_NAME,
        **model_options(namespace),
    )
