"""The paper's claims on images and how the regulator encodes them, as predicates: what must be so in the arrays.

They are on Grow after data-rich meta-learning, under transfer to ImageNet. Shares and changes are in percent. Models are
compared seed by seed; what they share has its interval over classes.
"""

from __future__ import annotations

from operator import itemgetter

import numpy
import scipy
from numpy import ndarray

from common.results.claims import Finding, where_defined, within
from common.results.readers import Tables
from papers.tsar import encodings, results
from papers.tsar.agreement import by_processing, membership_by_chance, rank_agreement
from papers.tsar.regulation import of_regulation, percent

NEIGHBOURS = (1, 5, 10, 20)  # in the order of the array
EXTREMES = 256  # images at either end; at most half of all
EXPECTED = 5  # images that each bin of a chi-square test must have


def diminished_images_retain(tables: Tables) -> list[Finding]:
    changes = of_regulation(tables, _enhanced_more, "mean_masks", "recall_changes")
    what = "change of earlier images' recall by an update, enhanced - diminished"
    return [where_defined(what, percent(changes), high=0)]


def enhanced_images_adapt(tables: Tables) -> list[Finding]:
    changes = of_regulation(tables, _enhanced_more, "mean_masks", "probability_changes")
    what = "change of the right class's probability by an update, enhanced - diminished"
    return [where_defined(what, percent(changes), low=0)]


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
    return [where_defined(what, percent(of_regulation(tables, _separability, "embedding", "mean_masks")), low=90)]


def rank_is_kept_when_fixed(tables: Tables) -> list[Finding]:
    """Fixed are the maps to C1, C2 and C3; a model learns the same images in the same order with and without."""
    rho = {seed: rank_agreement(*masks)[2] for seed, masks in results.image_regulation(tables).items()}
    return [where_defined("Spearman's correlation of images' mean masks, trainable and fixed", rho, low=0.7)]


def extremes_are_shared(tables: Tables) -> list[Finding]:
    """The sixth of a class's images with the lowest mean mask, which in the paper is 100 of 600."""
    shares = results.shared_extremes(tables).get("diminishing", numpy.empty((0, 0)))  # [classes, models + 1]
    what, models = "images in the bottom sixth of all models - by chance, over classes", shares.shape[1] - 1
    if models < 2:
        return [Finding("unclear" if models == 1 else "not run", f"{what}: {max(models, 0)} models (claimed above 0)")]
    images = tables["image_masks"].values["mean_masks"].shape[-1]
    chance = membership_by_chance(models, images // results.SETS / images)
    by_class = dict(enumerate(100 * (shares[:, -1] - chance[-1])))
    return [within(what, by_class, low=0), _exceeds(images * shares.sum(0), chance)]


def _enhanced_more(mean_masks: ndarray, changes: ndarray) -> float:
    """Return by how much more updates on enhancing images change than those on diminishing ones."""
    diminished, enhanced = by_processing(mean_masks, changes)
    return enhanced - diminished


def _separability(points: ndarray, mean_masks: ndarray) -> float:
    """Return the share of the images with the highest and the lowest mean mask that a line tells apart."""
    count, order = min(EXTREMES, len(points) // 2), numpy.argsort(mean_masks, kind="stable")
    ends = points[numpy.concatenate([order[:count], order[-count:]])].astype(float)
    return encodings.separability(ends, numpy.arange(2 * count) >= count)


def _exceeds(observed: ndarray, chance: ndarray) -> Finding:
    """Return whether numbers of images by how many models share them [models + 1] are spread wider than by chance.

    By chi-square, p < 0.01, where the highest numbers of models are one bin, so large that enough images are expected there.
    """
    expected = chance * observed.sum()
    last = numpy.flatnonzero(expected[::-1].cumsum()[::-1] >= EXPECTED).max()
    bins = [numpy.append(own[:last], own[last:].sum()) for own in (observed, expected)]
    p = scipy.stats.chisquare(*bins).pvalue
    squares = (numpy.arange(len(chance)) - numpy.arange(len(chance)) @ chance) ** 2
    ratio = squares @ observed / (squares @ expected)
    detail = (
        f"variance of how many models share an image / by chance: {ratio:.2f}, p = {p:.2g} (claimed above 1, p < 0.01)"
    )
    return Finding("holds" if ratio > 1 and p < 0.01 else "fails", detail)
