"""Blending a data set, against a plain script and against the floor under any program.

`python benchmarks/bench_prepare.py --speech DIR --noise DIR` blends the same number of samples of
one rate and length in several ways, each a command of its own, from start to end as a user runs it:
the plain script of `prepare_baseline.py`; `python -m prepare_data` on one core, when nothing of the
recordings is known yet and when they were measured before, and on all cores; and, without pictures,
the floor: decode just the stretches that were drawn, resample, write. Without folders it takes
LibriSpeech and ESC-10 of the recordings that SPEECH_DATA names, or else the built-in sounds.

The ways take turns, so that what else the machine does meets them all alike; what counts are the
ratios within a round, the median over the rounds. Seconds are the processor's, in all processes.

One core of an AMD EPYC with busy neighbours, 367 recordings of LibriSpeech (1.4 h) and 320 of
ESC-10, 16 kHz, 5.12 s, processor's seconds:

- With pictures, 300 samples: the plain script 25.7; ours 18.3 the first time, when it measures all
  recordings, and 14.7 afterwards: 1.4 and 1.75 times as quick. More needs more cores: on two quiet
  ones, by the clock, 2.4 and 3 times (23.1, 9.8 and 7.8 s, one round).
- Of a sample's time with pictures over a half is PNG and the STFT, a quarter decoding and
  resampling, less than a tenth levels and mixing.
  Pillow spends two thirds of a picture's time on choosing a filter for each row. With one filter
  for all rows (the mean of left and above), through zlib, a picture takes half as long, is 1.5 %
  smaller and has the same pixels; but then the bytes of pictures would depend on the system's zlib
  and differ from those of data sets that exist.
- Without pictures, 500 samples: ours 14.7 the first time and 10.4 afterwards, the floor 8.9, and
  ours over the floor 1.16 times (1.14 to 1.25 in three runs). The plain script takes 8.9 as well:
  it decodes every recording once and draws from memory, and measures nothing.
- What is left over the floor is 0.35 s of importing and looking up what was measured, the plan
  (0.6 ms a sample), and mixing and measuring, of which the speech level by P.56 is over a half:
  0.85 ms, three times a sample. Two thirds of that are the two running sums of its envelope, each
  number of which waits for the one before. An envelope of half as many points halves it and moves
  levels by 0.002 dB; but then data sets that exist could not be rendered again as they are, and
  the mixing on the fly, which measures levels in torch, would differ from what is written.
- It was 13.0 to 13.8 s, 1.6 to 1.7 times the floor. What helped: no scipy.signal, whose import
  takes 0.7 s; a search that counts at five thresholds in place of fourteen; keeping freed memory
  (1.7 ms a sample); WAV headers by the standard library's `wave` (0.4 ms); a repeated noise put
  together from slices, not from indices (0.4 ms); fewer copies. The bytes are what they were.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from prepare_data.demo_noise import write_demo_noise
from prepare_data.demo_speech import write_demo_speech
from prepare_data.measurements import CACHE_VARIABLE
from prepare_data.workers import usable_cpus

_BASELINE = str(Path(__file__).with_name("prepare_baseline.py"))


@dataclass(frozen=True)
class Way:
    """One command.

    Attributes:
        name: what to call it in the table.
        command: what is run; it writes into a folder of its own.
        fresh: whether all that is known of the recordings is forgotten before.
    """

    name: str
    command: list[str]
    fresh: bool = False


def main() -> None:
    """Measure and print."""
    options = _options()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        os.environ[CACHE_VARIABLE] = str(folder / "cache")
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        speech, noise = _corpora(options, folder)
        print(f"{options.samples} samples of {speech} and {noise}, {usable_cpus()} cores")
        for pictures in (True, False):
            ways = _ways(speech, noise, folder, options.samples, pictures=pictures)
            _compare(ways, folder, options.rounds, pictures=pictures)


def _ways(speech: Path, noise: Path, folder: Path, samples: int, *, pictures: bool) -> list[Way]:
    """Return the plain script first, and the floor, where there is one, last."""
    count = ["--samples", str(samples)]
    plain = [sys.executable, _BASELINE, "plain", str(speech), str(noise), str(folder / "plain")]
    plain += [*count, *([] if pictures else ["--no-pictures"])]
    ours = [sys.executable, "-m", "prepare_data", "--speech", str(speech), "--noise", str(noise)]
    ours += [*count, "--out", str(folder / "ours"), "--quiet"]
    ours += [] if pictures else ["--no-spectrograms"]
    ways = [
        Way("plain script", plain),
        Way("one core, nothing measured", [*ours, "--jobs", "1"], fresh=True),
        Way("one core, measured before", [*ours, "--jobs", "1"]),
    ]
    if usable_cpus() > 1:
        ways += [
            Way("all cores, nothing measured", ours, fresh=True),
            Way("all cores, measured before", ours),
        ]
    if not pictures:
        floor = [sys.executable, _BASELINE, "floor", str(folder / "ours"), str(folder / "floor")]
        ways += [Way("the floor", floor)]
    return ways


def _compare(ways: list[Way], folder: Path, rounds: int, *, pictures: bool) -> None:
    taken: dict[str, list[tuple[float, float]]] = {way.name: [] for way in ways}
    for _ in range(rounds):
        for way in ways:
            for old in ["plain", "floor"] + ["ours"] * (way.name != "the floor"):
                shutil.rmtree(folder / old, ignore_errors=True)
            if way.fresh:
                shutil.rmtree(folder / "cache", ignore_errors=True)
            taken[way.name].append(_timed(way.command))
    print(f"\n{'with pictures' if pictures else 'without pictures':<30}CPU s  wall s", end="")
    print("   to the plain script (CPU, wall)" + ("" if pictures else "   to the floor (CPU)"))
    plain, last = taken[ways[0].name], taken[ways[-1].name]
    for name, each in taken.items():
        cpu, wall = (median(numbers) for numbers in zip(*each, strict=True))
        line = f"{name:<30}{cpu:5.1f}{wall:8.1f}"
        line += f"{_ratio(plain, each, 0):15.2f}{_ratio(plain, each, 1):11.2f}"
        line += "" if pictures else f"{_ratio(each, last, 0):20.2f}"
        print(line, flush=True)


def _ratio(over: list[tuple[float, float]], under: list[tuple[float, float]], which: int) -> float:
    return median(one[which] / other[which] for one, other in zip(over, under, strict=True))


def _timed(command: list[str]) -> tuple[float, float]:
    """Run a command and return the processor's seconds and the clock's."""
    before, started = os.times(), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - started, os.times()
    return sum(after[2:4]) - sum(before[2:4]), wall


def _corpora(options: argparse.Namespace, folder: Path) -> tuple[Path, Path]:
    if options.speech and options.noise:
        return options.speech, options.noise
    if recordings := os.environ.get("SPEECH_DATA"):
        return Path(recordings) / "speech" / "LibriSpeech", Path(recordings) / "noise" / "ESC-10"
    write_demo_speech(folder / "speech")
    write_demo_noise(folder / "noise")
    return folder / "speech", folder / "noise"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--speech", type=Path, metavar="DIR")
    parser.add_argument("--noise", type=Path, metavar="DIR")
    parser.add_argument("--samples", type=int, default=500, metavar="N")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="where there is room")
    return parser.parse_args()


if __name__ == "__main__":
    main()
