"""Figure 2: a loss, and the surrogate that summarises the way down it."""

from __future__ import annotations

from typing import Any

import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from common.drawing import plotting
from common.results.readers import Tables, chosen
from papers.synaptic_intelligence.figures.landscape import PLAIN, draw_arrowhead, stamp

__all__ = ["draw", "stamp", "values"]

CURVES: dict[str, dict[str, Any]] = {
    "loss": {"color": plotting.PALETTE["black"], "linewidth": 2, "label": "loss of task 1"},
    "surrogate": {"color": plotting.PALETTE["green"], "linewidth": 2, "label": "SI's surrogate"},
    "hessian": {"color": plotting.PALETTE["purple"], "linewidth": 2, "linestyle": "--", "label": "Hessian's parabola"},
}


def draw(tables: Tables, reported: pandas.DataFrame) -> Figure:
    """Return Figure 2: a loss, the surrogate that summarises the way down, and the parabola of the Hessian at its end."""
    table = values(tables)
    descent = table[table["series"] == "descent"].sort_values("step")
    start, end = descent.iloc[0], descent.iloc[-1]
    top = 1.35 * (start["loss1"] - end["loss1"]) + end["loss1"]
    figure = Figure(figsize=(4.8, 3.6))
    axis = figure.subplots()
    for series, look in CURVES.items():
        curve = table[table["series"] == series]
        curve = curve[curve["loss1"] <= 1.2 * top]  # the rest lies above the frame
        axis.plot(curve["theta1"], curve["loss1"], **look)
    _draw_matches(axis, start, end)
    x, y = descent["theta1"].to_numpy(), descent["loss1"].to_numpy()
    draw_arrowhead(axis, x, y, PLAIN)
    axis.plot(x[[0, -1]], y[[0, -1]], "o", color=PLAIN, markersize=7.5, markeredgecolor="white", zorder=6)
    axis.set(ylim=(end["loss1"] - 0.2 * top, top), xticks=[start["theta1"], end["theta1"]], yticks=[])
    axis.set_xlim(table["theta1"].min(), table["theta1"].max())
    axis.set_xticklabels(["θ(0)", "θ(T)"])
    axis.set_xlabel("parameter θ")
    axis.set_ylabel("loss L")
    axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, fontsize=8, handlelength=1.8)
    return figure


def values(tables: Tables) -> pandas.DataFrame:
    """Return what Figure 2 plots: rows of landscapes.csv."""
    return chosen(tables["landscapes"], figure="fig2")


def _draw_matches(axis: Axes, start: pandas.Series, end: pandas.Series) -> None:
    """Draw what the surrogate shares with the loss: how far it drops and how far the parameter moves."""
    left, right, high, low = start["theta1"], end["theta1"], start["loss1"], end["loss1"]
    arrow = {"arrowstyle": "<->", "color": "0.4", "linewidth": 0.8, "shrinkA": 3, "shrinkB": 3}
    look: dict[str, Any] = {"textcoords": "offset points", "color": "0.4"}
    axis.annotate("", (left, high), (left, low), arrowprops=arrow)
    axis.annotate("", (left, low), (right, low), arrowprops=arrow)
    axis.annotate("L(θ(0)) − L(θ(T))", (left, (high + low) / 2), (-4, 0), rotation=90, ha="right", va="center", **look)
    axis.annotate("θ(0) − θ(T)", ((left + right) / 2, low), (0, -4), ha="center", va="top", **look)
