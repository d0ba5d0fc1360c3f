"""Train a live model from a training pack or a data set: `python -m waveform_unet_lru train`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from enhancement.training.options import TrainingOptions
from prepare_data.errors import UserError
from waveform_unet_lru.live import objective_options
from waveform_unet_lru.live.config import PRESETS, LiveConfig
from waveform_unet_lru.live.settings import with_settings

if TYPE_CHECKING:
    from enhancement.training.task import TrainingTask
    from waveform_unet_lru.live.data import Mixtures
    from waveform_unet_lru.live.task import LiveTask

MODELS = tuple(PRESETS)
_SETTINGS = tuple(field.name for field in fields(LiveConfig))
DEFAULTS = TrainingOptions(
    out=Path("runs/live"),
    epochs=50,
    batch_size=12,
    lr=2e-3,
    grad_clip=3.0,
    warmup_steps=500,
)
SEGMENT_SECONDS = 2.0
_LAST_SECONDS = 5.0
_PACK_EPOCH = 6000  # mixtures
_VALIDATION_MIXTURES = 240  # at most; a multiple of the ratios on the grid
_VALIDATION_SECONDS = 4.0
_VARIED, _PLAIN = "varied", "plain"


def add_live_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that only live models have, but for --pack."""
    group = parser.add_argument_group(f"live models ({', '.join(MODELS)})")
    group.add_argument(
        "--last-segment-seconds",
        type=float,
        metavar="S",
        help="length of the stretches in the last fifth of the run, so that slow memories learn "
        f"(default: {_LAST_SECONDS:g})",
    )
    group.add_argument(
        "--mixtures",
        choices=(_VARIED, _PLAIN),
        help="how much is made up beside what was recorded: many kinds of noise, speeds and rooms, "
        f"or little but coloured noise and babble (default: {_VARIED})",
    )
    group.add_argument(
        "--noise",
        type=Path,
        nargs="+",
        metavar="DIR",
        help="folders of noises of your own, recordings of any format, to be heard in half of the "
        "mixtures, beside the noises of --pack or --data",
    )
    group.add_argument(
        "--without",
        nargs="+",
        metavar="NAME",
        help="corpora and categories of noise in the pack that are left out, to measure on what "
        "the network has never met",
    )
    objective_options.add_objective_arguments(group)
    group.add_argument(
        "--final",
        action="store_true",
        help="train on the recordings of val too, for a last run by a recipe that is fixed; its "
        "validation loss is then of recordings that it has heard",
    )
    group.add_argument(
        "--set",
        nargs="+",
        action="extend",
        metavar="FIELD=VALUE",
        help=f"make the network other than --model says: {', '.join(_SETTINGS)}; for instance "
        "--set mixing=linear blocks=6; with --init, another window and more blocks, states and "
        "full_band are begun from what the weights know",
    )


def live_options_given(namespace: argparse.Namespace) -> list[str]:
    """Return the options on a command line that only live models have."""
    names = (
        "pack",
        "last_segment_seconds",
        "mixtures",
        "noise",
        *objective_options.OPTIONS,
        "set",
    )
    given = [name for name in names if getattr(namespace, name) is not None]
    given += ["final"] if namespace.final else []
    return ["--" + name.replace("_", "-") for name in given]


def check_rates(data: Path, train_rate: int, val_rate: int) -> None:
    """Refuse a data set whose splits differ in sample rate.

    Raises:
        UserError: if they do.
    """
    if val_rate != train_rate:
        raise UserError(
            f"{data} has {train_rate} Hz in train and {val_rate} in val; both need the same."
        )


def train_live(
    namespace: argparse.Namespace, options: TrainingOptions, *, segment_seconds: float
) -> Path:
    """Train a live model as a command line asks for.

    Args:
        namespace: with `model` (a preset's name, or None for the size of the weights in `init`),
            `pack`, `data` and the options of `add_live_arguments`.
        options: of the run.
        segment_seconds: length of the stretches until the last fifth.

    Returns:
        The run's best checkpoint.

    Raises:
        UserError: for wrong options or data.
    """
    config = with_settings(_size(namespace), namespace.set or ())

    def make_task(**settings: Any) -> LiveTask:
        from waveform_unet_lru.live.task import LiveTask

        return LiveTask(config, **settings)

    return train_on_mixtures(make_task, namespace, options, segment_seconds=segment_seconds)


def train_on_mixtures(
    make_task: Callable[..., TrainingTask],
    namespace: argparse.Namespace,
    options: TrainingOptions,
    *,
    segment_seconds: float,
) -> Path:
    """Train any network on the live model's data with its objective.

    Args:
        make_task: called with the settings of a `LiveTask`, when torch is seeded.
        namespace: see `train_live`, whose `model` and `set` are not asked for.
        options: of the run.
        segment_seconds: length of the stretches until the last fifth.

    Returns:
        The run's best checkpoint.

    Raises:
        UserError: for wrong options or data.
    """
    if options.precision == "bf16-true":
        raise UserError(
            "--precision bf16-true would round the sound itself to 8 bits; use bf16-mixed."
        )
    objective_options.windows_and_log(namespace)  # refused before torch is imported
    last_seconds = namespace.last_segment_seconds
    last_seconds = _LAST_SECONDS if last_seconds is None else last_seconds
    if not segment_seconds <= last_seconds <= 60:
        raise UserError(
            f"--last-segment-seconds is {last_seconds}; it must be --segment-seconds, "
            f"{segment_seconds}, to 60."
        )
    import torch

    from enhancement.training.driver import fit

    train, val = _data(namespace, options, (segment_seconds, last_seconds))
    check_rates(namespace.data, train.sample_rate, val.sample_rate)
    torch.manual_seed(options.seed)
    task = make_task(
        sample_rate=train.sample_rate,
        objective=objective_options.chosen_objective(namespace),
        about=_about(namespace),
    )
    return fit(task, train, val, options).best


def _size(namespace: argparse.Namespace) -> LiveConfig:
    if namespace.model is not None:
        return PRESETS[namespace.model]
    from enhancement.registry import checkpoint_path
    from waveform_unet_lru.live.checkpoint import read_config

    return read_config(checkpoint_path(namespace.init))


def _data(
    namespace: argparse.Namespace, options: TrainingOptions, seconds: tuple[float, float]
) -> tuple[Mixtures, Mixtures]:
    from waveform_unet_lru.live.data import PackMixtures, SetMixtures
    from waveform_unet_lru.live.draws import PLAIN, VALIDATION, Ranges, more_recorded

    first, last = seconds
    ranges = PLAIN if namespace.mixtures == _PLAIN else Ranges()
    train = {"seconds": first, "last_seconds": last, "ranges": ranges, "seed": options.seed}
    # Always the same, so that runs of other seeds can be compared.
    val = {"seconds": _VALIDATION_SECONDS, "ranges": VALIDATION, "seed": 0}
    if namespace.noise:
        from waveform_unet_lru.live.own_noises import read_noises

        train["ranges"] = more_recorded(ranges)
        train["noises"], val["noises"] = read_noises(namespace.noise, _rate(namespace))
    without = tuple(namespace.without or ())
    if namespace.pack is None:
        if without:
            raise UserError("--without leaves recordings of a pack out; it needs --pack FILE.")
        if namespace.final:
            raise UserError("--final takes recordings of a pack in; it needs --pack FILE.")
        return (
            SetMixtures(namespace.data, "train", **train),
            SetMixtures(namespace.data, "val", **val),
        )
    size = options.samples_per_epoch or _PACK_EPOCH
    splits = "train+val" if namespace.final else "train"
    return (
        PackMixtures(namespace.pack, splits, size=size, without=without, **train),
        PackMixtures(
            namespace.pack, "val", size=min(size, _VALIDATION_MIXTURES), without=without, **val
        ),
    )


def _about(namespace: argparse.Namespace) -> dict[str, Any]:
    """Return what a checkpoint says about the data."""
    about: dict[str, Any] = {"mixtures": namespace.mixtures or _VARIED}
    if namespace.noise:
        about["noise"] = [folder.name for folder in namespace.noise]
    if namespace.without:
        about["without"] = list(namespace.without)
    if namespace.final:
        about["final"] = True
    return about


def _rate(namespace: argparse.Namespace) -> int:
    """Return the sample rate of the pack or of the data set."""
    from prepare_data.dataset import DataSet
    from prepare_data.pack import Pack

    if namespace.pack is not None:
        return Pack(namespace.pack).sample_rate
    return DataSet(namespace.data).settings.sample_rate
