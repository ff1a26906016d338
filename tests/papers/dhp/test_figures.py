"""Figures draw the means of the tables they are given beside the paper's numbers, and say what is missing."""

from __future__ import annotations

import matplotlib
import numpy
import pandas
import pytest

from common.running import make
from papers.dhp.figures import fig1, fig2, fig3, fig4
from papers.dhp.protocol import METHODS
from tests.papers.dhp.constructed import REPORTED, TARGETS, benchmark, eta, everything, given, plasticity, tuned, update


def draw(name, tables):
    return make.draw("dhp", name, tables, REPORTED)


def errorbars(axis, reported):
    """The points of each reported marker, or of each line of ours with error bars."""
    lines = [c.lines[0] for c in axis.containers if isinstance(c, matplotlib.container.ErrorbarContainer)]
    drawn = [line for line in lines if line is not None and len(line.get_xdata())]
    return [[*map(tuple, line.get_xydata())] for line in drawn if (line.get_marker() == "D") == reported]


def diamonds(axis):
    return sorted(point for points in errorbars(axis, reported=True) for point in points)


def texts(figure):
    legends = [legend for axis in figure.axes if (legend := axis.get_legend())] + figure.legends
    found = [text.get_text() for axis in figure.axes for text in axis.texts]
    return found + [text.get_text() for legend in legends for text in legend.get_texts()]


def test_figure_1_shows_the_update_of_equation_3():
    figure = draw("fig1", given({"update": update(rate=0.05)}))
    batch, mean, before, after, change = (axis.images[0].get_array() for axis in figure.axes[:5])
    numpy.testing.assert_allclose(batch[::4].mean(0), mean[0])
    numpy.testing.assert_allclose(after, 0.95 * before + 0.05 * mean)
    numpy.testing.assert_allclose(change[6], (after - before)[0])
    assert [number for number, row in enumerate(change) if row.any()] == [0, 3, 6, 9]  # what the batch shows
    assert figure.axes[2].images[0].get_clim() == figure.axes[3].images[0].get_clim()  # one scale for both
    assert "η = 0.05" in figure.axes[3].get_title("left")
    changed, explained = (line.get_ydata() for line in figure.axes[5].lines[:2])
    numpy.testing.assert_allclose(changed, explained, atol=1e-12)
    rows, column = ([patch.get_y() + 0.5 for patch in figure.axes[which].patches] for which in (0, 4))
    assert rows == [1, 5] and column == [7]  # in boxes: what is of class 6
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["1 (6)", "5 (6)"]


def test_figure_1_shows_an_update_that_breaks_the_equation():
    values = update()
    broken = (values["kind"] == "after") & (values["class"] == 6) & (values["unit"] == 3)
    values.loc[broken, "value"] += 1
    assert fig1.recovered_eta(values)[1] > 0.5
    for wrong in (values[~broken], pandas.concat([values, values[broken]])):
        with pytest.raises(ValueError, match="must have one value for each unit, example and class"):
            fig1.trace(wrong, "after")


def test_figure_2_draws_means_and_standard_errors_of_all_methods_beside_the_papers_numbers():
    values = fig2.values(everything()).set_index(["panel", "condition", "x"])
    assert values.loc[("a", "mas", 10), ["mean", "sem", "n"]].tolist() == pytest.approx([88.52, 0.05 / 3**0.5, 3])
    figure = draw("fig2", everything())
    a, b = figure.axes
    assert [len(curve) for curve in errorbars(a, reported=False)] == [10] * len(METHODS)
    assert [y for _, y in diamonds(a)] == [accuracy for accuracy, _ in TARGETS["permuted"].values()]
    assert min(x for x, _ in diamonds(a)) > 10
    bars = [bar for bar in b.patches if numpy.isfinite(bar.get_height())]
    assert bars[4].get_height() == pytest.approx(90.43)
    # each diamond stands on the bar of its method and number of tasks
    centres = sorted(bar.get_x() + bar.get_width() / 2 for bar in bars)
    assert [x for x, _ in diamonds(b)] == pytest.approx(centres) and len(centres) == 5 * len(METHODS)
    assert "DHP Softmax + MAS: 89.53 ± 0.03 (n = 3)\n    paper: 89.53 ± 0.65" in texts(figure)
    low = draw("fig2", everything(split=benchmark("split", finetune=(70, -0.3))))
    assert (b.get_ylim(), low.axes[1].get_ylim()) == ((88, 100), (69, 100))


def test_figure_2_has_panels_for_our_own_lambdas_where_there_are_runs():
    figure = draw("fig2", everything(permuted=benchmark("permuted", **tuned(offset=2))))
    titles = [axis.get_title("left") for axis in figure.axes]
    assert titles == ["a  Permuted MNIST", "a  Permuted MNIST, own λ", "b  Split MNIST"]
    published, own = (errorbars(axis, reported=False) for axis in figure.axes[:2])
    assert own[-1][-1] == pytest.approx((10, 91.53)) and own[0] == published[0]  # Finetune has no lambda


def test_figure_2_shows_a_method_until_its_seeds_diverge():
    """Seed 2 of DHP + MAS after the first task, and all of MAS."""
    run = {name: benchmark(name) for name in ("permuted", "split")}
    tables = given(run, diverged=[("permuted", "dhp-mas", [2]), ("permuted", "mas", range(3))])
    counts = fig2.values(tables).query("panel == 'a'").set_index(["condition", "x"])["n"]
    assert counts["dhp-mas"].tolist() == [3] + [2] * 9 and counts["mas"].tolist() == [3]
    shown = texts(draw("fig2", tables))
    assert "MAS: all 3 runs diverged\n    paper: 88.52 ± 0.50" in shown
    assert any("DHP Softmax + MAS: 89.5" in text and "(n = 2, 1 more diverged)" in text for text in shown)


def test_figure_3_draws_three_logs_with_the_tasks_and_what_the_paper_says():
    figure, log = draw("fig3", everything()), plasticity()
    for axis, quantity in zip(figure.axes, ("eta", "hebb_norm", "alpha_norm"), strict=True):
        means = log.groupby("step")[quantity].mean()
        numpy.testing.assert_allclose(axis.lines[0].get_xydata(), [*zip(means.index, means)])
    rate, hebb, _ = figure.axes
    assert diamonds(rate) == [(200, 0.024)] and not diamonds(hebb)
    assert any(line.get_linestyle() == "--" and list(line.get_xdata()) == [1200, 1200] for line in rate.lines)
    assert [text.get_text() for text in hebb.texts] == [str(task) for task in range(1, 11)]
    assert hebb.get_yscale() == "linear"
    values = fig3.values(everything()).set_index(["panel", "seed", "x"])
    assert values.loc[("hebb_norm", "all", 4000), "sem"] == pytest.approx(0.01 / numpy.sqrt(3))


def test_figure_3_shows_an_eta_below_zero_and_a_single_seed_whose_trace_bursts():
    log = plasticity()
    log.loc[(log["seed"] == 1) & (log["step"] == 2201), ["eta", "hebb_norm"]] = (-0.2, 2700)
    tables = given({"plasticity": log})
    rate, hebb, _ = draw("fig3", tables).axes
    for axis, extreme in ((rate, -0.2), (hebb, 2700)):  # each seed has a line of its own
        assert any(extreme in line.get_ydata() for line in axis.lines)
        assert axis.get_ylim()[0] < extreme < axis.get_ylim()[1]
    assert hebb.get_yscale() == "symlog"
    assert [label.get_text() for label in hebb.get_yticklabels()][-3:] == ["50", "100", "1,000"]
    values = fig3.values(tables).set_index(["panel", "seed", "x"])["mean"]
    assert values["hebb_norm", "1", 2201] == 2700 > values["hebb_norm", "0", 2201]
    assert set(fig3.values(given({"plasticity": log[log["seed"] == 1]}))["seed"]) == {"all"}


def test_figure_3_shows_the_published_range_of_eta_however_far_ours_goes():
    """From 0.001 to 0.024 is a quarter of the axis or more, with numbers on it, also where ours reaches 3."""
    for peak, scale in ((0.02, "linear"), (3, "symlog")):
        axis = draw("fig3", given({"plasticity": plasticity(peak=peak)})).axes[0]
        assert axis.get_yscale() == scale
        low, high = (
            axis.transAxes.inverted().transform(axis.transData.transform((0, eta)))[1] for eta in (0.001, 0.024)
        )
        assert 0 <= low < low + 0.25 < high <= 1
        assert sum(0.001 <= tick <= 0.024 for tick in axis.get_yticks()) >= 2


def test_figure_3_has_a_row_for_standardised_pixels_where_there_are_runs():
    both = [plasticity(), plasticity(seeds=1, peak=0.01).assign(condition="dhp-standardised")]
    axes = draw("fig3", given({"plasticity": pandas.concat(both, ignore_index=True)})).axes
    assert [axis.get_title("left").endswith(", standardised (n = 1)") for axis in axes] == [False] * 3 + [True] * 3
    for axis, log in ((axes[0], both[0]), (axes[3], both[1])):
        numpy.testing.assert_allclose(axis.lines[0].get_ydata(), log.groupby("step")["eta"].mean())
    assert len(axes[3].lines) < len(axes[0].lines)  # one seed has no lines of single ones


@pytest.mark.parametrize(("seeds", "banded"), [(2, False), (3, True)])
def test_figure_3_has_a_band_from_three_seeds_on(seeds, banded):
    alpha = draw("fig3", given({"plasticity": plasticity(seeds=seeds)})).axes[2]
    mean, band = max(alpha.lines[0].get_ydata()), alpha.collections[0].get_paths()[0].vertices[:, 1].max()
    assert (band > mean + 1e-4) == banded


def test_figure_4_has_a_logarithmic_axis_of_eta_and_table_1():
    figure = draw("fig4", everything())
    for axis, name in zip(figure.axes, ("permuted", "imbalanced", "split"), strict=True):
        accuracy = TARGETS[name]["dhp"][0]
        assert axis.get_xscale() == "log"
        assert list(axis.lines[0].get_xdata()) == [0.0001, 0.0005, 0.001, 0.01, 0.1]
        assert axis.lines[0].get_ydata()[[2, 4]] == pytest.approx([accuracy, accuracy - 4], abs=0.02)
        assert diamonds(axis) == [(0.001, accuracy)]


def test_figure_4_leaves_out_seeds_that_diverged_and_does_not_set_fewer_tasks_beside_the_papers():
    axis = draw("fig4", given({"eta": eta(tasks=2, seeds=1, swept={0.001: 0.0})})).axes[0]
    assert not diamonds(axis) and axis.get_xlabel() == "Initial η (2 tasks)"
    sweep = eta(diverged={0.01: [1], 0.1: [0, 1, 2]})
    values = fig4.values(given({"eta": sweep})).query("benchmark == 'split'").set_index("x")
    assert values["n"].to_dict() == {0.0001: 3, 0.0005: 3, 0.001: 3, 0.01: 2} and set(values["tasks"]) == {5}
