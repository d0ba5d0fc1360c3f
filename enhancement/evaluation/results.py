"""What an evaluation leaves in its folder: summary.json and scores.csv, written and read."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prepare_data.errors import UserError
from prepare_data.files import write_json, write_whole

FORMAT_VERSION = 1
SUMMARY_NAME = "summary.json"
SCORES_NAME = "scores.csv"
_KNOWN = ("clip", "system", "snr_db", "category", "corpus", "speaker", "noises", "seconds")
_TOOK = "processing_seconds"
_ERROR = "error"
_ENCODING = ("utf-8", "surrogateescape")  # a file's name need not be valid in any encoding
_PARTS = {
    "made": dict,
    "data": dict,
    "systems": list,
    "metrics": list,
    "clips": list,
    "rows": list,
    "failures": list,
}


@dataclass(frozen=True)
class Results:
    """The results of an evaluation.

    Attributes:
        folder: that holds them.
        made: when, by which command, in how many seconds, with which versions, where.
        data: what the systems were measured on: "kind", "path", "split", "clips", and "notes",
            sentences that a person should know.
        systems: each with "name", "kind", "source", "audio" and "real_time_factor".
        metrics: each with "name", "label", "unit", "digits" and "better".
        clips: each with "id", "noisy", "clean", what is known of it, "seconds", "sample_rate".
        rows: means and intervals by "system" and group ("by", "value").
        failures: each with "clip", "system", "metric" and "reason".
        scores: a row for each clip and system: the columns of scores.csv, numbers as numbers and
            None for what was not measured.
    """

    folder: Path
    made: dict[str, Any]
    data: dict[str, Any]
    systems: list[dict[str, Any]]
    metrics: list[dict[str, Any]]
    clips: list[dict[str, Any]]
    rows: list[dict[str, Any]]
    failures: list[dict[str, Any]]
    scores: list[dict[str, Any]]

    def audio_folder(self, system: str) -> Path:
        """Return where the audio of a system lies."""
        audio = next(each["audio"] for each in self.systems if each["name"] == system)
        return self.folder / audio


def write_results(results: Results) -> None:
    """Write scores.csv and then summary.json, each whole or not at all.

    Raises:
        UserError: if the disk is full or the folder cannot be written.
    """
    names = [metric["name"] for metric in results.metrics]
    columns = [*_KNOWN, _TOOK, *names, _ERROR]
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(results.scores)
    write_whole(results.folder / SCORES_NAME, text.getvalue().encode(*_ENCODING))
    plain = {name: getattr(results, name) for name in _PARTS}
    write_json(results.folder / SUMMARY_NAME, {"format_version": FORMAT_VERSION, **plain})


def read_results(folder: Path) -> Results:
    """Read the results of an evaluation.

    Raises:
        UserError: if there are none, they are damaged, or of a format not known here.
    """
    summary = _read_summary(folder)
    numbers = ["snr_db", "seconds", _TOOK, *(metric["name"] for metric in summary["metrics"])]
    scores = _read_scores(folder / SCORES_NAME, numbers)
    return Results(folder, **{name: summary[name] for name in _PARTS}, scores=scores)


def _read_summary(folder: Path) -> dict[str, Any]:
    path = folder / SUMMARY_NAME
    if folder.is_file():
        raise UserError(
            f"{folder} is a file; the folder that `python -m enhancement evaluate` wrote is wanted."
        )
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError(
            f"{folder} holds no results of `python -m enhancement evaluate`: it has no "
            f"{SUMMARY_NAME}."
        ) from error
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {error}.") from error
    version = summary.get("format_version") if isinstance(summary, dict) else None
    if version != FORMAT_VERSION:
        raise UserError(
            f"{path} has format version {version}; this program reads {FORMAT_VERSION}."
        )
    damaged = [name for name, kind in _PARTS.items() if not isinstance(summary.get(name), kind)]
    if damaged:
        raise UserError(f"{path} is damaged: it lacks {', '.join(damaged)}; run evaluate again.")
    return summary


def _read_scores(path: Path, numbers: Sequence[str]) -> list[dict[str, Any]]:
    try:
        encoding, errors = _ENCODING
        with open(path, newline="", encoding=encoding, errors=errors) as file:
            rows = [dict(row) for row in csv.DictReader(file, strict=True)]
        return [
            {
                name: (float(text) if text else None) if name in numbers else text
                for name, text in row.items()
            }
            for row in rows
        ]
    except FileNotFoundError as error:
        raise UserError(f"{path} is not there; run evaluate again.") from error
    except (OSError, ValueError, TypeError, csv.Error) as error:
        raise UserError(f"{path} is damaged: {error}; run evaluate again.") from error


def score_row(clip: dict[str, Any], record: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return the row of a clip and a system for scores.csv.

    Args:
        clip: as in the summary.
        record: what `measuring.run_task` returned.
        names: of the metrics.
    """
    reasons = [
        f"{metric}: {reason}" if metric else reason
        for metric, reason in record["failures"]
        if metric is None or metric in names
    ]
    known = {name: clip[name] for name in ("snr_db", "category", "corpus", "speaker", "seconds")}
    return {
        "clip": clip["id"],
        "system": record["system"],
        **known,
        "noises": ";".join(clip["noises"]),
        _TOOK: record["processing_seconds"],
        **{name: record["scores"].get(name) for name in names},
        _ERROR: "; ".join(reasons),
    }
