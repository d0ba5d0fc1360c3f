"""What a denoiser does where there is nothing to remove, and where there is nothing to keep.

`python benchmarks/voice_or_noise_alone.py --data DIR --split val` gives it the voices of a data set
alone, then its noises alone, and prints

- the WB-PESQ of the voices' results against the voices, which is 4.64 where nothing was changed;
- by how many decibels the noises were turned down, over the whole clip, by category;
- in the mixtures' results, how the noise floor moves in the voice's pauses: the standard deviation
  of its level in frames of 50 ms, in decibels, beside that of the noise that came in. A floor that
  pumps moves more than what it was made of.

It takes the extra `eval`, and less than a second for a clip.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from itertools import islice
from pathlib import Path

import numpy as np

from prepare_data.errors import UserError

_FRAME_SECONDS = 0.05
# A frame is a pause if the voice is so far below its mean level in it and in two on either side.
_PAUSE_DB = -35.0
_LEAST_PAUSES = 10
_SILENCE = 1e-10  # power that counts as none: -100 dB of full scale


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; 2 where the command line asks for what cannot be."""
    options = _parser().parse_args(arguments)
    try:
        _measure(options)
    except UserError as error:
        print(f"voice_or_noise_alone: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--data", type=Path, required=True, metavar="DIR", help="data set of prepare_data")
    add("--split", choices=("train", "val", "test"), default="val", help="(default: %(default)s)")
    add("--model", default="small", metavar="NAME|PATH", help="(default: %(default)s)")
    add("--limit", type=int, metavar="N", help="only the first N clips")
    return parser


def _measure(options: argparse.Namespace) -> None:
    from tqdm import tqdm

    from enhancement.metrics import chosen_metrics
    from enhancement.registry import load_denoiser
    from prepare_data.dataset import DataSet

    (pesq,) = chosen_metrics(["wb_pesq"])
    denoiser = load_denoiser(options.model)
    data = DataSet(options.data)
    rate = data.settings.sample_rate
    scores, pumping = [], []
    reductions: dict[str, list[float]] = defaultdict(list)
    samples = list(islice(data.samples(options.split), options.limit))
    for sample in tqdm(samples, "denoising", disable=None):
        voice, noise, noisy = (sample.audio(kind) for kind in ("voice", "noise", "noisy_voice"))
        scores.append(pesq.function(voice, denoiser.denoise(voice, rate), rate))
        categories = {entry.get("category") or "no category" for entry in sample.line["noises"]}
        category = categories.pop() if len(categories) == 1 else "several at once"
        reductions[category].append(_fall_db(noise, denoiser.denoise(noise, rate)))
        pumping.append(_floor_movement(voice, noise, denoiser.denoise(noisy, rate), rate))
    if not scores:
        raise UserError(f"{options.data} has no clip in {options.split}.")
    _print(np.array(scores), reductions, [pair for pair in pumping if pair is not None])


def _fall_db(before: np.ndarray, after: np.ndarray) -> float:
    powers = [float(np.mean(np.square(audio, dtype=np.float64))) for audio in (before, after)]
    return 10 * float(np.log10(max(powers[0], _SILENCE) / max(powers[1], _SILENCE)))


def _floor_movement(
    voice: np.ndarray, noise: np.ndarray, result: np.ndarray, rate: int
) -> tuple[float, float] | None:
    """Return how noise and result move in the voice's pauses, or None where there are too few."""
    powers = [_frame_powers(audio, rate) for audio in (voice, noise, result)]
    speaking = powers[0] > np.mean(powers[0]) * 10 ** (_PAUSE_DB / 10)
    near = np.convolve(speaking, np.ones(5), "same") > 0
    if np.sum(~near) < _LEAST_PAUSES:
        return None
    levels = [10 * np.log10(np.maximum(power[~near], _SILENCE)) for power in powers[1:]]
    return float(np.std(levels[0])), float(np.std(levels[1]))


def _frame_powers(audio: np.ndarray, rate: int) -> np.ndarray:
    length = round(_FRAME_SECONDS * rate)
    frames = audio[: len(audio) // length * length].reshape(-1, length).astype(np.float64)
    return np.mean(frames**2, axis=1)


def _print(
    scores: np.ndarray, reductions: dict[str, list[float]], pumping: list[tuple[float, float]]
) -> None:
    low, middle = np.percentile(scores, [5, 50])
    print(f"voice alone, {len(scores)} clips: WB-PESQ {scores.mean():.2f} on average, {middle:.2f}")
    print(f"in the middle, {low:.2f} or less in a twentieth")
    every = np.concatenate(list(reductions.values()))
    print(
        f"\nnoise alone: {np.median(every):.1f} dB down in the middle; by category, middle (clips)"
    )
    for category, falls in sorted(reductions.items(), key=lambda item: np.median(item[1])):
        print(f"  {category:20} {np.median(falls):6.1f} ({len(falls)})")
    if pumping:
        noise, result = np.median(np.array(pumping), axis=0)
        print(f"\nin pauses, {len(pumping)} clips: the level moves by {noise:.1f} dB in the noise,")
        print(f"by {result:.1f} dB in the result (standard deviation of 50 ms frames, middle)")


if __name__ == "__main__":
    sys.exit(main())
