"""How much a network computes, counted by hand from its sizes."""

from __future__ import annotations

from waveform_unet_lru.live.config import BINS, POSITIONS, LiveConfig

_TAPS_ACROSS = 8  # of the first and last convolution
_PARTS = 2  # of a complex number


def count_macs(config: LiveConfig) -> float:
    """Return multiplications with additions a second, of the matrix products and recurrences."""
    return config.frames_per_second * (
        2 * BINS * config.averages
        + POSITIONS * _each_position(config)
        + 2 * POSITIONS * config.bands * config.channels
        + config.bands * (2 * config.channels * config.width + config.blocks * _each_band(config))
        + _of_all_bands(config)
    )


def _each_position(config: LiveConfig) -> int:
    """Count the U-Net's convolutions in one place along frequency."""
    channels = config.channels
    joining = 2 * channels**2
    residual = 3 * channels**2
    across = _TAPS_ACROSS * (_PARTS + 1 + config.averages + _PARTS) * channels
    return across + joining + 2 * config.convolutions * residual


def _each_band(config: LiveConfig) -> int:
    """Count a block's work in one band."""
    width, states = config.width, config.states
    recurrence = 4 * width * states + 4 * states + width
    gated = 2 * width**2
    if config.mixing == "linear":
        return recurrence + gated + config.bands * width
    return recurrence + gated + 4 * width**2 + 2 * config.bands * width


def _of_all_bands(config: LiveConfig) -> int:
    """Count the recurrence over all bands at once."""
    size = config.full_band
    return 2 * config.bands * config.width * size + 4 * size**2 + 5 * size
