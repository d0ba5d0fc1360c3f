"""An exported model denoises files and streams with nothing but requirements-live.txt installed."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import soundfile

from tests.waveform_unet_lru import live_cores
from waveform_unet_lru.live.denoise import load

_ROOT = Path(__file__).parents[2]
_IMPORTED_AS = {"pillow": "PIL"}
_PROGRAM = """\
import sys

class Refusal:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ImportError(f"{name} is not there")

sys.meta_path.insert(0, Refusal())
"""
_FILES = """
from enhancement.__main__ import main
sys.exit(main(["denoise", *sys.argv[1:]]))
"""
_STREAM = """
from waveform_unet_lru.stream_command import add_arguments, command
import argparse
parser = argparse.ArgumentParser()
add_arguments(parser)
sys.exit(command(parser.parse_args()))
"""
_LOADED = """
import numpy as np
from enhancement.registry import load_denoiser
from waveform_unet_lru.live.denoise import load_pretrained
sound = np.load(sys.argv[2])
denoised = load_denoiser(sys.argv[1]).denoise(sound, 16_000)
stream = load_pretrained(sys.argv[1]).stream(16_000)
streamed = np.concatenate([stream.process(sound), stream.flush()])
np.savez(sys.argv[3], denoised=denoised, streamed=streamed[stream.lag_samples:])
"""


def _names(requirements: list[str]) -> set[str]:
    matches = (re.match(r"[\w-]+", line) for line in requirements)
    return {match[0].lower() for match in matches if match}


def _blocked() -> set[str]:
    """Return what the package depends on and a device with a live model does without."""
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]
    needed = _names((_ROOT / "requirements-live.txt").read_text().splitlines())
    names = _names(project["dependencies"]) - needed
    assert "torch" in names and needed < _names(project["dependencies"])
    return {_IMPORTED_AS.get(name, name) for name in names} | {"onnx", "sounddevice"}


def _run(program: str, *arguments: object, given: bytes = b"") -> bytes:
    start = f"BLOCKED = {_blocked()}\n{_PROGRAM}"
    done = subprocess.run(
        [sys.executable, "-c", start + program, *map(str, arguments)],
        input=given,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def test_files_are_denoised(live_onnx: Path, tmp_path: Path) -> None:
    noisy = live_cores.noise(30_000, channels=2)
    soundfile.write(tmp_path / "a.wav", noisy, 22_050, subtype="FLOAT")
    _run(_FILES, tmp_path / "a.wav", "--model", live_onnx, "--out", tmp_path / "out")
    given, rate = soundfile.read(tmp_path / "out" / "a.wav", dtype="float32")
    expected = load(live_onnx).denoise(noisy, 22_050)
    assert rate == 22_050 and np.abs(expected - noisy).max() > 0.01
    np.testing.assert_allclose(given, expected, atol=1e-6)


def test_pipes_are_denoised(live_onnx: Path) -> None:
    noisy = live_cores.noise(10_000)
    arguments = ("--model", live_onnx, "--format", "f32le", "--align")
    given = np.frombuffer(_run(_STREAM, *arguments, given=noisy.tobytes()), "<f4")
    np.testing.assert_allclose(given, load(live_onnx).denoise(noisy, 16_000)[:, 0], atol=1e-6)


def test_arrays_are_denoised(live_onnx: Path, tmp_path: Path) -> None:
    noisy = live_cores.noise(10_000)[:, 0]
    np.save(tmp_path / "noisy.npy", noisy)
    _run(_LOADED, live_onnx, tmp_path / "noisy.npy", tmp_path / "given.npz")
    expected = load(live_onnx).denoise(noisy, 16_000)
    with np.load(tmp_path / "given.npz") as given:
        np.testing.assert_allclose(given["denoised"], expected, atol=1e-6)
        np.testing.assert_allclose(given["streamed"], expected, atol=1e-6)
