"""Denoising files when something fails: no half file, one sentence, bounded memory."""

from __future__ import annotations

import errno
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from enhancement.denoiser import Denoiser
from enhancement.running import one_file
from prepare_data.errors import UserError
from tests.enhancement.file_runs import RATE, Mapped, denoise, noise


class Stopping(Denoiser):
    """Reads one block and gives up."""

    name = "stopping"

    def denoise_blocks(
        self, blocks: Iterable[np.ndarray], sample_rate: int
    ) -> Iterator[np.ndarray]:
        yield next(iter(blocks))


def refuses(block: np.ndarray) -> np.ndarray:
    raise UserError("this model wants 48000 Hz")


@pytest.mark.parametrize(
    ("denoiser", "reason"),
    [
        (Mapped(lambda block: block[:-5]), "gave back"),
        (Mapped(lambda block: np.concatenate([block, block])), "more samples"),
        (Mapped(lambda block: block * np.float32("nan")), "not numbers"),
        (Mapped(refuses), "wants 48000 Hz"),
        (Stopping(), "stopped reading"),
    ],
)
def test_a_model_that_fails_on_a_file_leaves_none_and_a_reason(
    denoiser: Denoiser,
    reason: str,
    tmp_path: Path,
    use: Callable[[Denoiser], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    use(denoiser)
    soundfile.write(tmp_path / "a.wav", noise(11), RATE)
    assert denoise(tmp_path / "a.wav", "--out", tmp_path / "o") == 1
    assert reason in capsys.readouterr().out
    assert list((tmp_path / "o").iterdir()) == []


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt, 130), (ZeroDivisionError, None)])
def test_interruptions_and_faults_leave_no_half_file(
    error: type[BaseException], code: int | None, tmp_path: Path, use: Callable[[Denoiser], None]
) -> None:
    def fail(block: np.ndarray) -> np.ndarray:
        raise error

    use(Mapped(fail))
    soundfile.write(tmp_path / "a.wav", noise(), RATE)
    if code is None:
        with pytest.raises(error):
            denoise(tmp_path / "a.wav", "--out", tmp_path / "o")
    else:
        assert denoise(tmp_path / "a.wav", "--out", tmp_path / "o") == code
    assert list((tmp_path / "o").iterdir()) == []


class FullDisk(tempfile.SpooledTemporaryFile):
    def write(self, *_: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_stops_everything_with_one_sentence(
    tmp_path: Path,
    use: Callable[[Denoiser], None],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    use(Mapped())
    for name in ("a.wav", "b.wav"):
        soundfile.write(tmp_path / name, noise(), RATE)
    monkeypatch.setattr(one_file.tempfile, "SpooledTemporaryFile", FullDisk)
    assert denoise(tmp_path / "a.wav", tmp_path / "b.wav", "--out", tmp_path / "o") == 2
    assert "the disk is full" in capsys.readouterr().err
    assert list((tmp_path / "o").iterdir()) == []


_LIMITED = """
import resource, sys
from enhancement import registry
from enhancement.__main__ import main
from enhancement.denoiser import Denoiser
class Identity(Denoiser):
    def denoise_blocks(self, blocks, sample_rate):
        yield from blocks
registry.load_denoiser = lambda *_, **__: Identity()
{limit}
code = main(["denoise", *sys.argv[1:]])
print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
sys.exit(code)
"""


def run_limited(limit: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-c", _LIMITED.format(limit=limit), *map(str, arguments)]
    return subprocess.run(program, capture_output=True, text=True, check=False)


def test_a_file_system_that_takes_no_more_is_reported_and_leaves_nothing(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "long.flac", noise(10), RATE)
    soundfile.write(tmp_path / "short.flac", noise(0.1), RATE)
    limit = "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))"
    inputs = (tmp_path / "long.flac", tmp_path / "short.flac")
    done = run_limited(limit, *inputs, "--out", tmp_path / "o")
    assert done.returncode == 1, done.stderr
    assert "long.flac cannot be written" in done.stdout
    assert [path.name for path in (tmp_path / "o").iterdir()] == ["short.flac"]


def test_memory_does_not_grow_with_the_length(tmp_path: Path) -> None:
    """Six minutes at 48 kHz stereo are 138 MB as float32, twice that with the noisy copy."""
    peaks = []
    for seconds in (10, 360):
        with soundfile.SoundFile(tmp_path / f"{seconds}.wav", "w", 48000, 2) as file:
            for _ in range(seconds // 10):
                file.write(noise(10, 2, 48000))
        options = ("--out", tmp_path / "o", "--mix", "0.5", "--highpass", "60")
        done = run_limited("", tmp_path / f"{seconds}.wav", *options)
        assert done.returncode == 0, done.stderr
        peaks.append(int(done.stdout.split()[-1]) * (1 if sys.platform == "darwin" else 1024))
    # The temporary file may hold 8 MiB before it goes to disk.
    assert peaks[1] - peaks[0] < 50e6


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys\n"
        "from enhancement.__main__ import main\n"
        "try:\n    main(sys.argv[1:])\n"
        "except SystemExit:\n    pass\n"
        "heavy = {'torch', 'scipy', 'soxr', 'numpy', 'soundfile', 'av', 'tqdm', 'onnxruntime'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    for arguments in (["--help"], ["denoise", "--help"]):
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert "usage" in done.stdout
