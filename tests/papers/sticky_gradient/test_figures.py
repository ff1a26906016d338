"""Figures draw the means of the tables they are given, the paper's numbers, and say what is missing."""

from __future__ import annotations

import matplotlib
import numpy
import pandas
import pytest

from common.running import make
from papers.sticky_gradient.conditions import cell_label
from papers.sticky_gradient.figures import fig1, fig2, fig3, fig4, fig5
from papers.sticky_gradient.readings import CELLS, CONTROL, EWC, FULL
from tests.papers.sticky_gradient.constructed import (
    RECORD,
    REPORTED,
    everything,
    permuted,
    search,
    shared,
    tables,
    trajectories,
    weights,
)

ALL_SEARCHED = [cell for cell in CELLS if cell != CONTROL]


def draw(name, run, record=RECORD):
    return make.draw("sticky_gradient", name, tables(run, name, record), REPORTED)


def values(module, run):
    return module.values(tables(run, module.__name__.rpartition(".")[2]))


def errorbars(axis):
    return [c for c in axis.containers if isinstance(c, matplotlib.container.ErrorbarContainer)]


def diamonds(axis):
    found = [c.lines[0] for c in errorbars(axis) if c.lines[0].get_marker() == "D"]
    return [(*line.get_xdata(), *line.get_ydata()) for line in found if len(line.get_xdata())]


def curves(axis):
    """The y values of what is drawn with error bars, without the paper's diamonds."""
    return [list(c.lines[0].get_ydata()) for c in errorbars(axis) if c.lines[0].get_marker() != "D"]


def texts(figure):
    found = [text.get_text() for axis in figure.axes for text in axis.texts]
    return found + [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def test_figure_1_draws_every_weight_and_sorts_them_by_where_they_end():
    paths, beside, _ = draw("fig1", everything()).axes
    free, trapped = (collection.get_segments() for collection in paths.collections[:2])
    assert (len(free), len(trapped)) == (30, 30)
    assert all(abs(path[-1, 1] - 0.279) < 0.02 for path in trapped)
    named = [text.get_text() for text in paths.get_legend().get_texts()]
    assert named == ["stays free (30)", "ends at the attractor (30)"]
    assert paths.get_xlim() == (0, 3) and beside.get_ylim() == paths.get_ylim()
    moves = trajectories()
    plotted = values(fig1, {"trajectories": moves})
    first = plotted[(plotted["panel"] == "a") & (plotted["series"] == 0)]
    assert first["y"].tolist() == moves.loc[moves["weight"] == 0, "value"].tolist()
    assert first["x"].tolist() == pytest.approx(list(numpy.arange(1, 91) / 30))


def test_figure_1_says_how_many_of_all_weights_end_near_the_attractor():
    counted = RECORD | {"measured": {"weights": 1_588_000, "ended_near": 318}}
    assert "(318 of all 1,588,000 do)" in draw("fig1", everything(), counted).get_supxlabel()
    assert "as far as there are any. Shaded" in draw("fig1", everything()).get_supxlabel()


def test_figure_1_draws_the_plasticity_function_of_equation_1():
    plotted = values(fig1, everything(search=search(("unit-gradient-mean",), seeds=(1000,), a1=0.4)))
    curve = plotted[plotted["series"] == fig1.PAPER]
    numpy.testing.assert_allclose(curve["y"], 4.12 * (1 - numpy.exp(-4.7 * (curve["x"].astype(float) - 0.279) ** 2)))
    found = plotted[plotted["series"] == "unit-gradient-mean"]
    assert found["x"].iloc[found["y"].argmin()] == pytest.approx(0.4, abs=0.005)
    functions = draw("fig1", everything()).axes[2]
    assert diamonds(functions) == [(0.279, 0)]
    assert any(list(line.get_ydata()) == [4, 4] for line in functions.lines)


def test_figure_2_plots_means_and_intervals():
    plotted = values(fig2, everything()).set_index(["panel", "condition", "x"])
    row = plotted.loc[("all", EWC, 3)]
    assert row["mean"] == pytest.approx(0.87 - 0.0008) and row["n"] == 3
    assert row["ci_high"] - row["mean"] == pytest.approx(4.302653 * 0.001 / numpy.sqrt(3), rel=1e-4)
    assert plotted.loc[("previous", CONTROL, 2), "mean"] == pytest.approx(0.96 - 0.066)
    assert ("previous", CONTROL, 1) not in plotted.index
    assert plotted.loc[("newest", FULL, 10), "mean"] == pytest.approx(0.895)
    margins = plotted[plotted.index.get_level_values("panel").str.endswith("margin")]
    assert margins.loc[("newest margin", f"{CONTROL} - {EWC}", 10), "mean"] == pytest.approx(9)
    assert len(margins) == sum(map(len, fig2.MARGINS.values()))


def test_figure_2_draws_three_panels_and_the_papers_margins():
    _, previous, newest, margins = draw("fig2", everything()).axes
    assert curves(newest)[1] == pytest.approx([0.87] * 10)
    assert [len(curve) for curve in curves(previous)] == [9, 9, 9]
    assert sorted(x for x, _ in diamonds(margins)) == [2.2, 2.5, 2.7, 3, 9, 9, 19, 19]
    height = {tick.get_text(): place for tick, place in zip(margins.get_yticklabels(), margins.get_yticks())}
    assert "EWC − sticky" in height
    assert (2.2, height["sticky − EWC"]) in diamonds(margins) and (3, height["sticky − EWC"]) in diamonds(margins)


def test_figure_2_draws_our_own_search_beside_it_if_it_was_run():
    figure = draw("fig2", everything(accuracies=permuted(searched=[FULL])))
    assert "sticky gradient, own search (n = 3)" in texts(figure)
    assert len(curves(figure.axes[0])) == 4
    assert not [text for text in texts(draw("fig2", everything())) if "own search" in text]


def test_figure_3_draws_all_cells_and_their_names():
    cells, margins = draw("fig3", everything()).axes
    assert len(curves(cells)) == len(cells.texts) == len(CELLS)
    assert {text.get_text() for text in cells.texts} == {cell_label(cell) for cell in CELLS}
    heights = sorted(text.get_position()[1] for text in cells.texts)
    assert min(numpy.diff(heights)) > 0.017  # names do not lie on each other
    assert sorted(x for x, _ in diamonds(margins)) == [3, 6]
    assert cells.get_title("left") == "a  Hyperparameters of Table 1 (n = 3)"
    lead = values(fig3, everything()).query("panel == 'margin' and condition == 'smart'")
    assert lead["mean"].tolist() == pytest.approx([100 * 4.5 * (0.0254 - 0.0119)])


def test_figure_3_has_a_panel_for_our_own_search():
    _, found, margins = draw("fig3", everything(accuracies=permuted(searched=ALL_SEARCHED))).axes
    assert len(curves(found)) == len(CELLS)
    assert curves(found)[-1][-1] == pytest.approx(0.93 - 4.5 * 0.006)
    assert len(curves(margins)) == 14
    some = draw("fig3", everything(accuracies=permuted(searched=[FULL])))
    assert "no runs at this scale:\nL1\n" in some.axes[1].texts[-1].get_text()


def test_figure_3_is_the_same_if_all_its_cells_were_kept_in_one_table():
    apart, together = everything(), {"accuracies": permuted()}
    plotted = [values(fig3, run).sort_values(["panel", "condition", "x"]) for run in (apart, together)]
    assert "ablation" in apart and not plotted[0].empty
    pandas.testing.assert_frame_equal(*(rows.reset_index(drop=True) for rows in plotted))


def test_figure_4_has_a_panel_per_level_and_the_margin_by_level():
    *levels, summary = draw("fig4", everything()).axes
    titles = [axis.get_title("left") for axis in levels]
    assert titles == [f"{level}% shared" for level in (0, 20, 40, 50, 60, 70, 80, 100)]
    (margin,) = curves(summary)
    assert margin[4] == pytest.approx(0, abs=1e-9) and margin[3] > 0 > margin[5]
    assert diamonds(summary) == [(60, 0)]
    last = values(fig4, everything()).query("panel == 'margin' and shared == 1")
    assert last["mean"].tolist() == pytest.approx([-100 * 0.02 * 4.5])
    both = draw("fig4", everything(shared=shared(searched=True), accuracies=permuted(searched=[FULL])))
    assert len(curves(both.axes[-1])) == 2


def test_figure_4_says_which_pixels_were_shared_if_any():
    run, note = everything(), "shared pixels: no runs at this scale"
    assert note in texts(draw("fig4", {"accuracies": run["accuracies"]})) and note not in texts(draw("fig4", run))
    redrawn = RECORD | {"protocol": {"design": {"shared_pixels": "redrawn"}}}
    assert "redrawn for each task" in draw("fig4", run, redrawn).get_supxlabel()


def test_figure_5_says_how_many_weights_the_cut_leaves_out():
    """All networks have 2000 * 794 weights; those that no bin holds are nearer zero than the cut."""
    run, total = everything(), 2000 * 794
    kept = run["weights"].query("after_task == 10").groupby(["condition", "seed"])["count"].sum()
    missing = 100 * (1 - kept / total)
    axes = draw("fig5", run).axes
    said = [axis.texts[0].get_text() for axis in axes]
    assert said == [f"left out: {missing[condition].mean():.2g}%" for condition in (CONTROL, EWC, FULL)]
    near_a1 = run["weights"].query("after_task == 10 and condition == @FULL and 0.26 <= low <= 0.291")["count"].sum()
    assert axes[2].texts[-1].get_text() == f"{100 * near_a1 / (3 * total):.2g}%"  # of all weights, not of those drawn


def test_figure_5_says_nothing_of_weights_left_out_if_networks_differ_in_size():
    mixed = {key: value for key, value in RECORD.items() if key != "protocol"}
    assert not [text for text in texts(draw("fig5", everything(), mixed)) if "%" in text]


def test_figure_5_draws_the_final_histograms_and_the_papers_modes():
    figure = draw("fig5", everything())
    control, ewc, sticky = figure.axes
    assert all(axis.get_yscale() == "log" for axis in figure.axes)
    assert sorted(round(x, 3) for x, _ in diamonds(sticky)) == [-0.06, 0, 0.279]
    assert not diamonds(control) and not diamonds(ewc)
    plotted = values(fig5, everything())
    assert plotted.groupby("condition")["mean"].sum().tolist() == pytest.approx([100] * 3)
    (triangles,) = [line for line in sticky.lines if line.get_marker() == "v"]
    assert list(triangles.get_xdata()) == pytest.approx([-0.06, 0, 0.279], abs=0.004)


def test_figure_5_shows_our_own_search_with_its_attractor():
    run = everything(weights=weights(searched=True), search=search(seeds=(1000,), a1=0.4))
    found = draw("fig5", run).axes[3]
    assert found.get_title("left") == "Sticky gradient, own search (n = 3)"
    assert any(line.get_linestyle() == "--" and list(line.get_xdata()) == [0.4, 0.4] for line in found.lines)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([0.9, 0.5, 0.1], [0.9, 0.5, 0.1]),
        ([0.5, 0.5, 0.5], [0.5, 0.4, 0.3]),
        ([1.2, 1.0], [1.0, 0.9]),
        ([0.9, 0.05, 0.05, 0.0], [0.9, 0.2, 0.1, 0.0]),  # at the bottom names make room upwards
    ],
)
def test_names_of_curves_stand_apart_and_inside_the_panel(given, expected):
    assert fig3.spread(given, 0.1, 0.0, 1.0) == pytest.approx(expected)
