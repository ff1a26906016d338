"""Figures draw the means of the tables they are given, the paper's numbers, and say what is missing."""

from __future__ import annotations

import matplotlib
import numpy
import pytest

from common.running import make
from papers.sticky_gradient.conditions import cell_label
from papers.sticky_gradient.figures import fig1, fig2, fig3
from papers.sticky_gradient.readings import CELLS, CONTROL, EWC, FULL
from tests.papers.sticky_gradient import constructed
from tests.papers.sticky_gradient.constructed import RECORD, everything, permuted, search, shared, tables


def draw(name, run, record=RECORD):
    return make.draw("sticky_gradient", name, tables(run, name, record), constructed.REPORTED)


def values(name, run):
    return make.part("sticky_gradient", f"figures.{name}").values(tables(run, name))


def drawn(axis, papers=False):
    """The points (x, y) of what is drawn with error bars, a list for each: ours, or the paper's diamonds."""
    found = [c.lines[0] for c in axis.containers if isinstance(c, matplotlib.container.ErrorbarContainer)]
    lines = [line for line in found if (line.get_marker() == "D") == papers and len(line.get_xdata())]
    return [list(zip(line.get_xdata(), line.get_ydata())) for line in lines]


def curves(axis):
    return [[y for _, y in points] for points in drawn(axis)]


def diamonds(axis):
    return [point for (point,) in drawn(axis, papers=True)]


def texts(figure):
    found = [text.get_text() for axis in figure.axes for text in axis.texts]
    return found + [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def test_figure_1_draws_every_weight_and_sorts_them_by_where_they_end():
    counted = RECORD | {"measured": {"weights": 1_588_000, "ended_near": 318}}
    figure = draw("fig1", everything(), counted)
    assert "(318 of all 1,588,000 do)" in figure.get_supxlabel()
    free, trapped = (collection.get_segments() for collection in figure.axes[0].collections[:2])
    assert (len(free), len(trapped)) == (30, 30)
    assert all(abs(path[-1, 1] - 0.279) < 0.02 for path in trapped)
    moves = constructed.trajectories()
    first = values("fig1", {"trajectories": moves}).query("panel == 'a' and series == 0")
    assert first["y"].tolist() == moves.loc[moves["weight"] == 0, "value"].tolist()
    assert first["x"].tolist() == pytest.approx(list(numpy.arange(1, 91) / 30))


def test_figure_1_draws_the_plasticity_function_of_equation_1():
    plotted = values("fig1", everything(search=search(("unit-gradient-mean",), seeds=(1000,), a1=0.4)))
    curve = plotted[plotted["series"] == fig1.PAPER]
    numpy.testing.assert_allclose(curve["y"], 4.12 * (1 - numpy.exp(-4.7 * (curve["x"].astype(float) - 0.279) ** 2)))
    found = plotted[plotted["series"] == "unit-gradient-mean"]
    assert found["x"].iloc[found["y"].argmin()] == pytest.approx(0.4, abs=0.005)
    functions = draw("fig1", everything()).axes[2]
    assert diamonds(functions) == [(0.279, 0)]
    assert any(list(line.get_ydata()) == [4, 4] for line in functions.lines)


def test_figure_2_plots_means_and_intervals():
    plotted = values("fig2", everything()).set_index(["panel", "condition", "x"])
    row = plotted.loc[("all", EWC, 3)]
    assert row["mean"] == pytest.approx(0.87 - 0.0008) and row["n"] == 3
    assert row["ci_high"] - row["mean"] == pytest.approx(4.302653 * 0.001 / numpy.sqrt(3), rel=1e-4)
    assert plotted.loc[("previous", CONTROL, 2), "mean"] == pytest.approx(0.96 - 0.066)
    assert ("previous", CONTROL, 1) not in plotted.index
    assert plotted.loc[("newest", FULL, 10), "mean"] == pytest.approx(0.895)
    margins = plotted[plotted.index.get_level_values("panel").str.endswith("margin")]
    assert margins.loc[("newest margin", f"{CONTROL} - {EWC}", 10), "mean"] == pytest.approx(9)
    assert len(margins) == sum(map(len, fig2.MARGINS.values()))


def test_figure_2_draws_three_panels_the_papers_margins_and_our_own_search():
    figure = draw("fig2", everything())
    _, previous, newest, margins = figure.axes
    assert curves(newest)[1] == pytest.approx([0.87] * 10)
    assert [len(curve) for curve in curves(previous)] == [9, 9, 9]
    assert sorted(x for x, _ in diamonds(margins)) == [2.2, 2.5, 2.7, 3, 9, 9, 19, 19]
    height = {tick.get_text(): place for tick, place in zip(margins.get_yticklabels(), margins.get_yticks())}
    assert {(2.2, height["sticky − EWC"]), (3, height["sticky − EWC"])} <= set(diamonds(margins))
    assert not [text for text in texts(figure) if "own search" in text]
    with_search = draw("fig2", everything(accuracies=permuted(searched=[FULL])))
    assert "sticky gradient, own search (n = 3)" in texts(with_search)
    assert len(curves(with_search.axes[0])) == 4


def test_figure_3_draws_all_cells_and_their_names():
    cells, margins = draw("fig3", everything()).axes
    assert len(curves(cells)) == len(CELLS)
    assert {text.get_text() for text in cells.texts} == {cell_label(cell) for cell in CELLS}
    assert sorted(x for x, _ in diamonds(margins)) == [3, 6]
    lead = values("fig3", everything()).query("panel == 'margin' and condition == 'smart'")
    assert lead["mean"].tolist() == pytest.approx([100 * 4.5 * (0.0254 - 0.0119)])
    searched = everything(accuracies=permuted(searched=[cell for cell in CELLS if cell not in (CONTROL, "l1")]))
    _, found, margins = draw("fig3", searched).axes
    assert curves(found)[-1][-1] == pytest.approx(0.93 - 4.5 * 0.006)
    assert len(curves(margins)) == 7 + 6
    assert found.texts[-1].get_text() == "no runs at this scale:\nL1"


def test_names_of_curves_stand_apart_and_inside_the_panel():
    assert fig3.spread([0.5, 0.5, 0.5], 0.1, 0.0, 1.0) == pytest.approx([0.5, 0.4, 0.3])
    assert fig3.spread([1.2, 0.05, 0.05, 0.0], 0.1, 0.0, 1.0) == pytest.approx([1.0, 0.2, 0.1, 0.0])


def test_figure_4_has_a_panel_per_level_and_the_margin_by_level():
    redrawn = RECORD | {"protocol": {"design": {"shared_pixels": "redrawn"}}}
    figure = draw("fig4", everything(shared=shared(searched=True), accuracies=permuted(searched=[FULL])), redrawn)
    *levels, summary = figure.axes
    margin, searched = drawn(summary)
    assert [axis.get_title("left") for axis in levels] == [f"{level:g}% shared" for level, _ in margin]
    assert margin[4] == (60, pytest.approx(0, abs=1e-9)) and margin[3][1] > 0 > margin[5][1] and len(searched) == 8
    assert diamonds(summary) == [(60, 0)]
    assert "redrawn for each task" in figure.get_supxlabel()
    last = values("fig4", everything()).query("panel == 'margin' and shared == 1")
    assert last["mean"].tolist() == pytest.approx([-100 * 0.02 * 4.5])
    assert "shared pixels: no runs at this scale" in texts(draw("fig4", {"accuracies": permuted()}))


def test_figure_5_draws_the_final_histograms_and_the_papers_modes():
    run = everything(weights=constructed.weights(searched=True), search=search(seeds=(1000,), a1=0.4))
    control, ewc, sticky, found = draw("fig5", run).axes
    assert sorted(round(x, 3) for x, _ in diamonds(sticky)) == [-0.06, 0, 0.279]
    assert not diamonds(control) and not diamonds(ewc)
    assert values("fig5", run).groupby("condition")["mean"].sum().tolist() == pytest.approx([100] * 4)
    (triangles,) = [line for line in sticky.lines if line.get_marker() == "v"]
    assert list(triangles.get_xdata()) == pytest.approx([-0.06, 0, 0.279], abs=0.004)
    assert found.get_title("left") == "Sticky gradient, own search (n = 3)"
    assert any(line.get_linestyle() == "--" and list(line.get_xdata()) == [0.4, 0.4] for line in found.lines)


def test_figure_5_says_how_many_weights_the_cut_leaves_out():
    """All networks have 2000 * 794 weights; those that no bin holds are nearer zero than the cut."""
    run, total = everything(), 2000 * 794
    last = run["weights"].query("after_task == 10")
    missing = 100 * (1 - last.groupby(["condition", "seed"])["count"].sum() / total)
    axes = draw("fig5", run).axes
    said = [axis.texts[0].get_text() for axis in axes]
    assert said == [f"left out: {missing[condition].mean():.2g}%" for condition in (CONTROL, EWC, FULL)]
    near_a1 = last.query("condition == @FULL and 0.26 <= low <= 0.291")["count"].sum()
    # of all weights, not of those drawn
    assert axes[2].texts[-1].get_text() == f"{100 * near_a1 / (3 * total):.2g}%"
