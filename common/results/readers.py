"""A paper's collected tables by name: read, checked, and without rows where an experiment was not run."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy
import pandas

from common.results import arrays, records
from common.results import tables as table_files
from common.results.arrays import Arrays


class Reader(NamedTuple):
    """How a table is read and checked, and its columns, which are all there is of it if it was not run.

    columns: None of arrays.
    """

    read: Callable[[Path], Any]
    columns: list[str] | None


def of_arrays(names: Iterable[str]) -> Reader:
    """Return the reader of arrays (.npz), which must have these."""
    return Reader(functools.partial(arrays.read, names=tuple(names)), None)


def plain(
    columns: list[str],
    optional: Collection[str] = (),
    known: Mapping[str, Iterable[str]] = {},
    between: Mapping[str, tuple[float, float]] = {},
    positive: Iterable[str] = (),
    unique: Sequence[str] = (),
) -> Reader:
    """Return the reader of a table that must have these columns; it keeps no others.

    optional: columns in which values may be missing; all others are filled, and all their numbers finite; known: by column,
    the names that may stand there; between: by column, the bounds of its numbers; positive: columns whose numbers lie
    above 0; unique: the columns that tell a row from all others. The reader raises ValueError if that is not so.
    """

    def read_table(path: Path) -> pandas.DataFrame:
        table = table_files.read(path, columns)[columns]
        numbers = table.select_dtypes("number")
        for column in (column for column in columns if column not in optional):
            if table[column].isna().any() or (column in numbers and not numpy.isfinite(table[column]).all()):
                raise ValueError(f"{path}: column {column} holds values that are missing or not finite; run it again")
        for column, names in known.items():
            if unknown := sorted(set(table[column]) - set(names)):
                raise ValueError(
                    f"{path}: unknown {column} {', '.join(map(repr, unknown))}; known are {', '.join(names)}"
                )
        for column, (low, high) in between.items():
            if not table[column].dropna().between(low, high).all():
                raise ValueError(f"{path}: {column} must lie between {low:g} and {high:g}; run its stage again")
        for column in positive:
            if not table[column].gt(0).all():
                raise ValueError(f"{path}: {column} must lie above 0; run its stage again")
        if unique and table.duplicated(list(unique)).any():
            raise ValueError(f"{path}: two rows have the same {', '.join(unique)}; collect each run once")
        return table

    return Reader(read_table, columns)


def chosen(table: pandas.DataFrame, **entries: object) -> pandas.DataFrame:
    """Return the rows that have these entries, by column."""
    for column, value in entries.items():
        table = table[table[column] == value]
    return table


class Tables:
    """The tables that a figure, a table or a comparison is made from: `tables["permuted"]` is a DataFrame, or `Arrays`.

    A table that was not run has no rows; `"permuted" in tables` says whether it was. records: their merged records, by
    name; settings: what of the protocol may be read.
    """

    def __init__(
        self, run: Mapping[str, Any], merged: Mapping[str, dict], readers: Mapping[str, Reader], settings: Any = None
    ) -> None:
        self._run, self._readers = dict(run), readers
        self.records, self.settings = dict(merged), settings

    def __getitem__(self, name: str) -> Any:
        """Return a table. Raises KeyError if the paper has none of this name."""
        if name in self._run:
            return self._run[name]
        columns = self._readers[name].columns
        return Arrays(pandas.DataFrame(), {}) if columns is None else pandas.DataFrame(columns=columns)

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

    def only(self, run: Mapping[str, Any]) -> Tables:
        """Return these tables in place of all others, which then count as not run."""
        return Tables(run, self.records, self._readers, self.settings)


def read(paths: Iterable[Path], readers: Mapping[str, Reader], settings: Any = None) -> Tables:
    """Return the tables at these paths; a table's name is that of its file without the ending.

    Raises ValueError if a name has no reader or is there twice.
    """
    run: dict[str, Any] = {}
    merged = {}
    for path in paths:
        if path.stem not in readers:
            raise ValueError(f"{path}: no table of this name is known; known are {', '.join(readers)}")
        if path.stem in run:
            raise ValueError(f"{path}: a table of this name was given before; give each once")
        merged[path.stem] = records.read_merged(path.with_suffix(".json"))  # which compares the checksum
        run[path.stem] = readers[path.stem].read(path)
    return Tables(run, merged, readers, settings)
