"""What the figures share: means with 95% intervals, as curves and as points, their axes and their legend."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from common.drawing import plotting
from papers.sticky_gradient.conditions import LABELS, look
from papers.sticky_gradient.readings import SEARCHED


def curve(axis: Axes, values: pandas.DataFrame, aside: float = 0.0, **line: Any) -> None:
    """Draw means as a line with error bars, the 95% intervals.

    values: as `stats.summaries` returns them; aside: how far to the right of their x; line: how to draw it.
    """
    if values.empty:
        return
    bars = None
    if not values["ci_low"].isna().all():
        ends = values["mean"] - values["ci_low"], values["ci_high"] - values["mean"]
        bars = [length.fillna(0).tolist() for length in ends]
    style: dict[str, Any] = {"marker": "o", "markersize": 2.5, "elinewidth": 0.9, "capsize": 1.8}
    axis.errorbar(values["x"] + aside, values["mean"], bars, **style | line)


def point(axis: Axes, own: Any, height: float, **mark: Any) -> None:
    """Draw one mean with its 95% interval, lying, at a height; own: a row of `stats.summaries`; mark: how to draw it."""
    bars = None if own.n == 1 else [[own.mean - own.ci_low], [own.ci_high - own.mean]]
    style: dict[str, Any] = {"marker": "o", "markersize": 4, "elinewidth": 1.2, "capsize": 2}
    axis.errorbar([own.mean], [height], xerr=bars, **style | mark | {"linestyle": "none"})


def limits(accuracies: pandas.DataFrame) -> tuple[float, float]:
    """Return from where to where the axes of these accuracies go: from 0.6 on, unless some are lower, to 1."""
    lowest = accuracies[["mean", "ci_low"]].min(axis=None)
    return (0.6 if accuracies.empty else max(0, min(0.6, lowest - 0.02))), 1


def name_heights(axis: Axes, names: Iterable[tuple[float, str]]) -> None:
    """Write names at heights of an axis whose lines are margins, in percentage points, and mark no difference."""
    heights, texts = zip(*names, strict=True)
    axis.set_yticks(heights, texts, fontsize=plotting.TINY)
    axis.tick_params(axis="y", length=0)
    axis.axvline(0, color="0.6", linewidth=0.8, zorder=0)
    axis.set_xlabel("Percentage points")


def legend(figure: Figure, axis: Axes, accuracies: pandas.DataFrame, conditions: Iterable[str]) -> None:
    """Write a legend above all panels: the conditions with their numbers of runs, and the paper's markers on an axis.

    Our own search is left out where it was not run.
    """
    entries: list[tuple[Artist, str]] = []
    papers = list(zip(*axis.get_legend_handles_labels(), strict=True))
    for condition in conditions:
        runs = accuracies.loc[accuracies["condition"] == condition, "n"]
        if condition.endswith(SEARCHED) and runs.empty:
            continue
        (line,) = axis.plot([], [], "o", markersize=2.5, **look(condition))
        entries.append((line, plotting.name_with_runs(LABELS[condition], *runs)))
    handles, names = zip(*entries, *papers, strict=True)
    figure.legend(handles, names, loc="outside upper center", ncols=len(names), handlelength=3.2)
