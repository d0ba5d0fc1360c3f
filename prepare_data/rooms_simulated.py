"""Simulated rooms: drawn for the plan, and their responses by the image source method.

The image source method is Allen and Berkley's (1979), as pyroomacoustics (the extra `rooms`) does
it. Absorption follows Sabine's formula: the decays (T20) of a hundred simulated responses were 4 %
longer than drawn on average, with a standard deviation of 20 %; Eyring's made them 28 % longer.
"""

from __future__ import annotations

import math
from importlib.util import find_spec
from typing import Any

import numpy as np

from prepare_data.errors import UserError

RT60_SECONDS = (0.1, 0.8)
_SIZE_METRES = ((3.0, 10.0), (3.0, 8.0), (2.4, 4.0))
_TO_WALL_METRES = 0.5
_LEAST_DISTANCE_METRES = 0.3
_LARGEST_ABSORPTION = 0.9
# The images, and so the time, grow with the cube of the order. Up to 50 there are 170,000, 40 to 60
# ms; three times the order changes T20 by 0.3 % and takes five times as long.
_LARGEST_ORDER = 50
_SPEED_OF_SOUND = 343.0  # metres a second, as in pyroomacoustics


def draw_room(rng: np.random.Generator) -> dict[str, Any]:
    """Draw a room, a mouth and a microphone in it.

    The reverberation time is uniform; a room that would need walls like open windows to be so dry
    is drawn again.

    Returns:
        What a line of the plan holds of it: `size_metres`, `mouth_metres`, `microphone_metres`
        (each length, width, height), `rt60_seconds`, and what follows from them: `absorption`
        (of energy, at every wall) and `reflections` (the order of the image sources).
    """
    rt60 = round(float(rng.uniform(*RT60_SECONDS)), 3)
    while True:
        size = [round(float(rng.uniform(*limits)), 2) for limits in _SIZE_METRES]
        absorption = _absorption(size, rt60)
        if absorption <= _LARGEST_ABSORPTION:
            break
    while True:
        mouth, microphone = (_place(size, rng) for _ in range(2))
        if math.dist(mouth, microphone) >= _LEAST_DISTANCE_METRES:
            break
    return {
        "size_metres": size,
        "mouth_metres": mouth,
        "microphone_metres": microphone,
        "rt60_seconds": rt60,
        "absorption": round(absorption, 4),
        "reflections": _reflections(size, rt60),
    }


def simulate(room: dict[str, Any], sample_rate: int) -> np.ndarray:
    """Return the impulse response of a room that `draw_room` drew.

    Args:
        room: as drawn.
        sample_rate: in hertz.

    Returns:
        Shape (samples,), from the mouth's impulse on until the reverberation time after the
        direct sound.

    Raises:
        UserError: if pyroomacoustics is not installed.
    """
    require_simulator()
    import pyroomacoustics

    # The order of the sum over reflections, and with it the last bits, depends on the threads.
    pyroomacoustics.constants.set("num_threads", 1)
    box = pyroomacoustics.ShoeBox(
        room["size_metres"],
        fs=sample_rate,
        materials=pyroomacoustics.Material(room["absorption"]),
        max_order=room["reflections"],
    )
    box.add_source(room["mouth_metres"])
    box.add_microphone(room["microphone_metres"])
    box.compute_rir()
    response = np.asarray(box.rir[0][0])
    travel = math.dist(room["mouth_metres"], room["microphone_metres"]) / _SPEED_OF_SOUND
    return response[: math.ceil((travel + room["rt60_seconds"]) * sample_rate)]


def require_simulator() -> None:
    """Say what is missing.

    Raises:
        UserError: if pyroomacoustics is not installed.
    """
    if find_spec("pyroomacoustics") is None:
        raise UserError(
            "--reverb simulates rooms with pyroomacoustics, which is not installed: "
            "pip install 'voice-from-noise[rooms]', or give recorded responses with --rir."
        )


def _absorption(size: list[float], rt60: float) -> float:
    """Sabine: the energy that every wall must take for sound to fall by 60 dB in `rt60`."""
    length, width, height = size
    surface = 2 * (length * width + length * height + width * height)
    return 24 * math.log(10) * math.prod(size) / (_SPEED_OF_SOUND * surface * rt60)


def _reflections(size: list[float], rt60: float) -> int:
    """Return the order whose images include all that are heard within `rt60`."""
    length, width, height = size
    shortest = min(
        a * b / math.hypot(a, b) for a, b in ((length, width), (length, height), (width, height))
    )
    return min(_LARGEST_ORDER, math.ceil(_SPEED_OF_SOUND * rt60 / shortest))


def _place(size: list[float], rng: np.random.Generator) -> list[float]:
    return [round(float(rng.uniform(_TO_WALL_METRES, side - _TO_WALL_METRES)), 2) for side in size]
