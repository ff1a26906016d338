"""Tidy tables on disk: CSV files, written atomically and read back exactly.

Pandas is imported where it is needed: importing it takes a third of a second, in each of the dozens of short jobs of a run.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.data.files import atomic_write
from common.results import records

if TYPE_CHECKING:
    import pandas


def write(path: str | Path, rows: list[dict] | pandas.DataFrame) -> None:
    """Write rows as CSV, atomically, with floats that read back exactly. Raises ValueError if there are no rows."""
    if not len(rows):
        raise ValueError(f"refusing to write {path}: the table has no rows")
    with atomic_write(path) as temporary:
        if not isinstance(rows, list):
            rows.to_csv(temporary, index=False)
            return
        columns = list(dict.fromkeys(column for row in rows for column in row))
        with temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows({column: _cell(value) for column, value in row.items()} for row in rows)


def read(paths: str | Path | Iterable[str | Path], columns: Iterable[str] = ()) -> pandas.DataFrame:
    """Return the rows of one or more CSV tables, one below the other in the order given.

    Raises FileNotFoundError or ValueError naming the first file that is missing, is not what its record says, cannot be
    read, holds no rows, or lacks a column of `columns`.
    """
    import pandas

    paths, columns = [paths] if isinstance(paths, str | Path) else list(paths), list(columns)
    if not paths:
        raise ValueError("tables.read was given no file")
    tables = []
    for path in paths:
        if not Path(path).exists():
            raise FileNotFoundError(f"table {path} does not exist: run the stage that writes it")
        records.check(path)
        try:
            # Only an empty cell or nan means "missing": a condition called "None" or "NA" is a name.
            table = pandas.read_csv(path, keep_default_na=False, na_values=["", "nan"], float_precision="round_trip")
        except pandas.errors.EmptyDataError:
            table = pandas.DataFrame()
        except (pandas.errors.ParserError, UnicodeDecodeError) as error:
            raise ValueError(f"table {path} cannot be read ({error}): run the stage that writes it again") from None
        if table.empty:
            raise ValueError(f"table {path} holds no rows: delete it and run the stage that writes it again")
        if missing := [column for column in columns if column not in table.columns]:
            raise ValueError(f"table {path} has no column {', '.join(missing)}: run the stage that writes it again")
        tables.append(table)
    return pandas.concat(tables, ignore_index=True)


def _cell(value: Any) -> Any:
    """A number of numpy or torch as Python's own, whose text reads back exactly; nothing for NaN, as pandas has it."""
    value = value.item() if hasattr(value, "item") else value
    return "" if isinstance(value, float) and math.isnan(value) else value
