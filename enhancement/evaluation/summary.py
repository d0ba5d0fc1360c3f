"""Means by system and group, with intervals and paired differences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from enhancement.evaluation.clips import Clip
from enhancement.evaluation.intervals import bootstrap_intervals, bootstrap_weights
from enhancement.evaluation.measuring import Record

_MOST_SNRS = 12  # more of them are gathered in steps
_STEP_DB = 5.0

Records = Mapping[tuple[str, str], Record]
"""Results by system and clip."""


@dataclass(frozen=True)
class Compared:
    """What is compared with what.

    Attributes:
        clips: all of them.
        systems: names, in the order of tables.
        metrics: names.
        records: the results.
        untouched: the system that gains are over.
        reference: the system that the others are set against, if any.
    """

    clips: Sequence[Clip]
    systems: Sequence[str]
    metrics: Sequence[str]
    records: Records
    untouched: str
    reference: str | None = None

    def common_clips(self) -> list[Clip]:
        """Return the clips for which every system has every metric."""
        return [
            clip
            for clip in self.clips
            if all(
                name in self.records[system, clip.id]["scores"]
                for system in self.systems
                for name in self.metrics
            )
        ]

    def failures(self) -> list[dict[str, Any]]:
        """Return what went wrong, clip by clip."""
        return [
            {"clip": clip.id, "system": system, "metric": metric, "reason": reason}
            for clip in self.clips
            for system in self.systems
            for metric, reason in self.records[system, clip.id]["failures"]
            if metric is None or metric in self.metrics
        ]


def summary_rows(compared: Compared) -> list[dict[str, Any]]:
    """Return a row for each system and group of clips: all, and those alike in what is known.

    Only clips that every system has count, so that the means compare. Intervals are of 95 %, and
    resample speakers and noise sources; see `intervals.bootstrap_weights`.
    """
    clips = compared.common_clips()
    values = np.array(
        [
            [
                [compared.records[system, clip.id]["scores"][name] for name in compared.metrics]
                for system in compared.systems
            ]
            for clip in clips
        ]
    )
    rows = []
    for by, value, chosen in _groups(clips):
        rows += _rows(compared, by, value, [clips[index] for index in chosen], values[chosen])
    return rows


def _groups(clips: Sequence[Clip]) -> Iterator[tuple[str, Any, list[int]]]:
    """Yield what groups are by, their value and the clips' places."""
    if clips:
        yield "all", None, list(range(len(clips)))
    snrs = _gathered([clip.snr_db for clip in clips])
    for by, values in (
        ("snr_db", snrs),
        ("category", [clip.category for clip in clips]),
        ("corpus", [clip.corpus for clip in clips]),
    ):
        for value in sorted({value for value in values if value is not None}):
            yield by, value, [index for index, own in enumerate(values) if own == value]


def _gathered(snrs_db: Sequence[float | None]) -> list[float | None]:
    """Round to steps where there are too many different ones for a table."""
    if len({snr for snr in snrs_db if snr is not None}) <= _MOST_SNRS:
        return list(snrs_db)
    return [None if snr is None else _STEP_DB * round(snr / _STEP_DB) for snr in snrs_db]


def _rows(
    compared: Compared, by: str, value: Any, clips: Sequence[Clip], values: np.ndarray
) -> list[dict[str, Any]]:
    """Return the rows of a group; `values` has shape (clips, systems, metrics)."""
    weights = bootstrap_weights([clip.speaker for clip in clips], [clip.noises for clip in clips])
    means = _Means(values, weights)
    place = {system: index for index, system in enumerate(compared.systems)}
    gains = _Means(values - values[:, [place[compared.untouched]]], weights)
    rows: list[dict[str, Any]] = []
    for index, system in enumerate(compared.systems):
        entries = means.entries(index, compared.metrics)
        for name, gain in gains.entries(index, compared.metrics).items():
            given = gain if system != compared.untouched else dict.fromkeys(gain)
            entries[name] |= {
                "gain": given["mean"],
                "gain_low": given["low"],
                "gain_high": given["high"],
            }
        row = {"system": system, "by": by, "value": value, "clips": len(clips), "metrics": entries}
        if compared.reference is not None and system != compared.reference:
            against = _Means(values - values[:, [place[compared.reference]]], weights)
            differences = against.entries(index, compared.metrics)
            row["against"] = {"system": compared.reference, "metrics": differences}
        rows.append(row)
    return rows


class _Means:
    """Means over clips with their intervals, of values of shape (clips, systems, metrics)."""

    def __init__(self, values: np.ndarray, weights: np.ndarray) -> None:
        self._means = values.mean(axis=0)
        low, high = bootstrap_intervals(weights, values.reshape(len(values), -1))
        self._low, self._high = (ends.reshape(self._means.shape) for ends in (low, high))

    def entries(self, system: int, metrics: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return "mean", "low" and "high" of a system by metric."""
        ends = zip(metrics, self._means[system], self._low[system], self._high[system], strict=True)
        return {
            name: {"mean": float(mean), "low": float(low), "high": float(high)}
            for name, mean, low, high in ends
        }
