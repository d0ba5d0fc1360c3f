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
