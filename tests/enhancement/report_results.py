"""What the tests of the report share: results of an evaluation, made up, with real sounds."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

RATE = 16_000
SECONDS = 1.5
METRICS: list[dict[str, Any]] = [
    {"name": "si_sdr", "label": "SI-SDR", "unit": "dB", "digits": 2, "better": "higher"},
    {"name": "wb_pesq", "label": "WB-PESQ", "unit": "", "digits": 2, "better": "higher"},
]
HOSTILE = "<script>alert(1)</script>"
SYSTEMS = ("noisy", "steady", "shaky")
SNRS = (0.0, 5.0, 10.0)
CATEGORIES = ("rain", "dogs")


def write_results(
    folder: Path,
    *,
    systems: tuple[str, ...] = SYSTEMS,
    clips: int = 6,
    ids: tuple[str, ...] = (),
    categories: tuple[str, ...] = CATEGORIES,
    seconds: float = SECONDS,
) -> dict[str, Any]:
    """Write summary.json, scores.csv and the audio; return the summary.

    Args:
        folder: to write into.
        systems: names; the first is the untouched input.
        clips: how many.
        ids: names of the first clips; the others are numbered.
        categories: of noise, by turns.
        seconds: of each clip.
    """
    rng = np.random.default_rng(3)
    names = [*ids, *(f"{number:06d}" for number in range(clips - len(ids)))]
    listed = [_clip(folder, name, n, categories, seconds) for n, name in enumerate(names)]
    kinds = ["untouched", *["folder"] * (len(systems) - 1)]
    summary: dict[str, Any] = {
        "format_version": 1,
        "made": {
            "when": "2026-11-20T10:30:00+00:00",
            "command": "python -m enhancement evaluate",
            "seconds": 12.5,
            "versions": {"python": "3.11", "voice-from-noise": "0.1.0"},
            "machine": "a processor, 2 cores",
        },
        "data": {"kind": "data set", "path": "data/some", "split": "test", "clips": clips},
        "systems": [
            {
                "name": name,
                "kind": kind,
                "source": name,
                "audio": f"audio/{place}",
                "real_time_factor": None if place == 0 else 0.05,
            }
            for place, (name, kind) in enumerate(zip(systems, kinds, strict=True))
        ],
        "metrics": METRICS,
        "clips": listed,
        "failures": [],
    }
    scores = {}
    for number, clip in enumerate(listed):
        for place, system in enumerate(systems):
            _write_audio(folder, clip, place, seconds)
            si_sdr = float(clip["snr_db"]) + 4 * place * rng.uniform(-0.5, 1) + number / 100
            scores[clip["id"], system] = {"si_sdr": si_sdr, "wb_pesq": 1.5 + si_sdr / 10}
    summary["rows"] = _rows(listed, systems, scores)
    save(folder, summary, scores)
    return summary


def save(
    folder: Path, summary: dict[str, Any], scores: dict[tuple[str, str], dict[str, float]]
) -> None:
    """Write the two files of the results."""
    (folder / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    columns = ["clip", "system", "snr_db", "category", "corpus", "speaker", "noises", "seconds"]
    columns += ["processing_seconds", *(metric["name"] for metric in METRICS), "error"]
    clips = {clip["id"]: clip for clip in summary["clips"]}
    with (folder / "scores.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, columns, extrasaction="ignore")
        table.writeheader()
        for (name, system), values in scores.items():
            clip = {**clips[name], "noises": ";".join(clips[name]["noises"])}
            row = {**clip, "clip": name, "system": system, "processing_seconds": 0.1, "error": ""}
            table.writerow({**row, **values})


def read_scores(folder: Path) -> dict[tuple[str, str], dict[str, float | None]]:
    """Return what scores.csv says, read without the report's own code."""
    with (folder / "scores.csv").open(newline="", encoding="utf-8") as file:
        return {
            (row["clip"], row["system"]): {
                metric["name"]: float(row[metric["name"]]) if row[metric["name"]] else None
                for metric in METRICS
            }
            for row in csv.DictReader(file)
        }


def voice(seconds: float, number: int) -> np.ndarray:
    """Return a tone that comes and goes, as speech does; another one for each number."""
    time = np.arange(round(seconds * RATE)) / RATE
    tone = np.sin(2 * np.pi * (200 + 40 * number) * time) * (np.sin(2 * np.pi * 2 * time) > -0.3)
    return (0.1 * tone).astype(np.float32)


def _clip(
    folder: Path, name: str, number: int, categories: tuple[str, ...], seconds: float
) -> dict[str, Any]:
    clean = folder / "clean" / f"{number}.wav"
    clean.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(clean, voice(seconds, number), RATE)
    return {
        "id": name,
        "noisy": f"audio/0/{_file(name)}",
        "clean": str(clean),
        "snr_db": SNRS[number % len(SNRS)],
        "category": categories[number % len(categories)],
        "corpus": "tones",
        "speaker": f"speaker {number % 2}",
        "noises": [f"noise {number}"],
        "seconds": seconds,
        "sample_rate": RATE,
    }


def _write_audio(folder: Path, clip: dict[str, Any], place: int, seconds: float) -> None:
    """Each system is louder than the one before, and noisier."""
    path = folder / "audio" / str(place) / _file(clip["id"])
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(place).normal(0, 0.01 * (place + 1), round(seconds * RATE))
    clean = soundfile.read(clip["clean"], dtype="float32")[0]
    soundfile.write(path, (0.5 + 0.5 * place) * (clean + noise), RATE, subtype="FLOAT")


def _file(name: str) -> str:
    return f"{name}.wav"


def _rows(
    clips: list[dict[str, Any]],
    systems: tuple[str, ...],
    scores: dict[tuple[str, str], dict[str, float]],
) -> list[dict[str, Any]]:
    groups: list[tuple[str, Any, list[dict[str, Any]]]] = [("all", None, clips)]
    for key in ("snr_db", "category"):
        for value in sorted({clip[key] for clip in clips}):
            groups.append((key, value, [clip for clip in clips if clip[key] == value]))
    rows = []
    for by, value, members in groups:
        for system in systems:
            numbers = {}
            for metric in METRICS:
                name = metric["name"]
                mean = np.mean([scores[clip["id"], system][name] for clip in members])
                before = np.mean([scores[clip["id"], systems[0]][name] for clip in members])
                gain = float(mean - before)
                numbers[name] = {
                    "mean": float(mean),
                    "low": float(mean) - 0.5,
                    "high": float(mean) + 0.5,
                    "gain": gain,
                    "gain_low": gain - 0.3,
                    "gain_high": gain + 0.3,
                }
            row = {"system": system, "by": by, "value": value, "clips": len(members)}
            rows.append({**row, "metrics": numbers})
    return rows
