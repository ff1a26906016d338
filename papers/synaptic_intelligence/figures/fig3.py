"""Figure 3: split MNIST, the accuracy on each task and on average while five tasks are learned."""

from __future__ import annotations

from typing import Any

import pandas
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from common.drawing import plotting
from common.drawing.plotting import name_with_runs, no_runs
from common.results import accuracies
from common.results import reported as reported_numbers
from common.results.readers import Tables
from common.results.stats import summaries
from papers.synaptic_intelligence import conditions, results
from papers.synaptic_intelligence.conditions import color, label

CONDITIONS = conditions.CONDITIONS["split_mnist"]
TASKS = conditions.TASKS["split_mnist"]  # panels are those of the paper, whatever the scale
CHANCE = 0.5  # one of two digits
ASIDE = 0.18  # from one condition to the next, so that error bars do not hide each other
PAPER = "authors' notebook, on training images (mean, SEM, n = 10)"
CAPTION = (
    "Solid lines: test images, mean and SEM over seeds. Dashed: training images, mean. Left of its own number a task is not yet trained.\n"
    "Hollow diamonds: read off the figure in the authors' notebook, which evaluates on training images (the paper does"
    " not say); compare them with the dashed lines."
)


def draw(tables: Tables, reported: pandas.DataFrame) -> Figure:
    """Return Figure 3 with its six panels: tasks 1 to 5, also before they are trained, and the average of those trained."""
    plotted, shown = values(tables), results.shown(tables["split_mnist"], CONDITIONS)
    figure = Figure(figsize=(10.5, 3.2))
    axes = figure.subplots(1, TASKS + 1, sharey=True)
    lowest = min(plotted["mean"].min(), 1)
    for axis, panel in zip(axes, [f"task {task}" for task in range(1, TASKS + 1)] + ["average"], strict=True):
        _draw_panel(axis, panel, shown, plotted[plotted["panel"] == panel], reported)
        axis.set(ylim=(min(0.45, lowest - 0.05), 1.1), xlim=(0.6, TASKS + 0.4), xticks=range(1, TASKS + 1))
    axes[0].set_ylabel("Accuracy")
    _draw_legend(figure, axes[0], shown, plotted)
    plotting.caption(figure, CAPTION)
    return figure


def values(tables: Tables) -> pandas.DataFrame:
    """Return what Figure 3 plots: panel, condition, split, x (tasks trained), mean, sem (nan if n = 1) and n."""
    table, rows = tables["split_mnist"], []
    for condition in results.shown(table, CONDITIONS):
        for split in accuracies.SPLITS:
            for (after, task), runs in accuracies.matrices(table, condition, split).items():
                rows.append((f"task {task}", condition, split, after, runs))
            for after, runs in accuracies.averages(table, condition, split).items():
                rows.append(("average", condition, split, after, runs))
    return summaries(rows, ["panel", "condition", "split", "x", "mean", "sem", "n"])


def _draw_panel(axis: Axes, panel: str, shown: list[str], values: pandas.DataFrame, reported: pandas.DataFrame) -> None:
    _, _, number = panel.partition(" ")
    title = f"Task {number} ({2 * int(number) - 2} or {2 * int(number) - 1})" if number else "Average"
    axis.set_title(title, loc="center")
    axis.set_xlabel("Tasks trained")
    axis.axhline(CHANCE, color="0.3", linestyle=":", linewidth=0.8, zorder=1)
    stated = reported_numbers.results(reported, artifact="fig3", panel=panel)
    for place, condition in enumerate(shown):
        look, aside = color(condition, CONDITIONS), ASIDE * (place - (len(shown) - 1) / 2)
        ours = values[values["condition"] == condition]
        test, train = (ours[ours["split"] == split] for split in ("test", "train"))
        axis.plot(train["x"] + aside, train["mean"], "--", color=look, linewidth=0.8)
        sem = None if test["sem"].isna().all() else test["sem"]
        line: dict[str, Any] = {"fmt": "o-", "markersize": 2.5, "linewidth": 1.5, "elinewidth": 1, "capsize": 2}
        axis.errorbar(test["x"] + aside, test["mean"], sem, color=look, **line)
        for row in stated[stated["method"] == label(condition)].itertuples():
            plotting.reported_marker(axis, row.x + 2 * aside, row.value, row.spread, look, label=PAPER)
    if values.empty:
        no_runs(axis)


def _draw_legend(figure: Figure, axis: Axes, shown: list[str], values: pandas.DataFrame) -> None:
    """Put one legend above all panels: conditions, the paper's numbers, chance."""
    handles, names = axis.get_legend_handles_labels()
    papers = [handle for handle, name in zip(handles, names, strict=True) if name == PAPER]
    entries: list[tuple[Artist, str]] = []
    for condition in shown:
        runs = values.loc[(values["condition"] == condition) & (values["split"] == "test"), "n"]
        (line,) = axis.plot([], [], "o-", markersize=2.5, color=color(condition, CONDITIONS))
        entries.append((line, name_with_runs(label(condition), runs.max() if len(runs) else 0)))
    (training,) = axis.plot([], [], "--", color="0.4", linewidth=0.8)
    (chance,) = axis.plot([], [], ":", color="0.3", linewidth=0.8)
    entries.append((training, "ours on training images"))
    entries += [(handle, PAPER) for handle in papers] + [(chance, f"chance ({CHANCE:g})")]
    figure.legend(*zip(*entries, strict=True), loc="outside upper center", ncols=len(entries))
