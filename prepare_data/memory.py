"""Keep freed memory for the next sample: fresh pages cost more than the arithmetic on them."""

from __future__ import annotations

import sys

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
_KEPT_BYTES = 1 << 26
_LARGEST_KEPT_BYTES = 1 << 25  # glibc takes no more


def keep_freed_memory(most_bytes: int = _KEPT_BYTES) -> None:
    """Tell the C library not to give memory back to the system as soon as it is free.

    A sample is made in a dozen arrays of about a megabyte. By its own rules glibc asks the system
    for the pages of most of them and gives them back, sample after sample, which takes a tenth of
    the time of blending without pictures, and of a step of training on a processor. Other C
    libraries are left as they are.

    Args:
        most_bytes: that are kept at the end of what the process has, below 2 GiB.
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        import ctypes

        mallopt = ctypes.CDLL(None).mallopt
    except (ImportError, OSError, AttributeError):
        return
    mallopt(_MMAP_THRESHOLD, _LARGEST_KEPT_BYTES)
    mallopt(_TRIM_THRESHOLD, most_bytes)
