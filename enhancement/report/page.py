"""What the page is told: its data as plain types, and its tables as text."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from enhancement.evaluation.results import Results
from enhancement.report.choice import Choice
from enhancement.report.media import Media, Track

CLEAN = "clean"
MINUS = "\N{MINUS SIGN}"
NOTHING = "\N{EN DASH}"


def page_data(
    results: Results, choice: Choice, media: Sequence[tuple[str, Media]]
) -> dict[str, Any]:
    """Return what the script of the page works with.

    Args:
        results: of the evaluation.
        choice: the clips to show.
        media: for each of them its folder, relative to the page, and what is in it: a track for
            each system in the order of the results, and last one for the clean voice.

    Returns:
        Plain types for JSON; numbers are those of the scores, None where they are not finite.
    """
    scores = {(row["clip"], row["system"]): row for row in results.scores}
    names = [system["name"] for system in results.systems]
    reasons = failure_reasons(results.failures)
    clips = []
    for position, (folder, prepared) in zip(choice.shown, media, strict=True):
        clip, tracks = results.clips[position], prepared.tracks
        shown = [
            {
                **_media(folder, track, reasons.get((clip["id"], name), [])),
                "scores": numbers(scores.get((clip["id"], name), {}), results.metrics),
            }
            for name, track in zip(names, tracks, strict=False)
        ]
        if clip["clean"] is not None:
            shown.append({**_media(folder, tracks[-1], []), "scores": {}})
        known = {key: clip[key] for key in ("id", "snr_db", "category", "corpus")}
        clips.append({**known, "seconds": prepared.seconds, "tracks": shown})
    systems = [{"name": system["name"], "kind": system["kind"]} for system in results.systems]
    return {
        "metrics": results.metrics,
        "systems": systems,
        "clips": clips,
    }


def numbers(row: Mapping[str, Any], metrics: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a row's finite number for each metric, None where there is none."""
    values = {metric["name"]: row.get(metric["name"]) for metric in metrics}
    return {
        name: value if value is not None and math.isfinite(value) else None
        for name, value in values.items()
    }


def failure_reasons(
    failures: Sequence[Mapping[str, Any]],
) -> dict[tuple[str, str], list[str]]:
    """Return by clip and system what went wrong, the metric named where it was one."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for failure in failures:
        metric = f"{failure['metric']}: " if failure["metric"] else ""
        key = (failure["clip"], failure["system"])
        reasons.setdefault(key, []).append(f"{metric}{failure['reason']}")
    return reasons


def number_text(value: float | None, digits: int, *, signed: bool = False) -> str:
    """Return a number for people, with a true minus; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return NOTHING
    text = f"{value:+.{digits}f}" if signed else f"{value:.{digits}f}"
    if float(text) == 0:
        text = text.lstrip("+-")
    return text.replace("-", MINUS)


def interval_text(
    low: float | None, high: float | None, digits: int, *, signed: bool = False
) -> str:
    """Return an interval for people; empty where there is none."""
    if low is None or high is None:
        return ""
    ends = [number_text(end, digits, signed=signed) for end in (low, high)]
    return f"{ends[0]} to {ends[1]}"


def table_rows(results: Results, by: str) -> list[dict[str, Any]]:
    """Return the results' rows of one kind, those of a system together, in the systems' order."""
    order = {system["name"]: place for place, system in enumerate(results.systems)}
    rows = [row for row in results.rows if row["by"] == by and row["system"] in order]
    return sorted(rows, key=lambda row: order[row["system"]])


def leading(results: Results) -> set[tuple[str, str]]:
    """Return (system, metric) for the largest gain of each metric and all not clearly below it.

    Not clearly below is a gain whose interval overlaps that of the largest. Systems that know the
    answer are left aside; the untouched input gains 0.
    """
    told = {system["name"] for system in results.systems if system["kind"] == "oracle"}
    rows = [row for row in table_rows(results, "all") if row["system"] not in told]
    chosen: set[tuple[str, str]] = set()
    for metric in results.metrics:
        sign = -1 if metric["better"] == "lower" else 1
        gains = {
            row["system"]: _gain(row["metrics"][metric["name"]], sign)
            for row in rows
            if metric["name"] in row["metrics"]
        }
        if len(gains) > 1:
            least = max(gains.values())[1]
            chosen |= {(name, metric["name"]) for name, gain in gains.items() if gain[2] >= least}
    return chosen


def _gain(value: Mapping[str, float | None], sign: int) -> tuple[float, float, float]:
    """Return a gain and the ends of its interval, more being better; 0 where there is none."""
    gain, low, high = (sign * (value.get(f"gain{end}") or 0.0) for end in ("", "_low", "_high"))
    return gain, min(low, high), max(low, high)


def _media(folder: str, track: Track, failures: Sequence[str]) -> dict[str, Any]:
    reasons = [*failures] if track.reason is None else [*failures, track.reason]
    playable = track.name is not None
    return {
        "audio": f"{folder}/{track.name}.wav" if playable else None,
        "picture": f"{folder}/{track.name}.png" if playable else None,
        "gain_db": track.gain_db,
        "reason": "; ".join(dict.fromkeys(reasons)) or None,
    }
