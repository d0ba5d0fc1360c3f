"""Errors that a person is meant to read."""


class UserError(Exception):
    """Something that the person at the keyboard can put right.

    The message is one or two sentences that name the file or option, the value, and the way out.
    Command lines print it without a stack trace and end with exit code 2.
    """


class AudioError(UserError):
    """A recording that cannot be used; the message says why, without the file's name."""


class AccessError(AudioError):
    """A recording that cannot be opened now, and perhaps can another time."""
