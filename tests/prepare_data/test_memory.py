"""Peak memory must not grow with the length of the recordings."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.prepare_data.sounds import speech_like

PROGRAM = """
import resource, sys
from prepare_data.__main__ import main
code = main(sys.argv[1:])
print('peak', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
sys.exit(code)
"""


def peak_megabytes(folder: Path, minutes: int) -> float:
    """Blend from three voices and three noises of so many minutes in all."""
    rate = 16_000
    block = (speech_like(60, rate) * 32_767).astype(np.int16)
    for kind in ("speech", "noise"):
        for number in range(3):
            path = folder / str(minutes) / kind / str(number) / "long.wav"
            path.parent.mkdir(parents=True)
            with soundfile.SoundFile(path, "w", rate, 1, "PCM_16") as file:
                for _ in range(minutes // 6):
                    file.write(block)
    done = subprocess.run(
        [
            *(sys.executable, "-c", PROGRAM),
            *("--speech", str(folder / str(minutes) / "speech")),
            *("--noise", str(folder / str(minutes) / "noise")),
            *("--out", str(folder / str(minutes) / "out")),
            *("--samples", "8", "2", "2", "--jobs", "1", "--quiet"),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split("peak ")[1]) / 1024


@pytest.mark.slow
def test_peak_memory_does_not_grow_with_the_length_of_recordings(tmp_path: Path) -> None:
    short, long = peak_megabytes(tmp_path, 12), peak_megabytes(tmp_path, 180)
    print(f"peak memory: {short:.0f} MB for 12 minutes, {long:.0f} MB for 3 hours of input")
    assert long < short + 25
