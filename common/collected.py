"""A paper's collected tables by name: read, checked, and without rows where an experiment was not run."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy
import pandas

from common import collect, records
from common import reported as reported_numbers

Tables = Mapping[str, pandas.DataFrame]


class Reader(NamedTuple):
    """How a table is read and checked, and its columns, which are all there is of it if it was not run."""

    read: Callable[[Path], pandas.DataFrame]
    columns: list[str]


def plain(columns: list[str]) -> Reader:
    """Return the reader of a table that must have these columns, all filled and all numbers finite; it keeps no others.

    The reader raises ValueError if that is not so.
    """

    def read_table(path: Path) -> pandas.DataFrame:
        found = records.read_tables(path, columns)[columns]
        numbers = found.select_dtypes("number")
        for column in columns:
            if found[column].isna().any() or (column in numbers and not numpy.isfinite(found[column]).all()):
                raise ValueError(f"{path}: column {column} holds values that are missing or not finite; run it again")
        return found

    return Reader(read_table, columns)


def read(paths: Iterable[Path], readers: Mapping[str, Reader]) -> tuple[dict[str, pandas.DataFrame], dict[str, dict]]:
    """Return the tables, and their merged provenances, by name: that of the file without its ending.

    Raises ValueError if a name has no reader or is there twice.
    """
    tables, provenances = {}, {}
    for path in paths:
        if path.stem not in readers:
            raise ValueError(f"{path}: no table of this name is known; known are {', '.join(readers)}")
        if path.stem in tables:
            raise ValueError(f"{path}: a table of this name was given before; give each once")
        tables[path.stem] = readers[path.stem].read(path)
        source = path.with_suffix(".json")
        provenance = records.read_provenance(source)
        provenances[path.stem] = provenance if "parts" in provenance else collect.merge({str(source): provenance})
    return tables, provenances


def table(tables: Tables, name: str, readers: Mapping[str, Reader]) -> pandas.DataFrame:
    """Return a table, without rows if it was not run. Raises KeyError if no table has this name."""
    return tables[name] if name in tables else pandas.DataFrame(columns=readers[name].columns)


class Request(NamedTuple):
    """What the command line of a paper's figures, or of its comparison, asks for, and what it is to be made from."""

    name: str
    out: Path
    tables: Tables
    reported: pandas.DataFrame
    provenances: dict[str, dict]

    @property
    def scales(self) -> dict[str, str]:
        """The scale of each table, by name; kept tables may be of several."""
        return {name: provenance["scale"] for name, provenance in self.provenances.items()}

    @property
    def scale(self) -> str:
        """The one scale of all tables. Raises ValueError if there are several."""
        if len(scales := set(self.scales.values())) > 1:
            raise ValueError(f"the tables are of different scales: {', '.join(sorted(scales))}; take one at a time")
        return scales.pop()


def request(module: str, readers: Mapping[str, Reader], needs: Mapping[str, Iterable[str]] | None = None) -> Request:
    """Return what `python -m <module> [name] --results TABLE.csv... --reported reported.csv --out FILE` asks for.

    needs: the names to choose from, each with the tables it is made from; without, there is no name (it is empty). Ends
    with a message if a table is given that the name does not need. Raises ValueError if what has a name would be made from
    tables of different scales.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {module}")
    if needs is not None:
        parser.add_argument("name", choices=needs, help="the figure or table")
    parser.add_argument("--results", required=True, nargs="+", type=Path, help="collected tables, .json beside them")
    parser.add_argument("--reported", required=True, type=Path, help="the paper's numbers")
    parser.add_argument(
        "--out",
        required=True,
        type=Path,
        help="a figure's PDF, a table's LaTeX, or comparison.csv; more goes beside it",
    )
    arguments = parser.parse_args()
    name = "" if needs is None else arguments.name
    if needs is not None and (others := [path.name for path in arguments.results if path.stem not in needs[name]]):
        parser.error(f"{name} is made from {', '.join(needs[name])} (.csv), not from {', '.join(others)}")
    tables, provenances = read(arguments.results, readers)
    return Request(name, arguments.out, tables, reported_numbers.read(arguments.reported), provenances)
