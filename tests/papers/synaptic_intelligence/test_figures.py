"""Figures 3 to 6 draw the means of the tables they are given, the paper's numbers, and say what is missing."""

from __future__ import annotations

import matplotlib
import numpy
import pandas
import pytest

from common.running import make
from papers.synaptic_intelligence import conditions, results
from papers.synaptic_intelligence.conditions import COLORS, color
from tests.papers.synaptic_intelligence.constructed import (
    REPORTED,
    correlated,
    correlation_table,
    forgetting,
    runs,
    table,
    tables,
    uniform,
)


def split_mnist(tasks=5, seeds=3):
    return table(
        *(
            runs(condition, forgetting(tasks, 0.98, loss, unseen=0.5), seeds, split, spread=0.01)
            for condition, loss in (("si-0", 0.05), ("si-1", 0.0))
            for split in ("test", "train")
        )
    )


def permuted_mnist(tasks=10, seeds=3, without=()):
    losses = dict(zip(conditions.CONDITIONS["permuted_mnist"], (0.08, 0.02, 0.01, 0.002, 0.003, 0.04, 0.05)))
    curves = [runs(c, forgetting(tasks, 0.985, loss), seeds) for c, loss in losses.items() if c not in without]
    joint = [runs("joint", [[a] * tasks], seeds, s, tasks) for s, a in (("train", 0.994), ("test", 0.986))]
    return table(*curves, *(joint if "joint" not in without else []))


def cifar(tasks=6, seeds=3):
    return table(
        *(
            runs(condition, forgetting(tasks, 0.75, loss), seeds, split, spread=0.01)
            for condition, loss in (("si-0", 0.06), ("si-0.01", 0.01), ("si-0.1", 0), ("scratch", 0.02))
            for split in ("test", "train")
        )
    )


def importances(tasks=10, seeds=3):
    return correlation_table(
        *(
            correlated(condition, layer, uniform(tasks, r), seeds, kind)
            for condition, layer, r in (("si-0", 1, 0.02), ("si-0", 2, 0.5), ("si-0.1", 1, 0.03), ("si-0.1", 2, 0.1))
            for kind in results.KINDS
        )
    )


NAMES = {"fig3": "split_mnist", "fig4": "permuted_mnist", "fig5": "correlations", "fig6": "cifar"}


def draw(name, run):
    return make.draw("synaptic_intelligence", name, tables(**{NAMES[name]: run}), REPORTED)


def plotted(name, run):
    return make.part("synaptic_intelligence", f"figures.{name}").values(tables(**{NAMES[name]: run}))


def legend(figure):
    return [text.get_text() for text in figure.legends[0].get_texts()]


def diamonds(axis):
    errorbars = [c for c in axis.containers if isinstance(c, matplotlib.container.ErrorbarContainer)]
    found = [c.lines[0] for c in errorbars if is_diamond(c)]
    return [(*line.get_xdata(), *line.get_ydata()) for line in found if len(line.get_xdata())]


def is_diamond(errorbar):
    line = errorbar.lines[0]  # None for the error bars of bars
    return line is not None and line.get_marker() == "D"


def line_of(axis, label):
    (line,) = [line for line in axis.lines if line.get_label() == label]
    return line


def test_figure_3_plots_means_and_sems_from_each_tasks_own_training_on():
    values = plotted("fig3", split_mnist()).set_index(["panel", "condition", "split", "x"])
    assert values.loc[("task 1", "si-0", "test", 3)].tolist() == pytest.approx([0.88, 0.01 / numpy.sqrt(3), 3])
    assert values.loc[("average", "si-0", "train", 3), "mean"] == pytest.approx((0.88 + 0.93 + 0.98) / 3)
    assert values.query("panel == 'task 4' and condition == 'si-1' and split == 'test'").index.get_level_values(
        "x"
    ).tolist() == [4, 5]
    assert len(values) == 4 * (15 + 5)


def test_figure_3_draws_test_accuracy_and_the_papers_numbers():
    *tasks, average = draw("fig3", split_mnist()).axes
    assert len(tasks) == 5
    container = next(c for c in tasks[0].containers if not is_diamond(c))
    assert list(container.lines[0].get_ydata()) == pytest.approx([0.98, 0.93, 0.88, 0.83, 0.78])
    assert [round(y, 3) for _, y in diamonds(average)] == [1, 0.899, 0.951, 0.868, 0.859, 1, 0.998, 0.996, 0.991, 0.991]
    assert len(diamonds(tasks[4])) == 2
    for axis in (*tasks, average):
        assert axis.get_ylim() == (0.45, 1.1)
        assert any(list(line.get_ydata()) == [0.5, 0.5] and line.get_linestyle() == ":" for line in axis.lines)


def test_figure_3_makes_room_for_accuracies_below_its_frame():
    poor = table(runs("si-0", forgetting(5, 0.6, 0.1)))
    assert draw("fig3", poor).axes[0].get_ylim()[0] < 0.2


def test_figure_4_draws_curves_close_up_and_in_full():
    zoom, full = draw("fig4", permuted_mnist()).axes
    assert (zoom.get_ylim(), full.get_ylim()) == ((0.965, 1.005), (0.5, 1))
    values = plotted("fig4", permuted_mnist())
    for condition in ("si-0.1", "ewc", "si-0", "dropout", "sgd"):
        expected = values[(values["condition"] == condition) & (values["mark"] == "average")]
        line = line_of(full, f"{conditions.LABELS[condition]} (n = 3)")
        numpy.testing.assert_allclose(line.get_ydata(), expected["mean"])
        assert matplotlib.colors.same_color(line.get_color(), COLORS[condition])
    assert line_of(full, "SI, c = 0.01 (n = 3)").get_linewidth() < line_of(full, "SI, c = 0.1 (n = 3)").get_linewidth()
    assert len(diamonds(full)) == 40
    assert all(0.965 <= y <= 1.005 for _, y in diamonds(zoom))


def test_figure_4_marks_a_single_task_and_joint_training():
    figure = draw("fig4", permuted_mnist())
    zoom = figure.axes[0]
    dotted = line_of(zoom, "single task: 0.9850 test\n(task 1 after task 1, c = 0)")
    assert list(dotted.get_ydata()) == pytest.approx([0.985, 0.985])
    (arrow,) = zoom.texts
    assert arrow.xy[1] == pytest.approx(0.994)
    assert "joint training (n = 3):\n0.9940 training (arrow), 0.9860 test" in legend(figure)
    assert any(y == pytest.approx(0.995198) for _, y in diamonds(zoom))
    assert "joint training, training images: 0.9952\n(a constant in the authors' notebook)" in legend(figure)
    assert "authors' archive (one run)" in legend(figure)


def test_figure_4_says_what_was_not_run():
    figure = draw("fig4", permuted_mnist(without=("ewc", "joint", "si-0")))
    assert "EWC: no runs at this scale" in legend(figure)
    assert "joint training: no runs at this scale" in legend(figure)
    assert not [name for name in legend(figure) if name.startswith("single task")]
    assert not figure.axes[0].texts


def test_figure_5_draws_the_mean_matrices_on_one_colour_scale():
    figure = draw("fig5", importances())
    images = [axis.images[0] for axis in figure.axes if axis.images][:4]
    means = [image.get_array()[0, 1] for image in images]
    assert means == pytest.approx([0.02, 0.5, 0.03, 0.1])
    assert {image.get_clim() for image in images} == {(0, 1)}
    assert all(image.get_array().shape == (10, 10) for image in images)
    titles = [axis.get_title() for axis in figure.axes[:4]]
    assert titles[:2] == ["First layer, r = 0.02 ± 0.00", "Second layer, r = 0.50 ± 0.00"]
    assert figure.axes[2].get_ylabel() == "Consolidation, c = 0.1 (n = 3)\nTask"
    values = plotted("fig5", importances())
    assert len(values) == 4 * 2 * 100
    assert set(values["kind"]) == {"pearson", "spearman"}


def test_figure_5_says_which_matrix_is_missing():
    axes = draw("fig5", importances().query("condition == 'si-0' or layer == 1")).axes
    assert [bool(axis.images) for axis in axes[:4]] == [True, True, True, False]
    assert [text.get_text() for text in axes[3].texts] == ["no runs at this scale"]


def test_figure_6_bars_are_the_final_accuracies():
    figure = draw("fig6", cifar())
    (axis,) = figure.axes
    bars = [c for c in axis.containers if isinstance(c, matplotlib.container.BarContainer)]
    heights = {bar.get_label(): [patch.get_height() for patch in bar] for bar in bars}
    assert heights["fine-tuning, c = 0 (n = 3)"] == pytest.approx([0.45, 0.51, 0.57, 0.63, 0.69, 0.75])
    assert heights["from scratch (n = 3)"] == pytest.approx([0.75] * 6)
    assert len(heights) == 4
    values = plotted("fig6", cifar())
    assert values["sd"].tolist() == pytest.approx([0.01] * len(values))
    assert set(values["split"]) == {"test", "train"}
    first = [round(y, 3) for x, y in diamonds(axis) if x < 1.5]
    assert first == [0.459, 0.746, 0.783, 0.804]
    assert len(diamonds(axis)) == 24
    assert "chance (0.1)" in legend(figure)


@pytest.mark.parametrize("name", ["fig3", "fig4", "fig6"])
def test_a_strength_that_the_paper_does_not_have_is_drawn_beside_the_others(name):
    """Only the protocol has to name a new one."""
    added = [runs("si-0.05", forgetting(4, 0.9, 0.01), 2, split) for split in ("test", "train")]
    known = {"fig3": split_mnist, "fig4": permuted_mnist, "fig6": cifar}[name](tasks=4)
    figure = draw(name, pandas.concat([known, table(*added)], ignore_index=True))
    assert "SI, c = 0.05 (n = 2)" in legend(figure)
    values = plotted(name, pandas.concat([known, table(*added)], ignore_index=True))
    assert "si-0.05" in set(values["condition"])
    figure.draw_without_rendering()


def test_every_strength_has_a_colour_of_its_own():
    strengths = ["si-0.001", "si-0.05", "si-0.1", "si-0.2", "si-1", "si-10"]
    assert len({color(condition, known=()) for condition in strengths}) == len(strengths)
    assert color("si-0.1", known=("si-0.1",)) == COLORS["si-0.1"]
