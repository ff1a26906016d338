"""Figures 1 and 2: what `papers.synaptic_intelligence.landscapes` simulated, drawn as the paper's two schematics."""

from __future__ import annotations

import numpy
import pandas
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, PowerNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patheffects import withStroke

from common import plotting

PLAIN, CONSOLIDATED = plotting.PALETTE["black"], plotting.PALETTE["orange"]
PATHS = {"task 1": PLAIN, "task 2, plain": PLAIN, "task 2, consolidated": CONSOLIDATED}
# Pale where the loss is low, so that the paths stand out where they lead.
HEAT = LinearSegmentedColormap.from_list("loss", ["#FFFDF5", "#DCE9EF", "#9DC3DA", "#4F8FBF", "#1F5A94"])
HALO = [withStroke(linewidth=3, foreground="white")]
LABEL_BOX = {"boxstyle": "round,pad=0.2", "facecolor": "white", "edgecolor": "none", "alpha": 0.75}
CURVES = {
    "loss": {"color": plotting.PALETTE["black"], "linewidth": 2, "label": "loss of task 1"},
    "surrogate": {"color": plotting.PALETTE["green"], "linewidth": 2, "label": "SI's surrogate"},
    "hessian": {"color": plotting.PALETTE["purple"], "linewidth": 2, "linestyle": "--", "label": "Hessian's parabola"},
}
FIG1_CAPTION = (
    "Solid: training on the task whose loss is shown. Dotted: training on the other task.\n"
    "Black: plain gradient descent. Orange: with Synaptic Intelligence, c = 1."
)


def fig1(table: pandas.DataFrame, provenance: dict) -> Figure:
    """Return Figure 1: task 1, then task 2 without (black) and with consolidation (orange), on both losses.

    table, provenance: as `papers.synaptic_intelligence.landscapes` writes them. Drawn through: the loss being trained.
    """
    table = table[table["figure"] == "fig1"]
    surface = table[table["series"] == "surface"]
    top = surface[["loss1", "loss2"]].to_numpy().max()
    with plotting.style():
        figure = Figure(figsize=(7.2, 3.5))
        axes = figure.subplots(1, 2, sharex=True, sharey=True)
        for axis, task in zip(axes, (1, 2), strict=True):
            image = _draw_surface(axis, surface, f"loss{task}", top)
            for series in PATHS:
                _draw_path(axis, table[table["series"] == series], series, solid=series.startswith(f"task {task}"))
            _mark_points(axis, table, task)
            axis.set_title(f"Task {task}", fontsize=10)
            axis.set_xlabel("θ₁")
        axes[0].set_ylabel("θ₂", rotation=0)
        bar = figure.colorbar(image, ax=axes, shrink=0.8, pad=0.015, aspect=28, ticks=[0, 1, 4, 9, 16])
        bar.set_label("loss", fontsize=8)
        bar.ax.tick_params(labelsize=7)
        bar.outline.set_visible(False)
        figure.supxlabel(FIG1_CAPTION, fontsize=7, color="0.35")
        _stamp(figure, provenance)
    return figure


def fig2(table: pandas.DataFrame, provenance: dict) -> Figure:
    """Return Figure 2: a loss, the surrogate that summarises the way down, and the parabola of the Hessian at its end.

    table, provenance: as `papers.synaptic_intelligence.landscapes` writes them.
    """
    table = table[table["figure"] == "fig2"]
    descent = table[table["series"] == "descent"].sort_values("step")
    start, end = descent.iloc[0], descent.iloc[-1]
    top = 1.35 * (start["loss1"] - end["loss1"]) + end["loss1"]
    with plotting.style():
        figure = Figure(figsize=(4.8, 3.6))
        axis = figure.subplots()
        for series, look in CURVES.items():
            curve = table[table["series"] == series]
            curve = curve[curve["loss1"] <= 1.2 * top]  # the rest lies above the frame
            axis.plot(curve["theta1"], curve["loss1"], **look)
        _draw_matches(axis, start, end)
        x, y = descent["theta1"].to_numpy(), descent["loss1"].to_numpy()
        _draw_arrowhead(axis, x, y, PLAIN)
        axis.plot(x[[0, -1]], y[[0, -1]], "o", color=PLAIN, markersize=7.5, markeredgecolor="white", zorder=6)
        axis.set(ylim=(end["loss1"] - 0.2 * top, top), xticks=[start["theta1"], end["theta1"]], yticks=[])
        axis.set_xlim(table["theta1"].min(), table["theta1"].max())
        axis.set_xticklabels(["θ(0)", "θ(T)"])
        axis.set_xlabel("parameter θ")
        axis.set_ylabel("loss L")
        axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, fontsize=8, handlelength=1.8)
        _stamp(figure, provenance)
    return figure


def _draw_surface(axis: Axes, surface: pandas.DataFrame, loss: str, top: float) -> AxesImage:
    """Draw a loss as a heat map with contours and return the image. Equal steps of shade are steps of sqrt(loss)."""
    grid = surface.pivot(index="theta2", columns="theta1", values=loss)
    x, y = grid.columns.to_numpy(), grid.index.to_numpy()
    norm = PowerNorm(0.5, vmin=0, vmax=top)
    half_x, half_y = (x[1] - x[0]) / 2, (y[1] - y[0]) / 2  # pixels are centred on the grid's points
    extent = (x[0] - half_x, x[-1] + half_x, y[0] - half_y, y[-1] + half_y)
    image = axis.imshow(grid, extent=extent, origin="lower", cmap=HEAT, norm=norm, interpolation="bicubic")
    levels = numpy.arange(0.25, numpy.sqrt(top), 0.5) ** 2
    axis.contour(x, y, grid, levels=levels, colors=HEAT(1.0), linewidths=0.6, alpha=0.25)
    axis.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]), xticks=[], yticks=[])
    axis.spines[:].set_visible(False)
    return image


def _draw_path(axis: Axes, path: pandas.DataFrame, series: str, solid: bool) -> None:
    path = path.sort_values("step")
    x, y = path["theta1"].to_numpy(), path["theta2"].to_numpy()
    if not solid:
        axis.plot(x, y, ":", color=PATHS[series], linewidth=1.2, zorder=3)
        return
    axis.plot(x, y, color=PATHS[series], linewidth=2, path_effects=HALO, zorder=4)
    _draw_arrowhead(axis, x, y, PATHS[series])


def _draw_arrowhead(axis: Axes, x: numpy.ndarray, y: numpy.ndarray, color: str) -> None:
    """Draw which way a path goes, halfway along it."""
    length = numpy.hypot(numpy.diff(x), numpy.diff(y)).cumsum()
    tail, head = (numpy.searchsorted(length, share * length[-1]) for share in (0.45, 0.55))
    look = {"arrowstyle": "-|>", "color": color, "mutation_scale": 14, "shrinkA": 0, "shrinkB": 0}
    axis.annotate("", (x[head], y[head]), (x[tail], y[tail]), arrowprops=look, zorder=5)


def _mark_points(axis: Axes, table: pandas.DataFrame, task: int) -> None:
    """Mark θ(t₀), θ(t₁) and both θ(t₂), each but the first with this task's loss there."""
    ends = {series: rows.sort_values("step").iloc[[0, -1]] for series, rows in table.groupby("series")}
    points = [
        (ends["task 1"].iloc[0], PLAIN, "θ(t₀)", (10, -2), "left"),
        (ends["task 1"].iloc[1], PLAIN, "θ(t₁)", (-4, -28), "center"),
        (ends["task 2, plain"].iloc[1], PLAIN, "θ(t₂)", (-10, -8), "right"),
        (ends["task 2, consolidated"].iloc[1], CONSOLIDATED, "θ(t₂)", (10, -2), "left"),
    ]
    for point, color, label, offset, side in points:
        where = point["theta1"], point["theta2"]
        if point["step"]:
            label += f"\nL{'₁₂'[task - 1]} = {point[f'loss{task}']:.2f}"
        axis.plot(*where, "o", color=color, markersize=7.5, markeredgecolor="white", zorder=6)
        look = {"color": color, "ha": side, "fontsize": 8, "fontweight": "bold", "bbox": LABEL_BOX, "zorder": 5}
        axis.annotate(label, where, offset, textcoords="offset points", **look)


def _draw_matches(axis: Axes, start: pandas.Series, end: pandas.Series) -> None:
    """Draw what the surrogate shares with the loss: how far it drops and how far the parameter moves."""
    left, right, high, low = start["theta1"], end["theta1"], start["loss1"], end["loss1"]
    arrow = {"arrowstyle": "<->", "color": "0.4", "linewidth": 0.8, "shrinkA": 3, "shrinkB": 3}
    look = {"textcoords": "offset points", "color": "0.4", "fontsize": 8}
    axis.annotate("", (left, high), (left, low), arrowprops=arrow)
    axis.annotate("", (left, low), (right, low), arrowprops=arrow)
    axis.annotate("L(θ(0)) − L(θ(T))", (left, (high + low) / 2), (-4, 0), rotation=90, ha="right", va="center", **look)
    axis.annotate("θ(0) − θ(T)", ((left + right) / 2, low), (0, -4), ha="center", va="top", **look)


def _stamp(figure: Figure, provenance: dict) -> None:
    """Say what was drawn. It is the same at every scale, so at smoke scale too it is a result and not loud."""
    text = f"Simulation on losses of our choice, the same at every scale (here: {provenance['scale']}) | no data"
    plotting.stamp(figure, text, loud=False)
