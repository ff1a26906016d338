"""Tables read back exactly, and one that is missing, empty or without a column is named."""

from __future__ import annotations

import subprocess
import sys

import numpy
import pandas
import pytest

from common.results import tables


def test_tables_read_back_exactly(tmp_path):
    values = [1 / 3, 1e-12, 123456789.123456789, 5e-324]
    tables.write(tmp_path / "a.csv", [{"name": "None", "x": value} for value in values])
    tables.write(tmp_path / "b.csv", pandas.DataFrame({"name": ["NA"], "x": [float("nan")]}))
    table = tables.read([tmp_path / "a.csv", tmp_path / "b.csv"])
    assert table["x"].tolist()[:4] == values
    assert numpy.isnan(table["x"].iloc[4])
    assert table["name"].tolist() == ["None"] * 4 + ["NA"]
    assert table.index.tolist() == [0, 1, 2, 3, 4]


def test_rows_are_written_as_pandas_writes_them(tmp_path):
    rows = [
        {"name": "a, b", "x": numpy.float32(0.1), "missing": float("nan")},
        {"name": 'so "called"', "later": True, "x": numpy.int64(3), "missing": None},
    ]
    tables.write(tmp_path / "rows.csv", rows)
    pandas.DataFrame(rows).to_csv(tmp_path / "pandas.csv", index=False)
    written = (tmp_path / "rows.csv").read_text()
    assert written.splitlines() == ["name,x,missing,later", '"a, b",0.10000000149011612,,', '"so ""called""",3,,True']
    assert tables.read(tmp_path / "rows.csv").equals(tables.read(tmp_path / "pandas.csv"))


def test_writing_a_table_does_not_import_pandas(tmp_path):
    program = (
        "import sys; from common.results import tables; tables.write(sys.argv[1], [{'x': 1}]);"
        "sys.exit('pandas' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "rows.csv")], check=True)


def test_missing_and_empty_tables_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"absent\.csv"):
        tables.read(tmp_path / "absent.csv")
    for name, content in (("no_bytes.csv", ""), ("header_only.csv", "a,b\n")):
        (tmp_path / name).write_text(content)
        with pytest.raises(ValueError, match=name):
            tables.read([tmp_path / name])
    with pytest.raises(ValueError, match=r"none\.csv"):
        tables.write(tmp_path / "none.csv", [])


def test_a_table_without_a_column_that_is_needed_is_named(tmp_path):
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for path, rows in zip(paths, ([{"seed": 0, "value": 1}], [{"seed": 0}]), strict=True):
        tables.write(path, rows)
    assert tables.read(paths[0], ["value", "seed"]).columns.tolist() == ["seed", "value"]
    with pytest.raises(ValueError, match=r"b\.csv has no column value, task: run the stage"):
        tables.read(paths[1], ["seed", "value", "task"])
