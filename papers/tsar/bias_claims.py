"""The paper's claims on the sweep of initial biases, as predicates: what must be so in tables and arrays.

The sweep is of data-rich meta-learning. Recall is in percent; biases are compared seed by seed.
"""

from __future__ import annotations

import numpy
import scipy
from numpy import ndarray

from common.results.claims import Finding, difference, side_by_side, where_defined, within
from common.results.readers import Tables
from papers.tsar import results
from papers.tsar.protocol import with_initial_bias
from papers.tsar.recall_claims import recall_after_all
from papers.tsar.regulation_claims import straightness
from papers.tsar.results import DATASETS

REGIONS = ((-12, -11), (-10, -6), (-5, -1), (0, 0), (1, 12))  # each needs a bias to say where recall is best


def best_bias_is_near_minus_eight(tables: Tables) -> list[Finding]:
    if lacking := _lacking(tables):
        return lacking
    runs, means = _sweep(tables)
    near, rest = _best_within(means, -10, -6)
    best, positive = max(near, rest, key=means.__getitem__), max((b for b in means if b > 0), key=means.__getitem__)
    return [
        within(f"bias {near} - bias {rest}, the best outside -10..-6", difference(runs[near], runs[rest]), low=0),
        within(f"best bias {best} - bias 0", difference(runs[best], runs[0]), low=10),
        within(f"best positive bias {positive} - bias 0", difference(runs[positive], runs[0]), high=5),
    ]


def best_bias_is_the_same_on_both(tables: Tables) -> list[Finding]:
    """On each data set the best bias within 2 of the other's best must beat all others: that has an interval over models."""
    if lacking := [*_lacking(tables), *_lacking(tables, "cifar100")]:
        return lacking
    findings = []
    for dataset, other in (("imagenet", "cifar100"), ("cifar100", "imagenet")):
        runs, means = _sweep(tables, dataset)
        _, elsewhere = _sweep(tables, other)
        best = max((bias for bias in elsewhere if bias in means), key=elsewhere.__getitem__)
        near, rest = _best_within(means, best - 2, best + 2)
        what = f"{DATASETS[dataset]}, bias {near} - bias {rest} (best of {DATASETS[other]}: {best})"
        findings.append(within(what, difference(runs[near], runs[rest]), low=0))
    return findings


def success_is_scale_free(tables: Tables) -> list[Finding]:
    """Model by model; the released code takes the champion run of each bias. A bias whose masks have no line is left out."""
    if lacking := _lacking(tables):
        return lacking
    recall, lines = [], []
    for bias in results.biases(tables):
        recall.append(recall_after_all(tables, with_initial_bias(bias)))
        lines.append(straightness(tables, "c3", with_initial_bias(bias)))
    pairs = {seed: numpy.reshape(values, (2, -1)) for seed, values in side_by_side(recall + lines).items()}
    trend = {seed: _spearman(*own[:, numpy.isfinite(own[1])]) for seed, own in pairs.items()}
    return [where_defined("Spearman's correlation of recall and R^2 over biases", trend, low=0.5)]


def _lacking(tables: Tables, dataset: str = "imagenet") -> list[Finding]:
    """Return that the sweep was not run, if it lacks a bias that says where recall is best; nothing otherwise."""
    _, means = _sweep(tables, dataset)
    if all(any(low <= bias <= high for bias in means) for low, high in REGIONS):
        return []
    held = ", ".join(map(str, means)) or "none"
    return [Finding("not run", f"the sweep on {DATASETS[dataset]} holds only the biases {held}")]


def _sweep(tables: Tables, dataset: str = "imagenet") -> tuple[dict[int, dict[int, float]], dict[int, float]]:
    """Return final recall of every bias that was run, by seed; and its mean."""
    runs = {
        bias: recall_after_all(tables, with_initial_bias(bias), dataset=dataset)
        for bias in results.biases(tables, dataset)
    }
    return runs, {bias: sum(own.values()) / len(own) for bias, own in runs.items() if own}


def _best_within(means: dict[int, float], low: int, high: int) -> tuple[int, int]:
    """Return the bias between low and high that recalls most, and the one that does outside."""
    near = max((bias for bias in means if low <= bias <= high), key=means.__getitem__)
    return near, max((bias for bias in means if not low <= bias <= high), key=means.__getitem__)


def _spearman(one: ndarray, other: ndarray) -> float:
    """Return Spearman's correlation; nan where one of both is constant."""
    with numpy.errstate(invalid="ignore", divide="ignore"):
        return numpy.corrcoef(scipy.stats.rankdata([one, other], axis=1))[0, 1]
