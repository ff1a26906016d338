"""What the regulator's encodings of images tell: a map of them, and whether it tells classes apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import scipy  # its parts are imported when they are used
from numpy import ndarray
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.manifold import TSNE
from sklearn.neighbors import NearestNeighbors


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
    return np.array([(scipy.stats.mode(nearest[:, :k], axis=1).mode == labels).mean() for k in ks])


def separability(points: ndarray, first: ndarray) -> float:
    """Figure 10 C: the share of points [points, 2] on the right side of a line between the first of two kinds and the others.

    The line is that of a logistic regression on the same points, so half is chance for kinds of equal number. first: bool
    [points].
    """
    scaled = (points - points.mean(0)) / points.std(0)
    return float(LogisticRegression(C=1e3).fit(scaled, first).score(scaled, first))
