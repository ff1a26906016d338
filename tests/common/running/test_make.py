"""A figure, a table or the comparison is made from its own tables, in one style, with its stamp, by name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import matplotlib.pyplot
import pandas
import pytest

from common.drawing.typeset import Table
from common.results import readers, reported, tables
from common.results.claims import Claim, within
from common.running import make, register
from common.running.register import NOT_YET, Artifact, Register

RECORD = {"paper": "a_paper", "stage": "train", "scale": "desk", "seeds": [0, 1], "data": [], "protocol": {}}
SHOWN = {"fig1": ("runs",), "fig2": ("runs", "walks"), "fig3": NOT_YET, "table1": ("runs",)}
REGISTER = Register(
    paper="a_paper",
    schema=SimpleNamespace,
    stages={},
    tables=dict.fromkeys(("runs", "walks"), lambda protocol, scale, device: [f"{scale}/seeds0-1.csv"]),
    artifacts={name: Artifact(names) for name, names in SHOWN.items()},
    comparison=Artifact(("runs", "walks")),
    _read={"paper": SimpleNamespace(), "desk": SimpleNamespace(training=SimpleNamespace(epochs=1000))},
)


def draw(run, rows):
    figure, axis = matplotlib.pyplot.subplots()
    axis.set_title(f"{len(run['runs'])} runs, {len(run['walks'])} walks, {len(rows)} reported", loc="left")
    return figure


FIGURE = {"draw": draw, "values": lambda run: pandas.concat([run["runs"], run["walks"]])}
MODULES = {
    "results": SimpleNamespace(READERS={name: readers.plain(["seed"]) for name in ("runs", "walks")}),
    "figures.fig1": SimpleNamespace(**FIGURE),
    "figures.fig2": SimpleNamespace(**FIGURE, stamp=lambda run: ("drawn from no run", False)),
    "figures.table1": SimpleNamespace(draw=lambda run, rows: Table(run["runs"], "Table 1")),
    "compare": SimpleNamespace(our_runs=lambda run, row: run["runs"]["seed"].to_dict()),
    "claims": SimpleNamespace(CLAIMS=[Claim("a-01", "fig1", "So", lambda run: [within("seeds", {0: 1.0}, low=0)])]),
}


@pytest.fixture
def ask(tmp_path, monkeypatch):
    """Calls the command line for a paper made up here, whose figure 2 shows two tables; returns the folder of results."""
    for name, seeds in (("runs", [0, 1]), ("walks", [0, 1, 2])):
        tables.write(tmp_path / f"{name}.csv", [{"seed": seed} for seed in seeds])
        (tmp_path / f"{name}.json").write_text(json.dumps(RECORD | {"parts": 1}))
    row = dict.fromkeys(reported.COLUMNS, "") | {"paper": "a_paper", "artifact": "fig1", "quantity": "seeds"}
    row |= {"value": "2", "spread_kind": "none", "source": "Section 1", "how_read": "text", "margin": "3"}
    tables.write(tmp_path / "reported.csv", [row])
    monkeypatch.setattr(register, "of", lambda paper: REGISTER)
    monkeypatch.setattr(make, "part", lambda paper, name: MODULES[name])

    def call(name, *results, out):
        paths = [tmp_path / f"{table}.csv" for table in results]
        options = ["--results", *paths, "--reported", tmp_path / "reported.csv", "--out", tmp_path / "out" / out]
        monkeypatch.setattr("sys.argv", ["make", "a_paper", name, *map(str, options)])
        make.main()
        return tmp_path / "out"

    return call


def test_a_figure_is_drawn_with_the_values_behind_it(ask, monkeypatch):
    drawn = []
    monkeypatch.setattr(make.plotting, "save", lambda figure, path: drawn.append(figure))
    assert tables.read(ask("fig1", "runs", out="fig1.pdf") / "fig1.csv")["seed"].tolist() == [0, 1]
    ask("fig2", "walks", out="fig2.pdf")
    titles = [figure.axes[0].get_title(loc="left") for figure in drawn]
    assert titles == ["2 runs, 0 walks, 1 reported", "0 runs, 3 walks, 1 reported"]
    assert [figure.texts[0].get_text() for figure in drawn] == ["Desk scale | 2 seeds | no data", "drawn from no run"]
    assert {figure.axes[0].title.get_fontsize() for figure in drawn} == {9}


def test_a_run_cut_short_says_so_wherever_it_is_shown(ask, tmp_path):
    (tmp_path / "runs.json").write_text(json.dumps(RECORD | {"parts": 1, "protocol": {"training": {"epochs": 13}}}))
    ask("table1", "runs", out="table1.tex")
    folder = ask("comparison", "runs", "walks", out="comparison.csv")
    assert "Desk scale, but training.epochs 13 of 1,000 | 2 seeds" in (folder / "table1.md").read_text()
    lines = (folder / "comparison.md").read_text().splitlines()
    assert {line for line in lines if "Desk scale" in line} == {
        "- runs: Desk scale, but training.epochs 13 of 1,000, 2 seeds, no data.",
        "- walks: Desk scale, 2 seeds, no data.",
    }


def test_each_kind_is_written_in_all_its_forms(ask):
    ask("fig1", "runs", out="fig1.pdf")
    ask("fig2", "runs", out="fig2.svg")
    ask("table1", "runs", out="table1.tex")
    folder = ask("comparison", "runs", "walks", out="comparison.csv")
    made = [*(f"fig1.{ending}" for ending in ("csv", "pdf", "png")), "fig2.svg"] + [
        f"table1.{e}" for e in ("csv", "md", "tex")
    ]
    assert sorted(path.name for path in folder.iterdir()) == ["claims.csv", "comparison.csv", "comparison.md", *made]
    assert "Desk scale" in (folder / "table1.md").read_text()
    compared = tables.read(folder / "comparison.csv")
    assert compared[["scale", "ours_mean", "ours_n", "verdict"]].values.tolist() == [["desk", 0.5, 2, "not judged"]]
    assert pandas.read_csv(folder / "claims.csv")["id"].tolist() == ["a-01"]


@pytest.mark.parametrize("backend", ["nonsense", "tkagg", "module://nowhere"])
def test_whatever_backend_matplotlib_is_to_take_it_draws_into_files(backend):
    command = [sys.executable, "-c", "import common.running.make, matplotlib; print(matplotlib.get_backend())"]
    environment = os.environ | {"MPLBACKEND": backend}
    assert (
        subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.strip().lower()
        == "agg"
    )


@pytest.mark.parametrize(
    ("name", "results", "message"),
    [
        ("fig1", ["walks"], "fig1 is made from runs (.csv), not from walks.csv"),
        ("fig3", ["runs"], "a_paper has no fig3; there are comparison, fig1, fig2, table1"),
        ("fig9", ["runs"], "a_paper has no fig9"),
    ],
)
def test_what_does_not_belong_together_is_refused(ask, capsys, name, results, message):
    with pytest.raises(SystemExit):
        ask(name, *results, out="a.pdf")
    assert message in capsys.readouterr().err
