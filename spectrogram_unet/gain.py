"""From a predicted noise level to what each bin is multiplied by."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from prepare_data.errors import UserError

RULES = ("wiener", "subtraction")


@dataclass(frozen=True)
class GainRule:
    """How much of a bin is kept, given the noise in it.

    With N the predicted magnitude of the noise and Y that of the noisy voice, "wiener" keeps
    1 - beta (N / Y)^2 and "subtraction", which subtracts power, the square root of that; never
    less than the floor.

    Attributes:
        rule: "wiener" or "subtraction".
        beta: 1 or more; the network predicts a mean of decibels, which underestimates power.
        floor_db: the most that a bin is turned down, in decibels, 0 or less; -inf for silence.
    """

    rule: str = "wiener"
    beta: float = 2.0
    floor_db: float = -30.0

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise UserError(f"--rule is {self.rule}; it must be one of {', '.join(RULES)}.")
        if not self.beta > 0:
            raise UserError(f"--beta is {self.beta}; it must be more than 0.")
        if not self.floor_db <= 0:
            raise UserError(f"--floor-db is {self.floor_db}; it must be 0 or less.")

    def gains(self, noise_to_noisy_db: np.ndarray) -> np.ndarray:
        """Return the gain of each bin.

        Args:
            noise_to_noisy_db: N / Y in decibels, any shape.

        Returns:
            Float array of the same shape, from the floor to 1.
        """
        power = 1 - self.beta * 10 ** (noise_to_noisy_db / 10)
        kept = np.maximum(power, 0)
        if self.rule == "subtraction":
            kept = np.sqrt(kept)
        return np.maximum(kept, 10 ** (self.floor_db / 20))

    def plain(self) -> dict[str, Any]:
        """Return the rule as plain types, for a checkpoint's configuration."""
        return asdict(self)
