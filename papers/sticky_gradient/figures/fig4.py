"""Figure 4: tasks that share pixels, sticky gradient against the control, by how many pixels stay in place."""

from __future__ import annotations

import numpy
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from common.drawing import plotting
from common.results import accuracies
from common.results import reported as reported_numbers
from common.results.accuracies import by_seed
from common.results.claims import difference
from common.results.readers import Tables
from common.results.stats import summaries
from papers.sticky_gradient.conditions import look
from papers.sticky_gradient.figures import curves
from papers.sticky_gradient.readings import CONTROL, FULL, SEARCHED
from papers.sticky_gradient.results import TASKS, levels

CURVES = (CONTROL, FULL, FULL + SEARCHED)
PAPER = "paper: benefit lost"
CAPTION = (
    "Test accuracy on all tasks so far, mean and 95% interval over seeds. Right: difference after the last task, paired"
    " by seed; hollow diamond: where the paper says\nthat the benefit is lost. The paper does not list its levels."
)
IN_PLACE = {  # by the protocol's shared_pixels
    "same": " The pixels left in place are random ones, the same in all tasks of a seed.",
    "redrawn": " The pixels left in place are random ones, redrawn for each task.",
}


def draw(tables: Tables, reported: pandas.DataFrame) -> Figure:
    """Return Figure 4: one panel per fraction of shared pixels, and the margin at the end against that fraction."""
    plotted = values(tables)
    measured, margins = (plotted[plotted["panel"] == panel] for panel in ("accuracy", "margin"))
    shown = sorted(set(plotted["shared"])) or [0.0]
    columns = max(2, (len(shown) + 1) // 2)
    figure = Figure(figsize=(1.65 * columns + 4.2, 4.3))
    grid = figure.add_gridspec(2, columns + 1, width_ratios=[1] * columns + [2.2])
    for place, level in enumerate(shown):
        axis = figure.add_subplot(grid[divmod(place, columns)])
        _draw_level(axis, measured[measured["shared"] == level], level)
        axis.set(ylim=curves.limits(measured), xlim=(0.5, TASKS + 0.5), xticks=range(2, TASKS + 1, 4))
        axis.tick_params(labelleft=place % columns == 0)
        if place % columns == 0:
            axis.set_ylabel("Test accuracy")
        if place >= len(shown) - columns:
            axis.set_xlabel("Tasks learned")
    summary = figure.add_subplot(grid[:, columns])
    summary.set_title(f"Sticky gradient − control, {accuracies.tasks(tables['accuracies']) or TASKS} tasks")
    _draw_summary(summary, margins, reported)
    curves.legend(figure, summary, measured, CURVES)
    ran_with = tables.records.get("shared", {}).get("protocol", {}).get("design", {})
    plotting.caption(figure, CAPTION + IN_PLACE.get(ran_with.get("shared_pixels"), ""))
    return figure


def values(tables: Tables) -> pandas.DataFrame:
    """Return what Figure 4 plots: panel, shared, condition, x (tasks), mean, ci_low, ci_high (95%) and n.

    Panel "accuracy": on all tasks so far. Panel "margin": the condition minus the control after the last task, in
    percentage points.
    """
    rows = []
    for level, results in levels(tables).items():
        last = accuracies.tasks(results)
        runs = {condition: accuracies.averages(results, condition, "test") for condition in CURVES}
        for condition, table in runs.items():
            rows += [("accuracy", level, condition, x, own) for x, own in table.items()]
            if condition != CONTROL:
                gap = difference(by_seed(table, last), by_seed(runs[CONTROL], last))
                rows.append(("margin", level, condition, last, [100 * value for value in gap.values()]))
    return summaries(rows, ["panel", "shared", "condition", "x", "mean", "ci_low", "ci_high", "n"])


def _draw_level(axis: Axes, measured: pandas.DataFrame, level: float) -> None:
    axis.set_title(f"{100 * level:g}% shared")
    axis.grid(axis="y", color="0.9", linewidth=0.6)
    for condition in CURVES:
        ours = measured[measured["condition"] == condition]
        curves.curve(axis, ours, **look(condition) | {"markersize": 2, "linewidth": 1.2})
    if measured.empty:
        plotting.no_runs(axis)


def _draw_summary(axis: Axes, margins: pandas.DataFrame, reported: pandas.DataFrame) -> None:
    for condition in CURVES[1:]:
        ours = margins[margins["condition"] == condition].assign(x=lambda rows: 100 * rows["shared"].astype(float))
        hollow = {"markerfacecolor": "white"} if condition.endswith(SEARCHED) else {}
        curves.curve(axis, ours, **look(condition) | {"markersize": 4, **hollow})
    axis.axhline(0, color="0.3", linewidth=0.8, zorder=0)
    for value in reported_numbers.results(reported, artifact="fig4")["value"]:
        axis.axvline(100 * value, color="0.5", linestyle=":", linewidth=1, zorder=0)
        plotting.reported_marker(axis, 100 * value, 0, None, "black", label=PAPER)
    axis.set(xlim=(-4, 104), xticks=numpy.arange(0, 101, 20), xlabel="Shared pixels (%)", ylabel="Percentage points")
    if margins.empty:
        plotting.no_runs(axis)
    elif not margins["shared"].any():
        plotting.no_runs(axis, "shared pixels")
