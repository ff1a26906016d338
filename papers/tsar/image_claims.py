"""The paper's claims on images and how the regulator encodes them, as predicates: what must be so in the arrays.

They are on Grow after data-rich meta-learning, under transfer to ImageNet. Shares are in percent.
"""

from __future__ import annotations

from operator import itemgetter

import numpy
from numpy import ndarray

from common.results.claims import Finding, where_defined, within
from common.results.readers import Tables
from papers.tsar import encodings
from papers.tsar.results import of_regulation, percent

NEIGHBOURS = (1, 5, 10, 20)  # in the order of the array
EXTREMES = 256  # images at either end; at most half of all


def tasks_are_not_identifiable(tables: Tables) -> list[Finding]:
    """For each number of neighbours in Figure 10 D."""
    findings = []
    for place, k in enumerate(NEIGHBOURS):
        accuracy = of_regulation(tables, itemgetter(place), "nearest_neighbours")
        findings.append(within(f"accuracy from {k} nearest neighbours", percent(accuracy), high=5))
    return findings


def regulator_toggles(tables: Tables) -> list[Finding]:
    """By a line that is fitted to the same images."""
    what = f"images on the right side of a line, top against bottom, at most {EXTREMES} of each"
    return [where_defined(what, of_regulation(tables, _separability, "embedding", "mean_masks"), low=90)]


def _separability(points: ndarray, mean_masks: ndarray) -> float:
    """Return how many of the images with the highest and the lowest mean mask a line tells apart, in percent."""
    count, order = min(EXTREMES, len(points) // 2), numpy.argsort(mean_masks, kind="stable")
    ends = points[numpy.concatenate([order[:count], order[-count:]])].astype(float)
    return 100 * encodings.separability(ends, numpy.arange(2 * count) >= count)
