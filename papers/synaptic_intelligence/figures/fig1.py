"""Figure 1: task 1, then task 2 without and with consolidation, on the losses of both tasks."""

from __future__ import annotations

from typing import Any

import numpy
import pandas
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, PowerNorm
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patheffects import withStroke

from common.drawing import plotting
from common.results.readers import Tables, chosen
from papers.synaptic_intelligence.figures.landscape import CONSOLIDATED, PLAIN, draw_arrowhead, stamp

__all__ = ["draw", "stamp", "values"]

PATHS = {"task 1": PLAIN, "task 2, plain": PLAIN, "task 2, consolidated": CONSOLIDATED}
# Pale where the loss is low, so that the paths stand out where they lead.
HEAT = LinearSegmentedColormap.from_list("loss", ["#FFFDF5", "#DCE9EF", "#9DC3DA", "#4F8FBF", "#1F5A94"])
HALO = [withStroke(linewidth=3, foreground="white")]
LABEL_BOX = {"boxstyle": "round,pad=0.2", "facecolor": "white", "edgecolor": "none", "alpha": 0.75}
CAPTION = (
    "Solid: training on the task whose loss is shown. Dotted: training on the other task.\n"
    "Black: plain gradient descent. Orange: with Synaptic Intelligence, c = 1."
)


def draw(tables: Tables, reported: pandas.DataFrame) -> Figure:
    """Return Figure 1: task 1, then task 2 without (black) and with consolidation (orange), on both losses.

    Drawn through: the loss being trained.
    """
    table = values(tables)
    surface = table[table["series"] == "surface"]
    top = surface[["loss1", "loss2"]].to_numpy().max()
    figure = Figure(figsize=(7.2, 3.5))
    axes = figure.subplots(1, 2, sharex=True, sharey=True)
    for axis, task in zip(axes, (1, 2), strict=True):
        image = _draw_surface(axis, surface, f"loss{task}", top)
        for series in PATHS:
            _draw_path(axis, table[table["series"] == series], series, solid=series.startswith(f"task {task}"))
        _mark_points(axis, table, task)
        axis.set_title(f"Task {task}", loc="center")
        axis.set_xlabel("θ₁")
    axes[0].set_ylabel("θ₂", rotation=0)
    bar = figure.colorbar(image, ax=axes, shrink=0.8, pad=0.015, aspect=28, ticks=[0, 1, 4, 9, 16])
    bar.set_label("loss")
    bar.ax.spines["outline"].set_visible(False)
    plotting.caption(figure, CAPTION)
    return figure


def values(tables: Tables) -> pandas.DataFrame:
    """Return what Figure 1 plots: rows of landscapes.csv."""
    return chosen(tables["landscapes"], figure="fig1")


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
    for spine in axis.spines.values():
        spine.set_visible(False)
    return image


def _draw_path(axis: Axes, path: pandas.DataFrame, series: str, solid: bool) -> None:
    path = path.sort_values("step")
    x, y = path["theta1"].to_numpy(), path["theta2"].to_numpy()
    if not solid:
        axis.plot(x, y, ":", color=PATHS[series], linewidth=1.2, zorder=3)
        return
    axis.plot(x, y, color=PATHS[series], linewidth=2, path_effects=HALO, zorder=4)
    draw_arrowhead(axis, x, y, PATHS[series])


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
        place = point["theta1"], point["theta2"]
        if point["step"]:
            label += f"\nL{'₁₂'[task - 1]} = {point[f'loss{task}']:.2f}"
        axis.plot(*place, "o", color=color, markersize=7.5, markeredgecolor="white", zorder=6)
        look: dict[str, Any] = {"color": color, "ha": side, "fontweight": "bold", "bbox": LABEL_BOX, "zorder": 5}
        axis.annotate(label, place, offset, textcoords="offset points", **look)
