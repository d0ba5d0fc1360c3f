"""`python -m waveform_unet_lru export`: a trained live model as an ONNX file."""

from __future__ import annotations

import argparse
from pathlib import Path

SUMMARY = "write a live model as ONNX"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `export`."""
    parser.description = (
        "Write the network of a trained live model as an ONNX file, which runs by numpy and "
        "onnxruntime alone. It is compared with PyTorch over 20 seconds first, and not written if "
        "they differ."
    )
    parser.add_argument(
        "checkpoint", metavar="RUN_OR_CHECKPOINT", help="a training run's folder or a checkpoint"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="to write, *.onnx")


def command(namespace: argparse.Namespace) -> int:
    """Run `export`.

    Raises:
        UserError: if the checkpoint cannot be used, its ONNX form computes something else, or the
            file cannot be written.
    """
    from enhancement.registry import checkpoint_path
    from waveform_unet_lru.live.export import export

    exported = export(checkpoint_path(namespace.checkpoint), namespace.out)
    print(
        f"{namespace.out}: {exported.nodes} operators, {exported.size / 1e6:.3g} MB, within "
        f"{exported.difference:.1e} of PyTorch"
    )
    return 0
