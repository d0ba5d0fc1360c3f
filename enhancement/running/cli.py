"""The command line that every model shares for denoising files; nothing heavy is imported here."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from prepare_data.errors import UserError

DEFAULT_MODEL = "spectrogram-unet"
SUMMARY = "denoise files and folders with any model"

_DESCRIPTION = """\
Remove the noise from recordings of speech. Takes files and folders (in depth) of any format, rate
and number of channels; writes the same structure, format, rate, channels and length. Memory does
not grow with the length of a recording. Results that are there already are kept."""


def add_denoise_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `denoise` to a parser."""
    parser.description = _DESCRIPTION
    parser.add_argument("inputs", nargs="+", type=Path, metavar="IN", help="files and folders")
    parser.add_argument(
        "--model",
        metavar="NAME|PATH",
        help="name of a model, a checkpoint or the folder of a training run (default: the weights "
        "that ship with this package)",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("denoised"), metavar="DIR", help="default: ./denoised"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace results from before")
    parser.add_argument(
        "--jobs",
        type=int,
        default=1,
        metavar="N",
        help="denoise N files at once, in processes with a model each (default: %(default)s)",
    )
    _add_effects(parser.add_argument_group("after denoising, in this order (off by default)"))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `python -m enhancement denoise`."""
    add_denoise_arguments(parser)


def command(namespace: argparse.Namespace) -> int:
    """Run `python -m enhancement denoise`."""
    return denoise_command(namespace, default_model=DEFAULT_MODEL, model_kind=None)


def denoise_command(
    namespace: argparse.Namespace,
    *,
    default_model: str,
    model_kind: str | None,
    **loader_options: Any,
) -> int:
    """Denoise what a command line names.

    Args:
        namespace: parsed by a parser with `add_denoise_arguments`.
        default_model: name or path of the model where --model was not given.
        model_kind: which model a checkpoint without a header belongs to; None if that is unknown.
        loader_options: handed to the model's loader.

    Returns:
        0, or 1 if some recordings were skipped because of errors.

    Raises:
        UserError: for wrong options, inputs or a model that cannot be loaded.
    """
    from functools import partial

    from enhancement.registry import load_denoiser
    from enhancement.running.effects import Effects
    from enhancement.running.runner import Job, run

    if namespace.jobs < 1:
        raise UserError(f"--jobs is {namespace.jobs}; it must be 1 or more.")
    effects = Effects(
        attenuation_limit_db=namespace.attenuation_limit_db,
        mix=namespace.mix,
        highpass_hz=namespace.highpass,
        normalize_dbfs=namespace.normalize_dbfs,
    )
    job = Job(tuple(namespace.inputs), namespace.out, effects, namespace.overwrite, namespace.jobs)
    name = namespace.model or default_model
    return run(job, partial(load_denoiser, name, model=model_kind, **loader_options))


def _add_effects(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--attenuation-limit-db",
        type=float,
        metavar="DB",
        help="turn nothing down by more than this: the input stays audible at -DB",
    )
    group.add_argument(
        "--mix", type=float, default=1.0, metavar="SHARE", help="1 denoised (default), 0 noisy"
    )
    group.add_argument(
        "--highpass", type=float, metavar="HZ", help="remove rumble below this frequency"
    )
    group.add_argument(
        "--normalize-dbfs",
        type=float,
        metavar="DBFS",
        help="bring the active speech level (ITU-T P.56) of each file to this, such as -26",
    )
