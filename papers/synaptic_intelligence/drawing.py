"""What Figures 3 to 6 share: a colour and a name for each condition, and the paper's numbers for a panel."""

from __future__ import annotations

import pandas
from matplotlib.axes import Axes

from common import plotting
from common import reported as reported_numbers
from papers.synaptic_intelligence.conditions import LABELS

COLORS = {  # as in the paper's Figure 4, and kept throughout; its Figure 6 swaps blue and green
    "si-0": plotting.PALETTE["green"],
    "si-0.01": plotting.PALETTE["sky"],
    "si-0.02": plotting.PALETTE["purple"],
    "si-0.1": plotting.PALETTE["blue"],
    "si-1": plotting.PALETTE["blue"],
    "ewc": "0.5",
    "sgd": plotting.PALETTE["orange"],
    "dropout": plotting.PALETTE["vermilion"],
    "joint": "black",
    "scratch": "0.6",
}
NO_RUNS = "no runs at this scale"
SMALL, TINY = 8, 7  # font sizes of axes and of legends


def label(condition: str, runs: int) -> str:
    """Return a condition's name for a legend, with its number of runs."""
    return f"{LABELS[condition]}: {NO_RUNS}" if runs == 0 else f"{LABELS[condition]} (n = {runs})"


def paper_numbers(
    reported: pandas.DataFrame, artifact: str, panel: str, condition: str, how_read: str | None = None
) -> pandas.DataFrame:
    """Return the rows of reported.csv for one condition of a panel, in order of x; how_read: only those read so."""
    rows = reported_numbers.results(reported)
    chosen = (rows["artifact"] == artifact) & (rows["panel"] == panel) & (rows["method"] == LABELS[condition])
    if how_read:
        chosen &= rows["how_read"] == how_read
    return rows[chosen].sort_values("x")


def no_runs(axis: Axes) -> None:
    """Say in the middle of a panel that there is nothing to draw."""
    axis.text(0.5, 0.5, NO_RUNS, transform=axis.transAxes, ha="center", va="center", color="0.35", fontsize=SMALL)
