"""The Linear Recurrent Unit, forward and backward, by six ways of computing its recurrence.

`python benchmarks/bench_lru.py` prints seconds for the whole layer (projection into the states,
recurrence, projection out of them, all gradients), the ratio to the floor, which is the two
projections without any recurrence, and the largest error against a loop in double precision in
parts of the largest output. The ways take turns, so that what else the machine does meets them all
alike, and the best of the rounds counts; look at the ratios.

One thread of an Intel Xeon at 2.1 GHz with a busy neighbour, torch 2.14, in times the floor:

| sequences x steps, states | ours | scan alone | chunks | FFT | log depth | loop |
|---|---|---|---|---|---|---|
| 8 x 1000, 256 | 1.3 | 1.3 | 3.4 | 4.7 | 5.9 | 1.6 |
| 8 x 10000, 256 | 1.3 | 1.4 | 3.9 | 5.8 | 12 | 2.1 |
| 384 x 125, 48 | 1.9 | 1.9 | 8.6 | 6.8 | 9.0 | 2.1 |
| 384 x 500, 48 | 2.1 | 2.6 | 11 | 14 | 26 | 2.4 |

What was learned: `torch.addcmul` on complex numbers is the quickest step there is, quicker than
real pairs; a loop that unbinds its input is far better than one that indexes it, whose gradient is
quadratic; where a step holds thousands of states the plain loop over time, with a gradient of its
own, beats blocks on one thread; and what is left is memory, so that the fused form pays most where
the states are many.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, log2

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.functional import pad

from waveform_unet_lru.lru import LRU
from waveform_unet_lru.projected_scan import projected_scan
from waveform_unet_lru.recurrence import linear_scan

Scan = Callable[[Tensor, Tensor], Tensor]
_CHUNK = 16
_SLOW_STEPS = 2000  # beyond them the loop runs once


@dataclass(frozen=True)
class Shape:
    """A problem: sequences, steps, channels and complex states."""

    batch: int
    time: int
    channels: int
    states: int


_SHAPES = (
    Shape(8, 1000, 256, 256),
    Shape(8, 10000, 256, 256),
    Shape(384, 125, 48, 48),  # the live model: 24 clips in 16 bands, 2 and 8 seconds
    Shape(384, 500, 48, 48),
)


def loop(u: Tensor, lam: Tensor) -> Tensor:
    """Step by step, the batch at once."""
    state = torch.zeros_like(u[:, 0])
    states = []
    for now in u.unbind(1):
        state = lam * state + now
        states.append(state)
    return torch.stack(states, dim=1)


def fft_convolution(u: Tensor, lam: Tensor) -> Tensor:
    """Convolve with 1, lam, lam^2 and so on by FFTs of twice the length."""
    steps = torch.arange(u.shape[1], device=u.device)
    kernel = torch.exp(steps[:, None] * lam.log())
    size = 2 * u.shape[1]
    product = torch.fft.fft(u, size, dim=1) * torch.fft.fft(kernel, size, dim=0)
    return torch.fft.ifft(product, dim=1)[:, : u.shape[1]]


def log_depth(u: Tensor, lam: Tensor) -> Tensor:
    """Add what lies 1, 2, 4, 8 steps back (Kogge and Stone 1973)."""
    for level in range(ceil(log2(u.shape[1])) if u.shape[1] > 1 else 0):
        back = 2**level
        u = u + lam**back * pad(u[:, :-back], (0, 0, back, 0))
    return u


def chunks(u: Tensor, lam: Tensor) -> Tensor:
    """Multiply chunks of 16 steps by a triangular matrix of powers, and loop over the chunks."""
    time = u.shape[1]
    u = pad(u, (0, 0, 0, -time % _CHUNK)).unflatten(1, (-1, _CHUNK))
    powers = torch.arange(_CHUNK, device=u.device)
    triangle = (powers[:, None] - powers).clamp_min(-1)
    within = torch.where(triangle[..., None] >= 0, lam ** triangle.clamp_min(0)[..., None], 0)
    h = torch.einsum("tsn,bksn->bktn", within.to(u.dtype), u)
    ends = loop(h[:, :, -1], lam**_CHUNK)
    before = pad(ends[:, :-1], (0, 0, 1, 0))
    h = h + lam ** (powers + 1)[:, None] * before[:, :, None]
    return h.flatten(1, 2)[:, :time]


def alone(u: Tensor, lam: Tensor) -> Tensor:
    """The blocked scan with its own gradient."""
    return linear_scan(u, lam)[0]


def floor(u: Tensor, lam: Tensor) -> Tensor:
    """No recurrence."""
    return u


WAYS: dict[str, Scan | None] = {
    "floor": floor,
    "ours": None,  # the scan and the projections as one function
    "ours, scan alone": alone,
    "chunks of 16": chunks,
    "FFT convolution": fft_convolution,
    "log depth": log_depth,
    "loop over steps": loop,
}


class Problem:
    """A layer, its input and the gradient of its output.

    Every way shares the projections, which are real matrix products for pairs of real numbers.
    """

    def __init__(self, shape: Shape, device: str) -> None:
        torch.manual_seed(0)
        self.layer = LRU(shape.channels, shape.states, r_min=0.8, r_max=0.9999).to(device)
        self.x = torch.randn(
            shape.batch, shape.time, shape.channels, device=device, requires_grad=True
        )
        self.gradient = torch.randn_like(self.x)

    def output(self, scan: Scan | None, dtype: torch.dtype = torch.float32) -> Tensor:
        """Return the layer's output without D, computed by this way."""
        p = self.layer
        into = torch.stack([p.B_re, p.B_im], dim=1).flatten(0, 1).to(dtype)
        out_of = torch.stack([p.C_re, -p.C_im], dim=2).flatten(1, 2).to(dtype)
        # The powers decide the accuracy: every way gets lam in double precision where it can.
        lam = torch.exp(torch.complex(-p.nu_log.double().exp(), p.theta_log.double().exp()))
        if scan is None:
            rest = torch.zeros(len(self.x), len(lam), dtype=dtype.to_complex(), device=lam.device)
            return projected_scan(self.x, into, lam, out_of, rest)[0]
        pairs = functional.linear(self.x.to(dtype), into)
        u = torch.view_as_complex(pairs.unflatten(-1, (-1, 2)))
        h = scan(u, lam if scan is alone else lam.to(u.dtype))
        return functional.linear(torch.view_as_real(h).flatten(-2), out_of)

    def run(self, scan: Scan | None) -> None:
        """Compute the output and all gradients."""
        self.layer.zero_grad()
        self.x.grad = None
        output = self.output(scan)
        output.backward(self.gradient)
        if output.device.type == "cuda":
            torch.cuda.synchronize()

    def error(self, scan: Scan | None) -> float:
        """Return the largest error in parts of the largest output."""
        with torch.no_grad():
            exact = self.output(loop, torch.float64)
            return float((self.output(scan) - exact).abs().max() / exact.abs().max())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), metavar="N")
    parser.add_argument("--longest", type=int, default=10000, metavar="STEPS", help="skip longer")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    print(f"torch {torch.__version__} on {device}, {options.threads} threads")
    for shape in _SHAPES:
        if shape.time <= options.longest:
            _compare(shape, options.rounds, device)


def _compare(shape: Shape, rounds: int, device: str) -> None:
    print(
        f"\n{shape.batch} sequences of {shape.time} steps, {shape.channels} channels, "
        f"{shape.states} states\nway                seconds   to floor     error"
    )
    problem = Problem(shape, device)
    seconds: dict[str, list[float]] = {name: [] for name in WAYS}
    for turn in range(rounds + 1):  # the first warms up
        for name, scan in WAYS.items():
            if turn and scan is loop and shape.time > _SLOW_STEPS and seconds[name]:
                continue
            start = time.perf_counter()
            problem.run(scan)
            if turn or scan is loop:
                seconds[name].append(time.perf_counter() - start)
    lowest = min(seconds["floor"])
    for name, scan in WAYS.items():
        best = min(seconds[name])
        error = "" if scan is floor else f"{problem.error(scan):10.1e}"
        print(f"{name:<18}{best:8.4f}{best / lowest:11.2f}{error}")


if __name__ == "__main__":
    main()
