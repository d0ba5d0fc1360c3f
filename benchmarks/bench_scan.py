"""How long it takes to look through a corpus of very many files, the first time and the second.

`python benchmarks/bench_scan.py` makes a folder laid out like LibriSpeech whose 100,000 recordings
are links to the built-in voices, and plans ten samples of it twice from the command line, as a user
would, with no measurements at first. The floor is what any program must do to notice a change: list
the folders and ask for the size of every file. A third run under a profiler says where the time of
the second goes.

One core of an AMD EPYC with busy neighbours, 100,000 hard links: 142 s of the processor's time for
the first run and 7.4 s for the second, 16 times the floor. Of that a third is asking what was
measured, twice a file, a fifth the folders, a fifth recognising the layout. Before the worth of a
recording was kept, 20,000 took 12.9 s the second time.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from prepare_data.demo_noise import write_demo_noise
from prepare_data.demo_speech import write_demo_speech
from prepare_data.measurements import CACHE_VARIABLE

_UTTERANCES = 25  # in a chapter
_CHAPTERS = 4  # of a speaker
_PROFILED = """
import cProfile, pstats, sys, time
from prepare_data.__main__ import main
profile = cProfile.Profile(time.process_time)
profile.runcall(main, sys.argv[1:])
print("seconds under the profiler, with what is called from there:")
for (file, _, name), numbers in pstats.Stats(profile).stats.items():
    if "prepare_data" in file and numbers[3] > 0.3:
        print(f"  {numbers[3]:7.2f}  {numbers[0]:7} calls  {file.rsplit('/', 1)[-1]} {name}")
"""


def main() -> None:
    """Measure and print."""
    options = _options()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        os.environ[CACHE_VARIABLE] = str(folder / "cache")
        count = _make_corpus(folder, options.files, symbolic=options.symbolic)
        arguments = [
            *("--speech", str(folder / "speech"), "--noise", str(folder / "noise")),
            *("--out", str(folder / "out"), "--samples", "10", "--plan-only", "--quiet"),
            *("--jobs", str(options.jobs)),
        ]
        print(f"{count} files         wall s     CPU s   files/s   to the floor")
        floor = _timed("list and stat", [sys.executable, "-c", _WALK, str(folder)], count, None)
        command = [sys.executable, "-m", "prepare_data", *arguments]
        _timed("first run", command, count, floor)
        for _ in range(options.rounds):
            _timed("second run", command, count, floor)
        subprocess.run([sys.executable, "-c", _PROFILED, *arguments], check=True)


_WALK = """
import os, sys
for folder, _, names in os.walk(sys.argv[1]):
    for name in names:
        os.stat(os.path.join(folder, name))
"""


def _make_corpus(folder: Path, files: int, *, symbolic: bool) -> int:
    """Link recordings into speaker/chapter folders and return how many there are."""
    write_demo_speech(folder / "real")
    write_demo_noise(folder / "noise")
    real = sorted((folder / "real").rglob("*.wav"))
    link = os.symlink if symbolic else os.link
    for index in range(files):
        chapter, utterance = divmod(index, _UTTERANCES)
        speaker = chapter // _CHAPTERS
        place = folder / "speech" / f"{speaker}" / f"{chapter}"
        if utterance == 0:
            place.mkdir(parents=True)
        link(real[index % len(real)], place / f"{speaker}-{chapter}-{utterance:04d}.wav")
    return files


def _timed(name: str, command: list[str], files: int, floor: float | None) -> float:
    """Run a command, print a line and return the seconds that it took."""
    before, started = os.times(), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - started, os.times()
    cpu = sum(after[2:4]) - sum(before[2:4])
    ratio = "" if floor is None else f"{cpu / floor:15.1f}"
    print(f"{name:<16}{wall:13.1f}{cpu:10.1f}{files / wall:10.0f}{ratio}", flush=True)
    return cpu


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=100_000, metavar="N")
    parser.add_argument("--rounds", type=int, default=1, metavar="N", help="second runs")
    parser.add_argument("--jobs", type=int, default=1, metavar="N")
    parser.add_argument("--symbolic", action="store_true", help="symbolic links, not hard ones")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="where there is room")
    return parser.parse_args()


if __name__ == "__main__":
    main()
