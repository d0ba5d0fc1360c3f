"""What the machine at hand computes fast."""

from __future__ import annotations

import torch


def has_bfloat16() -> bool:
    """Return whether the accelerator, or else the processor, computes in bfloat16."""
    if torch.cuda.is_available():
        return torch.cuda.is_bf16_supported(including_emulation=False)
    abilities = torch.cpu.get_capabilities()
    return bool(abilities.get("amx_bf16") or abilities.get("avx512_bf16"))
