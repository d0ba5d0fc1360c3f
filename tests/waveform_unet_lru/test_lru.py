"""The layer on the recurrence: what it computes, and that it streams."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from waveform_unet_lru.lru import LRU, LRUBlock


def by_definition(layer: LRU, x: Tensor, *, normalised: bool) -> Tensor:
    """Orvieto et al. 2023, step by step in double precision."""
    p = {name: value.detach().double() for name, value in layer.named_parameters()}
    lam = torch.exp(torch.complex(-p["nu_log"].exp(), p["theta_log"].exp()))
    gamma = (1 - lam.abs() ** 2).sqrt() if normalised else torch.ones_like(lam.real)
    b = gamma[:, None] * torch.complex(p["B_re"], p["B_im"])
    c = torch.complex(p["C_re"], p["C_im"])
    h = torch.zeros(x.shape[0], len(lam), dtype=torch.complex128)
    outputs = []
    for step in range(x.shape[1]):
        now = x[:, step].double()
        h = lam * h + now.to(b.dtype) @ b.T
        outputs.append((h @ c.T).real + p["D"] * now)
    return torch.stack(outputs, dim=1)


@pytest.mark.parametrize("normalised", [True, False])
def test_it_computes_what_the_paper_says(normalised: bool) -> None:
    torch.manual_seed(0)
    layer = LRU(6, 10, normalised=normalised)
    x = torch.randn(3, 200, 6)
    y, _ = layer(x)
    expected = by_definition(layer, x, normalised=normalised)
    assert (y - expected).abs().max() <= 2e-6 * expected.abs().max()


def test_the_published_block_has_no_gamma() -> None:
    torch.manual_seed(0)
    block = LRUBlock(10, 6)
    x = torch.randn(2, 100, 6)
    expected = by_definition(block, x, normalised=False)
    assert (block(x) - expected).abs().max() <= 2e-6 * expected.abs().max()


@pytest.mark.parametrize("size", [1, 7, 64])
def test_blocks_with_the_state_carried_equal_the_whole(size: int) -> None:
    torch.manual_seed(1)
    layer = LRU(5, 8, r_min=0.9, r_max=0.9999).double()
    x = torch.randn(2, 150, 5, dtype=torch.float64)
    whole, last = layer(x)
    state, parts = None, []
    for part in x.split(size, dim=1):
        y, state = layer(part, state)
        parts.append(y)
    assert torch.allclose(torch.cat(parts, dim=1), whole, rtol=0, atol=1e-12)
    assert torch.allclose(state, last, rtol=0, atol=1e-12)


def test_gamma_and_its_gradient_are_finite_where_lam_is_almost_one() -> None:
    layer = LRU(2, 3)
    with torch.no_grad():
        layer.nu_log.fill_(-18.0)  # 1 - |lam| is 1.5e-8, below the resolution of single precision
    y, _ = layer(torch.randn(1, 50, 2))
    y.square().sum().backward()
    assert torch.isfinite(layer.nu_log.grad).all()
    assert layer.nu_log.grad.abs().max() > 0
    assert torch.isfinite(y).all()


def test_the_start_is_uniform_on_the_ring() -> None:
    torch.manual_seed(2)
    layer = LRU(2, 20000, r_min=0.5, r_max=0.9, max_phase=1.0)
    radius = torch.exp(-layer.nu_log.detach().exp())
    assert radius.min() >= 0.5
    assert radius.max() <= 0.9
    assert float(radius.square().mean()) == pytest.approx((0.25 + 0.81) / 2, abs=0.005)
    assert float(layer.theta_log.detach().exp().mean()) == pytest.approx(0.5, abs=0.01)


def test_mixed_precision_keeps_the_recurrence_in_single() -> None:
    torch.manual_seed(3)
    layer = LRU(8, 8, r_min=0.999, r_max=0.9999)
    x = torch.randn(1, 2000, 8)
    exact, _ = layer(x)
    with torch.autocast("cpu", torch.bfloat16):
        y, state = layer(x)
    assert state.dtype == torch.complex64
    # Rounding lam itself to bfloat16 would make it 1, and the output grow without end.
    assert (y - exact).norm() <= 0.02 * exact.norm()


@pytest.mark.parametrize("time", [0, 1, 9])
def test_gradients_are_those_of_finite_differences(time: int) -> None:
    torch.manual_seed(4)
    layer = LRU(3, 4, r_min=0.5, r_max=0.99).double()
    names = [name for name, _ in layer.named_parameters()]
    x = torch.randn(2, time, 3, dtype=torch.float64, requires_grad=True)
    state = torch.randn(2, 4, dtype=torch.complex128, requires_grad=True)

    def run(x: Tensor, state: Tensor, *parameters: Tensor) -> tuple[Tensor, Tensor]:
        values = dict(zip(names, parameters, strict=True))
        return torch.func.functional_call(layer, values, (x, state))

    arguments = (x, state, *(each.detach().requires_grad_() for each in layer.parameters()))
    assert torch.autograd.gradcheck(run, arguments)


def test_gradients_in_mixed_precision_are_near_the_exact_ones() -> None:
    torch.manual_seed(5)
    layer = LRU(8, 8, r_min=0.9, r_max=0.999)
    x = torch.randn(2, 300, 8)
    layer(x)[0].square().sum().backward()
    exact = [each.grad.clone() for each in layer.parameters()]
    layer.zero_grad()
    with torch.autocast("cpu", torch.bfloat16):
        y, _ = layer(x)
    y.float().square().sum().backward()
    for ours, theirs in zip((each.grad for each in layer.parameters()), exact, strict=True):
        assert (ours - theirs).norm() <= 0.05 * theirs.norm()


def test_long_sequences_are_near_a_double_loop() -> None:
    torch.manual_seed(6)
    layer = LRU(4, 6, r_min=0.99, r_max=0.9999)
    x = torch.randn(1, 10_000, 4)
    y, _ = layer(x)
    expected = by_definition(layer, x, normalised=True)
    assert (y - expected).abs().max() <= 5e-6 * expected.abs().max()
