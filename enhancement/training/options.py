"""What a person can ask of a training run; no torch is imported here."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, fields
from pathlib import Path

from prepare_data.errors import UserError
from prepare_data.workers import usable_cpus

PRECISIONS = ("auto", "32-true", "bf16-mixed", "16-mixed", "bf16-true")


@dataclass(frozen=True)
class TrainingOptions:
    """The settings of a training run.

    Attributes:
        epochs: how many at most; an epoch is `samples_per_epoch` samples.
        max_minutes: end after this time if the epochs take longer; None for no limit. The learning
            rate comes down in time.
        batch_size: samples a step over all devices together.
        lr: the highest learning rate.
        precision: of the arithmetic, one of `PRECISIONS`; auto is that of the run to go on with, or
            bf16-mixed where the machine computes in bfloat16 itself, 32-true elsewhere.
        devices: accelerators on this machine, or processes where there is none.
        nodes: machines.
        workers: processes that load data, on each device; 2 by default, or 1 where this process
            has one processor.
        seed: of the order of samples and of everything random in training.
        resume: go on with the run in `out`, or with the one in this folder or file.
        init: start from these weights: an installed model's name or a checkpoint.
        out: the run's folder.
        quiet: print a line an epoch and nothing else.
        samples_per_epoch: None for as many as the training set has.
        ema_decay: of the averaged weights, per step; 0 for no averaging.
        grad_clip: the largest norm of the gradient; 0 for no limit.
        weight_decay: of AdamW.
        warmup_steps: steps until the learning rate is up, a tenth of the run at most.
        log_every: steps between two updates of what is shown.
        tensorboard: write TensorBoard's files too.
    """

    epochs: int = 10
    max_minutes: float | None = None
    batch_size: int = 4
    lr: float = 3e-4
    precision: str = "auto"
    devices: int = 1
    nodes: int = 1
    workers: int = min(2, usable_cpus())
    seed: int = 0
    resume: bool | Path = False
    init: str | None = None
    out: Path = Path("runs/run")
    quiet: bool = False
    samples_per_epoch: int | None = None
    ema_decay: float = 0.999
    grad_clip: float = 1.0
    weight_decay: float = 0.01
    warmup_steps: int = 100
    log_every: int = 10
    tensorboard: bool = False

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "devices", "nodes", "log_every"):
            self._check(name, getattr(self, name) >= 1, "1 or more")
        for name in ("workers", "seed", "grad_clip", "weight_decay", "warmup_steps"):
            self._check(name, getattr(self, name) >= 0, "0 or more")
        for name in ("max_minutes", "samples_per_epoch"):
            value = getattr(self, name)
            self._check(name, value is None or value > 0, "more than 0")
        self._check("lr", self.lr > 0, "more than 0")
        self._check("ema_decay", 0 <= self.ema_decay < 1, "at least 0 and below 1")
        self._check("precision", self.precision in PRECISIONS, f"one of {', '.join(PRECISIONS)}")
        processes = self.devices * self.nodes
        self._check("batch_size", self.batch_size % processes == 0, f"a multiple of {processes}")

    def _check(self, name: str, right: bool, what: str) -> None:
        if not right:
            option = "--" + name.replace("_", "-")
            raise UserError(f"{option} is {getattr(self, name)}; it must be {what}.")


def add_training_arguments(parser: argparse.ArgumentParser, *, defaults: TrainingOptions) -> None:
    """Add the options of a training run to a command, with a model's own defaults."""
    group = parser.add_argument_group("training")

    def add(name: str, kind: type, text: str, metavar: str = "N") -> None:
        default = getattr(defaults, name.replace("-", "_"))
        shown = "" if default is None else " (default: %(default)s)"
        group.add_argument(
            f"--{name}", type=kind, default=default, metavar=metavar, help=text + shown
        )

    add("out", Path, "the run's folder", "DIR")
    add("epochs", int, "epochs at most")
    add("max-minutes", float, "end after this time, with the learning rate down", "M")
    add("batch-size", int, "samples a step, over all devices together")
    add("samples-per-epoch", int, "what an epoch is; the training set's size if not given")
    add("lr", float, "the highest learning rate", "RATE")
    add("weight-decay", float, "of AdamW", "X")
    add("warmup-steps", int, "steps until the learning rate is up, a tenth of the run at most")
    add("ema-decay", float, "of the averaged weights, a step", "X")
    add("grad-clip", float, "the largest norm of the gradient, 0 for no limit", "X")
    group.add_argument(
        "--precision",
        choices=PRECISIONS,
        default=defaults.precision,
        help="of the arithmetic; auto is bf16-mixed where the machine computes in bfloat16 itself, "
        "32-true elsewhere, and what it was before with --resume (default: %(default)s)",
    )
    add("devices", int, "accelerators on this machine, or processes where there is none")
    add("nodes", int, "machines")
    add("workers", int, "processes that load data, on each device")
    add("seed", int, "of everything random")
    group.add_argument(
        "--resume",
        nargs="?",
        type=Path,
        const=True,
        default=defaults.resume,
        metavar="PATH",
        help="go on with the run in --out, or with the one in PATH, whatever --init says",
    )
    group.add_argument(
        "--init",
        default=defaults.init,
        metavar="NAME|PATH",
        help="start from the weights of an installed model or a checkpoint",
    )
    add("log-every", int, "steps between two updates of what is shown")
    for name, text in (("quiet", "print a line an epoch"), ("tensorboard", "write its files too")):
        group.add_argument(
            f"--{name}", action="store_true", default=getattr(defaults, name), help=text
        )


def training_options(namespace: argparse.Namespace) -> TrainingOptions:
    """Return the options that a command line asked for.

    Raises:
        UserError: if a value is out of range.
    """
    return TrainingOptions(
        **{field.name: getattr(namespace, field.name) for field in fields(TrainingOptions)}
    )
