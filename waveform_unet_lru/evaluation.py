"""`python -m waveform_unet_lru evaluate`: SI-SDR gains on a split of a data set."""

from __future__ import annotations

import argparse

from enhancement.evaluation.cli import SUMMARY as SUMMARY
from enhancement.evaluation.cli import add_evaluation_arguments, evaluate


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `evaluate`."""
    add_evaluation_arguments(parser)


def command(namespace: argparse.Namespace) -> int:
    """Run `evaluate`.

    Raises:
        UserError: if the data set or the model cannot be used.
    """
    from waveform_unet_lru.pretrained import load_pretrained

    return evaluate(namespace, load_pretrained(namespace.model))
