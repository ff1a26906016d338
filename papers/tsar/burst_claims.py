"""The paper's claims on the bursts of synapses, as predicates: what must be so in the arrays.

They are on C3 of Grow after data-rich meta-learning, under transfer to ImageNet unless they say otherwise. Shares and R^2
are in percent.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy
from numpy import ndarray

from common.results.claims import Finding, difference, where_defined
from common.results.readers import Tables
from papers.tsar import activity
from papers.tsar.regulation import of_regulation, percent
from papers.tsar.results import DATASETS

THRESHOLDS = (0.10, 0.25, 0.50)
CERTAIN = 0.9  # |NPMI| above which pairs count as strongly synchronous or asynchronous


def synapses_burst(tables: Tables) -> list[Finding]:
    shares = percent(of_regulation(tables, activity.suppressed_next, "time_lag_c3"))
    return [where_defined("share below 0.25 at the image after one above 0.75", shares, low=50)]


def burst_sizes_have_heavy_tails(tables: Tables) -> list[Finding]:
    """The line is through all sizes of C3's bursts. Higher thresholds cannot give higher curves; equal ones would fail."""
    findings = []
    for threshold in THRESHOLDS:
        lines, spans = (_above(tables, "bursts_c3", threshold, of) for of in (_burst_line, _decades))
        findings.append(where_defined(f"R^2 of the CCDF of burst sizes, T = {threshold:.2f}", percent(lines), low=80))
        findings.append(where_defined(f"decades that it spans, T = {threshold:.2f}", spans, low=1))
    for low, high in itertools.pairwise(THRESHOLDS):
        sizes = (_above(tables, "bursts_c3", threshold, _mean_size) for threshold in (low, high))
        findings.append(
            where_defined(f"mean size of bursts, T = {low:.2f} - T = {high:.2f}", difference(*sizes), low=0)
        )
    return findings


def pairs_are_weakly_synchronous(tables: Tables) -> list[Finding]:
    """Pairs that never fire together count as 0 (Figure 6 C). A median is the lower edge of its bin, which is 0.01 wide."""
    findings = []
    for dataset, threshold in itertools.product(DATASETS, THRESHOLDS):
        where = f"T = {threshold:.2f}, {DATASETS[dataset]}"
        median, strong = (_above(tables, "npmi_c3", threshold, of, dataset) for of in (_median, _certain))
        findings.append(where_defined(f"median NPMI, {where}", median, low=0))
        findings.append(where_defined(f"pairs with |NPMI| > {CERTAIN:g}, {where}", percent(strong), high=5))
    return findings


def _above(
    tables: Tables, name: str, threshold: float, statistic: Callable[[ndarray], float], dataset: str = "imagenet"
) -> dict[int, float]:
    """Return a statistic of what an array [thresholds, ...] holds of one threshold, by seed; nan if it holds nothing."""

    def of_threshold(thresholds: ndarray, noted: ndarray) -> float:
        own = noted[thresholds == threshold]
        return statistic(own[0]) if len(own) else math.nan

    return of_regulation(tables, of_threshold, "thresholds", name, dataset=dataset)


def _burst_line(sizes: ndarray) -> float:
    """Return R^2 of the line through the log-log CCDF of burst sizes [images]; nan of fewer than two sizes."""
    at = numpy.unique(sizes[sizes > 0])
    return activity.power_law(at, activity.burst_ccdf(sizes[None], at)[0])[1]


def _decades(sizes: ndarray) -> float:
    """Return log10 of the largest burst over the smallest; nan without bursts."""
    fired = sizes[sizes > 0]
    return math.log10(fired.max() / fired.min()) if fired.size else math.nan


def _mean_size(sizes: ndarray) -> float:
    """Return the mean size of bursts, over all images; nan without bursts."""
    return sizes.mean() if sizes.any() else math.nan


def _median(counts: ndarray) -> float:
    """Return the lower edge of the bin that holds the median of NPMI; nan without pairs."""
    edges = numpy.linspace(-1, 1, len(counts) + 1)
    return edges[numpy.searchsorted(counts.cumsum(), counts.sum() / 2)] if counts.any() else math.nan


def _certain(counts: ndarray) -> float:
    """Return the share of pairs whose |NPMI| lies above 0.9; nan without pairs."""
    tail = round((1 - CERTAIN) / 2 * len(counts))
    return (counts[:tail].sum() + counts[-tail:].sum()) / counts.sum() if counts.any() else math.nan
