"""Every figure, table and comparison of every paper: without any run, and from one seed of the tables that are kept."""

from __future__ import annotations

import shutil

import matplotlib.pyplot
import pandas
import pytest
import yaml

from common.drawing import plotting
from common.results import tables
from common.running import make, register
from common.running.code import ROOT

PAPERS = yaml.safe_load((ROOT / "config.yaml").read_text())["papers"]
ARTIFACTS = [(paper, name) for paper in PAPERS for name in register.of(paper).available()]
FIGURES = [(paper, name) for paper, name in ARTIFACTS if name.startswith("fig")]
MADE = [*ARTIFACTS, *((paper, "comparison") for paper in PAPERS)]
KEPT = [(paper, name) for paper, name in MADE if register.of(paper).kept(register.of(paper).artifact(name).tables)]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Pictures of few pixels, which are closed afterwards."""
    monkeypatch.setitem(plotting.STYLE, "savefig.dpi", 30)
    yield
    matplotlib.pyplot.close("all")


@pytest.fixture
def call(tmp_path, monkeypatch):
    """Makes a figure, a table or a comparison from tables as the workflow does; returns its main file."""

    def make_artifact(paper, name, paths):
        ending = "csv" if name == "comparison" else "tex" if name.startswith("table") else "pdf"
        out = tmp_path / "made" / f"{name}.{ending}"
        reported = ROOT / "papers" / paper / "reported.csv"
        options = ["--results", *map(str, paths), "--reported", str(reported), "--out", str(out)]
        monkeypatch.setattr("sys.argv", ["make", paper, name, *options])
        make.main()
        return out

    return make_artifact


def one_seed(paper, name, folder):
    """Copy the kept tables that something is made from, with the first seed of each alone; return their paths."""
    paths = []
    for table in register.of(paper).kept(register.of(paper).artifact(name).tables):
        source, path = ROOT / f"papers/{paper}/recorded/{table}.csv", folder / f"{table}.csv"
        rows = tables.read(source)
        if "seed" in rows:
            rows = rows[rows["seed"] == rows["seed"].min()]
        tables.write(path, rows)
        shutil.copy(source.with_suffix(".json"), path.with_suffix(".json"))
        paths.append(path)
    return paths


@pytest.mark.parametrize(("paper", "name"), FIGURES)
def test_a_figure_without_runs_says_so(paper, name, tmp_path):
    reported = make.reported.read(ROOT / "papers" / paper / "reported.csv")
    figure = make.draw(paper, name, make.read(paper, name, [], "smoke"), reported)
    texts = [text.get_text() for text in figure.findobj(matplotlib.text.Text)]
    assert any(plotting.NO_RUNS in text for text in texts)
    plotting.save(figure, tmp_path / f"{name}.pdf")


@pytest.mark.parametrize(("paper", "name"), KEPT)
def test_one_seed_is_enough(paper, name, tmp_path, call):
    out = call(paper, name, one_seed(paper, name, tmp_path))
    others = {".pdf": (".png", ".csv"), ".tex": (".md", ".csv"), ".csv": (".md",)}[out.suffix]
    assert all(out.with_suffix(suffix).stat().st_size > 0 for suffix in (out.suffix, *others))
    if name == "comparison":
        judged = pandas.concat([tables.read(out), tables.read(out.with_name("claims.csv"))])
        assert "not run" in set(judged["verdict"]) | set(judged["outcome"]) or len(judged)


@pytest.mark.parametrize("paper", PAPERS)
def test_a_table_of_nothing_that_was_run_is_not_asked_for(paper, call, tmp_path):
    with pytest.raises(SystemExit):
        call(paper, "comparison", [tmp_path / "absent.csv"])
