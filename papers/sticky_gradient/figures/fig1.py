"""Figure 1: how weights are trapped, on single weights of a real run, and the plasticity function that traps them."""

from __future__ import annotations

import numpy
import pandas
import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from common.drawing import plotting
from common.results.readers import Tables
from papers.sticky_gradient.conditions import STICKY
from papers.sticky_gradient.method import plasticity
from papers.sticky_gradient.protocol import HYPERPARAMETERS, Attractor
from papers.sticky_gradient.results import best_trials

PAPER = "paper, Table 1"
TRAPPED = 0.02  # a weight this near the attractor at the end is drawn as trapped
FREE = "0.45"
SHADE = LinearSegmentedColormap.from_list("plasticity", ["#FBE3D3", "#FFFFFF"])  # tinted where weights hardly move
COLORS = [plotting.PALETTE[name] for name in ("blue", "green", "purple", "orange", "sky")]
CAPTION = (
    "a: weights of one network, trained by the full method; half of those shown were chosen among the ones that end near"
    " the attractor,\nas far as there are any{share}. Shaded: where f, drawn beside it, is small, so that"
    " moves away from the attractor are damped. b: eq. 1, with the paper's hyperparameters\nand the best of each of our"
    " searches, named by its reading. Diamond: where the paper's caption puts the zero; dashed: its plateau"
    ' "around 4".'
)


def draw(tables: Tables, reported: pandas.DataFrame) -> Figure:
    """Return Figure 1: trajectories of weights with f(w) beside them (a), and f(w) of the paper and of our search (b)."""
    plotted, attractor = values(tables), tables.settings.attractor
    figure = Figure(figsize=(9.5, 3.8))
    paths, beside, curves = figure.subplots(1, 3, width_ratios=(3.4, 0.8, 2.8))
    _draw_paths(paths, plotted[plotted["panel"] == "a"], attractor)
    low, high = paths.get_ylim()
    weights = numpy.linspace(low, high, 400)
    beside.plot(_plasticity(weights, attractor), weights, color="black")
    beside.axhline(attractor.a1, color=STICKY, linestyle=":", linewidth=1)
    beside.axvline(1, color="0.6", linewidth=0.8, zorder=0)
    beside.set(ylim=(low, high), yticklabels=[], xticks=[0, 1, 2], xlim=(0, None), xlabel="f(w)")
    _draw_curves(curves, plotted[plotted["panel"] == "b"], reported)
    plotting.caption(figure, CAPTION.format(share=_share(tables)))
    return figure


def values(tables: Tables) -> pandas.DataFrame:
    """Return what Figure 1 plots: panel, series, x and y.

    a: x is the number of tasks done, y the weight, series the number of the weight; b: x is the weight, y is f of it.
    """
    parts, moves = [], tables["trajectories"]
    if not moves.empty:
        ends = moves.groupby("task")["step"].max()
        starts = ends.shift(fill_value=0)
        done = moves["task"] - 1 + (moves["step"] - moves["task"].map(starts)) / moves["task"].map(ends - starts)
        parts.append(pandas.DataFrame({"panel": "a", "series": moves["weight"], "x": done, "y": moves["value"]}))
    attractors = {PAPER: tables.settings.attractor}
    best = best_trials(tables["search"])
    for search in best.to_dict("records"):
        name = search["reading"] + (f", seed {search['seed']}" if best["seed"].nunique() > 1 else "")
        attractors[name] = Attractor(**{key: search[key] for key in HYPERPARAMETERS})
    span = max(1.5, *(attractor.a1 + 0.5 for attractor in attractors.values()))
    weights = numpy.linspace(-1, span, 501)
    for name, attractor in attractors.items():
        f = _plasticity(weights, attractor)
        parts.append(pandas.DataFrame({"panel": "b", "series": name, "x": weights, "y": f}))
    return pandas.concat(parts, ignore_index=True)


def _share(tables: Tables) -> str:
    """Return how many of all weights end near the attractor, for the caption; nothing if it is not known."""
    measured = tables.records.get("trajectories", {}).get("measured", {})
    if "ended_near" not in measured:
        return ""
    return f" ({measured['ended_near']:,} of all {measured['weights']:,} do)"


def _plasticity(weights: numpy.ndarray, attractor: Attractor) -> numpy.ndarray:
    return plasticity(torch.from_numpy(weights), attractor).numpy()


def _draw_paths(axis: Axes, plotted: pandas.DataFrame, attractor: Attractor) -> None:
    """Draw each weight over time: those that end at the attractor in colour, above the others."""
    axis.set(title="a  Weights of one network", xlabel="Tasks done", ylabel="Weight w")
    low, high = -0.2, attractor.a1 + 0.15
    if not plotted.empty:
        low, high = min(low, plotted["y"].quantile(0.002)), max(high, plotted["y"].quantile(0.998))
    paths = {weight: path.sort_values("x")[["x", "y"]].to_numpy() for weight, path in plotted.groupby("series")}
    for near, color, width, name in ((False, FREE, 0.5, "stays free"), (True, STICKY, 0.8, "ends at the attractor")):
        lines = [path for path in paths.values() if (abs(path[-1, 1] - attractor.a1) < TRAPPED) == near]
        axis.add_collection(LineCollection(lines, colors=color, linewidths=width, alpha=0.6))
        axis.plot([], [], color=color, label=f"{name} ({len(lines)})")
    tasks = int(numpy.ceil(plotted["x"].max())) if paths else 1
    axis.set(xlim=(0, tasks), ylim=(low, high), xticks=range(tasks + 1))
    shade = _plasticity(numpy.linspace(low, high, 300), attractor)[:, None]
    axis.imshow(shade, SHADE, aspect="auto", origin="lower", extent=(0, tasks, low, high), vmin=0, vmax=1, zorder=-1)
    axis.axhline(attractor.a1, color=STICKY, linestyle=":", linewidth=1)
    axis.text(0.01 * tasks, attractor.a1, "a₁", color=STICKY, va="bottom")
    for task in range(1, tasks):
        axis.axvline(task, color="0.8", linewidth=0.8, zorder=0)
    if paths:
        axis.legend(loc="upper right", frameon=True, framealpha=0.85, edgecolor="none")
    else:
        plotting.no_runs(axis)


def _draw_curves(axis: Axes, plotted: pandas.DataFrame, reported: pandas.DataFrame) -> None:
    """Draw the plasticity functions, and what the paper's caption says of its own."""
    axis.set(title="b  Plasticity function", xlabel="Weight w", ylabel="Learning-rate multiplier f(w)")
    for place, (name, curve) in enumerate(plotted.groupby("series", sort=False)):
        paper = {"color": "black", "linewidth": 2, "zorder": 3}
        line = paper if name == PAPER else {"color": COLORS[place % len(COLORS)]}
        axis.plot(curve["x"], curve["y"], label=name, **line)
    caption = reported[reported["panel"] == "fig1b"].set_index("quantity")["value"]
    zero, plateau = (float(caption[f"{what} of the plasticity function"]) for what in ("zero", "plateau"))
    plotting.reported_marker(axis, zero, 0, None, "black", label="paper's caption")
    axis.axhline(plateau, color="0.5", linestyle="--", linewidth=0.8, zorder=0)
    axis.set(xlim=(plotted["x"].min(), plotted["x"].max()), ylim=(0, max(4.5, 1.05 * plotted["y"].max())))
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=2, columnspacing=1)
