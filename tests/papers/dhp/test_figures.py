"""Figures draw the means of the tables they are given, the paper's numbers, and say what is missing."""

from __future__ import annotations

import matplotlib
import numpy
import pandas
import pytest

from common.results import records
from papers.dhp import drawing, figures
from papers.dhp.conditions import METHODS
from papers.dhp.fig1 import recovered_eta, trace
from papers.dhp.fig2 import fig2_values
from papers.dhp.fig3 import fig3_values
from papers.dhp.fig4 import fig4_values
from papers.dhp.runs import NEEDS
from tests.papers.dhp.constructed import (
    PROVENANCE,
    REPORTED,
    REPORTED_PATH,
    TARGETS,
    benchmark,
    eta,
    everything,
    plasticity,
    tuned,
    update,
    write,
)

FEW = {
    "permuted": benchmark("permuted", tasks=2, seeds=1, **tuned()),
    "split": benchmark("split", tasks=2, seeds=1, ewc=None),
    "plasticity": plasticity(tasks=1, seeds=1),
    "eta": eta(tasks=2, seeds=1, swept={0.001: 0.0}, benchmarks=("permuted",)),
    "update": update(units=6, examples=1),
}


def draw(name, tables, provenance=PROVENANCE):
    needed = {table: tables[table] for table in NEEDS[name] if table in tables}
    return figures.FIGURES[name](needed, REPORTED, dict.fromkeys(NEEDS[name], provenance))


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
    eta_value, residual = recovered_eta(values)
    assert eta_value == pytest.approx(0.05) and residual < 1e-12
    figure = draw("fig1", {"update": values})
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
    figure = draw("fig1", {"update": update(examples=2)})
    rows, column = ([patch.get_y() + 0.5 for patch in figure.axes[which].patches] for which in (0, 4))
    assert rows == [1, 5] and column == [7]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["1 (6)", "5 (6)"]
    assert [label.get_text() for label in figure.axes[4].get_yticklabels()][6] == "6"


def test_figure_1_shows_an_update_that_breaks_the_equation():
    values = update(units=10)
    broken = (values["kind"] == "after") & (values["class"] == 6) & (values["unit"] == 3)
    values.loc[broken, "value"] += 1
    assert recovered_eta(values)[1] > 0.5
    for wrong in (values[~broken], pandas.concat([values, values[broken]])):
        with pytest.raises(ValueError, match="must have one value for each unit, example and class"):
            trace(wrong, "after")


def test_figure_2_plots_means_and_standard_errors():
    values = fig2_values(everything()).set_index(["panel", "condition", "x"])
    assert len(values) == 8 * 10 + 8 * 5
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
    values = fig3_values(everything()).set_index(["panel", "seed", "x"])
    assert values.loc[("hebb_norm", "all", 4000), "sem"] == pytest.approx(0.01 / numpy.sqrt(3))


def test_figure_3_draws_single_seeds_whose_bursts_fall_apart():
    log = plasticity()
    log.loc[(log["seed"] == 1) & (log["step"] == 2201), "hebb_norm"] = 2700
    hebb = draw("fig3", {"plasticity": log}).axes[1]
    assert max(max(line.get_ydata()) for line in hebb.lines if line.get_linewidth() == 0.5) == 2700
    values = fig3_values({"plasticity": log}).set_index(["panel", "seed", "x"])
    assert values.loc[("hebb_norm", "1", 2201), "mean"] == 2700 > values.loc[("hebb_norm", "0", 2201), "mean"]
    assert set(fig3_values({"plasticity": log[log["seed"] == 1]})["seed"]) == {"all"}


@pytest.mark.parametrize("seeds, banded", [(2, False), (3, True)])
def test_figure_3_has_a_band_from_three_seeds_on(seeds, banded):
    log = plasticity()
    alpha = draw("fig3", {"plasticity": log[log["seed"] < seeds]}).axes[2]
    mean, band = max(alpha.lines[0].get_ydata()), alpha.collections[0].get_paths()[0].vertices[:, 1].max()
    assert (band > mean + 1e-4) == banded


def test_figure_3_shows_an_eta_below_zero_and_a_trace_that_bursts():
    log = plasticity()
    log.loc[log["step"] == 2201, ["eta", "hebb_norm"]] = (-0.02, 2700)
    figure = draw("fig3", {"plasticity": log})
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
    values = fig4_values(everything(eta=eta(seeds=5))).query("benchmark == 'split' and x == 0.01")
    assert values["n"].tolist() == [5] and values["tasks"].tolist() == [5]


def test_figure_4_does_not_set_fewer_tasks_beside_the_papers():
    axis = draw("fig4", FEW).axes[0]
    assert not diamonds(axis) and axis.get_xlabel() == "Initial η (2 tasks)"


@pytest.mark.parametrize("name", figures.FIGURES)
def test_one_seed_and_few_tasks_are_enough(name):
    figure = draw(name, FEW, PROVENANCE | {"scale": "smoke", "seeds": [0]})
    (stamp,) = [text for text in figure.texts if text.get_gid() == "stamp"]
    assert stamp.get_text().startswith("Smoke scale, not a result")
    assert stamp.get_fontweight() == "bold"
    assert not any("nan" in text for text in texts(figure))
    figure.draw_without_rendering()


@pytest.mark.parametrize("name", figures.FIGURES)
def test_without_runs_figures_say_so(name):
    figure = draw(name, {})
    assert any("no runs at this scale" in text for text in texts(figure))
    figure.draw_without_rendering()


@pytest.mark.parametrize("name", figures.FIGURES)
def test_the_command_line_writes_pdf_png_and_values(tmp_path, monkeypatch, name):
    tables = everything()
    sources = [write(tmp_path, table, tables[table]) for table in NEEDS[name]]
    out = tmp_path / "figures" / f"{name}.pdf"
    arguments = f"figures {name} --results {' '.join(map(str, sources))} --reported {REPORTED_PATH} --out {out}"
    monkeypatch.setattr("sys.argv", arguments.split())
    figures.main()
    assert out.read_bytes().startswith(b"%PDF")
    assert out.with_suffix(".png").stat().st_size > 10_000
    expected = figures.VALUES[name](tables)
    written = records.read_tables(out.with_suffix(".csv"))
    pandas.testing.assert_frame_equal(written, expected.reset_index(drop=True), check_dtype=False)


def test_every_method_has_a_colour_of_its_own():
    assert list(drawing.COLORS) == list(METHODS) and len(set(drawing.COLORS.values())) == 8
    assert drawing.look("dhp-mas-tuned") == {"color": drawing.COLORS["dhp-mas"], "linestyle": "-"}
    assert drawing.look("mas")["linestyle"] == "--"
