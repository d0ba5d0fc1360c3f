"""Train a model: `fit` builds Lightning's Trainer, runs it and leaves a run on disk."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from torch.utils.data import DataLoader, Dataset

from enhancement.checkpoints import check_model, load_published, load_strictly, load_weights
from enhancement.precision import chosen_precision
from enhancement.registry import checkpoint_path
from enhancement.training.display import Display
from enhancement.training.history import NAME as HISTORY
from enhancement.training.history import History
from enhancement.training.options import TrainingOptions
from enhancement.training.pilot import Pilot, epoch_progress, set_epoch, set_progress
from enhancement.training.quiet import hints_off
from enhancement.training.recorder import BEST, LAST, Recorder
from enhancement.training.run_folder import prepare_folder
from enhancement.training.sampling import (
    Share,
    steps_per_epoch,
    training_loader,
    validation_loader,
)
from enhancement.training.signals import Stopped, StopSignals
from enhancement.training.state import KEY, RESUME, RunState, read_resume
from enhancement.training.task import NonFiniteLoss, TrainingTask
from enhancement.training.trainer import averaging, build_trainer
from enhancement.training.workers import let_go, raised_by_worker
from prepare_data.errors import UserError
from prepare_data.memory import keep_freed_memory

# A step of training on a processor allocates and frees a gigabyte.
_KEPT_BYTES = (1 << 31) - 1


@dataclass(frozen=True)
class FitResult:
    """What a training run left.

    Attributes:
        best: the checkpoint with the lowest validation loss.
        last: the checkpoint of the last epoch.
        history: the table of epochs.
        stopped_early: whether time ended the run before its epochs did.
    """

    best: Path
    last: Path
    history: Path
    stopped_early: bool


def fit(
    task: TrainingTask,
    train: Dataset,
    val: Dataset,
    options: TrainingOptions,
    *,
    collate: Callable[[list[Any]], Any] | None = None,
) -> FitResult:
    """Train a model and leave a run in `options.out`.

    The folder gets config.json, history.csv, loss.png, samples.png, best.safetensors and
    last.safetensors (averaged weights), and resume.ckpt. Seed torch before the network is made;
    what training itself draws is seeded here.

    Args:
        task: the model's part; its network is trained in place and ends with averaged weights.
        train: map-style or iterable, items are dicts with "id"; a `set_epoch(epoch)` and a
            `set_progress(progress)`, how far the run is from 0 to 1, are called before each epoch
            where there are such. An item depends on its index and these alone, or a resumed run
            is not the same as one that was never stopped.
        val: the same; each item is used once an epoch.
        options: the settings of the run.
        collate: makes a batch of a list of items; torch's default if None.

    Returns:
        Where the results are.

    Raises:
        UserError: if the settings do not fit, the folder holds another run or cannot be written,
            a checkpoint cannot be used, or the loss becomes NaN or infinite.
        SystemExit: 130 after Ctrl-C, 143 after SIGTERM, when all is saved and said.
    """
    state = RunState(steps_per_epoch(train, options.samples_per_epoch, options.batch_size))
    history = History(options.out)
    resume = _resume_path(options)
    precision_before = None
    if resume is not None:
        precision_before = _take_up(resume, task, options, state, history)
    elif options.init is not None:
        _start_from(options.init, task)
    precision = chosen_precision(options.precision, before=precision_before)
    options = replace(options, precision=precision)
    keep_freed_memory(_KEPT_BYTES)
    try:
        stopped_early = _train(task, train, val, options, state, history, resume, collate)
    except BaseException as error:
        let_go(error)
        raise
    out = options.out
    return FitResult(out / BEST, out / LAST, out / HISTORY, stopped_early)


def _train(
    task: TrainingTask,
    train: Dataset,
    val: Dataset,
    options: TrainingOptions,
    state: RunState,
    history: History,
    resume: Path | None,
    collate: Callable[[list[Any]], Any] | None,
) -> bool:
    if state.finished and not _more_is_asked(options, state):
        _say(options, f"{options.out} has finished; more --epochs or --max-minutes would go on.")
        return state.position.epoch < options.epochs
    state.finished = False
    signals = StopSignals()
    display = Display(options, state)
    pilot = Pilot(options, state, signals)
    recorder = Recorder(options.out, state, history, display)
    try:
        with hints_off(), signals:
            # The order matters; each of these says why.
            trainer = build_trainer(
                options, [recorder, averaging(options.ema_decay), pilot, display]
            )
            if trainer.is_global_zero:
                prepare_folder(task, options, resume)
            pl.seed_everything(options.seed + trainer.global_rank, verbose=False)
            task.optimise_with(lr=options.lr, weight_decay=options.weight_decay)
            loaders = _loaders(train, val, options, state, trainer, collate)
            trainer.fit(task, *loaders, ckpt_path=resume, weights_only=True)
    except Stopped as stop:
        _exit(stop, options, state)
    except UserError as error:
        if plain := raised_by_worker(error):
            raise plain from error
        raise
    except NonFiniteLoss as error:
        _only_the_first_process_speaks()
        raise _non_finite(error, options, state) from error
    finally:
        display.close()
    return pilot.stopped_early


def _loaders(
    train: Dataset,
    val: Dataset,
    options: TrainingOptions,
    state: RunState,
    trainer: pl.Trainer,
    collate: Callable[[list[Any]], Any] | None,
) -> tuple[DataLoader, DataLoader]:
    share = Share(trainer.global_rank, trainer.world_size)
    pin_memory = trainer.strategy.root_device.type == "cuda"
    set_epoch(train, state.position.epoch)
    set_progress(train, epoch_progress(state, options, state.seconds))
    return (
        training_loader(
            train,
            options.batch_size,
            steps=state.steps,
            seed=options.seed,
            share=share,
            position=state.position,
            workers=options.workers,
            collate=collate,
            pin_memory=pin_memory,
        ),
        validation_loader(
            val,
            options.batch_size,
            seed=options.seed,
            share=share,
            workers=options.workers,
            collate=collate,
            pin_memory=pin_memory,
        ),
    )


def _resume_path(options: TrainingOptions) -> Path | None:
    if not options.resume:
        return None
    path = options.out if options.resume is True else options.resume
    return path / RESUME if not path.is_file() else path


def _take_up(
    path: Path, task: TrainingTask, options: TrainingOptions, state: RunState, history: History
) -> str | None:
    """Take over where a saved run stands; Lightning restores its own part itself.

    Returns:
        The precision that it was trained in, if it says so.
    """
    content = read_resume(path)
    saved = content[KEY]
    for name, now in (
        ("batch_size", options.batch_size),
        ("seed", options.seed),
        ("steps", state.steps),
    ):
        if saved[name] != now:
            what = "steps an epoch (--samples-per-epoch)" if name == "steps" else name
            raise UserError(
                f"{path} was made with another {what}, {saved[name]} instead of {now}; resume it "
                "with the same, or start anew from its weights with --init."
            )
    prefix = "network."
    weights = {
        name.removeprefix(prefix): tensor
        for name, tensor in content["state_dict"].items()
        if name.startswith(prefix)
    }
    load_strictly(task.network, weights, path)
    state.take(saved, content["global_step"])
    history.read(path.with_name(HISTORY), before=state.position.epoch)
    return saved.get("precision")


def _start_from(name_or_path: str, task: TrainingTask) -> None:
    path = checkpoint_path(name_or_path)
    if path.suffix == ".pt":
        task.start_from(load_published(path), path, {})
        return
    header, weights = load_weights(path)
    check_model(path, header, task.header({}).model)
    task.start_from(weights, path, header.config)


def _more_is_asked(options: TrainingOptions, state: RunState) -> bool:
    time_left = options.max_minutes is None or state.seconds < 60 * options.max_minutes
    return state.position.epoch < options.epochs and time_left


def _non_finite(error: NonFiniteLoss, options: TrainingOptions, state: RunState) -> UserError:
    good = "no checkpoint was written yet"
    if state.saved_step is not None:
        good = f"the last good checkpoint is {options.out / RESUME}, of step {state.saved_step}"
    ids = f" in the batch with the samples {', '.join(error.ids)}" if error.ids else ""
    return UserError(
        f"{error.what} not finite at step {error.step}{ids}; {good}. "
        "Look at these samples, or try a lower --lr or --precision 32-true."
    )


def _exit(stop: Stopped, options: TrainingOptions, state: RunState) -> None:
    """Say how to go on and end the program with the signal's exit code."""
    _only_the_first_process_speaks()
    if state.saved_step is None:
        line = "stopped before anything was saved; run the same command again."
    else:
        line = (
            f"stopped; {options.out / RESUME} holds step {state.saved_step}. Run the same command "
            "with --resume to go on."
        )
    print(line, file=sys.stderr)
    raise SystemExit(128 + stop.number) from None


def _only_the_first_process_speaks() -> None:
    """End the other processes, which stopped for the same reason, in silence.

    Without an error, because Lightning kills the first process when another one ends with one.
    """
    if pl.utilities.rank_zero_only.rank:
        raise SystemExit(0) from None


def _say(options: TrainingOptions, line: str) -> None:
    if not pl.utilities.rank_zero_only.rank:
        print(line)
