"""Training step, denoising and memory of the spectrogram U-Net, by width and arithmetic.

`python benchmarks/bench_spectrogram.py` prints seconds of audio per second of computing. The ways
take turns, so that what else the machine does meets them all alike; look at the ratios. Memory is
the peak of a process of its own for each way.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from prepare_data.picture import encode_picture, shared_scale, stft, write_picture
from spectrogram_unet.dataset import PicturePairs
from spectrogram_unet.denoise import SpectrogramDenoiser, predictor
from spectrogram_unet.gain import GainRule
from spectrogram_unet.geometry import Geometry
from spectrogram_unet.network import UNet
from spectrogram_unet.task import SpectrogramTask

_GEOMETRY = Geometry()
_SECONDS = _GEOMETRY.window_samples / _GEOMETRY.sample_rate


@dataclass(frozen=True)
class Way:
    """One way to compute."""

    width: int
    channels_last: bool = False
    bfloat16: bool = False
    compiled: bool = False

    @property
    def name(self) -> str:
        """What to call it in the table."""
        parts = ["channels_last" if self.channels_last else "eager"]
        parts += ["bf16"] if self.bfloat16 else []
        parts += ["compiled"] if self.compiled else []
        return " ".join(parts)


def main() -> None:
    """Measure and print."""
    options = _options()
    torch.set_num_threads(options.threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    widths = options.widths or ([16, 64] if device == "cuda" else [8, 16])
    where = torch.cuda.get_device_name() if device == "cuda" else f"{options.threads} threads"
    print(
        f"torch {torch.__version__} on {device} ({where}), batch {options.batch}, {_SECONDS} s each"
    )
    print("width  way                       training  ratio  network  ratio  peak MB")
    for width in widths:
        ways = [Way(width), Way(width, True), Way(width, True, True)]
        ways += [Way(width, True, True, True)] if options.compile else []
        _compare(ways, options.batch, options.rounds, device)
    _denoising(max(widths))
    _loader()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--widths", type=int, nargs="+", metavar="N")
    parser.add_argument("--batch", type=int, default=2, metavar="N", help="pictures a step")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), metavar="N")
    parser.add_argument("--compile", action="store_true", help="torch.compile too, takes a minute")
    return parser.parse_args()


def _compare(ways: list[Way], batch: int, rounds: int, device: str) -> None:
    steps = {way: (_training_step(way, batch, device), _inference(way, device)) for way in ways}
    times: dict[Way, tuple[list[float], list[float]]] = {way: ([], []) for way in ways}
    for turn in range(rounds + 1):
        for way, kinds in steps.items():
            for step, kept in zip(kinds, times[way], strict=True):
                seconds = _timed(step, device)
                if turn:  # the first one compiles and allocates
                    kept.append(seconds)
    first = times[ways[0]]
    for way in ways:
        training, network = (statistics.median(kept) for kept in times[way])
        ratios = [statistics.median(a) / b for a, b in zip(first, (training, network), strict=True)]
        print(
            f"{way.width:5d}  {way.name:<24}{batch * _SECONDS / training:10.1f}{ratios[0]:7.2f}"
            f"{_SECONDS / network:9.1f}{ratios[1]:7.2f}{_peak_megabytes(way, batch, device):9.0f}",
            flush=True,
        )


def _training_step(way: Way, batch: int, device: str) -> Callable[[], None]:
    task = SpectrogramTask(way.width, _GEOMETRY).to(device)
    layout = torch.channels_last if way.channels_last else torch.contiguous_format
    network = task.network.to(memory_format=layout)
    forward = torch.compile(network) if way.compiled else network
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-4)
    noisy, noise = (
        torch.rand(batch, 1, 512, 512, device=device).contiguous(memory_format=layout)
        for _ in range(2)
    )

    def step() -> None:
        optimiser.zero_grad()
        with torch.autocast(device, torch.bfloat16, enabled=way.bfloat16):
            logits = forward(noisy)
        torch.nn.functional.binary_cross_entropy_with_logits(logits.float(), noise).backward()
        optimiser.step()

    return step


def _inference(way: Way, device: str) -> Callable[[], None]:
    layout = torch.channels_last if way.channels_last else torch.contiguous_format
    network = UNet(1, 1, way.width).to(device, memory_format=layout).eval()
    forward = torch.compile(network) if way.compiled else network
    picture = torch.rand(1, 1, 512, 512, device=device)

    def step() -> None:
        with torch.inference_mode(), torch.autocast(device, torch.bfloat16, enabled=way.bfloat16):
            forward(picture)

    return step


def _timed(step: Callable[[], None], device: str) -> float:
    started = time.perf_counter()
    step()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started


def _peak_megabytes(way: Way, batch: int, device: str) -> float:
    """Return the peak memory of two training steps: the device's, or else a new process's."""
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        step = _training_step(way, batch, device)
        step()
        step()
        return torch.cuda.max_memory_allocated() / 1e6
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_resident_megabytes, (way, batch, torch.get_num_threads()))


def _resident_megabytes(way: Way, batch: int, threads: int) -> float:
    torch.set_num_threads(threads)
    step = _training_step(way, batch, "cpu")
    step()
    step()
    # Not getrusage, whose peak a new process takes over from the one that started it.
    status = Path("/proc/self/status").read_text()
    return float(status.partition("VmHWM:")[2].split()[0]) / 1e3


def _denoising(width: int) -> None:
    """Time the whole way from sound to sound."""
    denoiser = SpectrogramDenoiser(predictor(UNet(1, 1, width)), _GEOMETRY, GainRule())
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, 4 * _GEOMETRY.window_samples)
    audio = noise.astype(np.float32)
    denoiser.denoise(audio[: _GEOMETRY.window_samples], _GEOMETRY.sample_rate)
    started = time.perf_counter()
    denoiser.denoise(audio, _GEOMETRY.sample_rate)
    seconds = time.perf_counter() - started
    print(f"denoising at width {width}, windows overlapping by half: {4 * _SECONDS / seconds:.1f}")


def _loader() -> None:
    """Time reading pictures, without the network."""
    sizes = {"n_fft": _GEOMETRY.n_fft, "hop_length": _GEOMETRY.hop_length}
    with tempfile.TemporaryDirectory() as name:
        noise = np.random.default_rng(0).standard_normal(_GEOMETRY.window_samples)
        spectrum = stft(noise, **sizes)
        scale = shared_scale(spectrum, _GEOMETRY.sample_rate, **sizes)
        for kind in ("noisy_voice", "noise"):
            (Path(name) / kind).mkdir()
            write_picture(Path(name) / kind / "0.png", encode_picture(spectrum, scale), scale)
        pairs = PicturePairs(name)
        started = time.perf_counter()
        for _ in range(20):
            pairs[0]
        seconds = (time.perf_counter() - started) / 20
    print(f"loading training pictures, one process: {_SECONDS / seconds:.0f}")


if __name__ == "__main__":
    main()
