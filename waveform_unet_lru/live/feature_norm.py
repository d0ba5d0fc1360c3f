"""Batch normalisation of features, wherever they come from."""

from __future__ import annotations

from torch import Tensor, nn


class FeatureNorm(nn.BatchNorm1d):
    """Batch normalisation of the last dimension, over all others."""

    def forward(self, x: Tensor) -> Tensor:
        """(..., features) to the same shape."""
        return super().forward(x.flatten(0, -2)).view_as(x)
