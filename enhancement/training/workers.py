"""Errors that come out of the processes which load data."""

from __future__ import annotations

from prepare_data.errors import UserError

_CAUGHT = "Caught "


def as_raised(error: UserError) -> UserError:
    """Return an error with the message that it was raised with.

    PyTorch wraps what a loading process raises into an error of the same type whose message is the
    whole stack trace; the last part of that is what the person is meant to read.
    """
    text = str(error)
    opening = f"\n{type(error).__module__}.{type(error).__qualname__}: "
    if not text.startswith(_CAUGHT) or opening not in text:
        return error
    return type(error)(text.rpartition(opening)[2].strip())
