"""Lightning's tips and hints kept off the screen; its errors are not."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_LOGGERS = ("lightning", "lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities")
_HINTS = (
    r".*does not have many workers.*",
    r".*module\(s\) in eval mode at the start of training.*",
    r".*Consider increasing the value of the `num_workers`.*",
    r".*total length of `?DataLoader`? across ranks.*",
    r".*Your `IterableDataset` has `__len__` defined.*",
    r".*isinstance\(treespec, LeafSpec\).*",
    r".*resuming from a checkpoint that ended before the epoch ended.*",
    r".*Trying to infer the `batch_size`.*",
    r"Grad strides do not match bucket view strides.*",  # of 1x1 convolutions, a few kilobytes
)


@contextmanager
def hints_off() -> Iterator[None]:
    """Leave out Lightning's chatter in this context: information, tips, known warnings."""
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        for hint in _HINTS:
            warnings.filterwarnings("ignore", message=hint)
        try:
            for logger in loggers:
                logger.setLevel(logging.ERROR)
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
