"""`python -m waveform_unet_lru evaluate`: SI-SDR gains on a split of a data set."""

from __future__ import annotations

import argparse

from enhancement.evaluation.cli import SUMMARY as SUMMARY
from enhancement.evaluation.cli import add_evaluation_arguments, evaluate

_PUBLISHED = "unet-lru"
_SHIPPED = "live"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `evaluate`."""
    add_evaluation_arguments(parser)


def command(namespace: argparse.Namespace) -> int:
    """Run `evaluate`.

    Raises:
        UserError: if the data set or the model cannot be used.
    """
    from enhancement.registry import load_denoiser, model_of

    name_or_path = namespace.model or _SHIPPED
    model = model_of(name_or_path, published=_PUBLISHED)
    return evaluate(namespace, load_denoiser(name_or_path, model=model))
