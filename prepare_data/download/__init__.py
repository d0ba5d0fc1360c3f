"""Fetch corpora of speech and noise that may be downloaded without asking anybody.

`python -m prepare_data.download esc50` shows the licence, fetches the archive, checks it, unpacks
it safely and puts it where `python -m prepare_data` finds it. `download` does the same in Python.
"""

from __future__ import annotations

from prepare_data.download.catalog import ARCHIVES, Archive
from prepare_data.download.installing import download

__all__ = ["ARCHIVES", "Archive", "download"]
