"""`python -m waveform_unet_lru denoise`: live models, and unet-lru with the published recipe."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from enhancement.running.cli import add_denoise_arguments, denoise_command
from prepare_data.errors import UserError

if TYPE_CHECKING:
    from waveform_unet_lru.segments import Segments

SUMMARY = "denoise files and folders"
_WAVEFORM, _LIVE = "unet-lru", "live"
_DEFAULT = "small"
_BACKENDS = ("onnx", "torch")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `denoise`."""
    add_denoise_arguments(parser)
    add_model_arguments(parser)


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what can be said of segments, and of published networks."""
    recipe = parser.add_argument_group(
        "segments (default: one pass over the whole recording, at its own level)",
        "The published recipe brings a recording to full scale, splits it into segments, denoises "
        "each by itself and joins them. What it may do after that is --highpass and "
        "--normalize-dbfs.",
    )
    recipe.add_argument(
        "--segment-seconds", type=float, metavar="S", help="denoise segments of so many seconds"
    )
    recipe.add_argument(
        "--overlap-seconds",
        type=float,
        metavar="S",
        help="how much of a segment is shared with the next and faded into it; 0 joins them end "
        "to end (default: a tenth of a segment)",
    )
    recipe.add_argument(
        "--normalize-segments",
        action="store_true",
        help="bring each segment to a peak of 1 for the network, and back to its level afterwards",
    )
    live = parser.add_argument_group("live models")
    live.add_argument(
        "--backend", choices=_BACKENDS, help="what runs it (default: what the file is for)"
    )
    published = parser.add_argument_group("published networks (a .pt file)")
    published.add_argument(
        "--sample-rate",
        type=int,
        metavar="HZ",
        help="of the sound it was trained on (default: 16000)",
    )


def model_options(namespace: argparse.Namespace, model: str) -> dict[str, Any]:
    """Return what was said of a model, for its loader.

    Raises:
        UserError: if the segments are not possible, or something was said of the other model.
    """
    segments = _segments(namespace)
    if model != _LIVE:
        if namespace.backend is not None:
            raise UserError(f"--backend is for live models, and this is {model}.")
        return {"sample_rate": namespace.sample_rate, "segments": segments}
    if segments is not None or namespace.sample_rate is not None:
        raise UserError(
            "--segment-seconds and --sample-rate are for unet-lru; a live model needs neither."
        )
    return {"backend": namespace.backend}


def command(namespace: argparse.Namespace) -> int:
    """Run `denoise`.

    Raises:
        UserError: for wrong options, inputs or a model that cannot be loaded.
    """
    from enhancement.registry import model_of

    model = model_of(namespace.model or _DEFAULT, published=_WAVEFORM)
    return denoise_command(
        namespace, default_model=_DEFAULT, model_kind=model, **model_options(namespace, model)
    )


def _segments(namespace: argparse.Namespace) -> Segments | None:
    from waveform_unet_lru.segments import Segments

    if namespace.segment_seconds is not None:
        return Segments(
            namespace.segment_seconds, namespace.overlap_seconds, namespace.normalize_segments
        )
    lonely = {
        "--overlap-seconds": namespace.overlap_seconds is not None,
        "--normalize-segments": namespace.normalize_segments,
    }
    for option, given in lonely.items():
        if given:
            raise UserError(f"{option} says something of segments; add --segment-seconds S.")
    return None
