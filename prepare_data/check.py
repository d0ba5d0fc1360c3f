"""Check a data set from its files and manifest alone: the sum, the ratios, the splits.

`python -m prepare_data.check data/processed` reads every sample and says what it found.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile
from tqdm import tqdm

from prepare_data.dataset import DataSet, Sample
from prepare_data.guard import Parser, guarded
from prepare_data.mixing import FULL_SCALE, power_db
from prepare_data.speech_level import active_speech_level
from prepare_data.workers import usable_cpus, worker_pool

SNR_TOLERANCE_DB = 0.1


@dataclass
class Findings:
    """What a check found.

    Attributes:
        samples: how many were read.
        worst_snr_error_db: largest difference between the ratio in the manifest and in the files.
        ratios: samples by (split, ratio) for val and test.
        late_reverb_db: of each sample that is heard in a room.
        crossing: sources in more than one split.
        problems: samples that break a promise, with the reason.
    """

    samples: int = 0
    worst_snr_error_db: float = 0.0
    ratios: Counter[tuple[str, float]] = field(default_factory=Counter)
    late_reverb_db: list[float] = field(default_factory=list)
    crossing: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def check(path: str | Path, *, jobs: int = 1, quiet: bool = False) -> Findings:
    """Check every sample of a data set.

    Raises:
        UserError: if it cannot be opened or is not complete.
    """
    data = DataSet(path)
    found = Findings()
    splits: dict[tuple[str, str], set[str]] = defaultdict(set)
    with worker_pool(jobs) as run:
        results = run(check_sample, data)
        for sample, result in tqdm(
            zip(data, results, strict=True), "checking", len(data), disable=quiet or None
        ):
            error, problem = result
            found.samples += 1
            found.worst_snr_error_db = max(found.worst_snr_error_db, error)
            if problem:
                found.problems.append(f"{sample.id}: {problem}")
            if "room" in sample.line:
                found.late_reverb_db.append(sample.line["late_reverb_db"])
            if sample.line["split"] != "train":
                found.ratios[sample.line["split"], sample.line["snr_db"]] += 1
            for kind in ("voice", "noises"):
                for entry in sample.line[kind]:
                    splits[kind, entry["source"]].add(sample.line["split"])
    found.crossing = sorted(source for (_, source), where in splits.items() if len(where) > 1)
    return found


def check_sample(sample: Sample) -> tuple[float, str]:
    """Return a sample's error of the ratio in dB, and what is wrong with it or nothing."""
    try:
        voice, noise, noisy = (
            soundfile.read(sample.audio_path(kind), dtype="int16")[0].astype(np.int64)
            for kind in ("voice", "noise", "noisy_voice")
        )
    except soundfile.LibsndfileError as reason:
        return 0.0, str(reason)
    if not (voice.shape == noise.shape == noisy.shape):
        return 0.0, "its files differ in length"
    if not np.array_equal(voice + noise, noisy):
        return 0.0, "voice and noise do not add up to the noisy voice"
    rate = soundfile.info(sample.audio_path("voice")).samplerate
    level, _ = active_speech_level(voice / FULL_SCALE, rate)
    # Where late reverberation counts as noise, what was asked for is the ratio without it.
    expected = sample.line.get("snr_with_late_reverb_db", sample.line["snr_db"])
    error = abs(level - power_db(noise / FULL_SCALE) - expected)
    wrong = not error <= SNR_TOLERANCE_DB
    return error, f"its ratio is {error:.2f} dB off" if wrong else ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run `python -m prepare_data.check` and return its exit code: 1 if a promise is broken."""
    return guarded(lambda: _command(arguments), program="prepare_data.check")


def _command(arguments: Sequence[str] | None) -> int:
    parser = Parser(prog="python -m prepare_data.check", description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, metavar="DIR", help="folder of a data set")
    parser.add_argument("--jobs", type=int, default=usable_cpus(), metavar="N")
    options = parser.parse_args(arguments)
    found = check(options.data, jobs=options.jobs)
    print(f"{found.samples} samples, each the sum of its parts unless named below")
    print(f"largest error of a signal-to-noise ratio: {found.worst_snr_error_db:.4f} dB")
    for (split, ratio), count in sorted(found.ratios.items()):
        print(f"{split} {ratio:g} dB: {count} samples")
    if found.late_reverb_db:
        late = f"{min(found.late_reverb_db):.1f} to {max(found.late_reverb_db):.1f} dB"
        print(f"{len(found.late_reverb_db)} samples in a room, late reverberation {late}")
    print(f"{len(found.crossing)} sources in more than one split {' '.join(found.crossing[:5])}")
    print(f"{len(found.problems)} samples with problems")
    for problem in found.problems[:20]:
        print(f"  {problem}")
    return 1 if found.problems or found.crossing else 0


if __name__ == "__main__":
    sys.exit(main())
