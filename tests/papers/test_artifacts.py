"""Every figure, table and comparison of every paper: without any run, from the kept tables, and from one seed of these."""

from __future__ import annotations

import json

import matplotlib.pyplot
import pytest
import yaml

from common.drawing import plotting
from common.results import arrays, records, reported, tables
from common.results.arrays import Arrays
from common.running import make, register
from common.running.code import ROOT

PAPERS = yaml.safe_load((ROOT / "config.yaml").read_text())["papers"]
ARTIFACTS = [(paper, name) for paper in PAPERS for name in register.of(paper).available()]
FIGURES = [(paper, name) for paper, name in ARTIFACTS if name.startswith("fig")]
MADE = [*ARTIFACTS, *((paper, "comparison") for paper in PAPERS)]
MAIN_FILE = {"tab": "tex", "com": "csv"}
KEPT = [(paper, name) for paper, name in MADE if register.of(paper).kept(register.of(paper).artifact(name).tables[:1])]


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Pictures of few pixels, which are closed afterwards."""
    monkeypatch.setitem(plotting.STYLE, "savefig.dpi", 30)
    yield
    matplotlib.pyplot.close("all")


def kept(paper, name):
    """Return the paths of the kept tables and arrays that something is made from."""
    known = register.of(paper)
    return [ROOT / f"papers/{paper}/recorded" / known.file(table) for table in known.kept(known.artifact(name).tables)]


def one_seed(paper, name, folder):
    """Copy these, with the first seed of each alone; return their paths."""
    paths = []
    for source in kept(paper, name):
        path = folder / source.name
        if source.suffix == ".npz":
            held = arrays.read(source)
            first = (held.runs["seed"] == held.runs["seed"].min()).to_numpy()
            arrays.write(path, Arrays(held.runs[first], {key: array[first] for key, array in held.values.items()}))
        else:
            rows = tables.read(source)
            if "seed" in rows:
                rows = rows[rows["seed"] == rows["seed"].min()]
            tables.write(path, rows)
        records.write(path.with_suffix(".json"), json.loads(source.with_suffix(".json").read_text()))
        paths.append(path)
    return paths


@pytest.mark.parametrize(("paper", "name"), FIGURES)
def test_a_figure_without_runs_says_so(paper, name, tmp_path):
    readers = make.part(paper, "results").READERS
    if not any("seed" in (readers[table].columns or ["seed"]) for table in register.of(paper).artifact(name).tables):
        pytest.skip("a simulation without seeds, which is whole or was not run at all")
    rows = reported.read(ROOT / "papers" / paper / "reported.csv")
    figure = make.draw(paper, name, make.read(paper, name, [], "smoke"), rows)
    texts = [text.get_text() for text in figure.findobj(matplotlib.text.Text)]
    assert any(plotting.NO_RUNS in text for text in texts)
    plotting.save(figure, tmp_path / f"{name}.pdf")


def made(paper, name, sources, tmp_path, monkeypatch):
    """Make something from these tables, as its rule does; return its main file."""
    out = tmp_path / f"{name}.{MAIN_FILE.get(name[:3], 'pdf')}"
    options = ["--results", *map(str, sources), "--out", str(out)]
    options += ["--reported", str(ROOT / "papers" / paper / "reported.csv")]
    monkeypatch.setattr("sys.argv", ["make", paper, name, *options])
    make.main()
    others = {".pdf": (".png", ".csv"), ".tex": (".md", ".csv"), ".csv": (".md",)}[out.suffix]
    assert all(out.with_suffix(suffix).stat().st_size > 0 for suffix in (out.suffix, *others))
    return out


@pytest.mark.slow
@pytest.mark.parametrize(("paper", "name"), KEPT)
def test_everything_is_made_from_the_kept_tables(paper, name, tmp_path, monkeypatch):
    out = made(paper, name, kept(paper, name), tmp_path, monkeypatch)
    if name == "comparison":
        assert (tables.read(out)["ours_n"] > 0).any()


@pytest.mark.slow
@pytest.mark.parametrize(("paper", "name"), KEPT)
def test_one_seed_is_enough(paper, name, tmp_path, monkeypatch):
    out = made(paper, name, one_seed(paper, name, tmp_path), tmp_path, monkeypatch)
    if name == "comparison":
        compared = tables.read(out)
        assert not set(compared["verdict"][compared["ours_n"] <= 1]) & {"agrees", "differs"}
        assert (compared["ours_n"] == 1).any()
