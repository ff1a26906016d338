"""Figures 3 to 6 draw the means of the tables they are given, the paper's numbers, and say what is missing."""

from __future__ import annotations

import matplotlib
import numpy
import pandas
import pytest

from common.running import make
from papers.synaptic_intelligence import conditions
from papers.synaptic_intelligence.conditions import COLORS, color
from papers.synaptic_intelligence.results import KINDS
from tests.papers.synaptic_intelligence.constructed import (
    CIFAR_PLAIN,
    CIFAR_SCRATCH,
    REPORTED,
    claimed,
    forgetting,
    runs,
    table,
    tables,
)

NAMES = {"fig3": "split_mnist", "fig4": "permuted_mnist", "fig5": "correlations", "fig6": "cifar"}


def draw(name, run):
    return make.draw("synaptic_intelligence", name, tables(**{NAMES[name]: run}), REPORTED)


def plotted(name, run):
    return make.part("synaptic_intelligence", f"figures.{name}").values(tables(**{NAMES[name]: run}))


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def errorbars(axis, marker):
    """The points (x, y) of what is drawn with error bars and this marker, a list for each of them."""
    found = [c.lines[0] for c in axis.containers if isinstance(c, matplotlib.container.ErrorbarContainer)]
    lines = [line for line in found if line is not None and line.get_marker() == marker]  # bars have none
    return [list(zip(line.get_xdata(), line.get_ydata())) for line in lines if len(line.get_xdata())]


def diamonds(axis):
    """The paper's numbers."""
    return [point for (point,) in errorbars(axis, "D")]


def line_of(axis, label):
    (line,) = [line for line in axis.lines if line.get_label() == label]
    return line


def test_figure_3_plots_means_and_sems_also_before_a_task_is_trained():
    """The average is of the tasks trained so far; of si-0 the test accuracies before training are not there here."""
    run = claimed("split_mnist")
    values = plotted("fig3", run).set_index(["panel", "condition", "split", "x"]).sort_index()
    assert values.loc[("task 1", "si-0", "test", 3)].tolist() == pytest.approx([0.7, 0.001 / numpy.sqrt(3), 3])
    assert values.loc[("average", "si-0", "train", 3), "mean"] == pytest.approx(0.998 - 0.1)
    assert values.loc[("task 4", "si-1", "test"), "mean"].tolist() == pytest.approx([0.5, 0.5, 0.5, 0.995, 0.993])
    assert values.loc[("task 4", "si-0", "test")].index.tolist() == [4, 5]
    assert len(values) == 15 + 3 * 25 + 4 * 5
    *tasks, average = draw("fig3", run).axes
    assert len(tasks) == 5
    without, consolidated = errorbars(tasks[3], "o")
    assert [y for _, y in without] == pytest.approx([0.99, 0.98])
    assert [y for _, y in consolidated] == pytest.approx([0.5, 0.5, 0.5, 0.995, 0.993])
    assert [round(y, 3) for _, y in diamonds(average)] == [1, 0.899, 0.951, 0.868, 0.859, 1, 0.998, 0.996, 0.991, 0.991]
    assert len(diamonds(tasks[4])) == 2
    assert average.get_ylim() == (0.45, 1.1)
    poor = table(runs("si-0", forgetting(5, 0.6, 0.1)))
    assert draw("fig3", poor).axes[0].get_ylim()[0] < 0.2  # there is room for accuracies below the frame


def test_figure_4_draws_curves_close_up_and_in_full_and_marks_a_single_task_and_joint_training():
    run = claimed("permuted_mnist")
    values, figure = plotted("fig4", run), draw("fig4", run)
    zoom, full = figure.axes
    assert (zoom.get_ylim(), full.get_ylim()) == ((0.965, 1.005), (0.5, 1))
    for condition in ("si-0.1", "ewc", "si-0", "dropout", "sgd"):
        expected = values[(values["condition"] == condition) & (values["mark"] == "average")]
        line = line_of(full, f"{conditions.LABELS[condition]} (n = 3)")
        numpy.testing.assert_allclose(line.get_ydata(), expected["mean"])
        assert matplotlib.colors.same_color(line.get_color(), COLORS[condition])
    assert len(diamonds(full)) == 40
    assert all(0.965 <= y <= 1.005 for _, y in diamonds(zoom))
    dotted = line_of(zoom, "single task: 0.9830 test\n(task 1 after task 1, c = 0)")
    assert list(dotted.get_ydata()) == pytest.approx([0.983, 0.983])
    (arrow,) = zoom.texts
    assert arrow.xy[1] == pytest.approx(0.994)
    assert "joint training (n = 3):\n0.9940 training (arrow), 0.9850 test" in legend(figure)
    assert any(y == pytest.approx(0.995198) for _, y in diamonds(zoom))
    assert "joint training, training images: 0.9952\n(a constant in the authors' notebook)" in legend(figure)
    few = draw("fig4", run.query("condition not in ['ewc', 'joint', 'si-0']"))
    assert {"EWC: no runs at this scale", "joint training: no runs at this scale"} <= set(legend(few))
    assert not [name for name in legend(few) if name.startswith("single task")] and not few.axes[0].texts


def test_figure_5_draws_the_mean_matrices_on_one_colour_scale():
    run = claimed("correlations", {"si-0, 2": {pair: 0.05 * sum(pair) for pair in [(1, 2), (1, 3), (2, 3)]}})
    figure = draw("fig5", run)
    images = [axis.images[0] for axis in figure.axes[:4]]
    assert [image.get_array()[0, 1] for image in images] == pytest.approx([0.02, 0.15, 0.03, 0.1])
    numpy.testing.assert_allclose(images[1].get_array(), [[1, 0.15, 0.2], [0.15, 1, 0.25], [0.2, 0.25, 1]])
    assert {image.get_clim() for image in images} == {(0, 1)}
    titles = [axis.get_title() for axis in figure.axes[:2]]
    assert titles == ["First layer, r = 0.02 ± 0.00", "Second layer, r = 0.20 ± 0.00"]
    assert figure.axes[2].get_ylabel() == "Consolidation, c = 0.1 (n = 3)\nTask"
    values = plotted("fig5", run)
    assert len(values) == (3 * 10**2 + 3**2) * len(KINDS)
    other = values.query("kind == 'spearman' and condition == 'si-0.1' and layer == 2 and task < other_task")
    assert other["mean"].tolist() == pytest.approx([0.05] * 45)
    axes = draw("fig5", run.query("condition == 'si-0' or layer == 1")).axes
    assert [bool(axis.images) for axis in axes[:4]] == [True, True, True, False]
    assert [text.get_text() for text in axes[3].texts] == ["no runs at this scale"]


def test_figure_6_bars_are_the_final_accuracies():
    figure = draw("fig6", claimed("cifar"))
    (axis,) = figure.axes
    bars = [c for c in axis.containers if isinstance(c, matplotlib.container.BarContainer)]
    heights = {bar.get_label(): [patch.get_height() for patch in bar] for bar in bars}
    assert heights["fine-tuning, c = 0 (n = 3)"] == pytest.approx(CIFAR_PLAIN)
    assert heights["from scratch (n = 3)"] == pytest.approx(CIFAR_SCRATCH)
    assert len(heights) == 4
    values = plotted("fig6", claimed("cifar"))
    assert values["sd"].tolist() == pytest.approx([0.001] * len(values))
    assert values.query("split == 'train' and condition == 'si-0.01'")["mean"].tolist() == pytest.approx([0.87] * 6)
    first = [round(y, 3) for x, y in diamonds(axis) if x < 1.5]
    assert first == [0.459, 0.746, 0.783, 0.804]
    assert len(diamonds(axis)) == 24
    assert "chance (0.1)" in legend(figure)


@pytest.mark.parametrize("name", ["fig3", "fig4", "fig6"])
def test_a_strength_that_the_paper_does_not_have_is_drawn_beside_the_others(name):
    """Only the protocol has to name a new one."""
    added = runs("si-0.05", forgetting(conditions.TASKS[NAMES[name]], 0.9, 0.01), seeds=2)
    run = pandas.concat([claimed(NAMES[name]), table(added)], ignore_index=True)
    assert "SI, c = 0.05 (n = 2)" in legend(draw(name, run))
    assert "si-0.05" in set(plotted(name, run)["condition"])


def test_every_strength_has_a_colour_of_its_own():
    strengths = ["si-0.001", "si-0.05", "si-0.1", "si-0.2", "si-1", "si-10"]
    assert len({color(condition, known=()) for condition in strengths}) == len(strengths)
    assert color("si-0.1", known=("si-0.1",)) == COLORS["si-0.1"]
