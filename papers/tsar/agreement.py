"""Images by their mean C3 mask: which are extreme in a class, whether models agree on that, and what their updates change.

The mean mask of an image is the mean over all masks of C3. Images with a high one are enhancing, those with a low one
diminishing.
"""

from __future__ import annotations

import numpy as np
import scipy  # its parts are imported when they are used
from numpy import ndarray

PROCESSING = ("diminished", "enhanced")  # of images with a low and with a high mean mask


def extremes(mean_masks: ndarray, count: int) -> tuple[ndarray, ndarray]:
    """Figures 5 C and 10 F: the `count` most diminishing and most enhancing images of each class, [..., classes, count] each.

    Returned are indices within the class, the most extreme first. mean_masks: [..., classes, images]. Raises ValueError if a
    class has fewer images.
    """
    if not 0 < count <= mean_masks.shape[-1]:
        raise ValueError(f"extremes: a class has {mean_masks.shape[-1]} images, so {count} cannot be taken; take fewer")
    order = np.argsort(mean_masks, axis=-1, kind="stable")
    return order[..., :count], order[..., ::-1][..., :count]


def membership(sets: ndarray, images: int) -> ndarray:
    """Figure 10 F: of each class, the share of images that are in the sets of exactly m models: [classes, models + 1].

    sets: indices from `extremes` [models, classes, count]; images: how many a class has. Column m is of m models.
    """
    models, classes, _ = sets.shape
    member = np.zeros((models, classes, images), bool)
    np.put_along_axis(member, sets, True, axis=2)
    return (member.sum(0)[..., None] == np.arange(models + 1)).mean(1)


def membership_by_chance(models: int, share: float) -> ndarray:
    """Figure 10 F: the same shares if models drew their sets at random: Binomial(models, share) from 0 on [models + 1]."""
    return scipy.stats.binom.pmf(np.arange(models + 1), models, share)


def rank_agreement(one: ndarray, other: ndarray) -> tuple[ndarray, ndarray, float]:
    """Figure 10 E: log10 ranks of images by two mean masks, and Spearman's rho of them; rank 1 has the highest mean mask.

    one, other: mean masks of the same images [images]. Ties are averaged; rho is nan where one of both is constant.
    """
    ranks = scipy.stats.rankdata([-one, -other], axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        rho = float(np.corrcoef(ranks)[0, 1])
    return np.log10(ranks[0]), np.log10(ranks[1]), rho


def by_processing(mean_masks: ndarray, changes: ndarray) -> ndarray:
    """Figure 5 F, G: the mean change that an update causes, over the third of updates with the lowest and the highest mask.

    Returned are two means, in the order of `PROCESSING`. mean_masks: of the update's image [updates]; changes: what the
    update changed [updates], left out where it is nan. A third without any gives nan. Raises ValueError for fewer than three
    updates.
    """
    third = len(mean_masks) // 3
    if not third:
        raise ValueError(f"by_processing: {len(mean_masks)} updates have no thirds; note at least 3")
    order = np.argsort(mean_masks, kind="stable")
    thirds = np.ma.masked_invalid(np.stack([changes[order[:third]], changes[order[-third:]]]).astype(np.float64))
    return thirds.mean(1).filled(np.nan)
