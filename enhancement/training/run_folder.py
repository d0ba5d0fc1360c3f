"""A run's folder: never another run overwritten, and config.json."""

from __future__ import annotations

import platform
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from enhancement.training.history import NAME as HISTORY
from enhancement.training.options import TrainingOptions
from enhancement.training.recorder import BEST, LAST
from enhancement.training.state import RESUME
from enhancement.training.task import TrainingTask
from prepare_data.errors import UserError
from prepare_data.files import explained, remove_partial, write_json, write_whole


def prepare_folder(task: TrainingTask, options: TrainingOptions, resume: Path | None) -> None:
    """Make the run's folder and write config.json.

    Raises:
        UserError: if the folder holds another run or cannot be written.
    """
    out = options.out
    continued = resume is not None and resume.parent.resolve() == out.resolve()
    held = [name for name in (RESUME, BEST, LAST, HISTORY) if (out / name).exists()]
    if held and not continued:
        raise UserError(
            f"{out} already holds a run ({held[0]}); go on with it by --resume, or choose another "
            "folder with --out."
        )
    with explained(out):
        out.mkdir(parents=True, exist_ok=True)
    remove_partial(out)
    if resume is not None and not continued:
        best = resume.with_name(BEST)
        if best.is_file():
            write_whole(out / BEST, best.read_bytes())
    write_json(out / "config.json", _config(task, options))


def _config(task: TrainingTask, options: TrainingOptions) -> dict[str, Any]:
    header = task.header({})
    return {
        "model": header.model,
        "config": header.config,
        "sample_rate": header.sample_rate,
        "parameters": sum(weight.numel() for weight in task.network.parameters()),
        "training": {
            name: str(value) if isinstance(value, Path) else value
            for name, value in asdict(options).items()
        },
        "versions": {
            "python": platform.python_version(),
            "torch": str(torch.__version__),
            "lightning": version("lightning"),
        },
    }
