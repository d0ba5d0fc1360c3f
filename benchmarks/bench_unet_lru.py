"""The published waveform model against its published loops: recurrence, training step, real time.

`python benchmarks/bench_unet_lru.py` prints milliseconds, forward and backward, for one second of
audio a sequence (1000 steps of 256 channels in the bottleneck), and how many times as long as ours
each other way takes; then seconds of computing per second of sound, and memory, of the whole
network. The ways take turns, so that what else the machine does meets them all alike, and the best
of the rounds counts; look at the ratios. The loops gather their results in a list, which is kind to
them: written into one tensor, step by step, each would also copy the gradient of all of them, and
the loop over items and steps takes 31 s.

One thread of an Intel Xeon at 2.1 GHz with a busy neighbour, torch 2.14, batch 8:

- The recurrence in 0.11 s; the complex loop takes 6.3 times as long (2.2 with both projections
  outside it), the loop over items and steps 34 times.
- The training step in 0.83 s, where the convolutions are most of it; 1.6 times as long with the
  complex loop, 5.6 times with the loop over items and steps. With torch's own 1D convolutions in
  place of `waveform_unet_lru.layers` a step in bfloat16 took 1.4 times as long.
- The real-time factor is 0.02 to 0.04; above the 680 MB of PyTorch itself that takes 40, 170 and
  730 MB for 1, 10 and 60 s.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from waveform_unet_lru.lru import LRUBlock
from waveform_unet_lru.network import UNetLRUAudio

_SAMPLE_RATE = 16_000
_STEPS = 1000
_CHANNELS = 256

Step = Callable[[], object]


class BatchedLoop(nn.Module):
    """The recurrence step by step in complex numbers, the batch at once, projections in the loop.

    Args:
        block: whose parameters it takes.
    """

    def __init__(self, block: LRUBlock) -> None:
        super().__init__()
        self.block = block

    def forward(self, x: Tensor) -> Tensor:
        """(batch, time, H) to (batch, time, H)."""
        lam, b, c = self.complex_parameters()
        h = torch.zeros(x.shape[0], len(lam), dtype=lam.dtype, device=x.device)
        outputs = []
        for now in x.unbind(1):
            h = lam * h + now.to(b.dtype) @ b.T
            outputs.append((h @ c.T).real + self.block.D * now)
        return torch.stack(outputs, dim=1)

    def complex_parameters(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return lam, B and C."""
        p = self.block
        lam = torch.exp(torch.complex(-p.nu_log.exp(), p.theta_log.exp()))
        return lam, torch.complex(p.B_re, p.B_im), torch.complex(p.C_re, p.C_im)


class HoistedLoop(BatchedLoop):
    """The same with both projections taken out of the loop."""

    def forward(self, x: Tensor) -> Tensor:
        """(batch, time, H) to (batch, time, H)."""
        lam, b, c = self.complex_parameters()
        h = torch.zeros(x.shape[0], len(lam), dtype=lam.dtype, device=x.device)
        states = []
        for now in (x.to(b.dtype) @ b.T).unbind(1):
            h = lam * h + now
            states.append(h)
        return (torch.stack(states, dim=1) @ c.T).real + self.block.D * x


class PublishedLoop(BatchedLoop):
    """The published way: one item of the batch after the other."""

    def forward(self, x: Tensor) -> Tensor:
        """(batch, time, H) to (batch, time, H)."""
        return torch.cat([super(PublishedLoop, self).forward(item) for item in x.split(1)])


def ours(block: LRUBlock) -> nn.Module:
    """Return the block as it is."""
    return block


WAYS: dict[str, Callable[[LRUBlock], nn.Module]] = {
    "ours": ours,
    "complex loop, projections outside": HoistedLoop,
    "complex loop": BatchedLoop,
    "loop over items and steps": PublishedLoop,
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=8, metavar="N")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), metavar="N")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    print(
        f"torch {torch.__version__} on {device}, {options.threads} threads, batch {options.batch}"
    )
    block = LRUBlock(_CHANNELS, _CHANNELS).to(device)
    _check_same(block)
    recurrences = {
        name: _recurrence(way(block), options.batch, device) for name, way in WAYS.items()
    }
    _compare("the recurrence alone", recurrences, options.rounds, device)
    steps = {
        name: _training_step(WAYS[name], options.batch, device)
        for name in ("ours", "complex loop", "loop over items and steps")
    }
    _compare("a training step of the whole network", steps, options.rounds, device)
    _real_time(options.threads, options.rounds, device)


def _check_same(block: LRUBlock) -> None:
    x = torch.randn(2, 50, _CHANNELS, device=block.D.device)
    with torch.no_grad():
        for name, way in WAYS.items():
            if not torch.allclose(way(block)(x), block(x), rtol=1e-3, atol=1e-4):
                raise AssertionError(f"{name} computes something else")


def _recurrence(layer: nn.Module, batch: int, device: str) -> Step:
    x = torch.randn(batch, _STEPS, _CHANNELS, device=device, requires_grad=True)
    gradient = torch.randn_like(x)

    def step() -> None:
        layer.zero_grad()
        x.grad = None
        layer(x).backward(gradient)

    return step


def _training_step(way: Callable[[LRUBlock], nn.Module], batch: int, device: str) -> Step:
    network = UNetLRUAudio()
    network.lru = way(network.lru)
    network.to(device)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    noisy, clean = torch.randn(2, batch, 1, _SAMPLE_RATE, device=device) / 10

    def step() -> None:
        optimiser.zero_grad()
        mse_loss(network(noisy), clean).backward()
        optimiser.step()

    return step


def _compare(title: str, steps: dict[str, Step], rounds: int, device: str) -> None:
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(rounds + 1):
        for name, step in steps.items():
            taken = _timed(step, device)
            if turn:  # the first one allocates
                seconds[name].append(taken)
    print(f"\n{title:<36}      ms  to ours")
    for name, all_seconds in seconds.items():
        ratio = min(all_seconds) / min(seconds["ours"])
        print(f"{name:<36}{1e3 * min(all_seconds):8.0f}{ratio:9.1f}", flush=True)


def _timed(step: Step, device: str) -> float:
    if device == "cuda":
        torch.cuda.synchronize()
    started = time.perf_counter()
    step()
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started


def _real_time(threads: int, rounds: int, device: str) -> None:
    """Print how long the network takes for sounds of several lengths, each in its own process."""
    print("\nseconds of sound  real-time factor  peak MB  of them before it began")
    context = multiprocessing.get_context("spawn")
    for seconds in (1, 10, 60):
        with context.Pool(1) as pool:
            factor, peak, before = pool.apply(_denoised, (seconds, threads, rounds, device))
        print(f"{seconds:16d}{factor:18.3f}{peak:9.0f}{before:12.0f}", flush=True)


def _denoised(seconds: int, threads: int, rounds: int, device: str) -> tuple[float, float, float]:
    """Return the best real-time factor, and the megabytes at most and before."""
    torch.set_num_threads(threads)
    network: nn.Module = UNetLRUAudio().to(device).eval()
    sound = torch.randn(1, 1, seconds * _SAMPLE_RATE, device=device) / 10
    before = _peak_megabytes(device)
    taken = []
    with torch.inference_mode():
        for _ in range(rounds + 1):
            taken.append(_timed(lambda: network(sound), device))
    return min(taken) / seconds, _peak_megabytes(device), before


def _peak_megabytes(device: str) -> float:
    if device == "cuda":
        return torch.cuda.max_memory_allocated() / 1e6
    # Not getrusage, whose peak a new process takes over from the one that started it.
    status = Path("/proc/self/status").read_text()
    return float(status.partition("VmHWM:")[2].split()[0]) / 1e3


if __name__ == "__main__":
    main()
