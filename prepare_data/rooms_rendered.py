"""Hear a sample's voice in the room that its line names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from prepare_data.errors import AudioError, UserError
from prepare_data.rooms import Response, reverberate, split_response
from prepare_data.rooms_recorded import read_response
from prepare_data.rooms_simulated import simulate
from prepare_data.settings import Settings

RUN_UP_SECONDS = 0.8  # of the recording before a segment, whose reverberation it begins with
_LOWEST_DB = -120.0  # stands for a response without a late part


@dataclass(frozen=True)
class Heard:
    """A voice as it is to be learnt.

    Attributes:
        voice: shape (samples,).
        late_reverb: the same shape, its late reverberation where that counts as noise.
        measured: for the manifest.
    """

    voice: np.ndarray
    late_reverb: np.ndarray | None = None
    measured: dict[str, float] = field(default_factory=dict)


def in_room(
    voice: np.ndarray,
    run_up: np.ndarray,
    line: dict[str, Any],
    roots: Sequence[Path],
    settings: Settings,
) -> Heard:
    """Let a voice sound in the room of its line.

    Args:
        voice: shape (samples,).
        run_up: shape (any,), what the speaker said just before.
        line: as planned, with a `room`.
        roots: the corpus folders.
        settings: of the data set.

    Returns:
        The voice in its room and, with `reverb_target` "early", its late reverberation apart.

    Raises:
        UserError: if a response cannot be read, or rooms cannot be simulated.
    """
    response = _response(line["room"], roots, settings.sample_rate)
    early, late = reverberate(np.concatenate([run_up, voice]), response, run_up=len(run_up))
    decibels = response.late_reverb_db
    measured = {
        "late_reverb_db": round(decibels, 3) if math.isfinite(decibels) else _LOWEST_DB,
    }
    if settings.reverb_target == "early":
        return Heard(early, late, measured)
    return Heard(early + late, None, measured)


def _response(room: dict[str, Any], roots: Sequence[Path], sample_rate: int) -> Response:
    if "path" not in room:
        return split_response(simulate(room, sample_rate), sample_rate)
    path = roots[room["root"]] / room["path"]
    try:
        return split_response(read_response(path, room["channel"], sample_rate), sample_rate)
    except AudioError as error:
        raise UserError(f"{path} {error}.") from error
    except ValueError as error:
        raise UserError(f"{path}, channel {room['channel'] + 1}: {error}.") from error
