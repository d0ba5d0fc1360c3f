"""`python -m waveform_unet_lru train`: train a waveform model, or a live one, on recordings."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from enhancement.training.options import (
    TrainingOptions,
    add_training_arguments,
    training_options,
)
from prepare_data.errors import UserError
from waveform_unet_lru.live import train as live

if TYPE_CHECKING:
    from waveform_unet_lru.dataset import WaveformPairs

SUMMARY = "train on the recordings of a data set or of a training pack"
_TO_BALANCE = 16  # recordings that the first weights are made for
_WAVEFORM = "unet-lru"
_MODELS = (_WAVEFORM, *live.MODELS)
_LOSSES = ("mse", "spectral", "multi")
_LOSS = "multi"
_FEATURES = (16, 32, 64, 128)
_DEFAULTS = TrainingOptions(out=Path("runs/unet-lru"), batch_size=8, lr=1e-3)
_TUNING_LR = 5e-4  # of live models that have been trained before
_SEGMENT_SECONDS = 1.0
_SHORTEST_SECONDS, _LONGEST_SECONDS = 0.1, 60.0


@dataclass(frozen=True)
class _ByModel:
    """A default that depends on --model, and on --init; it shows as all of them in the help."""

    waveform: Any
    live: Any
    tuned: Any = None

    def __str__(self) -> str:
        tuned = "" if self.tuned is None else f", {self.tuned} with --init"
        return f"{self.waveform}; {self.live} for live models{tuned}"

    def of(self, model: str | None, *, tuning: bool) -> Any:
        if model == _WAVEFORM:
            return self.waveform
        return self.tuned if tuning and self.tuned is not None else self.live


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `train`."""
    parser.description = (
        "Train a network with Linear Recurrent Units to recover the voice from the noisy voice: "
        "unet-lru, waveform to waveform over whole recordings, or a live model of one of the other "
        "names, frame by frame."
    )
    parser.add_argument(
        "--model",
        choices=_MODELS,
        help=f"which (default: that of --init, if it is given; {_WAVEFORM} if not)",
    )
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--data",
        type=Path,
        default=Path("data/processed"),
        metavar="DIR",
        help="data set, from python -m prepare_data (default: %(default)s)",
    )
    source.add_argument(
        "--pack",
        type=Path,
        metavar="FILE",
        help="training pack, from python -m prepare_data --pack FILE, for live models; mixtures "
        "are made without end, and 6000 of them are an epoch unless --samples-per-epoch says more "
        "or less",
    )
    parser.add_argument(
        "--segment-seconds",
        type=float,
        default=_ByModel(_SEGMENT_SECONDS, live.SEGMENT_SECONDS),
        metavar="S",
        help="length of the random stretches that it trains on (default: %(default)s)",
    )
    _add_waveform_arguments(parser)
    live.add_live_arguments(parser)
    add_training_arguments(parser, defaults=_DEFAULTS)
    parser.set_defaults(**_defaults_by_model())


def command(namespace: argparse.Namespace) -> int:
    """Run `train`.

    Raises:
        UserError: for wrong options or data.
    """
    if namespace.model is None:
        namespace.model = _model_to_start_from(namespace.init)
    for name, value in vars(namespace).items():
        if isinstance(value, _ByModel):
            setattr(namespace, name, value.of(namespace.model, tuning=bool(namespace.init)))
    options = training_options(namespace)
    if not _SHORTEST_SECONDS <= namespace.segment_seconds <= _LONGEST_SECONDS:
        raise UserError(
            f"--segment-seconds is {namespace.segment_seconds}; it must be {_SHORTEST_SECONDS} to "
            f"{_LONGEST_SECONDS}."
        )
    _refuse_options_of_others(namespace)
    if namespace.model == _WAVEFORM:
        best = _train_waveform(namespace, options)
    else:
        best = live.train_live(namespace, options, segment_seconds=namespace.segment_seconds)
    from lightning.pytorch.utilities import rank_zero_only

    if rank_zero_only.rank == 0:
        print(f"Denoise with it: python -m waveform_unet_lru denoise --model {best.parent} FILE")
    return 0


def _model_to_start_from(init: str | None) -> str | None:
    """Return the model of the weights to start from; None for a live one of whatever size."""
    if init is None:
        return _WAVEFORM
    from enhancement.registry import model_of

    return _WAVEFORM if model_of(init, published=_WAVEFORM) == _WAVEFORM else None


def _add_waveform_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(_WAVEFORM)
    group.add_argument(
        "--loss",
        choices=_LOSSES,
        default=_LOSS,
        help="what to make small: the squared error of the waveform, that of STFT magnitudes "
        "(phases are then free), or SNR and compressed spectra together (default: %(default)s)",
    )
    group.add_argument(
        "--features",
        type=int,
        nargs="+",
        default=_FEATURES,
        metavar="N",
        help="channels of the network's levels (default: 16 32 64 128, as published)",
    )


def _defaults_by_model() -> dict[str, _ByModel]:
    """Return the training options whose defaults are not the same for all models."""
    pairs = {
        field.name: _ByModel(getattr(_DEFAULTS, field.name), getattr(live.DEFAULTS, field.name))
        for field in fields(TrainingOptions)
    }
    pairs["lr"] = replace(pairs["lr"], tuned=_TUNING_LR)
    return {name: pair for name, pair in pairs.items() if pair.waveform != pair.live}


def _refuse_options_of_others(namespace: argparse.Namespace) -> None:
    if namespace.model == _WAVEFORM:
        given, others = live.live_options_given(namespace), "live models"
    else:
        standard = {"loss": _LOSS, "features": _FEATURES}
        given = [
            f"--{name}" for name, value in standard.items() if getattr(namespace, name) != value
        ]
        others = _WAVEFORM
    if given:
        raise UserError(
            f"{given[0]} is an option of {others}; leave it out with --model "
            f"{namespace.model or namespace.init}."
        )


def _train_waveform(namespace: argparse.Namespace, options: TrainingOptions) -> Path:
    """Train the published waveform network and return its best checkpoint."""
    if min(namespace.features) < 1:
        raise UserError(f"--features holds {min(namespace.features)}; 1 or more is wanted.")

    import torch

    from enhancement.training.driver import fit
    from waveform_unet_lru.start import start_from_input
    from waveform_unet_lru.task import WaveformTask

    train, val = (_pairs(namespace, split, options.seed) for split in ("train", "val"))
    live.check_rates(namespace.data, train.sample_rate, val.sample_rate)
    torch.manual_seed(options.seed)
    task = WaveformTask(namespace.features, loss=namespace.loss, sample_rate=train.sample_rate)
    few = [train[index]["noisy"] for index in range(min(_TO_BALANCE, len(train)))]
    start_from_input(task.network, torch.stack(few))
    return fit(task, train, val, options).best


def _pairs(namespace: argparse.Namespace, split: str, seed: int) -> WaveformPairs:
    from waveform_unet_lru.dataset import WaveformPairs

    folder = namespace.data / split / "audio"
    return WaveformPairs(folder, segment_seconds=namespace.segment_seconds, seed=seed)
