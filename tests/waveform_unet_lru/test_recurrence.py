"""The recurrence against a plain loop in double precision, forward and backward."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
import torch
from torch import Tensor

from waveform_unet_lru import recurrence
from waveform_unet_lru.recurrence import linear_scan

Function = Callable[[Tensor, Tensor, Tensor | None], Tensor]

RADII = (0.0, 0.5, 0.9, 0.99, 0.999, 0.9999)
LENGTHS = (1, 2, 7, 1000, 10000)
KINDS = ("complex", "complex per step", "real", "real per step")
_PATHS = ("blocks", "one after another")


@pytest.fixture(params=_PATHS)
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run the scan in blocks and as a plain loop, whatever the widths at which it would change."""
    width = 0 if request.param == "one after another" else 10**9
    monkeypatch.setattr(recurrence, "_WIDE", width)
    monkeypatch.setattr(recurrence, "_WIDE_FOR_THREADS", width)
    return str(request.param)


def problem(
    kind: str, time: int, *, rest: bool, batch: int = 2
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Return u, lam and h0 in double precision."""
    generator = torch.Generator().manual_seed(time)
    lam = torch.tensor(RADII, dtype=torch.float64)
    u = torch.randn(batch, time, len(RADII), dtype=torch.float64, generator=generator)
    if kind.startswith("complex"):
        angles = 6.28 * torch.rand(len(RADII), dtype=torch.float64, generator=generator)
        lam = torch.polar(lam, angles)
        u = torch.complex(u, torch.randn(u.shape, dtype=torch.float64, generator=generator))
    if kind.endswith("step"):
        lam = lam * (1 - 1e-4 * torch.rand(u.shape, dtype=torch.float64, generator=generator))
    h0 = None if rest else 10 * u[:, 0].flip(0)
    return u, lam, h0


def plain_loop(u: Tensor, lam: Tensor, h0: Tensor | None) -> Tensor:
    state = torch.zeros_like(u[:, 0]) if h0 is None else h0
    factors = [lam] * u.shape[1] if lam.ndim == 1 else lam.unbind(1)
    states = []
    for factor, now in zip(factors, u.unbind(1), strict=True):
        state = factor * state + now
        states.append(state)
    return torch.stack(states, dim=1)


def with_gradients(function: Function, u: Tensor, lam: Tensor, h0: Tensor | None) -> list[Tensor]:
    """Return all states, and the gradients of a weighted sum of them for each argument."""
    u, lam = u.clone().requires_grad_(), lam.clone().requires_grad_()
    h0 = None if h0 is None else h0.clone().requires_grad_()
    h = function(u, lam, h0)
    exact = torch.complex128 if h.is_complex() else torch.float64
    weights = torch.randn(h.shape, dtype=exact, generator=torch.Generator().manual_seed(1))
    (h * weights).real.sum().backward()
    return [h.detach(), *(each.grad for each in (u, lam, h0) if each is not None)]


@cache
def reference(kind: str, time: int, rest: bool) -> list[Tensor]:
    return with_gradients(plain_loop, *problem(kind, time, rest=rest))


def states(u: Tensor, lam: Tensor, h0: Tensor | None) -> Tensor:
    return linear_scan(u, lam, h0)[0]


def distance(ours: Tensor, theirs: Tensor) -> float:
    return float((ours - theirs).norm() / theirs.norm().clamp_min(1e-30))


@pytest.mark.parametrize("rest", [True, False], ids=["from rest", "with h0"])
@pytest.mark.parametrize("time", LENGTHS)
@pytest.mark.parametrize("kind", KINDS)
def test_single_precision_is_near_a_double_loop(
    kind: str, time: int, rest: bool, path: str
) -> None:
    u, lam, h0 = problem(kind, time, rest=rest)
    single = torch.complex64 if u.is_complex() else torch.float32
    ours = with_gradients(states, u.to(single), lam, None if h0 is None else h0.to(single))
    theirs = reference(kind, time, rest)
    assert ours[0].dtype == single
    assert (ours[0] - theirs[0]).abs().max() <= 5e-6 * theirs[0].abs().max()
    for own, gradient in zip(ours[1:], theirs[1:], strict=True):
        assert distance(own, gradient) <= 2e-5


@pytest.mark.parametrize("rest", [True, False], ids=["from rest", "with h0"])
@pytest.mark.parametrize("time", LENGTHS)
@pytest.mark.parametrize("kind", KINDS)
def test_double_precision_stays_double(kind: str, time: int, rest: bool, path: str) -> None:
    ours = with_gradients(states, *problem(kind, time, rest=rest))
    for own, plain in zip(ours, reference(kind, time, rest), strict=True):
        assert own.dtype == plain.dtype
        assert distance(own, plain) <= 1e-12


@pytest.mark.parametrize("time", [1, 5, 12])
@pytest.mark.parametrize("kind", KINDS)
def test_gradcheck(kind: str, time: int, path: str) -> None:
    u, lam, h0 = problem(kind, time, rest=False)
    assert h0 is not None
    arguments = tuple(each[..., 1:3].clone().requires_grad_() for each in (u, lam, h0))
    assert torch.autograd.gradcheck(linear_scan, arguments)


@pytest.mark.parametrize("kind", KINDS)
def test_stretches_with_the_state_carried_equal_the_whole(kind: str, path: str) -> None:
    u, lam, _ = problem(kind, 1000, rest=True)
    whole, last = linear_scan(u, lam)
    state, parts = None, []
    for start, stop in ((0, 1), (1, 8), (8, 500), (500, 500), (500, 1000)):
        factors = lam if lam.ndim == 1 else lam[:, start:stop]
        part, state = linear_scan(u[:, start:stop], factors, state)
        parts.append(part)
    assert distance(torch.cat(parts, dim=1), whole) <= 1e-12
    assert distance(state, last) <= 1e-12


def test_a_wide_batch_equals_its_rows() -> None:
    u, lam, _ = problem("complex", 50, rest=True, batch=2000)
    assert recurrence._one_after_another(u, lam) or torch.get_num_threads() > 1
    h, last = linear_scan(u, lam)
    rows, ends = linear_scan(u[:3], lam)
    assert distance(h[:3], rows) <= 1e-12
    assert distance(last[:3], ends) <= 1e-12


def test_no_steps_leave_the_state_as_it_was() -> None:
    h0 = torch.tensor([[1.0, 2.0]])
    h, last = linear_scan(torch.zeros(1, 0, 2), torch.tensor([0.5, 0.5]), h0)
    assert h.shape == (1, 0, 2)
    assert torch.equal(last, h0)


def test_real_inputs_of_complex_factors_make_complex_states() -> None:
    u, lam, _ = problem("complex", 20, rest=True)
    h, _ = linear_scan(u.real, lam)
    assert distance(h, plain_loop(u.real.to(u.dtype), lam, None)) <= 1e-12


def test_complex_inputs_of_real_factors_have_real_gradients() -> None:
    u, _, _ = problem("complex", 20, rest=True)
    lam = torch.tensor(RADII, dtype=torch.float64, requires_grad=True)
    linear_scan(u, lam)[0].real.sum().backward()
    other = lam.detach().clone().requires_grad_()
    plain_loop(u, other, None).real.sum().backward()
    assert lam.grad.dtype == torch.float64
    assert distance(lam.grad, other.grad) <= 1e-12


def test_half_precision_is_computed_in_single() -> None:
    u, lam, _ = problem("real", 1000, rest=True)
    with torch.autocast("cpu", torch.bfloat16):
        h, _ = linear_scan(u.to(torch.bfloat16), lam)
    assert h.dtype == torch.float32
    rounded = u.to(torch.bfloat16).double()
    assert (h - plain_loop(rounded, lam, None)).abs().max() <= 5e-6 * h.abs().max()


@pytest.mark.parametrize(
    ("u", "lam", "h0", "named"),
    [
        ((2, 5), (5,), None, "u has shape"),
        ((2, 5, 3), (5,), None, "lam has shape"),
        ((2, 5, 3), (2, 4, 3), None, "lam has shape"),
        ((2, 5, 3), (3,), (3,), "h0 has shape"),
    ],
)
def test_shapes_that_do_not_fit_are_named(
    u: tuple[int, ...], lam: tuple[int, ...], h0: tuple[int, ...] | None, named: str
) -> None:
    with pytest.raises(ValueError, match=named):
        linear_scan(torch.zeros(u), torch.zeros(lam), None if h0 is None else torch.zeros(h0))
