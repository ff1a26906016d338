"""A paper's collected tables by name: read, checked, and without rows where an experiment was not run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy
import pandas

from common.results import records
from common.results import tables as table_files


class Reader(NamedTuple):
    """How a table is read and checked, and its columns, which are all there is of it if it was not run."""

    read: Callable[[Path], pandas.DataFrame]
    columns: list[str]


def plain(columns: list[str]) -> Reader:
    """Return the reader of a table that must have these columns, all filled and all numbers finite; it keeps no others.

    The reader raises ValueError if that is not so.
    """

    def read_table(path: Path) -> pandas.DataFrame:
        table = table_files.read(path, columns)[columns]
        numbers = table.select_dtypes("number")
        for column in columns:
            if table[column].isna().any() or (column in numbers and not numpy.isfinite(table[column]).all()):
                raise ValueError(f"{path}: column {column} holds values that are missing or not finite; run it again")
        return table

    return Reader(read_table, columns)


class Tables:
    """The tables that a figure, a table or a comparison is made from: `tables["permuted"]` is a DataFrame.

    A table that was not run has no rows; `"permuted" in tables` says whether it was. records: their merged records, by
    name; settings: what of the protocol may be read.
    """

    def __init__(
        self,
        run: Mapping[str, pandas.DataFrame],
        merged: Mapping[str, dict],
        readers: Mapping[str, Reader],
        settings: Any = None,
    ) -> None:
        self._run, self._readers = dict(run), readers
        self.records, self.settings = dict(merged), settings

    def __getitem__(self, name: str) -> pandas.DataFrame:
        """Return a table. Raises KeyError if the paper has none of this name."""
        return self._run[name] if name in self._run else pandas.DataFrame(columns=self._readers[name].columns)

    def __contains__(self, name: str) -> bool:
        return name in self._run

    @property
    def is_empty(self) -> bool:
        """Whether no table was run."""
        return not self._run

    @property
    def scales(self) -> dict[str, str]:
        """The scale of each table that was run; kept tables may be of several."""
        return {name: record["scale"] for name, record in self.records.items()}

    def diverged(self, name: str, **run: Any) -> dict[int, str]:
        """Return at which point runs of a table diverged, by seed; run: what their record must say, as condition="ewc"."""
        listed = self.records.get(name, {}).get("diverged", [])
        return {one["seed"]: one["at"] for one in listed if all(one.get(key) == value for key, value in run.items())}

    def only(self, run: Mapping[str, pandas.DataFrame]) -> Tables:
        """Return these tables in place of all others, which then count as not run."""
        return Tables(run, self.records, self._readers, self.settings)


def read(paths: Iterable[Path], readers: Mapping[str, Reader], settings: Any = None) -> Tables:
    """Return the tables at these paths; a table's name is that of its file without the ending.

    Raises ValueError if a name has no reader or is there twice.
    """
    run: dict[str, pandas.DataFrame] = {}
    merged = {}
    for path in paths:
        if path.stem not in readers:
            raise ValueError(f"{path}: no table of this name is known; known are {', '.join(readers)}")
        if path.stem in run:
            raise ValueError(f"{path}: a table of this name was given before; give each once")
        run[path.stem] = readers[path.stem].read(path)
        merged[path.stem] = records.read_merged(path.with_suffix(".json"))
    return Tables(run, merged, readers, settings)
