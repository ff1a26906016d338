"""What is kept is judged again, and the READMEs say what came out; a figure and a table of each paper are drawn as users do.

tests/papers/test_artifacts.py draws everything that is kept.
"""

from __future__ import annotations

import itertools
import os
import re

import pandas
import pytest

from common.results import tables
from common.running import register
from common.running.code import ROOT
from tests.workflow.checkout import PAPERS, Checkout

RECORDED = ("--config", "scale=recorded")
MADE = {  # whatever has a table that is kept, additions of ours too
    paper: [name for name, about in register.of(paper).artifacts.items() if register.of(paper).kept(about.tables[:1])]
    for paper in PAPERS
}
FIRST = [
    (paper, min(name for name in MADE[paper] if name.startswith(kind)))
    for paper in PAPERS
    for kind in ("fig", "table")
    if any(name.startswith(kind) for name in MADE[paper])
]
FILES = [f"figures/{paper}_{name}.{ending}" for paper, name in FIRST for ending in register.endings(name)]
WANTED = (*FILES, *(f"results/recorded/{paper}/comparison.csv" for paper in PAPERS), "REPRODUCTION.md", *RECORDED)
OUTCOMES = ("holds", "fails", "unclear", "not run", "not judged")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def drawn(tmp_path_factory) -> Checkout:
    """A checkout in which these were made from the kept tables."""
    checkout = Checkout(tmp_path_factory.mktemp("recorded"))
    checkout.run(*WANTED)
    return checkout


def claims(checkout: Checkout, paper: str) -> pandas.DataFrame:
    """Return a paper's claims with their outcomes, by id; of hyperparameters the paper's own alone."""
    judged = tables.read(checkout.folder / f"results/recorded/{paper}/claims.csv")
    return judged.drop_duplicates("id").set_index("id")


@pytest.mark.parametrize("paper", PAPERS)
def test_every_kept_table_is_compared_or_its_readme_says_why_not(drawn, paper):
    known = register.of(paper)
    assert all((drawn.folder / file).stat().st_size > 0 for file in FILES)
    made_from = [*(known.artifact(name).tables for name in MADE[paper]), known.comparison.tables]
    kept = {path.stem for path in (ROOT / "papers" / paper / "recorded").glob("*.csv")}
    readme = (ROOT / "papers" / paper / "README.md").read_text()
    for name in kept - set().union(*made_from):
        assert f"`{name}.csv`" in readme, f"{name} is kept, but nothing is made from it and the README does not say why"
    compared = tables.read(drawn.folder / f"results/recorded/{paper}/comparison.csv")
    assert (compared["ours_n"] > 0).any() and set(claims(drawn, paper)["outcome"]) <= set(OUTCOMES)


NUMBER = r"(-?[\d,]+(?:\.\d+)?)"
INTERVAL = re.compile(rf"{NUMBER}(?: %| points)? \[{NUMBER}, {NUMBER}\]")
UNITS = (1, 0.01, 0.001, 100)  # of a README's numbers, in those of claims.csv: fractions for percent, say


def is_rounded(text: str, exact: float, unit: float) -> bool:
    """Return whether a README's number is one of claims.csv, which has two decimals, in another unit and rounded."""
    decimals = len(text.partition(".")[2])
    return abs(float(text.replace(",", "")) - unit * exact) <= 0.5001 * 10**-decimals + 0.0051 * unit


@pytest.mark.parametrize("paper", PAPERS)
def test_the_claims_of_a_readme_are_those_that_came_out(drawn, paper):
    """Of a table "| claim | outcome | our numbers |" whose rows begin with a claim's id: all claims, their outcomes, and each
    mean with its interval."""
    judged, heading, found = claims(drawn, paper), [], []
    for line in (ROOT / "papers" / paper / "README.md").read_text().splitlines():
        cells = [cell.strip().replace("*", "") for cell in line.strip("| ").split("|")]
        if line.startswith("|") and (claim := re.match(rf"{paper}-\d+", cells[0])):
            stated, about = dict(zip(heading, cells, strict=True)), judged.loc[claim[0]]
            assert stated["outcome"] == about["outcome"], claim[0]
            ours = [tuple(map(float, interval)) for interval in INTERVAL.findall(about["detail"])]
            ours += [(-mean, -high, -low) for mean, low, high in ours]  # of a difference the other way round
            for interval in INTERVAL.findall(stated["our numbers"]):
                assert any(
                    all(map(is_rounded, interval, one, 3 * [unit])) for one, unit in itertools.product(ours, UNITS)
                ), f"{claim[0]}: {interval} is not in {about['detail']}"
            found.append(claim[0])
        elif line.startswith("|") and not line.startswith("| ---"):
            heading = cells
    assert not found or found == list(judged.index), "the table lacks claims, or has others"


def test_the_answer_is_what_the_kept_tables_give(drawn):
    made = (drawn.folder / "REPRODUCTION.md").read_text()
    assert (ROOT / "REPRODUCTION.md").read_text() == made, "make report, and commit REPRODUCTION.md"
    for paper in PAPERS:  # counted anew, past what wrote it
        outcomes = claims(drawn, paper)["outcome"].value_counts()
        (row,) = re.findall(rf"^\| \[[^]]+\]\(#{paper}\) .*", made, re.MULTILINE)
        assert {word: int(n) for word, n in re.findall(r"(holds|fails) (\d+)", row)} == {
            word: outcomes[word] for word in ("holds", "fails") if word in outcomes
        }


def test_nothing_is_made_twice(drawn):
    assert drawn.jobs(*WANTED) == {}


@pytest.mark.parametrize("file", ["reported.csv", "recorded/split.csv"])
def test_a_file_that_was_spoiled_is_refused_until_it_is_mended(drawn, file):
    """The old figure lies there, but counts as up to date for neither the first run nor the second."""
    path, figure = drawn.folder / "papers/dhp" / file, "figures/dhp_fig2.pdf"
    drawn.run(figure, *RECORDED)
    before = path.read_bytes()
    path.write_bytes(before[:-20])
    for _ in range(2):
        assert path.name in drawn.run(figure, *RECORDED, fails=True)
    path.write_bytes(before)
    drawn.run(figure, *RECORDED)
    assert drawn.jobs(figure, *RECORDED) == {}


def test_another_reading_of_the_sticky_gradient_is_compared_again(drawn):
    """What claims read of the protocol makes them again: the reading whose search stands for our own hyperparameters."""
    path = drawn.folder / "papers/sticky_gradient/protocol.yaml"
    target, before = "results/recorded/sticky_gradient/comparison.csv", path.read_text()
    claimed = drawn.folder / "results/recorded/sticky_gradient/claims.csv"
    reading = register.of("sticky_gradient").protocol("paper").design.reading
    others = set(tables.read(ROOT / "papers/sticky_gradient/recorded/search.csv")["reading"]) - {reading}
    judged = claimed.read_text()
    assert before.count(f"    reading: {reading}") == 1
    path.write_text(before.replace(f"    reading: {reading}", f"    reading: {min(others)}"))
    assert drawn.jobs(target, *RECORDED) == {"compare": 1}
    drawn.run(target, *RECORDED)
    assert claimed.read_text() != judged
    assert drawn.jobs(target, *RECORDED) == {}


def test_a_notebooks_backend_and_packages_of_the_same_names_change_nothing(checkout, tmp_path, monkeypatch):
    for name in ("common", "papers"):
        (tmp_path / "others" / name).mkdir(parents=True)
        (tmp_path / "others" / name / "__init__.py").touch()
    monkeypatch.setattr(
        Checkout,
        "environment",
        Checkout.environment.fget(checkout)
        | {"PYTHONPATH": str(tmp_path / "others"), "MPLBACKEND": "module://matplotlib_inline.backend_inline"},
    )
    checkout.run("figures/dan_fig1.pdf", "--config", "scale=recorded")
    assert (checkout.folder / "figures/dan_fig1.pdf").read_bytes().startswith(b"%PDF")


def test_a_figure_that_was_cut_short_is_made_again(drawn):
    (figure,) = [file for file in FILES if file.startswith("figures/dan_fig") and file.endswith(".pdf")]
    whole = (drawn.folder / figure).stat().st_size
    assert drawn.jobs(figure, *RECORDED) == {}
    for size in (0, whole // 2):
        os.truncate(drawn.folder / figure, size)
        assert f"{figure} was cut short" in drawn.run(figure, *RECORDED)
        assert (drawn.folder / figure).stat().st_size == whole
    result = f"results/recorded/dan/figures/{figure.removeprefix('figures/dan_')}"
    for path in (figure, result):
        os.truncate(drawn.folder / path, 0)
    drawn.run(figure, *RECORDED)
    assert (drawn.folder / figure).read_bytes() == (drawn.folder / result).read_bytes() != b""
