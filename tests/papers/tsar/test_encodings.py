"""Maps of constructed encodings, and classes told apart by their neighbours."""

import numpy as np
import pytest

from papers.tsar import encodings


@pytest.fixture
def random():
    return np.random.default_rng(0)


def test_nearest_neighbours_leave_the_point_itself_out():
    points, labels = np.array([[0.0], [1], [2], [10], [11], [12]]), np.array([0, 0, 0, 1, 1, 1])
    assert encodings.nearest_neighbours(points, labels, (1, 3, 5)).tolist() == [1, 1, 0]  # of all five, most are others
    twins = np.repeat(np.arange(10.0), 2)[:, None]
    assert encodings.nearest_neighbours(twins, np.tile([0, 1], 10), (1,)).tolist() == [0]


def test_embedding_keeps_kinds_apart_and_mixes_what_is_alike(random):
    kinds = np.repeat([0, 1], 20)
    drawn = random.normal(size=(40, 60)) + 10 * kinds[:, None]
    points = encodings.embed(drawn, seed=3)
    assert points.shape == (40, 2)
    assert (encodings.nearest_neighbours(points, kinds, (1, 5, 10)) == 1).all()
    assert encodings.separability(points, kinds == 1) == 1
    alternating = np.tile([0, 1], 20)
    assert encodings.nearest_neighbours(points, alternating).max() < 0.75
    assert encodings.separability(points, alternating == 1) < 0.75
    assert (encodings.embed(drawn, seed=3) == points).all()
