"""The paper's claims on the weights of the class-prediction layer CP, as predicates: what must be so in the arrays.

They are on Grow after data-rich meta-learning, under transfer to ImageNet. Weights are grouped by the sign that they have
at the end.
"""

from __future__ import annotations

from functools import partial
from operator import itemgetter

import numpy
import scipy
from numpy import ndarray

from common.results.claims import Finding, side_by_side, where_defined
from common.results.readers import Tables
from papers.tsar.regulation import of_regulation

LAYERS = ("C1", "C2", "C3")  # in the order of the arrays, as the signs
SIGNS = ("positive", "negative")
FOLLOWING = 10  # tasks after a class's own


def positive_weights_activate(tables: Tables) -> list[Finding]:
    """In percent of the last image five tasks before, as in Figure 2 D; the released code reports the decrease."""
    return [where_defined("change of positive weights, last - first image", within_task(tables, "positive"), low=0)]


def positive_weights_become_dormant(tables: Tables) -> list[Finding]:
    """The value at 10 tasks is the mean over the images of the tenth; the trend is that of the ten tasks' means."""
    slopes = of_regulation(
        tables, lambda own: scipy.stats.linregress(range(FOLLOWING), _by_task(own[0])).slope, "following_classes"
    )
    return [
        where_defined("change of positive weights in the tenth task (%)", tenth_task(tables, "positive"), high=-20),
        where_defined("its trend, percent a task", slopes, high=0),
    ]


def negative_weights_do_the_inverse(tables: Tables) -> list[Finding]:
    """Judged is the negative weights' change where the positive ones' rises, and its reverse where that falls."""
    findings = []
    for what, of in (("within the task", within_task), ("in the tenth task after", tenth_task)):
        changes = side_by_side(of(tables, sign) for sign in SIGNS)
        opposed = {seed: negative * numpy.sign(positive) for seed, (positive, negative) in changes.items()}
        findings.append(
            where_defined(f"change of negative weights x sign of the positive ones', {what} (%)", opposed, high=0)
        )
    return findings


def positive_weights_are_suppressed(tables: Tables) -> list[Finding]:
    return [
        where_defined(
            f"{name} of CP regulation, positive / negative weights",
            of_regulation(tables, partial(ratio_of_signs, place=place), "by_sign"),
            high=1,
        )
        for place, name in enumerate(("mean", "variance"))
    ]


def signs_differ_in_bursts(tables: Tables) -> list[Finding]:
    """By the first differences' correlation with the top 10% of synapses, as in Figure 5 E."""
    findings = []
    for place, layer in enumerate(LAYERS):
        top, bottom = (of_regulation(tables, itemgetter((place, end)), "upstream_correlation") for end in (-1, 0))
        findings.append(where_defined(f"Pearson's r of the top centile of CP weights with {layer}", top, high=0))
        findings.append(where_defined(f"Pearson's r of the bottom centile with {layer}", bottom, low=0))
    return findings


def within_task(tables: Tables, sign: str) -> dict[int, float]:
    """Return by how much the regulation of a class's weights of a sign changes from its first image to its last (%)."""
    row = SIGNS.index(sign)
    return of_regulation(tables, lambda own: own[row, -1] - own[row, 0], "within_class")


def tenth_task(tables: Tables, sign: str) -> dict[int, float]:
    """Return by how much it has changed since the class's last image in the tenth task after it (%)."""
    return of_regulation(tables, lambda own: _by_task(own[SIGNS.index(sign)])[-1], "following_classes")


def _by_task(changes: ndarray) -> ndarray:
    """Return the mean change in each of the tasks that follow, of changes at all their images."""
    return changes.reshape(FOLLOWING, -1).mean(1)


def ratio_of_signs(moments: ndarray, place: int) -> float:
    """Return a moment of positive weights over that of negative ones; nan where the latter is 0."""
    positive, negative = moments[:, place]
    return positive / negative if negative else numpy.nan
