"""Figure 1 draws the means of the table it is given, the paper's numbers, and says what is missing."""

from __future__ import annotations

import pandas
import pytest

from common.drawing import plotting
from papers.tsar import conditions
from papers.tsar.figures import fig1
from tests.papers.tsar.constructed import REPORTED, runs, table, tables

EVERYTHING = tables(
    table(
        runs("grow", "rich", 88, 90, 92),
        runs("sculpt", "rich", 50, 60),
        runs("oml", "rich", 14),
        runs("scratch", "rich", 1, 1, 1),
        runs("grow", "scarce", 80, 84, 88, 84),
        runs("bias-12", "rich", 70, 74),
        runs("bias4", "rich", 20, 22, 24),
    )
)


def draw(run):
    with plotting.style():
        return fig1.draw(run, REPORTED)


def texts(artists):
    return [artist.get_text() for artist in artists]


def diamonds(axis):
    markers = [container.lines[0] for container in axis.containers if container.lines[0].get_marker() == "D"]
    return [(*line.get_xdata(), *line.get_ydata()) for line in markers if len(line.get_xdata())]


def test_plotted_values_are_means_and_sds_in_percent():
    values = fig1.values(EVERYTHING).set_index(["panel", "condition", "x"])
    assert values.loc[("A", "grow", 100)].tolist() == ["rich", pytest.approx(90), pytest.approx(2), 3]
    assert values.loc[("A", "grow", 10)].tolist() == ["rich", pytest.approx(98), pytest.approx(0), 3]
    assert values.loc[("B", "grow", 100), "mean"] == pytest.approx(84)
    assert values.loc[("B", "scratch", 100)].tolist() == ["rich", pytest.approx(1), pytest.approx(0), 3]
    assert values.loc[("A", "oml", 100), "mean"] == pytest.approx(14)
    assert pandas.isna(values.loc[("A", "oml", 100), "sd"])
    sweep = values.loc["C"].reset_index()
    assert sweep["x"].tolist() == [-12, -8, 0, 4]
    assert sweep["condition"].tolist() == ["bias-12", "grow", "sculpt", "bias4"]
    assert sweep["mean"].tolist() == pytest.approx([72, 90, 55, 22])


def test_lines_are_the_plotted_values():
    panel_a, panel_b, panel_c = draw(EVERYTHING).axes
    values = fig1.values(EVERYTHING)
    for panel, axis in (("A", panel_a), ("B", panel_b)):
        for condition, rows in values[values["panel"] == panel].groupby("condition"):
            lines = [line for line in axis.lines if line.get_color() == conditions.COLORS[condition]]
            drawn = [list(line.get_ydata()) for line in lines if list(line.get_xdata()) == rows["x"].tolist()]
            assert pytest.approx(rows["mean"].tolist()) in drawn
    points = [line for line in panel_c.lines if line.get_marker() == "o"]
    means = {line.get_xdata()[0]: line.get_ydata()[0] for line in points}
    assert means == pytest.approx({-12: 72, -8: 90, 0: 55, 4: 22})
    dots = sorted(value for line in panel_c.lines if line.get_marker() == "." for value in line.get_ydata())
    assert dots == pytest.approx([20, 22, 24, 50, 60, 70, 74, 88, 90, 92])


def test_the_papers_numbers_are_in_panel_a_alone():
    panel_a, panel_b, panel_c = draw(EVERYTHING).axes
    assert diamonds(panel_a) == [(100, 92.2), (100, 57.5), (100, 13.87), (100, 0.971)]
    assert diamonds(panel_b) == diamonds(panel_c) == []


def test_the_legend_says_how_many_runs_and_what_chance_is():
    assert texts(draw(EVERYTHING).legends[0].get_texts()) == [
        "Grow (n = 3 or 4)",
        "Sculpt (n = 2)",
        "OML (n = 1)",
        "Scratch (n = 3)",
        "other biases (n = 2 or 3)",
        "chance after 100 classes (1 %)",
        "paper (mean, SD)",
    ]


def test_a_panel_that_lacks_runs_says_so_and_is_narrow_if_it_lacks_most():
    panels = draw(EVERYTHING).axes
    assert [texts(axis.texts) for axis in panels] == [[], ["Sculpt, OML:\nno runs at this scale"], []]
    few = draw(tables(table(runs("grow", "rich", 90, 91), runs("scratch", "rich", 1)))).axes
    missing = ["Sculpt, OML", "Grow, Sculpt, OML", "other biases"]
    assert [texts(axis.texts) for axis in few] == [[f"{names}:\nno runs at this scale"] for names in missing]
    for axes, narrow in ((panels, 1), (few, fig1.NARROW)):
        ratios = axes[0].get_subplotspec().get_gridspec().get_width_ratios()
        assert list(ratios) == [1, narrow, narrow]


def test_a_condition_of_ones_own_has_a_curve_under_its_own_name():
    drawn = draw(tables(table(runs("grow", "rich", 90, 92), runs("anml", "rich", 30, 40), runs("bias4", "rich", 20))))
    color = conditions.colors(["anml", "bias4"])["anml"]
    assert [line.get_ydata()[-1] for line in drawn.axes[0].lines if line.get_color() == color] == [
        35,
        30,
        40,
    ]  # mean, runs
    assert {"anml (n = 2)", "other biases (n = 1)"} <= set(texts(drawn.legends[0].get_texts()))
