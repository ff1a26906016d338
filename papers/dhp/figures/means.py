"""Means with their standard errors, ours as a line with a band or as text, and the paper's of Table I."""

from __future__ import annotations

from typing import Any

import pandas
from matplotlib.axes import Axes

from common.results import reported as reported_numbers
from papers.dhp.conditions import BENCHMARK_LABELS, FINAL, LABELS
from papers.dhp.protocol import TUNED


def band(axis: Axes, values: pandas.DataFrame, color: str, **line: Any) -> None:
    """Draw means as a line with a band of one standard error; values: as `stats.summaries` returns them."""
    axis.plot(values["x"], values["mean"], color=color, **line)
    sem = values["sem"].fillna(0)
    axis.fill_between(values["x"], values["mean"] - sem, values["mean"] + sem, color=color, alpha=0.2, linewidth=0)


def in_table1(reported: pandas.DataFrame, benchmark: str, condition: str) -> pandas.Series:
    """Return the row of reported.csv with a condition's accuracy after all tasks; the same for our own lambda."""
    method = LABELS[condition.removesuffix(TUNED)]
    stated = {"quantity": FINAL, "setting": BENCHMARK_LABELS[benchmark], "method": method}
    return reported_numbers.results(reported, artifact="table1", panel="", **stated).iloc[0]


def plus_minus(mean: float, sem: float, decimals: int) -> str:
    """Return a mean and, where there is one, its standard error."""
    text = f"{mean:.{decimals}f}".replace("-", "−")
    return text if pandas.isna(sem) else f"{text} ± {sem:.{decimals}f}"
