"""Figures draw the means of the tables they are given, the paper's numbers, and say what is missing."""

from __future__ import annotations

import matplotlib
import numpy
import pandas
import pytest

from common.running import make
from papers.dhp.figures import fig1, fig2, fig3, fig4
from papers.dhp.protocol import METHODS
from tests.papers.dhp.constructed import (
    REPORTED,
    TARGETS,
    benchmark,
    eta,
    everything,
    given,
    lost,
    plasticity,
    tuned,
    until_diverged,
    update,
)


def draw(name, tables):
    return make.draw("dhp", name, tables, REPORTED)


def errorbars(axis):
    found = [c for c in axis.containers if isinstance(c, matplotlib.container.ErrorbarContainer)]
    return [c for c in found if c.lines[0] is not None and len(c.lines[0].get_xdata())]


def diamonds(axis):
    lines = [c.lines[0] for c in errorbars(axis) if c.lines[0].get_marker() == "D"]
    return [(*line.get_xdata(), *line.get_ydata()) for line in lines]


def curves(axis):
    return [list(c.lines[0].get_ydata()) for c in errorbars(axis) if c.lines[0].get_marker() != "D"]


def texts(figure):
    legends = [legend for axis in figure.axes if (legend := axis.get_legend())] + figure.legends
    found = [text.get_text() for axis in figure.axes for text in axis.texts]
    return found + [text.get_text() for legend in legends for text in legend.get_texts()]


def test_figure_1_shows_the_update_of_equation_3():
    values = update(eta_value=0.05)
    eta_value, residual = fig1.recovered_eta(values)
    assert eta_value == pytest.approx(0.05) and residual < 1e-12
    figure = draw("fig1", given({"update": values}))
    batch, mean, before, after, change = (axis.images[0].get_array() for axis in figure.axes[:5])
    assert [image.shape for image in (batch, mean, before, after, change)] == [(28, 400), *[(1, 400)] * 3, (10, 400)]
    numpy.testing.assert_allclose(batch[::4].mean(0), mean[0])
    numpy.testing.assert_allclose(after, 0.95 * before + 0.05 * mean)
    numpy.testing.assert_allclose(change[6], (after - before)[0])
    assert [number for number, row in enumerate(change) if row.any()] == [0, 3, 6, 9]  # what the batch shows
    limits = [axis.images[0].get_clim() for axis in figure.axes[2:4]]
    assert limits[0] == limits[1]  # one scale for both
    assert "η = 0.05" in figure.axes[3].get_title("left")
    changed, explained = (line.get_ydata() for line in figure.axes[5].lines[:2])
    numpy.testing.assert_allclose(changed, explained, atol=1e-12)


def test_figure_1_boxes_the_rows_and_the_column_of_class_6():
    figure = draw("fig1", given({"update": update(examples=2)}))
    rows, column = ([patch.get_y() + 0.5 for patch in figure.axes[which].patches] for which in (0, 4))
    assert rows == [1, 5] and column == [7]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["1 (6)", "5 (6)"]
    assert [label.get_text() for label in figure.axes[4].get_yticklabels()][6] == "6"


def test_figure_1_shows_an_update_that_breaks_the_equation():
    values = update(units=10)
    broken = (values["kind"] == "after") & (values["class"] == 6) & (values["unit"] == 3)
    values.loc[broken, "value"] += 1
    assert fig1.recovered_eta(values)[1] > 0.5
    for wrong in (values[~broken], pandas.concat([values, values[broken]])):
        with pytest.raises(ValueError, match="must have one value for each unit, example and class"):
            fig1.trace(wrong, "after")


def test_figure_2_plots_means_and_standard_errors():
    values = fig2.values(everything()).set_index(["panel", "condition", "x"])
    assert len(values) == len(METHODS) * (10 + 5)
    row = values.loc[("a", "mas", 10)]
    assert row["mean"] == pytest.approx(88.52) and row["n"] == 3
    assert row["sem"] == pytest.approx(0.05 / numpy.sqrt(3))
    assert values.loc[("b", "dhp-ewc", 5), "mean"] == pytest.approx(98.96)


def test_figure_2_draws_all_methods_beside_the_papers_numbers():
    figure = draw("fig2", everything())
    a, b = figure.axes
    assert len(curves(a)) == 8 and len(curves(a)[0]) == 10
    published = [accuracy for accuracy, _ in TARGETS["permuted"].values()]
    assert [y for _, y in sorted(diamonds(a))] == published
    assert min(x for x, _ in diamonds(a)) > 10
    assert len(diamonds(b)) == 40
    heights = [bar.get_height() for bar in b.patches if numpy.isfinite(bar.get_height())]
    assert len(heights) == 40 and heights[4] == pytest.approx(90.43)
    # each diamond stands on the bar of its method and number of tasks
    centres = sorted(bar.get_x() + bar.get_width() / 2 for bar in b.patches if numpy.isfinite(bar.get_height()))
    assert sorted(x for x, _ in diamonds(b)) == pytest.approx(centres)
    assert b.get_ylim() == (88, 100)
    assert "DHP Softmax + MAS: 89.53 ± 0.03 (n = 3)\n    paper: 89.53 ± 0.65" in texts(figure)


def test_figure_2_has_panels_for_our_own_lambdas_where_there_are_runs():
    figure = draw("fig2", everything(permuted=benchmark("permuted", **tuned(offset=2))))
    titles = [axis.get_title("left") for axis in figure.axes]
    assert titles == ["a  Permuted MNIST", "a  Permuted MNIST, own λ", "b  Split MNIST"]
    assert curves(figure.axes[1])[-1][-1] == pytest.approx(91.53)
    assert curves(figure.axes[1])[0] == curves(figure.axes[0])[0]  # Finetune has no lambda


def test_figure_2_shows_a_method_until_its_seeds_diverge():
    """Seed 2 of DHP + MAS after the first task, and all of MAS."""
    rows = until_diverged(until_diverged(benchmark("permuted"), "dhp-mas", [2]), "mas", range(3))
    runs = lost("permuted", "dhp-mas", [2]) + lost("permuted", "mas", range(3))
    tables = given({"permuted": rows, "split": benchmark("split")}, diverged=runs)
    counts = fig2.values(tables).query("panel == 'a'").set_index(["condition", "x"])["n"]
    assert counts["dhp-mas"].tolist() == [3] + [2] * 9 and counts["mas"].tolist() == [3]
    shown = texts(draw("fig2", tables))
    assert "MAS: all 3 runs diverged\n    paper: 88.52 ± 0.50" in shown
    assert any("DHP Softmax + MAS: 89.5" in text and "(n = 2, 1 more diverged)" in text for text in shown)


def test_figure_2_shows_bars_lower_than_the_papers_axis():
    low = draw("fig2", everything(split=benchmark("split", finetune=(70, -0.3))))
    assert low.axes[1].get_ylim()[0] == 69


def test_figure_3_draws_three_logs_with_the_tasks_and_what_the_paper_says():
    figure = draw("fig3", everything())
    rate, hebb, alpha = figure.axes
    log = plasticity()
    means = log.groupby("step")["eta"].mean()
    numpy.testing.assert_allclose(rate.lines[0].get_xydata(), [*zip(means.index, means)])
    numpy.testing.assert_allclose(alpha.lines[0].get_ydata(), log.groupby("step")["alpha_norm"].mean())
    assert diamonds(rate) == [(200, 0.024)]
    assert any(line.get_linestyle() == "--" and list(line.get_xdata()) == [1200, 1200] for line in rate.lines)
    assert not diamonds(hebb)
    assert [text.get_text() for text in hebb.texts] == [str(task) for task in range(1, 11)]
    values = fig3.values(everything()).set_index(["panel", "seed", "x"])
    assert values.loc[("hebb_norm", "all", 4000), "sem"] == pytest.approx(0.01 / numpy.sqrt(3))


def test_figure_3_draws_single_seeds_whose_bursts_fall_apart():
    log = plasticity()
    log.loc[(log["seed"] == 1) & (log["step"] == 2201), "hebb_norm"] = 2700
    hebb = draw("fig3", given({"plasticity": log})).axes[1]
    assert max(max(line.get_ydata()) for line in hebb.lines if line.get_linewidth() == 0.5) == 2700
    values = fig3.values(given({"plasticity": log})).set_index(["panel", "seed", "x"])
    assert values.loc[("hebb_norm", "1", 2201), "mean"] == 2700 > values.loc[("hebb_norm", "0", 2201), "mean"]
    assert set(fig3.values(given({"plasticity": log[log["seed"] == 1]}))["seed"]) == {"all"}


@pytest.mark.parametrize("seeds, banded", [(2, False), (3, True)])
def test_figure_3_has_a_band_from_three_seeds_on(seeds, banded):
    log = plasticity()
    alpha = draw("fig3", given({"plasticity": log[log["seed"] < seeds]})).axes[2]
    mean, band = max(alpha.lines[0].get_ydata()), alpha.collections[0].get_paths()[0].vertices[:, 1].max()
    assert (band > mean + 1e-4) == banded


def test_figure_3_shows_an_eta_below_zero_and_a_trace_that_bursts():
    log = plasticity()
    log.loc[log["step"] == 2201, ["eta", "hebb_norm"]] = (-0.02, 2700)
    figure = draw("fig3", given({"plasticity": log}))
    rate, hebb, alpha = figure.axes
    assert rate.get_ylim()[0] < -0.02 and rate.lines[0].get_ydata().min() == pytest.approx(-0.02)
    assert any(set(line.get_ydata()) == {0} for line in rate.lines)  # a line at zero
    assert hebb.get_yscale() == "symlog" and hebb.get_ylim()[0] == alpha.get_ylim()[0] == 0
    assert [label.get_text() for label in hebb.get_yticklabels()][-3:] == ["50", "100", "1,000"]
    _, usual, _ = draw("fig3", everything()).axes
    assert usual.get_yscale() == "linear"


def test_the_legend_of_figure_3_stands_beside_the_curves():
    figure = draw("fig3", everything())
    assert not any(axis.get_legend() for axis in figure.axes)
    (legend,) = figure.legends
    names = {text.get_text() for text in legend.get_texts()}
    assert names == {"ours (n = 3)", "paper, in task 1", "paper: decays from here"}
    figure.draw_without_rendering()
    box = legend.get_window_extent()
    assert not any(box.overlaps(axis.get_window_extent()) for axis in figure.axes)


def test_figure_4_has_a_logarithmic_axis_of_eta_and_table_1():
    figure = draw("fig4", everything())
    for axis, name in zip(figure.axes, ("permuted", "imbalanced", "split"), strict=True):
        accuracy = TARGETS[name]["dhp"][0]
        assert axis.get_xscale() == "log"
        assert list(axis.lines[0].get_xdata()) == [0.0001, 0.0005, 0.001, 0.01, 0.1]
        assert axis.lines[0].get_ydata()[2] == pytest.approx(accuracy, abs=0.02)
        assert axis.lines[0].get_ydata()[4] == pytest.approx(accuracy - 4, abs=0.02)
        assert diamonds(axis) == [(0.001, accuracy)]
    values = fig4.values(everything(eta=eta(seeds=5))).query("benchmark == 'split' and x == 0.01")
    assert values["n"].tolist() == [5] and values["tasks"].tolist() == [5]


def test_figure_4_does_not_set_fewer_tasks_beside_the_papers():
    few = eta(tasks=2, seeds=1, swept={0.001: 0.0}, benchmarks=("permuted",))
    axis = draw("fig4", given({"eta": few})).axes[0]
    assert not diamonds(axis) and axis.get_xlabel() == "Initial η (2 tasks)"


def test_figure_4_leaves_out_seeds_that_diverged():
    sweep = eta(seeds=3)
    one, all_of_them = ((sweep["benchmark"] == "split") & (sweep["eta"] == value) for value in (0.01, 0.1))
    rest = sweep[~one & ~all_of_them]
    parts = [until_diverged(sweep[one], "dhp", [1]), until_diverged(sweep[all_of_them], "dhp", [0, 1, 2]), rest]
    values = fig4.values(given({"eta": pandas.concat(parts)})).query("benchmark == 'split'").set_index("x")
    assert values["n"].to_dict() == {0.0001: 3, 0.0005: 3, 0.001: 3, 0.01: 2}
