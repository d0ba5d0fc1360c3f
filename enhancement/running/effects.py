"""What a listener may ask for on top of denoising: strength, rumble filter, loudness."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from prepare_data.errors import UserError

_HIGHPASS_ORDER = 4


@dataclass(frozen=True)
class Effects:
    """What is done after denoising, in this order; all off by default.

    Attributes:
        attenuation_limit_db: no sound is turned down by more than this: the noisy input is mixed
            back at this many decibels below itself.
        mix: share of the denoised signal, 1 for all of it, 0 for the input.
        highpass_hz: cutoff (-3 dB) of a fourth-order Butterworth high-pass.
        normalize_dbfs: active speech level (ITU-T P.56) to bring each file to, in dB relative to
            full scale.

    Raises:
        UserError: if a value lies outside its range.
    """

    attenuation_limit_db: float | None = None
    mix: float = 1.0
    highpass_hz: float | None = None
    normalize_dbfs: float | None = None

    def __post_init__(self) -> None:
        limit, hertz, level = self.attenuation_limit_db, self.highpass_hz, self.normalize_dbfs
        if limit is not None and not 0 <= limit < math.inf:
            raise UserError(f"--attenuation-limit-db is 0 or more decibels, not {limit:g}.")
        if not 0 <= self.mix <= 1:
            raise UserError(f"--mix goes from 0 (noisy) to 1 (denoised); it was {self.mix:g}.")
        if hertz is not None and not 0 < hertz < math.inf:
            raise UserError(f"--highpass is a frequency above 0 Hz, not {hertz:g}.")
        if level is not None and not -100 <= level <= 0:
            raise UserError(f"--normalize-dbfs goes from -100 to 0, such as -26, not {level:g}.")

    @property
    def wet(self) -> float:
        """Share of the denoised signal in the sum with the noisy one."""
        limit = self.attenuation_limit_db
        residual = 0.0 if limit is None else 10 ** (-limit / 20)
        return self.mix * (1 - residual)


def blend(noisy: np.ndarray, denoised: np.ndarray, *, wet: float) -> np.ndarray:
    """Return `wet` of the denoised signal and the rest of the noisy one; equal shapes."""
    return noisy + np.float32(wet) * (denoised - noisy)


class HighPass:
    """A Butterworth high-pass (order 4) that keeps its state from block to block.

    It starts as if the first sample had been there for ever, so that a constant offset does not
    begin with a thump.
    """

    def __init__(self, cutoff_hz: float, sample_rate: int) -> None:
        if cutoff_hz >= sample_rate / 2:
            raise UserError(
                f"--highpass {cutoff_hz:g} is not below half its sample rate of {sample_rate} Hz"
            )
        from scipy.signal import butter

        self._sections = butter(
            _HIGHPASS_ORDER, cutoff_hz, "highpass", fs=sample_rate, output="sos"
        )
        self._state: np.ndarray | None = None

    def filter(self, block: np.ndarray) -> np.ndarray:
        """Filter the next block, of shape (samples, channels)."""
        from scipy.signal import sosfilt, sosfilt_zi

        if not len(block):
            return block
        if self._state is None:
            self._state = sosfilt_zi(self._sections)[:, :, None] * block[0].astype(np.float64)
        filtered, self._state = sosfilt(
            self._sections, block.astype(np.float64), axis=0, zi=self._state
        )
        return filtered.astype(np.float32)
