"""Other networks in the live model's place, at equal cost and with everything else alike.

`python benchmarks/compare_families.py FAMILY --pack FILE --steps N --out DIR` trains one of them
from the same training pack, with the same objective and by the same driver as
`python -m waveform_unet_lru train --model small` does, then prints the lowest validation loss and
the gain in SI-SDR on a split of a data set. Families:

- live: the live model as it is, a U-Net along frequency with Linear Recurrent Units along time;
- gated: the same with a gated recurrence in their place (De et al. 2024), whose factors depend on
  the input;
- waveform: a strided causal U-Net on the waveform with Linear Recurrent Units on all levels, after
  aTENNuate (Pei et al. 2024), with the same lag.

Sizes are chosen for equal multiplications a second, which are printed. What a multiplication costs
differs; so does what a training step takes.

Each trained for 20 minutes on a core of its own of an Intel Xeon (AMX), two at a time, with
`--steps 20000 --epochs 100 --max-minutes 20 --workers 0 --seed 0 --set blocks=4 mixing=linear` or
`mixing=attention` (nothing set for waveform); gains in SI-SDR are of the benchmark set's val split,
300 clips. One run each, and in SI-SDR the first three differ by less than the intervals are wide.

| family | MMAC/s | steps | processor | lowest validation loss | SI-SDR, dB |
|---|---|---|---|---|---|
| live, a linear map along frequency | 118 | 1761 | 18.0 min | 0.054 | 4.12 [2.74, 5.07] |
| live, attention along frequency | 158 | 1676 | 19.3 min | 0.036 | 4.52 [3.26, 5.44] |
| gated, with the linear map | 118 | 1497 | 18.1 min | 0.048 | 4.21 [2.89, 5.12] |
| waveform | 119 | 1673 | 19.3 min | 0.855 | 1.26 [0.56, 1.89] |

Attention takes a third more multiplications and, by onnxruntime, a third more time for a frame;
with three blocks it takes 8 % more than the linear map with four.

Sizes, by `python -m waveform_unet_lru train --model tiny`, seed 0, 20 minutes each on one core, 150
val clips: tiny as it is (24 channels, no residual convolutions, one block of width 32, a recurrence
over all bands; 4424 steps) against what it was (`--set channels=20 convolutions=1 width=24 blocks=2
full_band=0`; 4255 steps) gains 1.09 dB [0.73, 1.63] more in SI-SDR, 0.04 [0.01, 0.07] in WB-PESQ
and 0.019 [0.013, 0.028] in STOI. Of base, which was `--set channels=64 convolutions=2 bands=32
width=96 states=96 blocks=4 full_band=128`, only the lowest validation loss was measured, both
beside other work: 0.109 (549 steps), and 0.075 (1136 steps) with `--set mixing=linear blocks=6`.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from enhancement.training.options import (
    TrainingOptions,
    add_training_arguments,
    training_options,
)
from prepare_data.errors import UserError
from waveform_unet_lru.live import train as live

if TYPE_CHECKING:
    from families.registry import Family

_FAMILIES = ("live", "gated", "waveform")
_DEFAULTS = replace(live.DEFAULTS, out=Path("runs/families"), epochs=10)


def main(arguments: list[str] | None = None) -> int:
    """Train, measure and print; 2 where the command line asks for what cannot be."""
    options = _parser().parse_args(arguments)
    try:
        _compare(options)
    except UserError as error:
        print(f"compare_families: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("family", choices=_FAMILIES)
    add("--model", choices=live.MODELS, default="small", help="size of live and gated")
    add("--pack", type=Path, required=True, metavar="FILE", help="training pack")
    add("--steps", type=int, required=True, metavar="N", help="of training")
    add("--segment-seconds", type=float, default=live.SEGMENT_SECONDS, metavar="S")
    add("--data", type=Path, metavar="DIR", help="data set to measure gains on")
    add("--split", choices=("train", "val", "test"), default="val")
    add("--limit", type=int, metavar="N", help="the first N samples of the split only")
    live.add_live_arguments(parser)
    add_training_arguments(parser, defaults=_DEFAULTS)
    return parser


def _compare(namespace: Namespace) -> None:
    options = _options(namespace)
    from families.registry import FAMILIES

    family = FAMILIES[namespace.family](namespace.model, namespace.set or ())
    weights = sum(parameter.numel() for parameter in family.make().parameters())
    print(f"{family.name}: {family.macs / 1e6:.1f} MMAC/s, {weights / 1e3:.1f} k weights")
    best = live.train_on_mixtures(
        family.train_with, namespace, options, segment_seconds=namespace.segment_seconds
    )
    minutes = time.process_time() / 60
    lowest = _lowest(options.out)
    print(f"lowest validation loss {lowest:.5f} in {minutes:.1f} min of the processor's")
    if namespace.data is not None:
        _evaluate(family, best, namespace)


def _options(namespace: Namespace) -> TrainingOptions:
    """Return the run's options: as many epochs as asked for, of so many steps that they add up."""
    if namespace.steps < 1:
        raise UserError(f"--steps is {namespace.steps}; it must be 1 or more.")
    if namespace.samples_per_epoch is not None:
        raise UserError("--steps says how long an epoch is; leave out --samples-per-epoch.")
    options = training_options(namespace)
    epochs = min(options.epochs, namespace.steps)
    size = namespace.steps // epochs * options.batch_size
    return replace(options, epochs=epochs, samples_per_epoch=size)


def _lowest(out: Path) -> float:
    with open(out / "history.csv", encoding="utf-8") as file:
        return min(float(row["val_loss"]) for row in csv.DictReader(file))


def _evaluate(family: Family, best: Path, namespace: Namespace) -> None:
    from enhancement.checkpoints import load_strictly, load_weights
    from enhancement.evaluation.cli import evaluate

    network = family.make()
    load_strictly(network, load_weights(best)[1], best)
    about = {"data": namespace.data, "split": namespace.split, "limit": namespace.limit}
    evaluate(Namespace(**about, out=namespace.out / "gains.json"), family.denoiser(network.eval()))


if __name__ == "__main__":
    sys.exit(main())
