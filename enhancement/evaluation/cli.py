"""What the models' `evaluate` commands share; nothing heavy is imported here."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prepare_data.errors import UserError

if TYPE_CHECKING:
    from enhancement.denoiser import Denoiser
    from enhancement.evaluation.gains import Ceiling
    from prepare_data.dataset import Sample

SUMMARY = "measure the gain in SI-SDR on a data set"


def add_evaluation_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `evaluate` to a parser."""
    parser.description = (
        "Measure how much the denoiser raises SI-SDR, by input SNR, over whole clips and over "
        "active speech alone, with 95 % intervals that resample speakers and noise sources."
    )
    add = parser.add_argument
    add("--data", type=Path, required=True, metavar="DIR", help="data set of prepare_data")
    add("--split", choices=("train", "val", "test"), default="val", help="(default: %(default)s)")
    add(
        "--model",
        metavar="NAME|PATH",
        help="checkpoint, or folder of a training run (default: the shipped weights)",
    )
    add("--limit", type=int, metavar="N", help="the first N samples only")
    add("--out", type=Path, metavar="JSON", help="write the numbers there too")


def chosen_samples(namespace: argparse.Namespace) -> list[Sample]:
    """Return the samples that the command line asks for.

    Raises:
        UserError: if there are none.
    """
    from itertools import islice

    from prepare_data.dataset import DataSet

    if namespace.limit is not None and namespace.limit < 1:
        raise UserError(f"--limit is {namespace.limit}; it must be 1 or more.")
    samples = list(islice(DataSet(namespace.data).samples(namespace.split), namespace.limit))
    if not samples:
        raise UserError(f"{namespace.data} has no samples in {namespace.split}.")
    return samples


def evaluate(
    namespace: argparse.Namespace,
    denoiser: Denoiser,
    *,
    ceiling: Ceiling | None = None,
    about: dict[str, Any] | None = None,
) -> int:
    """Measure a denoiser as the command line asks, and print the table.

    Args:
        namespace: parsed by a parser with `add_evaluation_arguments`.
        denoiser: any.
        ceiling: see `enhancement.evaluation.gains.measured`.
        about: what else to write to --out, plain types.

    Returns:
        0.

    Raises:
        UserError: if there are no samples, none can be measured, or --out cannot be written.
    """
    from tqdm import tqdm

    from enhancement.evaluation.gains import is_finite, measured, real_time_factor
    from enhancement.evaluation.intervals import table, text
    from prepare_data.files import write_json

    samples = chosen_samples(namespace)
    _make_room(namespace.out)
    progress = tqdm(samples, "denoising", disable=None)
    clips = list(measured(denoiser, progress, ceiling=ceiling))
    counted = [clip for clip in clips if is_finite(clip)]
    left_out = [clip["id"] for clip in clips if not is_finite(clip)]
    if not counted:
        raise UserError(
            f"none of the {len(clips)} samples can be measured: voice or result is silent."
        )
    rows, factor = table(counted), real_time_factor(clips)
    print(text(rows))
    _print_left_out(left_out)
    print(f"real-time factor {factor:.3g}")
    if namespace.out:
        plain = {"rows": rows, "left_out": left_out, "real_time_factor": factor}
        write_json(namespace.out, {**(about or {}), **plain})
    return 0


def _print_left_out(names: Sequence[str]) -> None:
    if names:
        print(f"left out, voice or result being silent ({len(names)}): {', '.join(names)}")


def _make_room(out: Path | None) -> None:
    """Make the folder of --out before the long work rather than fail after it."""
    from prepare_data.files import explained

    if out is None:
        return
    if out.is_dir():
        raise UserError(f"--out {out} is a folder; name a file in it, such as {out}/gains.json.")
    with explained(out):
        out.parent.mkdir(parents=True, exist_ok=True)
