"""Which precision the machine at hand computes fast in."""

from __future__ import annotations

import torch

AUTO = "auto"


def has_bfloat16() -> bool:
    """Return whether the accelerator, or else the processor, computes in bfloat16."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    abilities = torch.cpu.get_capabilities()
    return bool(abilities.get("amx_bf16") or abilities.get("avx512_bf16"))


def chosen_precision(asked: str, *, before: str | None = None) -> str:
    """Return the precision to train in.

    Args:
        asked: one of `enhancement.training.options.PRECISIONS`.
        before: what the run to go on with was trained in so far, if there is one.

    Returns:
        What was asked for; for "auto" that of before, or else bf16-mixed where the machine
        computes in bfloat16 itself, and 32-true elsewhere.
    """
    if asked != AUTO:
        return asked
    return before or ("bf16-mixed" if has_bfloat16() else "32-true")
