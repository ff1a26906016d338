"""Figure 4: tasks that share pixels, sticky gradient against the control, by how many pixels stay in place."""

from __future__ import annotations

import numpy
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from common import accuracies, collect, plotting
from common import reported as reported_numbers
from common.claims import difference
from common.collected import Tables
from common.plotting import SMALL, TINY
from common.stats import summaries
from papers.sticky_gradient import collected, conditions, drawing
from papers.sticky_gradient.conditions import CONTROL, FULL, LABELS, SEARCHED, TASKS
from papers.sticky_gradient.drawing import COLORS

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


def fig4(tables: Tables, reported: pandas.DataFrame, provenances: dict[str, dict]) -> Figure:
    """Return Figure 4: one panel per fraction of shared pixels, and the margin at the end against that fraction."""
    values = fig4_values(tables)
    shown = sorted(set(values["shared"])) or [0.0]
    columns = max(2, (len(shown) + 1) // 2)
    with plotting.style():
        figure = Figure(figsize=(1.65 * columns + 4.2, 4.3))
        grid = figure.add_gridspec(2, columns + 1, width_ratios=[1] * columns + [2.2])
        lowest = values.loc[values["panel"] == "accuracy", ["mean", "ci_low"]].min(axis=None)
        for place, level in enumerate(shown):
            axis = figure.add_subplot(grid[divmod(place, columns)])
            _draw_level(axis, values[(values["panel"] == "accuracy") & (values["shared"] == level)], level)
            axis.set(ylim=(0.6 if values.empty else max(0, min(0.6, lowest - 0.02)), 1))
            axis.set(xlim=(0.5, TASKS + 0.5), xticks=range(2, TASKS + 1, 4))
            axis.tick_params(labelleft=place % columns == 0, labelsize=TINY)
            if place % columns == 0:
                axis.set_ylabel("Test accuracy", fontsize=SMALL)
            if place >= len(shown) - columns:
                axis.set_xlabel("Tasks learned", fontsize=SMALL)
        summary = figure.add_subplot(grid[:, columns])
        tasks = accuracies.tasks(collected.table(tables, "accuracies")) or TASKS
        summary.set_title(f"Sticky gradient − control, {tasks} tasks", loc="left", fontsize=SMALL + 1)
        _draw_summary(summary, values[values["panel"] == "margin"], reported)
        _draw_legend(figure, summary, values)
        chosen = provenances.get("shared", {}).get("protocol", {}).get("shared_pixels")
        figure.supxlabel(CAPTION + IN_PLACE.get(chosen, ""), fontsize=6.5, color="0.35")
        plotting.stamp(figure, *collect.stamp_of_all(provenances))
    return figure


def fig4_values(tables: Tables) -> pandas.DataFrame:
    """Return what Figure 4 plots: panel, shared, condition, x (tasks), mean, ci_low, ci_high (95%) and n.

    Panel "accuracy": on all tasks so far. Panel "margin": the condition minus the control after the last task, in
    percentage points.
    """
    results, partly, rows = collected.table(tables, "accuracies"), collected.table(tables, "shared"), []
    for level, found in conditions.levels(results, partly).items():
        last, runs = accuracies.tasks(found), {condition: conditions.so_far(found, condition) for condition in CURVES}
        for condition, table in runs.items():
            rows += [("accuracy", level, condition, x, own) for x, own in table.items()]
            gap = difference(conditions.after(table, last), conditions.after(runs[CONTROL], last))
            if gap and condition != CONTROL:
                rows.append(("margin", level, condition, last, [100 * value for value in gap.values()]))
    return summaries(rows, ["panel", "shared", "condition", "x", "mean", "ci_low", "ci_high", "n"])


def _draw_level(axis: Axes, values: pandas.DataFrame, level: float) -> None:
    axis.set_title(f"{100 * level:g}% shared", fontsize=SMALL)
    axis.grid(axis="y", color="0.9", linewidth=0.6)
    for condition in CURVES:
        style = "--" if condition.endswith(SEARCHED) else "-"
        ours = values[values["condition"] == condition]
        drawing.curve(axis, ours, color=COLORS[condition], linestyle=style, markersize=2, linewidth=1.2)
    if values.empty:
        plotting.no_runs(axis)


def _draw_summary(axis: Axes, values: pandas.DataFrame, reported: pandas.DataFrame) -> None:
    for condition in CURVES[1:]:
        ours = values[values["condition"] == condition].assign(x=lambda rows: 100 * rows["shared"].astype(float))
        style = {"linestyle": "--", "markerfacecolor": "white"} if condition.endswith(SEARCHED) else {}
        drawing.curve(axis, ours, color=COLORS[condition], markersize=4, **style)
    axis.axhline(0, color="0.3", linewidth=0.8, zorder=0)
    for value in reported_numbers.results(reported, artifact="fig4")["value"]:
        axis.axvline(100 * value, color="0.5", linestyle=":", linewidth=1, zorder=0)
        plotting.reported_marker(axis, 100 * value, 0, None, "black", label=PAPER)
    axis.set(xlim=(-4, 104), xticks=numpy.arange(0, 101, 20))
    axis.tick_params(labelsize=SMALL)
    axis.set_xlabel("Shared pixels (%)", fontsize=SMALL)
    axis.set_ylabel("Percentage points", fontsize=SMALL)
    if values.empty:
        plotting.no_runs(axis)
    elif not values["shared"].any():
        plotting.no_runs(axis, "shared pixels")


def _draw_legend(figure: Figure, axis: Axes, values: pandas.DataFrame) -> None:
    entries = []
    for condition in CURVES:
        runs = values.loc[(values["condition"] == condition) & (values["panel"] == "accuracy"), "n"]
        if condition.endswith(SEARCHED) and runs.empty:
            continue
        style = "--" if condition.endswith(SEARCHED) else "-"
        (line,) = axis.plot([], [], "o", linestyle=style, markersize=2.5, color=COLORS[condition])
        entries.append((line, plotting.name_with_runs(LABELS[condition], *runs)))
    handles, names = axis.get_legend_handles_labels()
    entries += [(handle, name) for handle, name in zip(handles, names, strict=True) if name == PAPER]
    figure.legend(
        *zip(*entries, strict=True), loc="outside upper center", ncols=len(entries), fontsize=TINY, handlelength=3.2
    )
