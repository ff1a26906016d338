"""Gather the tables of many jobs into one, or their arrays (.npz), with one record.

    python -m common.results.collect --out ALL.csv PART.csv...

A part may be a table that was gathered before, so that kept tables grow by what was run since.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas

from common.data.files import check_outputs, written
from common.results import arrays, records, tables
from common.results.arrays import Arrays
from common.running import command_line


def collect(parts: Iterable[str | Path]) -> tuple[pandas.DataFrame | Arrays, dict]:
    """Return the rows of all tables, or the runs of all arrays, in the order given, and the merged record of the JSON beside.

    Raises FileNotFoundError for a file or record that is missing, and ValueError if one is given twice, has other columns
    or arrays than the first, or comes from another paper, stage or scale.
    """
    paths = [Path(part) for part in parts]
    if twice := {str(path) for path in paths if paths.count(path) > 1}:
        raise ValueError(f"collect: given twice: {', '.join(sorted(twice))}")
    if others := [str(path) for path in paths if path.suffix not in records.TABLES or path.suffix != paths[0].suffix]:
        raise ValueError(f"collect: {others[0]} is no table like the first: give CSV files alone, or NPZ files alone")
    if missing := [path for path in paths if not path.exists()]:
        raise FileNotFoundError(f"{missing[0]} does not exist: run the stage that writes it")
    merged = records.merge(
        {str(source): records.read(source) for source in (path.with_suffix(".json") for path in paths)}
    )
    if paths[0].suffix == ".npz":
        return arrays.join({str(path): arrays.read(path) for path in paths}), merged
    read = [tables.read(path) for path in paths]
    for path, part in zip(paths, read, strict=True):
        if list(part.columns) != list(read[0].columns):
            raise ValueError(
                f"collect: {path} has the columns {', '.join(part.columns)}, but {paths[0]} has "
                f"{', '.join(read[0].columns)}: run the stage that wrote the older one again"
            )
    return pandas.concat(read, ignore_index=True), merged


def write(path: Path, table: pandas.DataFrame | Arrays, record: dict) -> None:
    """Write a table or arrays, then the record beside it, which holds the checksum.

    Raises ValueError for arrays that are not to be NPZ, or a table that is, and as `records.check_kept` does.
    """
    records.check_kept(path.with_suffix(".json"), record)
    if (path.suffix == ".npz") != isinstance(table, Arrays):
        raise ValueError(f"{path}: tables are gathered as CSV, arrays as NPZ; give --out the ending of the parts")
    if isinstance(table, Arrays):
        arrays.write(path, table)
    else:
        tables.write(path, table)
    records.write(path.with_suffix(".json"), record)


def main() -> None:
    parser = command_line.parser("Gather the tables of many jobs.", prog="python -m common.results.collect")
    kinds = written(*records.TABLES)
    parser.add_argument("--out", required=True, type=kinds, help="the CSV or NPZ to write; its record goes beside it")
    parser.add_argument("tables", nargs="+", type=Path, metavar="TABLE.csv", help="tables with their .json beside them")
    arguments = parser.parse_args()
    check_outputs({"out": arguments.out})
    write(arguments.out, *collect(arguments.tables))


if __name__ == "__main__":
    command_line.run(main)
