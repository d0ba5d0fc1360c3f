"""Decide which samples are heard in a room, and in which."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from prepare_data.random_numbers import generator
from prepare_data.rooms_recorded import RecordedResponse
from prepare_data.rooms_simulated import draw_room
from prepare_data.settings import Settings


class RoomPlan:
    """The rooms of one split's samples: recorded ones where there are any, simulated ones else.

    They are drawn with numbers of their own, so that a sample has the same voice, noise and ratio
    with and without them.
    """

    def __init__(
        self, split: str, responses: Sequence[RecordedResponse], settings: Settings
    ) -> None:
        self._split = split
        self._settings = settings
        self._by_room: dict[str, list[RecordedResponse]] = {}
        for response in responses:
            if response.split in (split, ""):
                self._by_room.setdefault(response.room, []).append(response)

    def room(self, index: int) -> dict[str, Any] | None:
        """Return what the line of a sample holds of its room, or None where it has none."""
        rng = generator(self._settings.seed, self._split, "room", index)
        if rng.random() >= self._settings.reverb:
            return None
        return self._recorded(rng) if self._by_room else draw_room(rng)

    def _recorded(self, rng: np.random.Generator) -> dict[str, Any]:
        """Draw a room, then one of its responses: a room of many is not heard more often."""
        rooms = sorted(self._by_room)
        responses = self._by_room[rooms[rng.integers(len(rooms))]]
        chosen = responses[rng.integers(len(responses))]
        return {
            "root": chosen.root,
            "path": chosen.path,
            "source": chosen.room,
            "channel": chosen.channel,
        }
