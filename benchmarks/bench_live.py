"""The live model against other real-time denoisers: speed, block times, start-up and memory.

`python benchmarks/bench_live.py` runs each preset, with random weights or (`--shipped`) the weights
that come with the package under its name, by onnxruntime and by PyTorch, and RNNoise (pyrnnoise)
and noisereduce where they are installed (the extra `bench`; writing ONNX files of random weights
takes the extra `export`). Each run is a process of its own with one thread; they take turns, so
that what else the machine does meets them all alike, and the best of the rounds counts. A neighbour
that takes the processor in the middle of a block lengthens that block and the sum of all, but
hardly the factor of the median block. Blocks are single hops, as in a live stream; noisereduce has
the whole recording at once, for it knows no blocks. The last quarter of the sound is silence, lest
states decay to numbers that slow the processor down unseen. Start-up is from the start of the
process to the first block's answer; memory is the process's peak.

Of a block of tiny, a third is numpy's, half of that the two transforms, and the rest some forty
operators, each of which takes a microsecond or more however little it computes: fewer of them is
what helps, not fewer multiplications.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

_THREADS = ("OMP", "OPENBLAS", "MKL", "NUMBA")
_PEERS = ("pyrnnoise", "noisereduce")
_SILENT_SHARE = 0.25

Process = Callable[[np.ndarray], object]


@dataclass(frozen=True)
class Denoising:
    """A system that is ready: what it takes a block of how many samples at which rate with."""

    process: Process
    block: int
    sample_rate: int


@dataclass(frozen=True)
class Measured:
    """What a run took, in the units that the names say."""

    real_time_factor: float
    median_factor: float
    median_ms: float
    p99_ms: float
    start_seconds: float
    peak_megabytes: float


def main() -> None:
    """Measure and print; or, with --run, be one of the processes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--presets", nargs="+", default=["tiny", "small", "base", "small-16ms"])
    parser.add_argument("--shipped", action="store_true", help="take the weights that ship")
    parser.add_argument("--rate", type=int, default=16_000, metavar="HZ", help="of the live models")
    parser.add_argument("--seconds", type=float, default=20.0, metavar="S", help="of sound")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--run", nargs=2, metavar=("WHAT", "STARTED"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        what, started = options.run
        measured = _measure(what, float(started), options.rate, options.seconds)
        print(json.dumps(asdict(measured)))
        return
    with tempfile.TemporaryDirectory() as folder:
        models = _shipped if options.shipped else _random
        systems = {**models(options.presets, Path(folder)), **_peers()}
        _compare(systems, options)


def _shipped(presets: list[str], folder: Path) -> dict[str, str]:
    """Return the files that ship; name to file."""
    from enhancement.registry import checkpoint_path

    files = {}
    for preset in presets:
        checkpoint = checkpoint_path(preset)
        files[f"{preset} onnx"] = str(checkpoint.with_suffix(".onnx"))
        files[f"{preset} torch"] = str(checkpoint)
    return files


def _random(presets: list[str], folder: Path) -> dict[str, str]:
    """Write the presets' checkpoints and exports; name to file."""
    files = {}
    for preset in presets:
        checkpoint = _write_random(preset, folder)
        if find_spec("onnx") is None:
            print(f"{preset} onnx: left out, the package onnx is not installed")
        else:
            from waveform_unet_lru.live.export import export

            exported = checkpoint.with_suffix(".onnx")
            export(checkpoint, exported)
            files[f"{preset} onnx"] = str(exported)
        files[f"{preset} torch"] = str(checkpoint)
    return files


def _write_random(preset: str, folder: Path) -> Path:
    import torch

    from enhancement.checkpoints import Header, save_weights
    from waveform_unet_lru.live.config import PRESETS
    from waveform_unet_lru.live.network import LiveNetwork

    torch.manual_seed(0)
    config = PRESETS[preset]
    path = folder / f"{preset}.safetensors"
    header = Header("live", config.plain(), 16_000, {})
    save_weights(path, LiveNetwork(config).state_dict(), header)
    return path


def _peers() -> dict[str, str]:
    missing = [peer for peer in _PEERS if find_spec(peer) is None]
    for peer in missing:
        print(f"{peer}: left out, it is not installed")
    return {peer: peer for peer in _PEERS if peer not in missing}


def _compare(systems: dict[str, str], options: argparse.Namespace) -> None:
    runs: dict[str, list[Measured]] = {name: [] for name in systems}
    for _ in range(options.rounds):
        for name, what in systems.items():
            runs[name].append(_in_process(what, options))
    print(f"\n{'':18}real-time factor  of median  median ms   p99 ms  start s  peak MB")
    for name, measured in runs.items():
        best = [min(values) for values in zip(*map(_values, measured), strict=True)]
        *factors, median, p99, start, peak = best
        print(f"{name:18}{factors[0]:16.4f}{factors[1]:11.4f}", end="")
        print(f"{median:11.3f}{p99:9.3f}{start:9.2f}{peak:9.0f}")


def _values(measured: Measured) -> tuple[float, ...]:
    return tuple(asdict(measured).values())


def _in_process(what: str, options: argparse.Namespace) -> Measured:
    root = Path(__file__).parents[1]
    paths = [str(root), *filter(None, [os.environ.get("PYTHONPATH")])]
    threads = {f"{library}_NUM_THREADS": "1" for library in _THREADS}
    environment = {**os.environ, **threads, "PYTHONPATH": os.pathsep.join(paths)}
    sizes = ["--rate", str(options.rate), "--seconds", str(options.seconds)]
    command = [sys.executable, __file__, *sizes, "--run", what, repr(time.time())]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return Measured(**json.loads(done.stdout.splitlines()[-1]))


def _measure(what: str, started: float, rate: int, seconds: float) -> Measured:
    system = _system(what, rate, seconds)
    blocks = _blocks(system, seconds)
    system.process(blocks[0])
    start_seconds = time.time() - started
    taken = []
    for block in blocks:
        before = time.perf_counter()
        system.process(block)
        taken.append(time.perf_counter() - before)
    sound = len(blocks) * system.block / system.sample_rate
    median, p99 = np.percentile(taken, [50, 99])
    return Measured(
        sum(taken) / sound,
        median * len(blocks) / sound,
        1e3 * median,
        1e3 * p99,
        start_seconds,
        _peak_megabytes(),
    )


def _blocks(system: Denoising, seconds: float) -> list[np.ndarray]:
    count = max(1, round(seconds * system.sample_rate / system.block))
    noise = np.random.default_rng(0).standard_normal(count * system.block)
    noise[round((1 - _SILENT_SHARE) * len(noise)) :] = 0
    return np.split((0.1 * noise).astype(np.float32), count)


def _system(what: str, rate: int, seconds: float) -> Denoising:
    if what == "pyrnnoise":
        return _rnnoise()
    if what == "noisereduce":
        return _noisereduce(rate, seconds)
    from waveform_unet_lru.live.denoise import load

    path = Path(what)
    if path.suffix != ".onnx":
        import torch

        torch.set_num_threads(1)
    stream = load(path).stream(rate, whole_hops=True)
    return Denoising(stream.process, stream.hop_samples, rate)


def _rnnoise() -> Denoising:
    """RNNoise's own frames of 10 ms at 48 kHz, without the resampler around it."""
    from pyrnnoise.rnnoise import FRAME_SIZE, SAMPLE_RATE, create, process_mono_frame

    state = create()
    return Denoising(lambda block: process_mono_frame(state, block), FRAME_SIZE, SAMPLE_RATE)


def _noisereduce(rate: int, seconds: float) -> Denoising:
    from noisereduce import reduce_noise

    return Denoising(lambda block: reduce_noise(block, sr=rate), round(seconds * rate), rate)


def _peak_megabytes() -> float:
    # Not getrusage, whose peak a new process takes over from the one that started it.
    status = Path("/proc/self/status").read_text()
    return float(status.partition("VmHWM:")[2].split()[0]) / 1e3


if __name__ == "__main__":
    main()
