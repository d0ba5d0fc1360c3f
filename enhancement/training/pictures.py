"""loss.png and samples.png: what a run looks like.

Where matplotlib is not installed, as on a machine lent for training alone, there are no pictures.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from enhancement.training.history import Epoch
from prepare_data.files import write_whole

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_loss(path: Path, epochs: Sequence[Epoch]) -> None:
    """Draw the training and validation loss over the epochs.

    Raises:
        UserError: if the file cannot be written.
    """
    if not _can_draw():
        return
    from matplotlib.ticker import MaxNLocator

    figure = _figure(6, 4)
    axes = figure.add_subplot()
    numbers = [epoch.epoch for epoch in epochs]
    axes.plot(numbers, [epoch.train_loss for epoch in epochs], "o-", label="training", ms=3)
    axes.plot(numbers, [epoch.val_loss for epoch in epochs], "o-", label="validation", ms=3)
    axes.set_xlabel("epoch")
    axes.set_ylabel("loss")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend()
    _write(path, figure)


def write_samples(path: Path, samples: Sequence[tuple[str, Sequence[np.ndarray]]]) -> None:
    """Draw a grid of pictures, a row a sample.

    Args:
        path: of the PNG file.
        samples: captions, and grey pictures with values in [0, 1], 1 white, the first row on top.

    Raises:
        UserError: if the file cannot be written.
    """
    if not samples or not _can_draw():
        return
    columns = max(len(pictures) for _, pictures in samples)
    figure = _figure(3 * columns, 3.2 * len(samples))
    grid = figure.subplots(len(samples), columns, squeeze=False)
    for row, (caption, pictures) in zip(grid, samples, strict=True):
        row[0].set_title(caption, loc="left", fontsize=9)
        for axes in row:
            axes.axis("off")
        for axes, picture in zip(row, pictures, strict=False):
            axes.imshow(picture, cmap="gray", vmin=0, vmax=1, aspect="auto")
    _write(path, figure)


def _can_draw() -> bool:
    return find_spec("matplotlib") is not None


def _figure(width: float, height: float) -> Figure:
    # A figure of its own with the Agg canvas, not pyplot: no window system and no global state.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _write(path: Path, figure: Figure) -> None:
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=100)
    write_whole(path, content.getvalue())
