"""Extreme images, what models share of them, and what updates change, against constructed cases whose answer is known."""

import numpy as np
import pytest
from scipy import stats

from papers.tsar import agreement


@pytest.fixture
def random():
    return np.random.default_rng(0)


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
    assert agreement.membership(sets, images=8).tolist() == [[0.75, 0, 0, 0.25]] * 2


def test_membership_where_models_differ_in_one_class():
    sets = np.array([[[0, 1], [0, 1]], [[0, 1], [2, 1]]])
    assert agreement.membership(sets, images=4).tolist() == [[0.5, 0, 0.5], [0.25, 0.5, 0.25]]


def test_membership_of_independent_models_is_that_of_chance(random):
    shares = agreement.membership(agreement.extremes(random.random((25, 50, 600)), 100)[0], images=600)
    chance = agreement.membership_by_chance(25, 1 / 6)
    np.testing.assert_allclose(shares.mean(0), chance, atol=0.005)
    assert chance[1] == pytest.approx(25 * (1 / 6) * (5 / 6) ** 24) == pytest.approx(0.052, abs=0.001)
    assert chance.sum() == pytest.approx(1)


def test_rank_agreement(random):
    one = random.permutation(100) / 100
    first, second, rho = agreement.rank_agreement(one, one**3)
    assert rho == pytest.approx(1)
    np.testing.assert_allclose(first, np.log10(100 - 100 * one))
    np.testing.assert_allclose(second, first)
    assert agreement.rank_agreement(one, -one)[2] == pytest.approx(-1)
    other = random.random(100)
    assert agreement.rank_agreement(one, other)[2] == pytest.approx(stats.spearmanr(one, other).statistic)
    tied, _, rho = agreement.rank_agreement(np.array([1, 2, 2, 0]), np.ones(4))
    np.testing.assert_allclose(10**tied, [3, 1.5, 1.5, 4])
    assert np.isnan(rho)


def test_changes_are_those_of_the_outer_thirds():
    means = np.array([0.5, 0.1, 0.9, 0.2, 0.8, 0.4, 0.3])  # thirds of two: 0.1 and 0.2, 0.8 and 0.9
    changes = np.array([9, 0.02, -0.1, 0.04, -0.3, 9, 9])
    np.testing.assert_allclose(agreement.by_processing(means, changes), [0.03, -0.2])
    changes[1] = np.nan  # no earlier images yet
    np.testing.assert_allclose(agreement.by_processing(means, changes), [0.04, -0.2])
    changes[3] = np.nan
    np.testing.assert_allclose(agreement.by_processing(means, changes), [np.nan, -0.2])
    with pytest.raises(ValueError, match="2 updates"):
        agreement.by_processing(means[:2], changes[:2])
