"""Peak memory must not grow with the length of a recording."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from tests.waveform_unet_lru import small_waveform_network as small

# Not getrusage, whose peak a new process takes over from the one that started it: here, from pytest
# with all that it has imported.
_STATUS = Path("/proc/self/status")

PROGRAM = """
import sys
from pathlib import Path
import torch
from waveform_unet_lru.__main__ import main
torch.set_num_threads(1)
code = main(sys.argv[1:])
print('peak', Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])
sys.exit(code)
"""


def peak_megabytes(folder: Path, minutes: int, *options: str) -> float:
    """Denoise a stereo recording of so many minutes at 44.1 kHz."""
    checkpoint = small.save_checkpoint(folder / "small.safetensors", small.network((2, 4)))
    block = small.sound(60 * 44_100, channels=2)
    with soundfile.SoundFile(folder / "long.wav", "w", 44_100, 2, "PCM_16") as file:
        for _ in range(minutes):
            file.write(block)
    done = subprocess.run(
        [
            *(sys.executable, "-c", PROGRAM),
            *("denoise", str(folder / "long.wav"), "--model", str(checkpoint)),
            *("--out", str(folder / "out"), "--overwrite", *options),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert soundfile.info(folder / "out" / "long.wav").frames == minutes * len(block)
    return int(done.stdout.split("peak ")[1]) / 1024


@pytest.mark.slow
@pytest.mark.skipif(not _STATUS.exists(), reason="only Linux tells a process's own peak memory")
@pytest.mark.parametrize("options", [(), ("--segment-seconds", "4", "--normalize-segments")])
def test_peak_memory_does_not_grow_with_the_length(
    tmp_path: Path, options: tuple[str, ...]
) -> None:
    short, long = (peak_megabytes(tmp_path, minutes, *options) for minutes in (3, 60))
    print(f"peak memory: {short:.0f} MB for 3 minutes, {long:.0f} MB for an hour")
    assert long < short + 25
