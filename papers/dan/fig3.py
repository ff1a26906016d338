"""Figure 3: four held-out functions learned piece by piece: the predictions after each of the five sub-tasks."""

from __future__ import annotations

import numpy
import pandas
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from common import collect, plotting
from common.collected import Tables
from common.plotting import SMALL, TINY
from papers.dan import collected
from papers.dan.protocol import TASKS

PANELS = 4
DOMAIN = (-5, 5)
BORDERS = numpy.linspace(*DOMAIN, TASKS + 1)  # of the sub-tasks' windows
COLORS = LinearSegmentedColormap.from_list("dark to cyan", ["#0B0B2B", "#24408E", "#1C7FC4", "#00D7EE"])(
    numpy.linspace(0, 1, TASKS)
)
CAPTION = (
    "A meta-trained network (net0) with a fixed phenotype; first seed. MSE: over the whole interval. Shaded: every"
    " other sub-task's window. The paper reports no numbers for this figure."
)


def fig3(tables: Tables, reported: pandas.DataFrame, provenances: dict[str, dict]) -> Figure:
    """Return Figure 3: predictions over [-5, 5], dark after the first sub-task to cyan after the last, and target."""
    values = fig3_values(tables)
    functions = sorted(values["function"].unique())[:PANELS]
    with plotting.style():
        figure = Figure(figsize=(9, 5.2))
        axes = figure.subplots(2, 2, sharex=True)
        for place, axis in enumerate(axes.flat):
            axis.set_title(f"Held-out function {place + 1}", loc="left", fontsize=SMALL)
            axis.tick_params(labelsize=TINY)
            axis.set(xlim=DOMAIN, xticks=BORDERS)
            if place < len(functions):
                _draw_function(axis, values[values["function"] == functions[place]], place + 1)
            else:
                axis.set_yticks([])
                plotting.no_runs(axis)
        for axis in axes[1]:
            axis.set_xlabel("x", fontsize=SMALL)
        for axis in axes[:, 0]:
            axis.set_ylabel("y", fontsize=SMALL)
        if functions:
            handles, names = axes[0, 0].get_legend_handles_labels()
            look = {"loc": "outside right upper", "fontsize": TINY, "labelspacing": 0.6}
            figure.legend(handles, names, **look)
        figure.supxlabel(CAPTION, fontsize=6.5, color="0.35")
        shown = {"seeds": [int(seed) for seed in values["seed"].unique()]}  # of those that the table has
        drawn = {name: provenance | shown for name, provenance in provenances.items()}
        plotting.stamp(figure, *collect.stamp_of_all(drawn))
    return figure


def fig3_values(tables: Tables) -> pandas.DataFrame:
    """Return what Figure 3 plots, of the first seed: seed, function, after (sub-tasks), x, target and prediction."""
    table = collected.table(tables, "predictions")
    return table[table["seed"] == table["seed"].min()].sort_values(["function", "after", "x"], ignore_index=True)


def _draw_function(axis: Axes, values: pandas.DataFrame, number: int) -> None:
    for begin, end in zip(BORDERS[::2], BORDERS[1::2]):
        axis.axvspan(begin, end, color="0.955", zorder=0, linewidth=0)
    target = values[values["after"] == values["after"].max()]
    axis.plot(target["x"], target["target"], color="0.6", linewidth=4, alpha=0.7, label="target")
    for after, found in values.groupby("after"):
        begin, end = (f"{border:g}".replace("-", "\N{MINUS SIGN}") for border in BORDERS[after - 1 : after + 1])
        name = f"after sub-task {after},\n$x$ from {begin} to {end}"
        axis.plot(found["x"], found["prediction"], color=COLORS[after - 1], linewidth=1.3, label=name)
    errors = ((values["prediction"] - values["target"]) ** 2).groupby(values["after"]).mean()
    steps = f"MSE {errors.iloc[0]:.2g} after sub-task {errors.index[0]}, {errors.iloc[-1]:.2g} after {errors.index[-1]}"
    axis.set_title(f"Held-out function {number}: {steps}", loc="left", fontsize=SMALL)
