"""What tuning on noises of one's own gains on them, and what it costs elsewhere.

`python benchmarks/tuning_gain.py --data DIR --noise DIR2 --before MODEL --after MODEL` mixes voices
of a split of the data set with the recordings in DIR2 at 0 dB, each clip with one of them from a
random place on, and prints the gain in SI-SDR of either model and the difference with its 95 %
interval over speakers and recordings. Then it does the same with the data set's own clips, but
those with noises of the categories or corpora that --without names, as in `train --without`.

For a figure that means something, DIR2 holds other recordings than those tuned on, and the model
before was trained without that kind of noise (`train --without NAME`).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from prepare_data.errors import UserError

if TYPE_CHECKING:
    from enhancement.denoiser import Denoiser
    from prepare_data.dataset import DataSet

_SNR_DB = 0.0


@dataclass(frozen=True)
class Mixed:
    """A clip: what it is of, the voice in it and the whole."""

    speaker: str
    noises: list[str]
    voice: np.ndarray
    noisy: np.ndarray


def main(arguments: list[str] | None = None) -> int:
    """Measure and print; 2 where the command line asks for what cannot be."""
    options = _parser().parse_args(arguments)
    try:
        _measure(options)
    except UserError as error:
        print(f"tuning_gain: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--data", type=Path, required=True, metavar="DIR", help="data set of prepare_data")
    add("--split", choices=("train", "val", "test"), default="val", help="(default: %(default)s)")
    add("--noise", type=Path, required=True, metavar="DIR", help="recordings of the noise")
    add("--before", required=True, metavar="NAME|PATH", help="the model that tuning began with")
    add("--after", required=True, metavar="NAME|PATH", help="what came of it")
    add("--without", nargs="+", default=[], metavar="NAME", help="noises left out elsewhere")
    add("--limit", type=int, metavar="N", help="only the first N clips")
    return parser


def _measure(options: argparse.Namespace) -> None:
    from enhancement.registry import load_denoiser
    from prepare_data.dataset import DataSet

    if options.limit is not None and options.limit < 1:
        raise UserError(f"--limit is {options.limit}; it must be 1 or more.")
    models = [load_denoiser(options.before), load_denoiser(options.after)]
    data = DataSet(options.data)
    rate = data.settings.sample_rate
    _check_names(data, options.split, options.without)
    recordings = _recordings(options.noise, rate)
    clips = with_recordings(data, options.split, recordings)
    _compare(f"{options.noise}, {_SNR_DB:g} dB", islice(clips, options.limit), models, rate)
    clips = _as_they_are(data, options.split, set(options.without))
    _compare("elsewhere", islice(clips, options.limit), models, rate)


def _names(data: DataSet, noises: list[dict[str, Any]]) -> set[str]:
    """Return categories and corpora of a sample's noises."""
    corpora = data.description.get("corpora", [])
    roots = {each["root"] for each in noises if each.get("root", len(corpora)) < len(corpora)}
    return {corpora[root]["name"] for root in roots} | {
        each["category"] for each in noises if each.get("category")
    }


def _check_names(data: DataSet, split: str, names: list[str]) -> None:
    found: set[str] = set()
    for sample in data.samples(split):
        found |= _names(data, sample.line["noises"])
    if unknown := sorted(set(names) - found):
        raise UserError(
            f"{split} has no corpus and no category of noise named {', '.join(unknown)}; it has "
            f"{', '.join(sorted(found)) or 'none'}."
        )


def _recordings(folder: Path, rate: int) -> dict[str, np.ndarray]:
    """Read a folder's recordings, one channel, at a rate; those that are silent are left out.

    Raises:
        UserError: if there is no such folder or no sound in it; folders in it do not count.
    """
    import soxr

    from enhancement.evaluation.clips import recordings_in
    from prepare_data.audio_io import read_blocks, to_mono

    sounds = {}
    for name, path in recordings_in(folder).items():
        blocks = list(read_blocks(path))
        mono = np.concatenate([to_mono(block) for block, _ in blocks])
        if mono.any():
            sounds[name] = soxr.resample(mono, blocks[0][1], rate)
    if not sounds:
        raise UserError(f"{folder} holds no recording, or silent ones; folders in it do not count.")
    return sounds


def with_recordings(
    data: DataSet, split: str, recordings: dict[str, np.ndarray]
) -> Iterator[Mixed]:
    """Mix each voice of a split with a recording at `_SNR_DB`.

    It goes round and round from a random place on, or where that is silent from another.
    """
    from prepare_data.mixing import mix

    generator = np.random.default_rng(0)
    names = sorted(recordings)
    for sample in data.samples(split):
        voice = sample.audio("voice")
        name = names[generator.integers(len(names))]
        noise = np.zeros_like(voice)
        while not noise.any():
            turned = np.roll(recordings[name], -generator.integers(len(recordings[name])))
            noise = np.resize(turned, len(voice))
        mixture = mix(voice, noise, sample_rate=data.settings.sample_rate, snr_db=_SNR_DB)
        yield Mixed(_speaker(sample.line), [name], mixture.voice, mixture.noisy_voice)


def _as_they_are(data: DataSet, split: str, without: set[str]) -> Iterator[Mixed]:
    for sample in data.samples(split):
        noises = sample.line["noises"]
        if not without & _names(data, noises):
            sources = [entry["source"] for entry in noises]
            voice, noisy = sample.audio("voice"), sample.audio("noisy_voice")
            yield Mixed(_speaker(sample.line), sources, voice, noisy)


def _speaker(line: dict) -> str:
    return line["voice"][0]["source"]


def _compare(title: str, clips: Iterator[Mixed], models: list[Denoiser], rate: int) -> None:
    from tqdm import tqdm

    from enhancement.evaluation.intervals import bootstrap_intervals, bootstrap_weights
    from enhancement.metrics import si_sdr

    speakers, noises, gains = [], [], []
    for clip in tqdm(clips, "denoising", disable=None):
        before = si_sdr(clip.voice, clip.noisy)
        noisy = clip.noisy.astype(np.float32)
        results = [model.denoise(noisy, rate) for model in models]
        gains.append([si_sdr(clip.voice, result) - before for result in results])
        speakers.append(clip.speaker)
        noises.append(clip.noises)
    if not gains:
        raise UserError("there is no such clip in this split.")
    values = np.array(gains)
    difference = values[:, 1:] - values[:, :1]
    (low,), (high,) = bootstrap_intervals(bootstrap_weights(speakers, noises), difference)
    before, after = values.mean(axis=0)
    print(
        f"{title}, {len(values)} clips: gain in SI-SDR {before:.2f} dB before, {after:.2f} after,"
    )
    print(f"  {difference.mean():+.2f} [{low:+.2f}, {high:+.2f}]")


if __name__ == "__main__":
    sys.exit(main())
