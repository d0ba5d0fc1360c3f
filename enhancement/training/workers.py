"""Errors that come out of the processes which load data."""

from __future__ import annotations

import traceback

from prepare_data.errors import UserError

_CAUGHT = "Caught "


def raised_by_worker(error: UserError) -> UserError | None:
    """Return an error of a loading process as it was raised there; None for any other error.

    PyTorch wraps what a loading process raises into an error of the same type whose message is the
    whole stack trace; the last part of that is what the person is meant to read.
    """
    text = str(error)
    opening = f"\n{type(error).__module__}.{type(error).__qualname__}: "
    if not text.startswith(_CAUGHT) or opening not in text:
        return None
    return type(error)(text.rpartition(opening)[2].strip())


def let_go(error: BaseException) -> None:
    """Let go of what an error's stack holds, the loading processes among it.

    They leave signals to their parent, so they end when the loader does; while a stack trace keeps
    that alive, the program waits for them at its own end.
    """
    seen: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and link not in seen:
        traceback.clear_frames(link.__traceback__)
        seen.append(link)
        link = link.__cause__ or link.__context__
