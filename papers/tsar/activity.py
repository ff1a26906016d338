"""What the masks of one run tell: task-specific modules, bursts, scale-free regulation, and the weights of a class.

`masks` [images, synapses] (float16 or float32, from 0 to 1) are those of one layer at every image of a transfer run, before
its update, in order. `per_class`: how many images a class has. `cp_masks` [images, classes, inputs] are the same of the last
layer, of the outputs that are used; `cp_weights` [classes, inputs] are that layer's weights at the end of the run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas
import scipy  # its parts are imported when they are used
from numpy import ndarray

TOP = 1.001  # where the last bin of regulation ends, so that a mask of 1 lies inside


def rank_rank(masks: ndarray, per_class: int, bins: int = 100) -> ndarray:
    """Figure 2 A: counts [bins, bins] of synapses by rank over all other classes (axis 0) and within a class (axis 1).

    Rank 1 is the most active. Bins are equal steps of log10 rank, up to that of the number of synapses. All classes are
    added up. Raises ValueError if there is one class alone.
    """
    counts = np.zeros(bins * bins, np.int64)
    for pair in ranks(masks, per_class):
        agnostic, specific = _bin(np.log10(pair), bins, np.log10(max(masks.shape[1], 2)))
        counts += np.bincount(agnostic * bins + specific, minlength=bins * bins)
    return counts.reshape(bins, bins)


def ranks(masks: ndarray, per_class: int) -> Iterator[ndarray]:
    """Yield the ranks of synapses by mean mask, class by class: over all other classes and within this one [2, synapses].

    The highest mean has rank 1; ties are averaged. Raises ValueError as `rank_rank` does.
    """
    sums = np.stack([own.sum(0, dtype=np.float64) for own in _by_class(masks, per_class)])  # of float16 they are exact
    if len(sums) < 2:
        raise ValueError("ranks: one class has no other classes to compare with; give the masks of at least two")
    total = sums.sum(0)
    for own in sums:
        yield scipy.stats.rankdata([own - total, -own], axis=1)


def rank_changes(masks: ndarray, per_class: int) -> dict[str, ndarray]:
    """Figures 2 A and 11 to 19: how far the ranks of synapses within a class are from those over all other classes.

    By name, each [classes], in the order in which they were learned: rank_correlation, Spearman's of the two; top_shared,
    the share of a class's top 1% that is in the top 5% elsewhere; largest_rank_change, the largest difference of log10 ranks
    among the 100 synapses that are most active elsewhere. They are nan where ties leave nothing to compare. Raises
    ValueError as `rank_rank` does.
    """
    found: dict[str, list[float]] = {"rank_correlation": [], "top_shared": [], "largest_rank_change": []}
    for agnostic, specific in ranks(masks, per_class):
        top, foremost = specific <= max(1, len(specific) / 100), agnostic <= 100
        shared, change = agnostic[top] <= max(1, len(specific) / 20), np.abs(np.log10(agnostic / specific))[foremost]
        with np.errstate(invalid="ignore", divide="ignore"):
            found["rank_correlation"].append(np.corrcoef(agnostic, specific)[0, 1])
        found["top_shared"].append(shared.mean() if shared.size else np.nan)
        found["largest_rank_change"].append(change.max() if change.size else np.nan)
    return {name: np.array(values) for name, values in found.items()}


def modular(classes: int, synapses: int, per_class: int, generator: np.random.Generator) -> ndarray:
    """Figure 2 A, "Modular": masks of a hypothetical network in which every synapse serves one class alone.

    They are random: from 0.5 to 1 at images of the synapse's class, and below 0.001 at others. Modules are of equal size.
    """
    masks = generator.random((classes * per_class, synapses), np.float32)
    own = np.arange(synapses) * classes // synapses == np.repeat(np.arange(classes), per_class)[:, None]
    return np.where(own, 0.5 + masks / 2, masks / 1000)


def time_lag(masks: ndarray, per_class: int, bins: int = 250) -> ndarray:
    """Figure 2 A, "Bursting": counts [bins, bins] of a mask at one image (axis 0) and at the next of its class (axis 1).

    Only synapses from the 75th to the 99th centile of mean mask are counted. Bins are equal steps from 0 to 1.
    """
    synapses, counts = masks.shape[1], np.zeros(bins * bins, np.int64)
    band = np.sort(_by_mean(masks)[75 * synapses // 100 : 99 * synapses // 100])
    for own in _by_class(masks, per_class):
        values = _bin(own[:, band], bins)
        counts += np.bincount((values[:-1] * bins + values[1:]).ravel(), minlength=bins * bins)
    return counts.reshape(bins, bins)


def suppressed_next(counts: ndarray) -> float:
    """Figure 2 A: P(mask < 0.25 at an image | mask > 0.75 at the one before) from the counts of `time_lag`; nan without any.

    Bins that 0.25 or 0.75 divide are left out.
    """
    quarter = len(counts) // 4
    high = counts[-quarter:]
    return high[:, :quarter].sum() / high.sum() if high.any() else np.nan


def regulation_ccdf(masks: ndarray, bins: int = 1000) -> ndarray:
    """Figure 2 B, C: counts [bins] of all masks in equal steps from 0 to 1.001. Counts of several runs can be added."""
    counts = np.zeros(bins, np.int64)
    for part in _parts(masks):
        counts += np.bincount(_bin(part.ravel(), bins, TOP), minlength=bins)
    return counts


def ccdf(counts: ndarray) -> tuple[ndarray, ndarray]:
    """Return the left edges of the bins of `regulation_ccdf`, and the share of masks at or above each: two arrays [bins]."""
    return np.linspace(0, TOP, len(counts) + 1)[:-1], counts[::-1].cumsum()[::-1] / counts.sum()


def power_law(edges: ndarray, share: ndarray) -> tuple[float, float]:
    """log10 share = slope log10 edge + constant, by least squares: return the slope and R^2.

    Used are the edges above 0 of bins with counts, after which the share is lower. Fewer than two of them give nan.
    """
    used = (edges > 0) & (share > np.append(share[1:], 0))
    if used.sum() < 2:
        return np.nan, np.nan
    line = scipy.stats.linregress(np.log10(edges[used]), np.log10(share[used]))
    return float(line.slope), float(line.rvalue**2)


def burst_sizes(masks: ndarray, thresholds: Sequence[float]) -> ndarray:
    """Figure 4 D: how many synapses have a mask above each threshold: [thresholds, images]."""
    parts = [[np.count_nonzero(part > threshold, axis=1) for threshold in thresholds] for part in _parts(masks)]
    return np.concatenate(parts, axis=1)


def burst_ccdf(sizes: ndarray, at: ndarray) -> ndarray:
    """Figure 4 D: share of images whose burst has at least `at` [points] synapses: [thresholds, points]."""
    return np.stack([(row[:, None] >= at).mean(0) for row in sizes])


def npmi(masks: ndarray, threshold: float, most: int, generator: np.random.Generator, bins: int) -> ndarray:
    """Figure 6 C: npmi(i, j) = log(p(i, j) / (p(i) p(j))) / -log p(i, j), as counts [bins] of pairs from -1 to 1.

    p: shares of images at which synapses have a mask above the threshold. Used are synapses that have it at more than 1% of
    images; of more than `most`, so many are drawn. Pairs that never have it together count as 0, those that always do as 1.
    """
    images, counts = len(masks), np.zeros(bins, np.int64)
    above = sum(np.count_nonzero(part > threshold, axis=0) for part in _parts(masks))
    chosen = np.flatnonzero(above > images / 100)
    if len(chosen) > most:
        chosen = np.sort(generator.choice(chosen, most, replace=False))
    fires = (masks[:, chosen] > threshold).astype(np.float32)  # sums of ones are exact
    single = fires.sum(0, dtype=np.float64)
    for start in range(0, len(chosen), 500):
        rows = slice(start, start + 500)
        pairs = np.triu(np.ones((len(single[rows]), len(chosen)), bool), start + 1)
        joint, expected = (fires[:, rows].T @ fires)[pairs].astype(np.float64), np.outer(single[rows], single)[pairs]
        values, some = (joint == images).astype(np.float64), (joint > 0) & (joint < images)
        values[some] = np.log(joint[some] * images / expected[some]) / -np.log(joint[some] / images)
        counts += np.bincount(_bin(values + 1, bins, 2), minlength=bins)
    return counts


def class_windows(
    cp_masks: ndarray, cp_weights: ndarray, per_class: int, before: int = 5, after: int = 10, *, order: ndarray
) -> tuple[ndarray, ndarray]:
    """Figures 2 D, E and 5 A, B: by how many percent the mean mask of a class's weights changes; positive: more active.

    Returned are [2, per_class], at the images of the class itself, relative to the last image `before` classes earlier; and
    [2, after * per_class], at those of the next classes, relative to its own last image. Row 0 is of positive weights, row 1
    of negative ones. Means over classes leave out the first and last `before` or `after`, and what has no weights or a
    reference of 0. order: the row of the class at each position of the sequence [classes], which is its label.
    """
    classes = len(cp_weights)
    if classes <= 2 * max(before, after):
        raise ValueError(f"class_windows: {classes} classes are too few to look {before} back and {after} ahead")
    within, following = [], []
    for position, row in enumerate(order):
        groups = np.stack([cp_weights[row] > 0, cp_weights[row] < 0]).astype(np.float64)
        start, end = position * per_class, (position + 1) * per_class
        with np.errstate(invalid="ignore", divide="ignore"):
            active = groups @ cp_masks[:, row].T.astype(np.float64) / groups.sum(1, keepdims=True)  # [2, images]
            if before <= position < classes - before:
                within.append(active[:, start:end] / active[:, [end - 1 - before * per_class]])
            if after <= position < classes - after:
                following.append(active[:, end : end + after * per_class] / active[:, [end - 1]])
    means = [np.ma.masked_invalid(ratios).mean(0).filled(np.nan) for ratios in (within, following)]
    return 100 * (means[0] - 1), 100 * (means[1] - 1)


def by_sign(cp_masks: ndarray, cp_weights: ndarray) -> pandas.DataFrame:
    """Figure 5 D: mean and variance of the masks of positive and of negative weights, over images and weights: two rows."""
    groups = {"positive": cp_masks[:, cp_weights > 0], "negative": cp_masks[:, cp_weights < 0]}
    rows = [(sign, own.mean(dtype=np.float64), own.var(dtype=np.float64)) for sign, own in groups.items()]
    return pandas.DataFrame(rows, columns=["weights", "mean", "variance"])


def upstream_correlation(cp_masks: ndarray, cp_weights: ndarray, masks: ndarray, centiles: int = 100) -> ndarray:
    """Figure 5 E: Pearson r of the first differences of upstream activity and of each centile of CP weights: [centiles].

    Upstream activity is the mean mask of the 10% of synapses with the highest mean over the run. Centiles are of weight
    value, lowest first; theirs is a mean mask too. r is nan where one of both never changes.
    """
    if cp_weights.size < centiles:
        raise ValueError(f"upstream_correlation: {cp_weights.size} weights do not fill {centiles} centiles; take fewer")
    top = np.sort(_by_mean(masks)[-max(1, masks.shape[1] // 10) :])
    flat, by_value = cp_masks.reshape(len(cp_masks), -1), np.argsort(cp_weights, axis=None, kind="stable")
    series = [masks[:, top], *(flat[:, own] for own in np.array_split(by_value, centiles))]
    changes = np.diff([own.mean(1, dtype=np.float64) for own in series])
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.corrcoef(changes)[0, 1:]


def _by_class(masks: ndarray, per_class: int) -> ndarray:
    """Return the masks as [classes, per_class, synapses]. Raises ValueError if the last class is not complete."""
    if len(masks) % per_class:
        raise ValueError(f"masks: {len(masks)} images are not a multiple of {per_class}, the images of a class")
    return masks.reshape(-1, per_class, masks.shape[1])


def _by_mean(masks: ndarray) -> ndarray:
    """Return the synapses in increasing order of their mean mask."""
    return np.argsort(masks.sum(0, dtype=np.float64), kind="stable")


def _bin(values: ndarray, count: int, top: float = 1.0) -> ndarray:
    """Return the bin of each value, out of `count` equal ones from 0 to top."""
    values = values.astype(np.float32) if values.dtype == np.float16 else values
    return np.minimum((values * values.dtype.type(count / top)).astype(np.intp), count - 1)


def _parts(masks: ndarray) -> list[ndarray]:
    """Return the masks in parts of several images, about four million masks each."""
    return np.array_split(masks, max(1, masks.size // 2**22))
