"""Gather the tables of many jobs into one, or their arrays (.npz), with one record.

    python -m common.results.collect --out ALL.csv PART.csv...

A part may be a table that was gathered before, so that kept tables grow by what was run since.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

import pandas

from common.results import arrays, records, tables
from common.results.arrays import Arrays


def collect(parts: Iterable[str | Path]) -> tuple[pandas.DataFrame | Arrays, dict]:
    """Return the rows of all tables, or the runs of all arrays, in the order given, and the merged record of the JSON beside.

    Raises FileNotFoundError for a file or record that is missing, and ValueError if one is given twice, has other columns
    or arrays than the first, or comes from another paper, stage or scale.
    """
    paths = [Path(part) for part in parts]
    if twice := {str(path) for path in paths if paths.count(path) > 1}:
        raise ValueError(f"collect: given twice: {', '.join(sorted(twice))}")
    sources = [path.with_suffix(".json") for path in paths]
    if paths[0].suffix == ".npz":
        joined = arrays.join({str(path): arrays.read(path) for path in paths})
        return joined, records.merge({str(source): records.read(source) for source in sources})
    read = [tables.read(path) for path in paths]
    for path, part in zip(paths, read, strict=True):
        if list(part.columns) != list(read[0].columns):
            raise ValueError(
                f"collect: {path} has the columns {', '.join(part.columns)}, but {paths[0]} has "
                f"{', '.join(read[0].columns)}: run the stage that wrote the older one again"
            )
    merged = records.merge({str(source): records.read(source) for source in sources})
    return pandas.concat(read, ignore_index=True), merged


def write(path: Path, table: pandas.DataFrame | Arrays, record: dict) -> None:
    """Write a table or arrays with the record beside it, which comes first: no table must lie there without it."""
    records.write(path.with_suffix(".json"), record)
    if isinstance(table, Arrays):
        arrays.write(path, table)
    else:
        tables.write(path, table)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m common.results.collect", description="Gather the tables of many jobs."
    )
    parser.add_argument("--out", required=True, type=Path, help="the CSV or NPZ to write; its record goes beside it")
    parser.add_argument("tables", nargs="+", type=Path, metavar="TABLE.csv", help="tables with their .json beside them")
    arguments = parser.parse_args()
    write(arguments.out, *collect(arguments.tables))


if __name__ == "__main__":
    main()
