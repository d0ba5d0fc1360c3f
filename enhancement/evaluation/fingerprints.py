"""What a result depends on, in a few characters: a result of anything else is not used again."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_DIGITS = 20
_CODE_AND_WEIGHTS = (".py", ".safetensors", ".onnx", ".pt", ".so")


def fingerprint(plain: Any) -> str:
    """Return a fingerprint of plain types."""
    return hashlib.sha256(json.dumps(plain).encode()).hexdigest()[:_DIGITS]


def stamp(path: Path | None) -> list[Any]:
    """Return what changes when a file does: its name, size and time; no more than a glance."""
    if path is None:
        return []
    try:
        status = path.stat()
    except OSError:
        return [str(path.absolute())]
    return [str(path.absolute()), status.st_size, status.st_mtime_ns]


@cache
def of_file(path: Path) -> str:
    """Return a fingerprint of a file's content."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:_DIGITS]


@cache
def of_package(name: str) -> str:
    """Return a fingerprint of an installed package's code and weights; "" if there is none."""
    package = find_spec(name)
    if package is None or package.origin is None:
        return ""
    root = Path(package.origin).parent
    files = sorted(path for path in root.rglob("*") if path.suffix in _CODE_AND_WEIGHTS)
    return fingerprint([[str(path.relative_to(root)), of_file(path)] for path in files])
