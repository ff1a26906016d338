"""The numbers a paper reports, read from its reported.csv, and how ours compare with them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas

from common.results import readers, reported_rows, stats
from common.results.reported_rows import COLUMNS, SETTINGS


def read(path: str | Path) -> pandas.DataFrame:
    """Return all rows of a reported.csv, as `reported_rows.read` does, and with its errors."""
    return pandas.DataFrame(reported_rows.read(path), columns=COLUMNS)


def results(reported: pandas.DataFrame, **chosen: str) -> pandas.DataFrame:
    """Return the rows that report a result, without the settings; every value is a float.

    chosen: by column, the value that rows must have there, such as artifact="fig2".
    """
    return readers.chosen(reported[~reported["artifact"].isin(SETTINGS)].astype({"value": float}), **chosen)


def compare(reported: pandas.DataFrame, our_runs: Callable[[dict], Mapping[int, float]]) -> pandas.DataFrame:
    """Return the reported results, each with ours_mean, ours_sd, ours_n, ours_diverged, difference, ci_low, ci_high, verdict.

    our_runs: takes such a row as a dict and returns our values by seed, in the reported unit: nan for a seed that
    diverged before it had one; empty if not run. The difference is ours minus the paper's; it and its 95% interval are
    nan where there are too few runs.
    """
    reported = results(reported).reset_index(drop=True)
    rows = [_compared(row, list(our_runs(row).values())) for row in reported.to_dict("records")]
    columns = ["ours_mean", "ours_sd", "ours_n", "ours_diverged", "difference", "ci_low", "ci_high", "verdict"]
    return pandas.concat([reported, pandas.DataFrame(rows, columns=columns)], axis=1)


def _compared(row: dict, runs: list[float]) -> list[Any]:
    nan = math.nan
    values = [value for value in runs if not math.isnan(value)]
    lost = len(runs) - len(values)
    if not values:
        return [nan, nan, 0, lost, nan, nan, nan, "diverged" if lost else "not run"]
    own = stats.summary(values)
    difference = stats.difference_interval(values, row["value"], row["spread"], row["spread_kind"], row["n"])
    verdict = stats.verdict(difference.low, difference.high, row["margin"], own.n)
    return [own.mean, own.sd, own.n, lost, difference.mean, difference.low, difference.high, verdict]
