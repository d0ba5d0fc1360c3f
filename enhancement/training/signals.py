"""Ctrl-C and SIGTERM during training: stop between two steps; at once if asked twice."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(BaseException):
    """Training was asked to stop.

    A BaseException, so that nothing on the way takes it for an error.

    Attributes:
        number: of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


class StopSignals:
    """Notes Ctrl-C and SIGTERM instead of breaking off, while the context lasts.

    Attributes:
        number: of the signal that came; 0 for none.
    """

    def __init__(self) -> None:
        self.number = 0
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> StopSignals:
        if _may_handle():
            self._before = {which: signal.getsignal(which) for which in _SIGNALS}
        self.listen()
        return self

    def __exit__(self, *error: object) -> None:
        for which, handler in self._before.items():
            signal.signal(which, handler)

    def listen(self) -> None:
        """Take the signals over, again if somebody else took them meanwhile, as Lightning does."""
        if _may_handle():
            for which in _SIGNALS:
                signal.signal(which, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.number:
            raise Stopped(number)
        self.number = number


def _may_handle() -> bool:
    return threading.current_thread() is threading.main_thread()
