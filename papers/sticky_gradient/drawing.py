"""What the figures share: a colour for each condition, lines with 95% intervals, and the paper's numbers."""

from __future__ import annotations

from typing import Any

import pandas
from matplotlib.axes import Axes

from common import plotting
from common import reported as reported_numbers
from common.stats import summary
from papers.sticky_gradient.conditions import CONTROL, EWC, FULL, LABELS, SEARCHED
from papers.sticky_gradient.protocol import Attractor

STICKY = plotting.PALETTE["vermilion"]
COLORS = {CONTROL: "0.35", EWC: plotting.PALETTE["blue"], FULL: STICKY, FULL + SEARCHED: STICKY}
NO_RUNS = "no runs at this scale"
SMALL, TINY = 8, 7  # font sizes of axes and of legends


def label(condition: str, runs: int) -> str:
    """Return a condition's name for a legend, with its number of runs."""
    return f"{LABELS[condition]}: {NO_RUNS}" if runs == 0 else f"{LABELS[condition]} (n = {runs})"


def summaries(table: pandas.DataFrame) -> pandas.DataFrame:
    """Return x, mean, ci_low, ci_high (95% t-interval; nan if n = 1) and n for each column of a table of runs."""
    rows = [(x, own.mean, own.ci_low, own.ci_high, own.n) for x, runs in table.items() for own in [summary(runs)]]
    return pandas.DataFrame(rows, columns=["x", "mean", "ci_low", "ci_high", "n"])


def curve(axis: Axes, values: pandas.DataFrame, aside: float = 0.0, **look: Any) -> None:
    """Draw means as a line with error bars, the 95% intervals; values: as `summaries` returns them."""
    if values.empty:
        return
    bars = None
    if not values["ci_low"].isna().all():
        bars = [(values["mean"] - values["ci_low"]).fillna(0), (values["ci_high"] - values["mean"]).fillna(0)]
    style = {"marker": "o", "markersize": 2.5, "linewidth": 1.5, "elinewidth": 0.9, "capsize": 1.8} | look
    axis.errorbar(values["x"] + aside, values["mean"], bars, **style)


def point(axis: Axes, own: Any, height: float, **look: Any) -> None:
    """Draw one mean with its 95% interval, lying, at a height; own: a row of `summaries`."""
    bars = None if own.n == 1 else [[own.mean - own.ci_low], [own.ci_high - own.mean]]
    style = {"marker": "o", "markersize": 4, "elinewidth": 1.2, "capsize": 2} | look | {"linestyle": "none"}
    axis.errorbar([own.mean], [height], xerr=bars, **style)


def paper_numbers(reported: pandas.DataFrame, artifact: str, panel: str = "") -> pandas.DataFrame:
    """Return the results that reported.csv has for a panel."""
    rows = reported_numbers.results(reported)
    return rows[(rows["artifact"] == artifact) & (rows["panel"] == panel)]


def published(reported: pandas.DataFrame) -> Attractor:
    """Return the hyperparameters of the paper's Table 1."""
    values = paper_numbers(reported, "table1").set_index("quantity")["value"]
    return Attractor(**{name: float(values[name]) for name in Attractor.__dataclass_fields__})


def no_runs(axis: Axes) -> None:
    """Say in the middle of a panel that there is nothing to draw."""
    axis.text(0.5, 0.5, NO_RUNS, transform=axis.transAxes, ha="center", va="center", color="0.35", fontsize=SMALL)
