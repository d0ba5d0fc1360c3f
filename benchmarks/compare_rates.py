"""The live model at other sample rates: what a recording loses that is not at 16 kHz.

`python benchmarks/compare_rates.py --data DIR --split val` takes the clips of a data set at 16 kHz,
resamples the noisy ones to 8, 44.1 and 48 kHz, denoises them there, with the front end of that
rate, and resamples the results back. At each rate they are set against the results at 16 kHz, clip
by clip. What a resampler takes away is not measured: the clean voice, the noisy input and the
result at 16 kHz go to the rate and back too, so that at 8 kHz only what lies below 4 kHz counts.

But a resampler also takes something from what the model hears: 44.1 and 48 kHz come back without
what lies above 7.3 kHz. So there is a third gain between the two, of what went to the rate and back
first and was denoised at 16 kHz then. How far it is from the gain at the rate is the front end's
doing, and how far from the one at 16 kHz is that of the missing band.

Gains are over the noisy input; intervals are of 95 % and resample speakers and noise sources. It
takes the extra `eval`, and about two seconds for a clip.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from prepare_data.errors import UserError

if TYPE_CHECKING:
    from enhancement.evaluation.clips import Clip
    from enhancement.metrics import Metric
    from waveform_unet_lru.live.denoise import LiveDenoiser

_RATE = 16_000
_RATES = (8_000, 44_100, 48_000)
_METRICS = ("si_sdr", "wb_pesq")

Blocks = Callable[[Iterable[np.ndarray]], Iterator[np.ndarray]]


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; 2 where the command line asks for what cannot be."""
    options = _parser().parse_args(arguments)
    try:
        _compare(options)
    except UserError as error:
        print(f"compare_rates: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--data", type=Path, required=True, metavar="DIR", help="data set of prepare_data, 16 kHz")
    add("--split", choices=("train", "val", "test"), default="val", help="(default: %(default)s)")
    add("--model", metavar="SOURCE", help="checkpoint, ONNX file or run (default: shipped weights)")
    add("--limit", type=int, metavar="N", help="only N clips, spread evenly")
    return parser


def _compare(options: argparse.Namespace) -> None:
    from tqdm import tqdm

    from enhancement.evaluation.clips import clips_of_data_set
    from enhancement.metrics import chosen_metrics
    from waveform_unet_lru.live.denoise import load_pretrained

    if options.limit is not None and options.limit < 1:
        raise UserError(f"--limit is {options.limit}; it must be 1 or more.")
    metrics = chosen_metrics(_METRICS)
    denoiser = load_pretrained(options.model)
    clips = clips_of_data_set(options.data, options.split, options.limit).clips
    progress = tqdm(clips, "denoising", disable=None)
    measured = {clip: _gains(denoiser, clip, metrics) for clip in progress}
    complete = {clip: gains for clip, gains in measured.items() if np.isfinite(gains).all()}
    if not complete:
        raise UserError(f"{options.data} has no clip in {options.split} that can be measured.")
    print(_table(list(complete), np.stack(list(complete.values())), metrics))
    if left_out := [clip.id for clip in clips if clip not in complete]:
        print(f"left out, a measure having no answer ({len(left_out)}): {', '.join(left_out)}")


def _gains(denoiser: LiveDenoiser, clip: Clip, metrics: Sequence[Metric]) -> np.ndarray:
    """Return gains of shape (rates, metrics, 3), NaN where there is none.

    They are at 16 kHz, there after resampling, and at the rate.
    """
    noisy, voice = _read(clip.noisy), _read(clip.clean)
    own = denoiser.denoise(noisy, _RATE)
    gains = []
    for rate in _RATES:
        there_and_back = [_at(rate, audio) for audio in (voice, noisy, own)]
        afterwards = denoiser.denoise(there_and_back[1], _RATE)
        at_rate = _at(rate, noisy, partial(denoiser.denoise_blocks, sample_rate=rate))
        gains.append(_gains_over(*there_and_back, afterwards, at_rate, metrics=metrics))
    return np.array(gains)


def _gains_over(
    voice: np.ndarray, noisy: np.ndarray, *estimates: np.ndarray, metrics: Sequence[Metric]
) -> np.ndarray:
    """Return by how much each estimate is better than the noisy input, (metrics, estimates)."""
    from enhancement.metrics import measure

    scores = [measure(metrics, voice, audio, _RATE)[0] for audio in (noisy, *estimates)]
    rows = np.array([[score.get(each.name, np.nan) for score in scores] for each in metrics])
    return rows[:, 1:] - rows[:, :1]


def _at(rate: int, audio: np.ndarray, denoise: Blocks = iter) -> np.ndarray:
    """Resample audio of shape (samples,) to a rate, denoise it there if asked to, and resample."""
    from enhancement.resampling import at_rate

    return np.concatenate(list(at_rate(denoise, [audio[:, None]], _RATE, rate)))[:, 0]


def _read(path: Path | None) -> np.ndarray:
    import soundfile

    audio, rate = soundfile.read(path, dtype="float32")
    if rate != _RATE:
        raise UserError(f"{path} is at {rate} Hz; a data set at {_RATE} Hz is wanted.")
    return audio


def _table(clips: Sequence[Clip], gains: np.ndarray, metrics: Sequence[Metric]) -> str:
    """Return the means of gains of shape (clips, rates, metrics, 3) as a table for people."""
    from enhancement.evaluation.intervals import bootstrap_intervals, bootstrap_weights

    weights = bootstrap_weights([clip.speaker for clip in clips], [clip.noises for clip in clips])
    # Beside the gains: by how much the one at the rate is better than the one at 16 kHz.
    columns = np.concatenate([gains, gains[..., 2:] - gains[..., :1]], axis=-1)
    low, high = bootstrap_intervals(weights, columns.reshape(len(clips), -1))
    means, low, high = (
        ends.reshape(columns.shape[1:]) for ends in (columns.mean(axis=0), low, high)
    )
    heads = ("at 16 kHz", "there, resampled first", "at the rate", "over 16 kHz")
    lines = [f"{len(clips):5d} clips" + "".join(f"{head:>26}" for head in heads)]
    for place, metric in enumerate(metrics):
        unit = f", {metric.unit}" if metric.unit else ""
        lines.append(f"gain in {metric.label}{unit}")
        for index, rate in enumerate(_RATES):
            ends = zip(means[index, place], low[index, place], high[index, place], strict=True)
            cells = [f"{m:+9.3f} [{a:+.3f}, {b:+.3f}]" for m, a, b in ends]
            lines.append(f"{rate / 1000:7.1f} kHz" + "".join(f"{cell:>26}" for cell in cells))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
