"""Read the tables that come with corpora, damaged ones too."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from prepare_data.errors import UserError

_LONGEST_FIELD = 1 << 24


def read_table(
    path: Path, *, delimiter: str = ",", quoted: bool = True
) -> Iterator[dict[str, str]]:
    """Yield the rows of a table with a header line; of a damaged one, those that can be read.

    Args:
        path: of the table.
        delimiter: between fields.
        quoted: whether quotation marks enclose fields, or are text like any other.

    Raises:
        UserError: if it cannot be opened.
    """
    csv.field_size_limit(_LONGEST_FIELD)
    try:
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
            rows = csv.DictReader(file, delimiter=delimiter, quoting=quoting)
            while True:
                try:
                    yield next(rows)
                except csv.Error:
                    continue
                except StopIteration:
                    return
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from error
