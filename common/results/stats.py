"""Means with 95% intervals, differences from reported numbers, and the one rule that says whether they agree."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import pandas
import scipy  # its parts are imported when they are used

from common.results.reported_rows import SPREAD_KINDS


class Summary(NamedTuple):
    """A sample's size, mean, standard deviation, standard error and 95% t-interval of the mean (nan if n = 1)."""

    n: int
    mean: float
    sd: float
    sem: float
    ci_low: float
    ci_high: float


class Difference(NamedTuple):
    """A mean difference with its 95% interval (nan if n = 1); n is the number of our runs behind it."""

    mean: float
    low: float
    high: float
    n: int


def summary(values: Iterable[float]) -> Summary:
    """Return the summary of a sample. Raises ValueError if it is empty or holds a value that is not finite."""
    values = [float(value) for value in values]
    if not values:
        raise ValueError("summary: no values")
    if not all(map(math.isfinite, values)):
        raise ValueError(f"summary: values must be finite, found {values}")
    mean, n = statistics.fmean(values), len(values)
    if n == 1:
        return Summary(1, mean, math.nan, math.nan, math.nan, math.nan)
    sd = statistics.stdev(values)
    sem = sd / math.sqrt(n)
    half_width = _t_quantile(n - 1) * sem
    return Summary(n, mean, sd, sem, mean - half_width, mean + half_width)


def summaries(samples: Iterable[tuple], columns: Sequence[str]) -> pandas.DataFrame:
    """Return a table with one row per sample: what tells it from the others, and its statistics.

    samples: tuples that end with the sample's values, without those that are nan, as of runs that had diverged; columns:
    names for what stands before, then fields of `Summary`. A sample that is empty then has no row.
    """
    fields = [column for column in columns if column in Summary._fields]
    rows = []
    for *key, values in samples:
        if finite := [value for value in values if not math.isnan(value)]:
            own = summary(finite)
            rows.append((*key, *(getattr(own, name) for name in fields)))
    return pandas.DataFrame(rows, columns=columns)


def difference_interval(
    ours: Iterable[float], value: float, spread: float | None, spread_kind: str, n: int | None
) -> Difference:
    """Return the mean of ours minus a reported mean, with its 95% Welch interval.

    value, spread, n: the reported mean, its spread and number of runs; spread_kind: sd, sem, ci95 (half the width of a
    95% interval of the mean), or none, where the reported mean counts as exact. Raises ValueError if a spread has
    another kind, is negative, or is not of at least two runs.
    """
    own = summary(ours)
    error, freedom = _reported_error(spread, spread_kind, n)
    difference = own.mean - value
    if own.n == 1:
        return Difference(difference, math.nan, math.nan, 1)
    variances = [(own.sem**2, own.n - 1), (error**2, freedom)]
    variance = sum(part for part, _ in variances)
    if variance == 0:
        return Difference(difference, difference, difference, own.n)
    # Welch-Satterthwaite
    welch_freedom = variance**2 / sum(part**2 / freedom for part, freedom in variances)
    half_width = _t_quantile(welch_freedom) * math.sqrt(variance)
    return Difference(difference, difference - half_width, difference + half_width, own.n)


def verdict(low: float, high: float, margin: float, n: int) -> str:
    """Return how the 95% interval [low, high] of ours minus the reported value stands to a margin fixed in advance.

    - "agrees": the whole interval lies within +- margin;
    - "differs": the interval excludes 0 and the mean difference (its centre) exceeds the margin, in either direction;
    - "unclear": anything else, and always with a single run: too few runs to say;
    Raises ValueError if the margin is not a positive number.
    """
    if not margin > 0:
        raise ValueError(f"verdict: the margin must be a positive number, not {margin}")
    if n == 1 or math.isnan(low) or math.isnan(high):
        return "unclear"
    if -margin <= low and high <= margin:
        return "agrees"
    if (low > 0 or high < 0) and abs(low + high) / 2 > margin:
        return "differs"
    return "unclear"


def _reported_error(spread: float | None, spread_kind: str, n: int | None) -> tuple[float, float]:
    """Return the standard error of a reported mean and its degrees of freedom."""
    if spread_kind not in SPREAD_KINDS:
        raise ValueError(f"unknown kind of spread {spread_kind!r}; known are {', '.join(SPREAD_KINDS)}")
    if spread_kind == "none":
        return 0.0, math.inf
    if spread is None or not spread >= 0 or n is None or not n >= 2:
        raise ValueError(f"a reported {spread_kind} needs a spread and at least 2 runs, found {spread} of {n} runs")
    divisor = {"sd": math.sqrt(n), "sem": 1.0, "ci95": _t_quantile(n - 1)}[spread_kind]
    return spread / divisor, n - 1


def _t_quantile(freedom: float) -> float:
    return float(scipy.special.stdtrit(freedom, 0.975))
