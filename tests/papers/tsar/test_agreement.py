"""Agreement between classes, models and images against constructed cases whose answer is known."""

import numpy as np
import pytest
from scipy import stats

from papers.tsar import activity, agreement


@pytest.fixture
def random():
    return np.random.default_rng(0)


def test_rank_changes_of_shared_reversed_and_modular_activity(random):
    rising = np.arange(1, 101, dtype=np.float32)
    shared = agreement.rank_changes(np.stack([rising, 2 * rising, 3 * rising]), per_class=1)
    np.testing.assert_allclose(shared, [[1, 1, 0, 0]] * 3, atol=1e-12)
    reversed_ = agreement.rank_changes(np.stack([rising, rising[::-1]]), per_class=1)
    change = np.abs(np.log10(rising / rising[::-1]))
    np.testing.assert_allclose(reversed_, [[-1, 0, change.mean(), 2]] * 2, atol=1e-6)
    modules = agreement.rank_changes(activity.modular(5, 1000, 3, random), per_class=3)
    assert (modules["spearman"] < 0.5).all() and (modules["top_shared"] == 0).all()


def test_largest_change_is_of_the_hundred_most_active_elsewhere():
    elsewhere = np.arange(1000, 0, -1, dtype=np.float32)  # ranks 1 to 1000
    own = elsewhere.copy()
    own[[99, 998, 29]] = 0, 2000, 992.5  # rank 100 falls to the last; rank 999 comes first, rank 30 tenth
    changes = agreement.rank_changes(np.stack([own, elsewhere]), per_class=1)
    assert changes["largest_change"][0] == pytest.approx(np.log10(1000 / 100))
    assert changes["top_shared"][0] == 0.9  # all of the first ten but rank 999, which is not within the first fifty


def test_rank_changes_of_a_layer_that_is_all_zero():
    changes = agreement.rank_changes(np.zeros((4, 50), np.float16), per_class=2)
    assert changes[["spearman", "top_shared"]].isna().all(axis=None)
    assert not changes[["mean_change", "largest_change"]].any(axis=None)


def test_extremes_of_each_class():
    means = np.array([[0.3, 0.1, 0.5, 0.2], [0.1, 0.4, 0.2, 0.3]])
    diminishing, enhancing = agreement.extremes(means, 2)
    assert diminishing.tolist() == [[1, 3], [0, 2]]
    assert enhancing.tolist() == [[2, 0], [1, 3]]
    both = agreement.extremes(np.stack([means, -means]), 2)
    assert both[0].tolist() == [diminishing.tolist(), enhancing.tolist()]
    with pytest.raises(ValueError, match="4 images"):
        agreement.extremes(means, 5)


def test_membership_of_sets_that_all_models_share():
    sets = np.array([[[0, 1], [2, 3]]] * 3)
    table = agreement.membership(sets, images=8)
    np.testing.assert_allclose(table, np.c_[range(4), [0.75, 0, 0, 0.25], [0] * 4, stats.binom.pmf(range(4), 3, 0.25)])


def test_membership_of_a_class_where_models_differ():
    sets = np.array([[[0, 1], [0, 1]], [[0, 1], [2, 1]]])
    table = agreement.membership(sets, images=4)
    np.testing.assert_allclose(table["share"], [3 / 8, 1 / 4, 3 / 8])
    np.testing.assert_allclose(table["sd"], np.array([1 / 4, 1 / 2, 1 / 4]) / np.sqrt(2))
    assert agreement.membership(sets[:, :1], images=4)["sd"].isna().all()


def test_membership_of_independent_models_is_the_null(random):
    table = agreement.membership(agreement.extremes(random.random((25, 50, 600)), 100)[0], images=600)
    np.testing.assert_allclose(table["share"], table["null"], atol=0.005)
    assert table["null"][1] == pytest.approx(0.052, abs=0.001)


def test_rank_agreement(random):
    one = random.permutation(100) / 100
    first, second, rho = agreement.rank_agreement(one, one**3)
    assert rho == pytest.approx(1)
    np.testing.assert_allclose(first, np.log10(100 - 100 * one))
    np.testing.assert_allclose(second, first)
    assert agreement.rank_agreement(one, -one)[2] == pytest.approx(-1)
    tied, _, rho = agreement.rank_agreement(np.array([1, 2, 2, 0]), np.ones(4))
    np.testing.assert_allclose(10**tied, [3, 1.5, 1.5, 4])
    assert np.isnan(rho)


def test_nearest_neighbours_leave_the_point_itself_out():
    points, labels = np.array([[0.0], [1], [2], [10], [11], [12]]), np.array([0, 0, 0, 1, 1, 1])
    assert agreement.nearest_neighbours(points, labels, (1, 3, 5)).tolist() == [1, 1, 0]  # of all five, most are others
    twins = np.repeat(np.arange(10.0), 2)[:, None]
    assert agreement.nearest_neighbours(twins, np.tile([0, 1], 10), (1,)).tolist() == [0]


def test_embedding_keeps_kinds_apart_and_mixes_what_is_alike(random):
    kinds = np.repeat([0, 1], 20)
    encodings = random.normal(size=(40, 60)) + 10 * kinds[:, None]
    points = agreement.embed(encodings, seed=3)
    assert points.shape == (40, 2)
    assert (agreement.nearest_neighbours(points, kinds, (1, 5, 10)) == 1).all()
    assert agreement.separability(points, kinds == 1) == 1
    alternating = np.tile([0, 1], 20)
    assert agreement.nearest_neighbours(points, alternating).max() < 0.75
    assert agreement.separability(points, alternating == 1) < 0.75
    assert (agreement.embed(encodings, seed=3) == points).all()


def test_retention_and_adaptation_of_the_outer_thirds():
    means = np.array([0.5, 0.1, 0.9, 0.2, 0.8, 0.4, 0.3])  # thirds of two: 0.1 and 0.2, 0.8 and 0.9
    before = np.full(7, 0.5)
    recall_after = before + np.array([9, 0.02, -0.1, 0.04, -0.3, 9, 9])
    probability_after = before + np.array([9, 0.1, 0.3, 0.0, 0.5, 9, 9])
    table = agreement.retention_and_adaptation(means, before, recall_after, before, probability_after)
    assert table["processing"].tolist() == ["diminished", "enhanced"]
    np.testing.assert_allclose(table[["retention", "adaptation"]], [[0.03, 0.05], [-0.2, 0.4]])
    before_any = before.copy()
    before_any[1] = np.nan  # no earlier images yet
    table = agreement.retention_and_adaptation(means, before_any, recall_after, before, probability_after)
    np.testing.assert_allclose(table["retention"], [0.04, -0.2])
    with pytest.raises(ValueError, match="2 updates"):
        agreement.retention_and_adaptation(*[before[:2]] * 5)
