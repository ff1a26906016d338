"""What the figures share: a look for each condition, means with their standard errors, and the paper's Table I."""

from __future__ import annotations

import pandas
from matplotlib.axes import Axes

from common import plotting
from common import reported as reported_numbers
from papers.dhp.conditions import BENCHMARKS, DHP, FINAL, LABELS, TUNED

# Light and dashed without, dark and solid with DHP.
COLORS = {
    "finetune": "0.62",
    DHP: plotting.PALETTE["black"],
    "si": plotting.PALETTE["orange"],
    "dhp-si": plotting.PALETTE["vermilion"],
    "ewc": plotting.PALETTE["sky"],
    "dhp-ewc": plotting.PALETTE["blue"],
    "mas": "#8CD3B5",
    "dhp-mas": plotting.PALETTE["green"],
}


def look(condition: str) -> dict:
    """Return how the line of a condition is drawn."""
    method = condition.removesuffix(TUNED)
    has_dhp = DHP in method.split("-")
    return {"color": COLORS[method], "linestyle": "-" if has_dhp else "--"}


def band(axis: Axes, values: pandas.DataFrame, color: str, **line: object) -> None:
    """Draw means as a line with a band of one standard error; values: as `stats.summaries` returns them."""
    axis.plot(values["x"], values["mean"], color=color, **line)
    sem = values["sem"].fillna(0)
    axis.fill_between(values["x"], values["mean"] - sem, values["mean"] + sem, color=color, alpha=0.2, linewidth=0)


def in_table1(reported: pandas.DataFrame, benchmark: str, condition: str) -> pandas.Series:
    """Return the row of reported.csv with a condition's accuracy after all tasks; the same for our own lambda."""
    stated = {"quantity": FINAL, "setting": BENCHMARKS[benchmark], "method": LABELS[condition.removesuffix(TUNED)]}
    return reported_numbers.results(reported, artifact="table1", panel="", **stated).iloc[0]


def plus_minus(mean: float, sem: float, decimals: int) -> str:
    """Return a mean and, where there is one, its standard error."""
    text = f"{mean:.{decimals}f}".replace("-", "−")
    return text if pandas.isna(sem) else f"{text} ± {sem:.{decimals}f}"
