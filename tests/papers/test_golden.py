"""A table of every stage, from tiny runs on stand-ins, is the one that was kept: no number has changed unnoticed.

Processors round differently: with other instructions than those of the kept tables numbers differed by 4e-5 at most, and
counts of weights by half a percent. After a change that is meant to change numbers, the kept ones are made anew, and the difference belongs into the commit:

    python -m tests.papers.test_golden
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from pathlib import Path

import numpy
import pandas
import pytest

from common.results import tables
from common.running import protocols, register
from common.running.protocols import Settings
from tests.papers import tiny_runs

pytestmark = pytest.mark.slow

GOLDEN = Path(__file__).with_name("golden")
ROWS = 16  # of a table, evenly spread, that are kept
TOLERANCES = {"count": 0.02}  # relative; of other columns 1e-4
PAPERS = list(tiny_runs.STAGES)


def run_all(paper: str, out: Path, data: dict[str, Path]) -> None:
    out.mkdir(parents=True)
    for command in (*tiny_runs.commands(paper), *tiny_runs.commands(paper, tiny_runs.NUMPY_STAGES)):
        tiny_runs.run(paper, command, out, data)


def chosen(path: Path) -> pandas.DataFrame:
    """Return rows of a table, evenly spread."""
    table = tables.read(path)
    rows = numpy.linspace(0, len(table) - 1, min(ROWS, len(table))).astype(int)
    return table.iloc[rows].reset_index(drop=True)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return tiny_runs.stand_ins(tmp_path_factory.mktemp("data"))


@pytest.fixture
def unread(monkeypatch):
    """What stages said that they read of a protocol and did not, so that changes of it would run them for nothing."""
    jobs = []  # one after the other: whose settings, and what of them was not read so far

    class Watched(Settings):
        def __init__(self, protocol, reads, whose, within=""):
            if not within:
                jobs.append((whose, set(reads)))
            super().__init__(protocol, reads, whose, within)

        def __getitem__(self, name):
            jobs[-1][1].discard(f"{self._within}{name}")
            return super().__getitem__(name)

    monkeypatch.setattr(protocols, "Settings", Watched)
    return lambda: [(whose, names) for whose, names in jobs if names]


@pytest.mark.parametrize("paper", PAPERS)
def test_every_stage_makes_the_kept_tables_and_reads_what_it_says(paper, data, unread, tmp_path):
    run_all(paper, tmp_path / paper, data)
    made = {path.name: path for path in (tmp_path / paper).glob("*.csv")}
    assert made.keys() == {path.name for path in (GOLDEN / paper).iterdir()}
    for name, path in made.items():
        ours, kept = chosen(path), tables.read(GOLDEN / paper / name)
        assert list(ours) == list(kept), name
        for column in kept:
            check = {"rtol": TOLERANCES.get(column, 1e-4), "atol": 1e-6, "obj": f"{name}, {column}"}
            pandas.testing.assert_series_equal(ours[column], kept[column], **check)
    assert unread() == []


@pytest.mark.parametrize("paper", PAPERS)
def test_every_stage_that_computes_is_there(paper):
    commands = (*tiny_runs.commands(paper), *tiny_runs.commands(paper, tiny_runs.NUMPY_STAGES))
    run = {command.split()[0] for command in commands}
    assert run == register.of(paper).stages.keys() - {"collect_readings"}  # which computes nothing


def make_anew() -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = tiny_runs.stand_ins(Path(folder))
        for paper in PAPERS:
            with contextlib.redirect_stdout(sys.stderr):
                run_all(paper, Path(folder) / paper, data)
            for path in Path(folder, paper).glob("*.csv"):
                tables.write(GOLDEN / paper / path.name, chosen(path))


if __name__ == "__main__":
    make_anew()
