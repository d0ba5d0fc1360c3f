"""What every command line does with wrong options, errors and interruptions: one sentence."""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from types import FrameType
from typing import NoReturn

from prepare_data.errors import UserError

_AGAIN = "Run the same command again to go on where it stopped."


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are `UserError`s, for `guarded` to print."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong in one sentence; the usage is a page long."""
        raise UserError(f"{message.removeprefix('argument ')} (see --help).")


def guarded(command: Callable[[], int], *, program: str) -> int:
    """Run a command; print what a person can put right in a sentence, never a stack trace.

    Returns:
        The command's own exit code; 2 for a `UserError`, 130 for Ctrl-C, 143 for SIGTERM.
    """
    signal.signal(signal.SIGTERM, _terminated)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a name may hold what a terminal cannot show
            stream.reconfigure(errors="backslashreplace")
    try:
        return command()
    except UserError as error:
        return _say(f"{program}: {error}", 2)
    except KeyboardInterrupt:
        return _say(f"{program}: stopped. {_AGAIN}", 130)
    except _Terminated:
        return _say(f"{program}: terminated. {_AGAIN}", 143)
    except BrokenProcessPool:
        return _say(
            f"{program}: a worker process was killed, perhaps for want of memory. {_AGAIN} "
            "Fewer --jobs need less.",
            1,
        )
    except MemoryError:
        return _say(f"{program}: out of memory. Fewer --jobs or shorter samples need less.", 1)
    except BrokenPipeError:  # the reader of our output has gone, as in `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:  # what nobody foresaw: a file server gone, a folder made unreadable
        return _say(f"{program}: {error}", 1)


class _Terminated(BaseException):
    """SIGTERM, so that files are closed and workers stopped on the way out."""


def _terminated(number: int, frame: FrameType | None) -> None:
    raise _Terminated


def _say(message: str, code: int) -> int:
    print(message, file=sys.stderr)
    return code
