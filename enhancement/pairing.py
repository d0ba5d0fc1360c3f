"""Files in two folders that belong together because they have the same name."""

from __future__ import annotations

import warnings
from collections.abc import Collection
from pathlib import Path

from prepare_data.errors import UserError

_NAMED = 5  # files without a partner that a warning names


def paired_files(
    root: Path, kinds: tuple[str, str], *, suffixes: Collection[str], what: str
) -> list[tuple[Path, Path]]:
    """Return the pairs of files in two folders that have the same name but for the suffix.

    Args:
        root: the folder that holds both.
        kinds: the names of the two.
        suffixes: of the files, such as ".png"; capitals are the same. Hidden files, which other
            systems leave behind, are passed over.
        what: the files are, in the plural, for messages.

    Returns:
        Paths in the first and in the second folder, sorted by name.

    Warns:
        UserWarning: that names files without a partner; they are left out.

    Raises:
        UserError: if a folder is missing or there is no pair.
    """
    first, second = (_by_name(root / kind, suffixes, what) for kind in kinds)
    for kind, files, other, others in (
        (kinds[0], first, kinds[1], second),
        (kinds[1], second, kinds[0], first),
    ):
        alone = sorted(files.keys() - others.keys())
        if alone:
            more = f" and {len(alone) - _NAMED} more" if len(alone) > _NAMED else ""
            warnings.warn(
                f"left out of {root / kind}, for want of a file of the same name in {other}: "
                f"{', '.join(alone[:_NAMED])}{more}",
                stacklevel=3,
            )
    names = sorted(first.keys() & second.keys())
    if not names:
        raise UserError(
            f"{root} holds no pair of {what}: {kinds[0]} and {kinds[1]} need files of the same "
            "names."
        )
    return [(first[name], second[name]) for name in names]


def _by_name(folder: Path, suffixes: Collection[str], what: str) -> dict[str, Path]:
    if not folder.is_dir():
        raise UserError(f"{folder} is not there; a folder of {what} is wanted.")
    return {
        path.stem: path
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in suffixes and not path.name.startswith(".")
    }
