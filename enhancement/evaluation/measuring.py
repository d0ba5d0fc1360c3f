"""Run one system on one clip and measure what came out: the work of a worker process."""

from __future__ import annotations

import io
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

from enhancement.denoiser import Denoiser
from enhancement.evaluation.clips import Clip
from enhancement.evaluation.fingerprints import stamp
from enhancement.evaluation.systems import System
from enhancement.metrics.catalog import METRICS, measure
from enhancement.metrics.pairs import at_rate
from prepare_data.audio_io import read_blocks, to_mono
from prepare_data.errors import AudioError
from prepare_data.files import write_whole

Record = dict[str, Any]
"""What became of a clip: "clip", "system", "fingerprint", "processing_seconds", "estimate" (see
`estimate_stamp`), "scores" by metric and "failures", a list of [metric or None, reason]."""

_DIGITS = 9

_CRASHED = "the process that measured it was killed, by a crash or for its memory"


@dataclass(frozen=True)
class Task:
    """A clip for a system.

    Attributes:
        system: that makes or has made an estimate of the clip's voice.
        clip: to estimate.
        metrics: names of those to measure.
        fingerprint: of all that the result depends on.
        estimate: the file of the estimate: to write, or to read for a folder of results; None for
            the untouched input.
        rate: that everything is resampled to; None to leave it as it is.
        known: a result from before, of the same fingerprint, with other metrics.
    """

    system: System
    clip: Clip
    metrics: tuple[str, ...]
    fingerprint: str
    estimate: Path | None
    rate: int | None
    known: Record | None = None


def run_task(task: Task) -> Record:
    """Run and measure.

    Returns:
        The result; what goes wrong with the clip is told there.

    Raises:
        UserError: if the system cannot be loaded, or the disk is full.
    """
    record = empty_record(task)
    try:
        noisy, rate = _read(task.clip.noisy, task.rate, "the noisy recording")
        clean = _clean_voice(task, rate)
        estimate = _estimate(task, noisy, rate, record)
        clean, estimate = _compared(noisy, clean, estimate, task.rate)
    except ValueError as error:
        return _failed(record, str(error))
    known = task.known["scores"] if task.known else {}
    rest = [METRICS[name] for name in task.metrics if name not in known]
    scores, reasons = measure(rest, clean, estimate, rate)
    record["scores"] = {**known, **{name: _rounded(value) for name, value in scores.items()}}
    record["failures"] += [[name, reason] for name, reason in reasons.items()]
    return record


def _rounded(value: float) -> float:
    """Drop the last digits, which depend on where the arrays happen to lie in memory."""
    return float(f"{value:.{_DIGITS}g}")


def empty_record(task: Task) -> Record:
    """Return a result with nothing in it."""
    return {
        "clip": task.clip.id,
        "system": task.system.name,
        "fingerprint": task.fingerprint,
        "processing_seconds": None,
        "estimate": None,
        "scores": {},
        "failures": [],
    }


def crashed(task: Task) -> Record:
    """Return the result of a clip that killed the process which worked on it."""
    return _failed(empty_record(task), _CRASHED)


def _failed(record: Record, reason: str) -> Record:
    record["failures"].append([None, reason])
    return record


def _clean_voice(task: Task, rate: int) -> np.ndarray | None:
    if task.clip.clean is None:
        return None
    return _read_at(task.clip.clean, rate, task.rate, "the clean voice")


def _estimate(task: Task, noisy: np.ndarray, rate: int, record: Record) -> np.ndarray:
    """Return the system's estimate, which is made here unless it is there."""
    if task.system.kind == "untouched":
        return noisy
    if task.estimate is None:
        raise ValueError(f"{task.system.source} has no file of that name")
    if task.system.kind == "folder":
        return _read_at(task.estimate, rate, task.rate, str(task.estimate))
    if task.known is not None:
        with suppress(ValueError):  # a damaged file is made again
            estimate = _read_at(task.estimate, rate, None, str(task.estimate))
            record["processing_seconds"] = task.known["processing_seconds"]
            record["estimate"] = task.known.get("estimate")
            return estimate
    estimate = _denoised(task, noisy, rate, record)
    _write(task.estimate, estimate, rate)
    record["estimate"] = estimate_stamp(task.estimate)
    return estimate


def estimate_stamp(path: Path) -> list[Any]:
    """Return what tells the file that was written from one that has taken its place."""
    return stamp(path)[1:]


def _compared(
    noisy: np.ndarray, clean: np.ndarray | None, estimate: np.ndarray, rate: int | None
) -> tuple[np.ndarray | None, np.ndarray]:
    """Return the clean voice and the estimate as metrics take them: one channel, as long."""
    wanted = noisy if clean is None else clean
    for audio, what in ((clean, "the clean voice"), (estimate, "the result")):
        if audio is not None and _channels(audio) not in (1, _channels(noisy)):
            raise ValueError(
                f"{what} has {_channels(audio)} channels, the noisy recording {_channels(noisy)}"
            )
    estimate = _fitting(_one_channel(estimate), wanted, rate)
    return None if clean is None else _one_channel(clean), estimate


def _channels(audio: np.ndarray) -> int:
    return 1 if audio.ndim == 1 else audio.shape[1]


def _one_channel(audio: np.ndarray) -> np.ndarray:
    return audio if audio.ndim == 1 else to_mono(audio)


def _fitting(estimate: np.ndarray, wanted: np.ndarray, rate: int | None) -> np.ndarray:
    """Check an estimate; one sample more or less is what resampling elsewhere rounds to."""
    surplus = len(estimate) - len(wanted)
    if surplus and (rate is None or abs(surplus) > 1):
        raise ValueError(f"the result has {len(estimate)} samples instead of {len(wanted)}")
    if not np.isfinite(estimate).all():
        raise ValueError("the result holds samples that are not numbers (NaN or infinite)")
    return np.append(estimate, np.zeros(max(0, -surplus), estimate.dtype))[: len(wanted)]


_LOADED: dict[System, Denoiser] = {}


def _loaded(task: Task) -> Denoiser:
    """Return the system's denoiser; a process keeps one, and has run it before it is timed."""
    if task.system not in _LOADED:
        _LOADED.clear()
        denoiser = task.system.load(task.clip)
        rate = task.rate or task.clip.sample_rate or 16_000
        noise = np.random.default_rng(0).standard_normal(rate) / 10
        with suppress(Exception):  # each clip will tell
            denoiser.denoise(noise.astype(np.float32), rate)
        _LOADED[task.system] = denoiser
    return _LOADED[task.system]


def _denoised(task: Task, noisy: np.ndarray, rate: int, record: Record) -> np.ndarray:
    """Denoise and time it; what a model does wrong with one clip is a ValueError."""
    oracle = task.system.kind == "oracle"
    denoiser = None if oracle else _loaded(task)
    try:
        denoiser = denoiser or task.system.load(task.clip)
        # The processor's time, which other work on the machine does not lengthen much.
        began = process_time()
        estimate = denoiser.denoise(noisy, rate)
        record["processing_seconds"] = process_time() - began
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise ValueError(f"{task.system.name} failed: {reason}") from error
    return estimate


def _write(path: Path, estimate: np.ndarray, rate: int) -> None:
    import soundfile

    buffer = io.BytesIO()
    soundfile.write(buffer, estimate, rate, format="WAV", subtype="FLOAT")
    write_whole(path, buffer.getvalue())


def _read_at(path: Path, rate: int, wanted: int | None, what: str) -> np.ndarray:
    """Read what must have the rate of the noisy recording."""
    audio, own = _read(path, wanted, what)
    if own != rate:
        raise ValueError(f"{what} is at {own} Hz, the noisy recording at {rate} Hz")
    return audio


def _read(path: Path, wanted: int | None, what: str) -> tuple[np.ndarray, int]:
    """Read a recording, resampled if a rate is wanted.

    Returns:
        Float32 of shape (samples,), or (samples, channels) for several, and the sample rate.
    """
    try:
        blocks = list(read_blocks(path))
    except AudioError as error:
        raise ValueError(f"{what} {error}") from error
    audio, rate = np.concatenate([block for block, _ in blocks]), blocks[0][1]
    channels = [at_rate(channel, rate, wanted or rate) for channel in audio.T]
    audio = channels[0] if len(channels) == 1 else np.stack(channels, axis=1)
    return audio, wanted or rate
