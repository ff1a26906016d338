"""Figures 1 and 2: the simulations show what the captions say, and the drawings show the simulations."""

from __future__ import annotations

import numpy
import pandas
import pytest
import torch
from matplotlib.colors import same_color

from common.drawing import plotting
from common.running import make
from papers.synaptic_intelligence import landscapes
from papers.synaptic_intelligence.figures import fig1, fig2
from tests.papers.synaptic_intelligence.constructed import REPORTED, tables


@pytest.fixture(scope="module")
def descents():
    return landscapes.consecutive_tasks()


@pytest.fixture(scope="module")
def table(descents):
    """Both figures' rows, as the stage writes them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(landscapes, "consecutive_tasks", lambda: descents)  # which takes a while
        return pandas.concat([landscapes.fig1_table(), landscapes.fig2_table()], ignore_index=True)


def rows(table, figure, series):
    return table[(table["figure"] == figure) & (table["series"] == series)]


def ends(table, figure, series):
    path = rows(table, figure, series).sort_values("step")
    return path.iloc[0], path.iloc[-1]


def test_plain_descent_forgets_task_1_and_consolidation_solves_both(table):
    start, learned = ends(table, "fig1", "task 1")
    assert (start["theta1"], start["theta2"]) == landscapes.FIG1_START
    assert learned["loss1"] < 0.01 * start["loss1"]
    (begin, plain), (again, consolidated) = (ends(table, "fig1", f"task 2, {way}") for way in ("plain", "consolidated"))
    place = ["theta1", "theta2"]
    assert begin[place].tolist() == again[place].tolist() == learned[place].tolist()
    assert plain["loss2"] < 1e-3 and plain["loss1"] > 3
    assert consolidated["loss1"] < 0.1 * plain["loss1"] and consolidated["loss2"] < 0.1 * learned["loss2"]


def test_theta2_mattered_more_for_task_1_and_consolidation_keeps_it(descents):
    first = descents["task 1"]
    strength = landscapes.normalised(first.importance, first.movement)
    assert strength[1] > 4 * strength[0]
    plain, consolidated = (descents[f"task 2, {way}"].movement.abs() for way in ("plain", "consolidated"))
    assert consolidated[1] < 0.2 * plain[1]
    assert consolidated[0] > 0.8 * plain[0]


def test_consolidated_end_minimises_task_2_plus_surrogate(descents):
    penalty = landscapes.surrogate(descents["task 1"])
    end = descents["task 2, consolidated"].end.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(landscapes.task2_loss(end) + penalty(end), end)
    assert gradient.abs().max() < 1e-3


def test_surface_is_the_loss_and_paths_run_over_it_without_visible_gaps(table):
    surface = rows(table, "fig1", "surface")
    theta = torch.tensor(surface[["theta1", "theta2"]].to_numpy())
    assert surface["loss1"].tolist() == landscapes.task1_loss(theta).tolist()
    assert surface["loss2"].tolist() == landscapes.task2_loss(theta).tolist()
    for series in fig1.PATHS:
        path = rows(table, "fig1", series)
        assert path["step"].is_monotonic_increasing
        assert 0 < numpy.hypot(path["theta1"].diff(), path["theta2"].diff()).max() < 0.15
        for axis in ("theta1", "theta2"):
            assert surface[axis].min() < path[axis].min() and path[axis].max() < surface[axis].max()


def test_surrogate_matches_drop_movement_and_minimum(table):
    start, end = ends(table, "fig2", "descent")
    surrogate = rows(table, "fig2", "surrogate")
    drop = start["loss1"] - end["loss1"]
    assert start["theta1"] == landscapes.FIG2_START
    at_start, at_end = numpy.interp([start["theta1"], end["theta1"]], surrogate["theta1"], surrogate["loss1"])
    assert at_start == pytest.approx(start["loss1"], abs=0.01 * drop)
    assert at_end == pytest.approx(end["loss1"], abs=0.001 * drop)
    lowest = surrogate.loc[surrogate["loss1"].idxmin()]
    assert lowest["theta1"] == pytest.approx(end["theta1"], abs=0.02)


def test_descent_ends_at_the_minimum_and_the_hessian_fits_there_only(table):
    loss, hessian = (rows(table, "fig2", series).set_index("theta1")["loss1"] for series in ("loss", "hessian"))
    start, end = ends(table, "fig2", "descent")
    assert end["loss1"] <= loss.min()
    near = (hessian - loss)[abs(loss.index - end["theta1"]) < 0.1]
    assert near.abs().max() < 0.01
    far = numpy.interp(start["theta1"], hessian.index, hessian)
    assert far > 2 * start["loss1"]


def test_fig1_draws_both_losses_and_all_paths(table):
    figure = make.draw("synaptic_intelligence", "fig1", tables(landscapes=table), REPORTED)
    for task, axis in enumerate(figure.axes[:2], 1):
        drawn = numpy.asarray(axis.images[0].get_array())
        expected = rows(table, "fig1", "surface").pivot(index="theta2", columns="theta1", values=f"loss{task}")
        assert numpy.array_equal(drawn, expected.to_numpy())
        for series, color in fig1.PATHS.items():
            path = rows(table, "fig1", series)
            (line,) = [line for line in axis.lines if list(line.get_xdata()) == path["theta1"].tolist()]
            assert list(line.get_ydata()) == path["theta2"].tolist()
            assert same_color(line.get_color(), color)
            assert line.get_linestyle() == ("-" if series.startswith(f"task {task}") else ":")
        losses = [f"{ends(table, 'fig1', series)[1][f'loss{task}']:.2f}" for series in fig1.PATHS]
        labels = [text.get_text() for text in axis.texts if "=" in text.get_text()]
        assert [label.split(" = ")[1] for label in labels] == losses
    (stamp,) = [text for text in figure.texts if text.get_gid() == plotting.STAMP]
    assert "the same at every scale (here: paper) | no data" in stamp.get_text()


def test_fig2_draws_loss_surrogate_and_hessian_through_the_marked_points(table):
    (axis,) = make.draw("synaptic_intelligence", "fig2", tables(landscapes=table), REPORTED).axes
    lines = {line.get_label(): line for line in axis.lines}
    for series, look in fig2.CURVES.items():
        curve = rows(table, "fig2", series).set_index("theta1")["loss1"]
        drawn = lines[look["label"]]
        assert curve[drawn.get_xdata()].tolist() == list(drawn.get_ydata())
    start, end = ends(table, "fig2", "descent")
    (points,) = [line for line in axis.lines if line.get_marker() == "o"]
    assert list(points.get_xdata()) == [start["theta1"], end["theta1"]] == list(axis.get_xticks())
    assert list(points.get_ydata()) == [start["loss1"], end["loss1"]]
