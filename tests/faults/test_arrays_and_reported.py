"""Arrays that are not what was written, and files of reported numbers that are not right."""

from __future__ import annotations

import json
import re
import shutil
from functools import partial

import numpy
import pandas
import pytest

from common.results import arrays, readers, records, reported
from common.running import command_line
from common.running.code import ROOT
from tests.faults.conftest import Fault
from tests.faults.test_data import damage
from tests.faults.test_protocols import PAPERS
from tests.faults.test_results import BROKEN, MERGED, RECORD, gather


def test_arrays_that_are_not_what_was_written_are_refused_by_name(tmp_path, all_refused):
    content = arrays.of_runs([{"seed": 0}, {"seed": 1}], [{"counts": numpy.arange(3)}, {"counts": numpy.ones(3, int)}])
    whole, faults = tmp_path / "whole.npz", []
    arrays.write(whole, content)
    runs = {"run.seed": numpy.arange(2)}
    held = {
        "no runs": {"counts": numpy.ones((2, 3))},
        "a single number": runs | {"counts": numpy.float64(3)},
        "fewer runs": {"run.seed": numpy.arange(1), "counts": numpy.ones((2, 3))},
        "other arrays": runs | {"other": numpy.ones((2, 3))},
        "objects": {"run.seed": numpy.array([None, {}]), "counts": numpy.ones((2, 3))},
        "nothing": {},
    }
    for fault, changed in held.items():
        numpy.savez(tmp_path / f"{fault}.npz", **changed)
    damaged = damage(whole) | {fault: (tmp_path / f"{fault}.npz").read_bytes() for fault in held}
    reader = {"walks": readers.of_arrays(["counts"])}
    for checksums in (True, False):
        for fault, content_of_file in damaged.items():
            (folder := tmp_path / f"{fault}{checksums}").mkdir()
            shutil.copy(whole, path := folder / "walks.npz")
            records.write(path.with_suffix(".json"), RECORD)
            if not checksums:
                path.with_suffix(".json").write_text(json.dumps(RECORD | MERGED))
            path.write_bytes(content_of_file)
            faults.append(Fault(fault, partial(readers.read, [path], reader), (str(path),), command_line.run))
    for path in (tmp_path / "gone" / "walks.npz", tmp_path):
        faults.append(Fault(path.name, partial(gather, tmp_path / "all.npz", path), (str(path),), command_line.run))
    all_refused(faults)


@pytest.mark.parametrize("paper", PAPERS)
def test_a_file_of_reported_numbers_that_is_not_right_is_refused_with_its_line(tmp_path, all_refused, paper):
    source = ROOT / f"papers/{paper}/reported.csv"
    rows = pandas.read_csv(source, dtype=str, keep_default_na=False)
    result = next(iter(rows.index[~rows["artifact"].isin(reported.SETTINGS)]), None)
    cells = {
        "value": ("many", "nan", "inf", "1e400", "", "1:30", "7_6.73", "７６"),
        "margin": ("0", "-1", "nan", "", "wide"),
        "n": ("0", "-3", "2.5", "inf", "x"),
        "x": ("nan", "x", "inf"),
        "spread": ("-1", "nan", "x", "inf"),
        "spread_kind": ("variance", "", "SD "),
        "how_read": ("guessed", ""),
        "artifact": ("figure 1", "fig", "", "Fig1"),
        "paper": ("another", ""),
        "quantity": ("",),
        "source": ("",),
    }
    faults = []
    for column, values in cells.items() if result is not None else ():  # of settings alone a value may be text
        for value in values:
            path = tmp_path / f"{len(faults)}.csv"
            changed = rows.copy()
            changed.loc[result, column] = value
            changed.to_csv(path, index=False)
            faults.append(
                Fault(
                    f"{column}: {value!r}", partial(reported.read, path), (str(path), "line", column.partition("_")[0])
                )
            )
    plain = (
        rows.iloc[[result or 0] * 3].map(lambda cell: re.sub('[",]', "", cell)).assign(x=["1", "2", "3"], note="why")
    )
    swallowed = plain.to_csv(index=False).replace("why", '"why', 1)  # the rows below
    for fault, text in {"in a cell": swallowed, "at the end": swallowed[:-1], "closed": f'{swallowed[:-1]}"'}.items():
        (path := tmp_path / f"quote {fault}.csv").write_text(text)
        faults.append(Fault(f"an open quote, {fault}", partial(reported.read, path), (str(path), "line", "quote")))
    twice = (
        {}
        if result is None
        else {
            "a row twice": lambda content: content + rows.iloc[[result or 0]].to_csv(index=False, header=False).encode()
        }
    )
    for fault, change in (BROKEN | twice).items():
        (path := tmp_path / f"{len(faults)}.csv").write_bytes(change(source.read_bytes()))
        faults.append(Fault(fault, partial(reported.read, path), (str(path),)))
    all_refused(faults)
