"""What agrees, and what follows: ranks of synapses between classes, images between models, encodings between images.

The mean mask of an image is the mean over all masks of a layer (C3). Images with a high one are enhancing, those with a low
one diminishing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas
from numpy import ndarray
from scipy import stats
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import TSNE
from sklearn.neighbors import NearestNeighbors

from papers.tsar import activity


def rank_changes(masks: ndarray, per_class: int) -> pandas.DataFrame:
    """Figures 2 A and 11 to 19: how much the ranks of synapses within a class differ from those over all other classes.

    One row per class, in the order in which they were learned. spearman: correlation of the ranks; top_shared: of the top 1%
    of synapses within the class, the share that is in the top 5% elsewhere; mean_change: mean of |difference of log10 ranks|;
    largest_change: its maximum over the 100 synapses that are most active elsewhere. Values are nan where ranks are all tied.
    masks: [classes * per_class, synapses].
    """
    rows = []
    for agnostic, specific in activity.ranks(masks, per_class):
        top, change = specific <= max(1, len(specific) / 100), np.abs(np.log10(agnostic / specific))
        with np.errstate(invalid="ignore"):
            spearman = np.corrcoef(agnostic, specific)[0, 1]
        shared = (agnostic[top] <= max(1, len(specific) / 20)).sum() / top.sum() if top.any() else np.nan
        rows.append((spearman, shared, change.mean(), change[agnostic <= 100].max(initial=0)))
    return pandas.DataFrame(rows, columns=["spearman", "top_shared", "mean_change", "largest_change"])


def extremes(mean_masks: ndarray, count: int) -> tuple[ndarray, ndarray]:
    """Figures 5 C and 10 F: the `count` most diminishing and most enhancing images of each class, [..., classes, count] each.

    Returned are indices within the class, the most extreme first. mean_masks: [..., classes, images]. Raises ValueError if a
    class has fewer images.
    """
    if not 0 < count <= mean_masks.shape[-1]:
        raise ValueError(f"extremes: a class has {mean_masks.shape[-1]} images, so {count} cannot be taken; take fewer")
    order = np.argsort(mean_masks, axis=-1, kind="stable")
    return order[..., :count], order[..., ::-1][..., :count]


def membership(sets: ndarray, images: int) -> pandas.DataFrame:
    """Figure 10 F: the share of a class's images that are in the sets of exactly so many models.

    One row for each number of models, from 0: share and sd over classes, and null, which is Binomial(models, count / images).
    sets: indices from `extremes` [models, classes, count]; images: how many a class has.
    """
    models, classes, count = sets.shape
    member = np.zeros((models, classes, images), bool)
    np.put_along_axis(member, sets, True, axis=2)
    numbers = np.arange(models + 1)
    shares = (member.sum(0)[..., None] == numbers).mean(1)  # [classes, models + 1]
    null = stats.binom.pmf(numbers, models, count / images)
    sd = shares.std(0, ddof=1) if classes > 1 else np.nan
    return pandas.DataFrame({"models": numbers, "share": shares.mean(0), "sd": sd, "null": null})


def rank_agreement(one: ndarray, other: ndarray) -> tuple[ndarray, ndarray, float]:
    """Figure 10 E: log10 ranks of images in two models, and Spearman's rho of them; rank 1 has the highest mean mask.

    one, other: mean masks of the same images [images]. Ties are averaged; rho is nan where one of both is constant.
    """
    ranks = stats.rankdata([-one, -other], axis=1)
    with np.errstate(invalid="ignore"):
        rho = float(np.corrcoef(ranks)[0, 1])
    return np.log10(ranks[0]), np.log10(ranks[1]), rho


def embed(encodings: ndarray, seed: int) -> ndarray:
    """Figure 10 C: encodings [images, units] -> 50 principal components -> t-SNE of perplexity 30: [images, 2].

    Fewer images or units than 50 give fewer components. Raises ValueError unless there are more than 30 images.
    """
    components = PCA(min(50, *encodings.shape), random_state=seed).fit_transform(encodings)
    return TSNE(2, perplexity=30, random_state=seed).fit_transform(components)


def nearest_neighbours(points: ndarray, labels: ndarray, ks: Sequence[int] = (1, 5, 10, 20)) -> ndarray:
    """Figure 10 D: accuracy of predicting a point's label by vote of its k nearest other points, for each k: [ks].

    A tied vote goes to the lowest label. points: [points, dimensions]; labels: whole numbers from 0 [points].
    """
    nearest = labels[NearestNeighbors(n_neighbors=max(ks)).fit(points).kneighbors(return_distance=False)]
    return np.array([(stats.mode(nearest[:, :k], axis=1).mode == labels).mean() for k in ks])


def separability(points: ndarray, enhancing: ndarray) -> float:
    """Figure 10 C: the share of points [points, 2] on the right side of a line between two kinds of them (bool [points]).

    The line is that of a logistic regression on the same points, so half is chance for kinds of equal number.
    """
    scaled = (points - points.mean(0)) / points.std(0)
    return float(LogisticRegression(C=1e3).fit(scaled, enhancing).score(scaled, enhancing))


def retention_and_adaptation(
    mean_masks: ndarray,
    recall_before: ndarray,
    recall_after: ndarray,
    probability_before: ndarray,
    probability_after: ndarray,
) -> pandas.DataFrame:
    """Figure 5 F, G: what an update changes, after images with diminished and with enhanced processing: two rows.

    Diminished and enhanced are the thirds of the noted updates with the lowest and the highest mean mask. retention: mean
    change of the recall of earlier images; adaptation: mean change of the probability of the image's own class. Updates of
    which a value is nan are left out of its mean, such as recall before there are earlier images.

    All arrays are [updates], noted just before and just after the update. mean_masks: of the update's image; recall: share
    of a fixed sample of earlier images; probability: of the right class of the update's image. Raises ValueError for fewer
    than three updates.
    """
    third = len(mean_masks) // 3
    if not third:
        raise ValueError(f"retention_and_adaptation: {len(mean_masks)} updates have no thirds; note at least 3")
    order, rows = np.argsort(mean_masks, kind="stable"), []
    for processing, chosen in (("diminished", order[:third]), ("enhanced", order[-third:])):
        retention, adaptation = (
            (after - before)[chosen]
            for before, after in ((recall_before, recall_after), (probability_before, probability_after))
        )
        rows.append((processing, np.nanmean(retention), np.nanmean(adaptation)))
    return pandas.DataFrame(rows, columns=["processing", "retention", "adaptation"])
