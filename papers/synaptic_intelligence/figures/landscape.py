"""What Figures 1 and 2 share: the ways down that `papers.synaptic_intelligence.landscapes` simulated."""

from __future__ import annotations

import numpy
from matplotlib.axes import Axes

from common.drawing import plotting
from common.results.readers import Tables

PLAIN, CONSOLIDATED = plotting.PALETTE["black"], plotting.PALETTE["orange"]


def draw_arrowhead(axis: Axes, x: numpy.ndarray, y: numpy.ndarray, color: str) -> None:
    """Draw which way a path goes, halfway along it."""
    length = numpy.hypot(numpy.diff(x), numpy.diff(y)).cumsum()
    tail, head = (numpy.searchsorted(length, share * length[-1]) for share in (0.45, 0.55))
    look = {"arrowstyle": "-|>", "color": color, "mutation_scale": 14, "shrinkA": 0, "shrinkB": 0}
    axis.annotate("", (x[head], y[head]), (x[tail], y[tail]), arrowprops=look, zorder=5)


def stamp(tables: Tables) -> tuple[str, bool]:
    """Return what was drawn. It is the same at every scale, so at smoke scale too it is a result and not loud."""
    text = (
        f"Simulation on losses of our choice, the same at every scale (here: {tables.scales['landscapes']}) | no data"
    )
    return text, False
