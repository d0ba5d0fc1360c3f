"""Recordings side by side in a batch against one after another: what it saves, model by model.

`python benchmarks/bench_side_by_side.py` denoises eight recordings of 2 to 6 s with the live model,
one after another and with 2, 4 and 8 in hand, through onnxruntime and through PyTorch; the waveform
model by blocks of several lengths, of one recording and of four at once; and pictures through the
spectrogram model's network. It counts the processor's seconds of one thread, for each second of
sound. The ways take turns, so that what else the machine does meets them all alike; what counts is
the ratio to the first way, the median over the rounds.

One thread of an AMD EPYC (AVX-512) with busy neighbours, torch 2.14, onnxruntime 1.31:

- The live model on onnxruntime takes 11.3 ms for a second of sound, and 0.82, 0.76 and 0.69 times
  as long with 2, 4 and 8 recordings in hand: it computes frame by frame, and much of a frame's time
  goes into calling its small steps. PyTorch, with 128 frames in a call, 0.87 times for 4.
- The waveform model takes 38 ms by blocks of 1 s, 0.90 to 0.96 times as long by blocks of 2 s or
  4 s; with four recordings at once by blocks of 1, 2 and 4 s 0.93, 0.91 and 0.96 times. What a
  batch saves, a longer block of one recording saves as well.
- The spectrogram network takes 1.02 times as long for two pictures or four at once.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from statistics import median

import numpy as np
import torch

from enhancement.precision import has_bfloat16
from spectrogram_unet.network import UNet
from waveform_unet_lru.blockwise import denoised
from waveform_unet_lru.live.denoise import Backend, load
from waveform_unet_lru.live.side_by_side import denoised_side_by_side
from waveform_unet_lru.network import UNetLRUAudio

_RATE = 16_000
_SECONDS = (3.1, 2.2, 5.7, 4.4, 3.9, 2.8, 6.3, 3.3)
_LONG = 8  # seconds
_PICTURE = 512
_PICTURE_SECONDS = 2.56  # that a picture adds, for half of it overlaps with the one before

Way = Callable[[], object]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, metavar="N")
    rounds = parser.parse_args().rounds
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, one thread")
    for backend in ("onnx", "torch"):
        _compare(f"live model, {backend}", _live(backend), sum(_SECONDS), rounds)
    _compare("waveform model", _waveform(), 4 * _LONG, rounds)
    _compare("spectrogram network", _spectrogram(), 4 * _PICTURE_SECONDS, rounds)


def _live(backend: Backend) -> dict[str, Way]:
    """Return the shipped model over eight recordings."""
    denoiser = load(None, backend=backend)
    recordings = [_noise(seconds) for seconds in _SECONDS]

    def one_after_another() -> list[np.ndarray]:
        return [np.concatenate(list(denoiser.denoise_blocks([each], _RATE))) for each in recordings]

    def together(count: int) -> list[np.ndarray]:
        parts: list[list[np.ndarray]] = [[] for _ in recordings]
        given = (([each], _RATE) for each in recordings)
        for index, part in denoised_side_by_side(denoiser.core, given, count):
            if isinstance(part, np.ndarray):
                parts[index].append(part)
        return [np.concatenate(each) for each in parts]

    _check_same(one_after_another(), together(4))
    ways: dict[str, Way] = {"one after another": one_after_another}
    ways.update({f"{count} at once": _fixed(together, count) for count in (2, 4, 8)})
    return ways


def _waveform() -> dict[str, Way]:
    """Return an untrained network of the published size over four recordings of one length."""
    network = UNetLRUAudio().eval()
    recordings = _noise(_LONG, 4)

    def by_blocks(seconds: float, at_once: int) -> list[np.ndarray]:
        size = round(seconds * _RATE)
        return [
            np.concatenate(list(denoised(network, [group], block_samples=size)))
            for group in np.split(recordings, 4 // at_once, axis=1)
        ]

    alone, together = by_blocks(1, 1), by_blocks(1, 4)
    _check_same([np.concatenate(alone, axis=1)], together)
    return {
        f"blocks of {seconds:g} s" + (", four at once" if at_once > 1 else ""): _fixed(
            by_blocks, seconds, at_once
        )
        for at_once in (1, 4)
        for seconds in (1, 2, 4)
    }


def _spectrogram() -> dict[str, Way]:
    """Return an untrained network over four pictures, in the precision that it runs in here."""
    network = UNet(1, 1).to(memory_format=torch.channels_last).eval()
    pictures = torch.rand(4, 1, _PICTURE, _PICTURE)

    @torch.inference_mode()
    def predict(at_once: int) -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=has_bfloat16()):
            for group in pictures.split(at_once):
                network(group)

    return {f"{count} at once": _fixed(predict, count) for count in (1, 2, 4)}


def _compare(title: str, ways: dict[str, Way], seconds: float, rounds: int) -> None:
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, way in ways.items():
            started = time.process_time()
            way()
            if turn:  # the first one allocates
                taken[name].append((time.process_time() - started) / seconds)
    print(f"\n{title:<32}ms for a second   to the first")
    first = next(iter(taken.values()))
    for name, each in taken.items():
        ratio = median(own / other for own, other in zip(each, first, strict=True))
        print(f"{name:<32}{1e3 * min(each):15.2f}{ratio:15.2f}", flush=True)


def _check_same(expected: Sequence[np.ndarray], results: Sequence[np.ndarray]) -> None:
    for one, other in zip(expected, results, strict=True):
        if not np.allclose(one, other, rtol=0, atol=1e-5 * np.abs(one).max()):
            raise AssertionError("side by side gives something else")


def _fixed(way: Callable[..., object], *arguments: object) -> Way:
    return lambda: way(*arguments)


def _noise(seconds: float, channels: int = 1) -> np.ndarray:
    noise = np.random.default_rng(0).standard_normal((round(seconds * _RATE), channels))
    return (0.1 * noise).astype(np.float32)


if __name__ == "__main__":
    main()
