"""Recipes of docs/recipes.md (that of a method: test_studies.py), followed to the letter in a copy of the repository."""

from __future__ import annotations

import shutil

import pytest

from tests.workflow.checkout import Checkout

pytestmark = pytest.mark.slow

FIGURE = '''"""Recall after the last class."""

import pandas
from matplotlib.figure import Figure


def draw(tables, reported):
    figure = Figure()
    figure.subplots().bar(*values(tables).T.to_numpy())
    return figure


def values(tables):
    last = tables["transfer"].query("classes == 100")
    return last.groupby("condition", as_index=False)["recall"].mean()
'''


def edit(checkout: Checkout, file: str, old: str, new: str) -> None:
    path = checkout.folder / file
    assert path.read_text().count(old) == 1, f"{file} has no single {old!r}"
    path.write_text(path.read_text().replace(old, new))


def test_a_condition(checkout):
    before = checkout.jobs("figures/tsar_fig1.pdf")
    edit(checkout, "papers/tsar/protocol.yaml", "[grow, sculpt, oml, scratch]", "[grow, sculpt, oml, scratch, anml]")
    after = checkout.jobs("figures/tsar_fig1.pdf")
    # one batch of reporting seeds and one of tuning seeds, rich and scarce
    assert after["tsar_meta_train"] - before["tsar_meta_train"] == 4
    assert after["tsar_tune"] - before["tsar_tune"] == after["tsar_transfer"] - before["tsar_transfer"] == 2


def test_a_figure(checkout):
    (checkout.folder / "papers/tsar/figures/fig_growth.py").write_text(FIGURE)
    edit(
        checkout,
        "papers/tsar/runs.py",
        '"fig1": Artifact(("transfer",)),',
        '"fig1": Artifact(("transfer",)), "fig_growth": Artifact(("transfer",)),',
    )
    output = checkout.run("figures/tsar_fig_growth.pdf", "list_figures", "--config", "scale=recorded")
    assert "* figures/tsar_fig_growth.pdf" in output
    assert (checkout.folder / "figures/tsar_fig_growth.pdf").read_bytes().startswith(b"%PDF")
    lines = (checkout.folder / "results/recorded/tsar/figures/fig_growth.csv").read_text().splitlines()
    assert lines[0] == "condition,recall" and len(lines) > 2


def test_a_paper_and_a_hyperparameter_of_it(checkout):
    mine = checkout.folder / "papers/mine"
    shutil.copytree(checkout.folder / "papers/tsar", mine)
    shutil.rmtree(mine / "recorded")
    for path in mine.rglob("*"):
        if path.is_file():
            text = path.read_text()
            path.write_text(text.replace("tsar", "mine").replace("TSAR", "MINE").replace("Tsar", "Mine"))
    edit(checkout, "config.yaml", "papers: [tsar,", "papers: [mine, tsar,")
    jobs, original = (checkout.jobs(f"figures/{paper}_fig1.pdf") for paper in ("mine", "tsar"))
    assert {rule.replace("mine", "tsar"): count for rule, count in jobs.items()} == original
    target = "results/smoke/mine/transfer/scratch_rich_after0/imagenet_seeds0-1.csv"
    checkout.run(target)
    assert checkout.jobs(target) == {}
    edit(checkout, "papers/mine/protocol.yaml", "    images_per_class: 2\n", "    images_per_class: 3\n")
    assert checkout.jobs(target) == {"mine_tune": 1, "mine_transfer": 1}
