"""Results of an evaluation that can be relied on, or a sentence on what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from enhancement.evaluation.results import SCORES_NAME, SUMMARY_NAME, Results, read_results
from prepare_data.errors import UserError

_MEMBERS = {
    "systems": ("name", "kind", "source", "audio", "real_time_factor"),
    "metrics": ("name", "label", "unit", "digits", "better"),
    "clips": ("id", "noisy", "clean", "snr_db", "category", "corpus", "seconds", "sample_rate"),
    "rows": ("system", "by", "value", "clips", "metrics"),
    "failures": ("clip", "system", "metric", "reason"),
}
_MADE = ("when", "command", "seconds", "versions", "machine")
_DATA = ("kind", "path", "split")


def load_results(folder: Path) -> Results:
    """Read the results of an evaluation, whole.

    Raises:
        UserError: if there are none, they are damaged, or of a format not known here.
    """
    try:
        results = read_results(folder)
    except (KeyError, TypeError) as error:
        raise _damaged(folder / SUMMARY_NAME, f"it lacks {error}") from error
    path = folder / SUMMARY_NAME
    _check(path, "made", results.made, _MADE)
    _check(path, "data", results.data, _DATA)
    for part, keys in _MEMBERS.items():
        for member in getattr(results, part):
            _check(path, part, member, keys)
    if not results.clips or not results.systems:
        raise _damaged(path, "it has no clips or no systems")
    for row in results.scores:
        _check(folder / SCORES_NAME, "a row", row, ("clip", "system"))
    return results


def _check(path: Path, part: str, member: Any, keys: tuple[str, ...]) -> None:
    missing = [key for key in keys if not isinstance(member, Mapping) or key not in member]
    if missing:
        raise _damaged(path, f"{part} lacks {', '.join(missing)}")


def _damaged(path: Path, reason: str) -> UserError:
    return UserError(f"{path} is damaged: {reason}; run evaluate again.")
