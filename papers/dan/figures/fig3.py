"""Figure 3: four held-out functions learned piece by piece: the predictions after each of the five sub-tasks."""

from __future__ import annotations

import numpy
import pandas
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from common.drawing import plotting
from common.results import stamps
from common.results.readers import Tables
from papers.dan.protocol import TASKS

PANELS = 4
DOMAIN = (-5, 5)
BORDERS = numpy.linspace(*DOMAIN, TASKS + 1)  # of the sub-tasks' windows
COLORS = LinearSegmentedColormap.from_list("dark to cyan", ["#0B0B2B", "#24408E", "#1C7FC4", "#00D7EE"])(
    numpy.linspace(0, 1, TASKS)
)
CAPTION = (
    "Held-out functions, learned by a meta-trained network (net0) with a fixed phenotype; first seed. MSE: over the whole"
    " interval.\nShaded: every other sub-task's window. The paper reports no numbers for this figure."
)


def draw(tables: Tables, reported: pandas.DataFrame) -> Figure:
    """Return Figure 3: predictions over [-5, 5], dark after the first sub-task to cyan after the last, and target."""
    predictions = values(tables)
    functions = sorted(predictions["function"].unique())[:PANELS]
    figure = Figure(figsize=(9, 5.2))
    axes = figure.subplots(2, 2, sharex=True)
    for place, axis in enumerate(axes.flat):
        axis.set(xlim=DOMAIN, xticks=BORDERS)
        if place < len(functions):
            _draw_function(axis, predictions[predictions["function"] == functions[place]], place + 1)
        else:
            axis.set_title(f"Function {place + 1}")
            axis.set_yticks([])
            plotting.no_runs(axis)
    for axis in axes[1]:
        axis.set_xlabel("x")
    for axis in axes[:, 0]:
        axis.set_ylabel("y")
    if functions:
        figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside right upper", labelspacing=0.6)
    plotting.caption(figure, CAPTION)
    return figure


def values(tables: Tables) -> pandas.DataFrame:
    """Return what Figure 3 plots, of the first seed: seed, function, after (sub-tasks), x, target and prediction."""
    table = tables["predictions"]
    return table[table["seed"] == table["seed"].min()].sort_values(["function", "after", "x"], ignore_index=True)


def stamp(tables: Tables) -> tuple[str, bool]:
    """Return the stamp of the seed that is drawn, of those that the table has."""
    seeds = [int(seed) for seed in values(tables)["seed"].unique()]
    return stamps.stamp_of_all({name: record | {"seeds": seeds} for name, record in tables.records.items()})


def _draw_function(axis: Axes, predictions: pandas.DataFrame, number: int) -> None:
    """Draw a function's target and what the network predicts after each sub-task; number: in the panel's title."""
    for begin, end in zip(BORDERS[::2], BORDERS[1::2]):
        axis.axvspan(begin, end, color="0.955", zorder=0, linewidth=0)
    target = predictions[predictions["after"] == predictions["after"].max()]
    axis.plot(target["x"], target["target"], color="0.6", linewidth=4, alpha=0.7, label="target")
    for after, curve in predictions.groupby("after"):
        begin, end = (f"{border:g}".replace("-", "\N{MINUS SIGN}") for border in BORDERS[after - 1 : after + 1])
        name = f"after sub-task {after},\n$x$ from {begin} to {end}"
        axis.plot(curve["x"], curve["prediction"], color=COLORS[after - 1], linewidth=1.3, label=name)
    errors = ((predictions["prediction"] - predictions["target"]) ** 2).groupby(predictions["after"]).mean()
    steps = f"MSE {errors.iloc[0]:.2g} after sub-task {errors.index[0]}, {errors.iloc[-1]:.2g} after {errors.index[-1]}"
    axis.set_title(f"Function {number}: {steps}")
