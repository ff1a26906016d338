"""One benchmark: accuracy over tasks, plasticity against retention, and ranks; a row of panels for each optimizer."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import Any

import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from common.drawing import plotting
from common.results import accuracies
from common.results.readers import Tables, chosen
from studies.cross_benchmark import results
from studies.cross_benchmark.conditions import OPTIMIZER_LABELS, style
from studies.cross_benchmark.protocol import BENCHMARKS

WIDTH = 170  # characters in a line of the caption
CAPTION = (
    "Left: mean test accuracy over the tasks learned so far; band: one SD over seeds (with two, the seeds). Middle: accuracy on a task when it was just "
    "learned, and backward transfer; means over seeds, upper right is better; DHP's are hollow. Right: mean rank by average accuracy after the last "
    "task, 1 is best. Methods that have no bar in common are told apart (paired t-tests over seeds, Holm's rule at 0.05). Every "
    "method has the same number of trials for its hyperparameters, on other seeds and on held-out images."
)


def drawing(benchmark: str) -> Callable[[Tables, pandas.DataFrame], Figure]:
    """Return the function that draws a benchmark's figure."""

    def draw(tables: Tables, reported: pandas.DataFrame) -> Figure:
        table = tables[benchmark]
        optimizers = [name for name in OPTIMIZER_LABELS if name in set(table["optimizer"])] or list(OPTIMIZER_LABELS)[
            :1
        ]
        names = results.methods(table)
        figure = Figure(figsize=(10, 3.1 * len(optimizers) + 0.6))
        axes = figure.subplots(len(optimizers), 3, squeeze=False, width_ratios=(1.2, 1, 1.2))
        for row, optimizer in zip(axes, optimizers, strict=True):
            _over_tasks(row[0], table, optimizer, names)
            _plasticity(row[1], table, optimizer, names)
            _ranks(row[2], results.by_method(table, optimizer))
            row[0].set_title(f"{BENCHMARKS[benchmark]}, {OPTIMIZER_LABELS[optimizer]}")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=6)
        plotting.caption(figure, textwrap.fill(CAPTION, WIDTH))
        return figure

    return draw


def listing(benchmark: str) -> Callable[[Tables], pandas.DataFrame]:
    """Return the function that lists what a benchmark's figure shows: by optimizer and method, the numbers and the rank."""

    def values(tables: Tables) -> pandas.DataFrame:
        table, rows = tables[benchmark], []
        for optimizer in dict.fromkeys(table["optimizer"]):
            accuracy = results.by_method(table, optimizer)
            rank = results.ranks(accuracy)
            for name in accuracy.columns:
                found = results.measures(table, optimizer, name)
                row = {"optimizer": optimizer, "method": name, "n": int(found["accuracy"].notna().sum())}
                row |= {"diverged": len(found) - row["n"], "rank": rank[name]}
                for measure in results.MEASURES:
                    row |= {measure: found[measure].mean(), f"{measure}_sd": found[measure].std()}
                rows.append(row)
        columns = ["optimizer", "method", "n", "diverged", "rank"]
        columns += [name for measure in results.MEASURES for name in (measure, f"{measure}_sd")]
        return pandas.DataFrame(rows, columns=columns)

    return values


def _over_tasks(axis: Axes, table: pandas.DataFrame, optimizer: str, names: list[str]) -> None:
    for name in names:
        label, color, line = style(name)
        runs = 100 * accuracies.averages(chosen(table, optimizer=optimizer), name, "test").dropna()
        label = plotting.name_with_runs(label, len(runs))
        if runs.shape[1] == 1:  # joint training: all tasks at once
            axis.axhline(runs.to_numpy().mean(), color=color, linestyle=line, label=label)
        elif len(runs):
            before = len(axis.lines)
            plotting.band(axis, runs.columns.to_numpy(), runs.to_numpy(), label=label, color=color)
            axis.lines[before].set_linestyle(line)
        else:
            axis.plot([], [], color=color, linestyle=line, label=label)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.set_xlabel("Tasks learned")
    axis.set_ylabel("Average accuracy (%)")


def _plasticity(axis: Axes, table: pandas.DataFrame, optimizer: str, names: list[str]) -> None:
    for name in names:
        _, color, line = style(name)
        found = results.measures(table, optimizer, name)[["plasticity", "transfer"]].dropna()
        if len(found):
            axis.plot(*found.mean(), "o", markersize=6, **_marker(color, line))
    axis.set_xlabel("Accuracy when just learned (%)")
    axis.set_ylabel("Backward transfer (points)")


def _marker(color: str, line: str) -> dict[str, Any]:
    """Return the look of a method's marker: hollow where its line is dashed."""
    return {"color": color, "markerfacecolor": "none" if line == "--" else color}


def _ranks(axis: Axes, accuracy: pandas.DataFrame) -> None:
    rank = results.ranks(accuracy).sort_values(kind="stable")
    order = list(rank.index)
    for place, name in enumerate(order):
        label, color, line = style(name)
        axis.plot(rank[name], place, "o", markersize=5, **_marker(color, line))
        axis.text(
            rank[name] + 0.35, place, f"{label}  {accuracy[name].mean():.1f}", va="center", fontsize=plotting.TINY
        )
    groups = results.groups(order, results.differences(accuracy))
    for number, group in enumerate(groups):
        places, at = [order.index(name) for name in group], 0.5 - 0.22 * number
        axis.plot([at, at], [places[0], places[-1]], color="0.7", linewidth=0.5)
        for place in places:
            axis.plot([at, at], [place - 0.5, place + 0.5], color="0.4", linewidth=2, solid_capstyle="butt")
    axis.set_xlim(0.3 - 0.22 * len(groups), len(order) + 6)
    axis.set_ylim(len(order) - 0.5, -0.5)
    axis.set_xticks(range(1, len(order) + 1))
    axis.set_yticks([])
    axis.spines["left"].set_visible(False)
    axis.set_xlabel("Mean rank (1 is best), with average accuracy (%)")
