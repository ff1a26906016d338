"""Statistics of masks against constructed activity whose answer is known."""

import numpy as np
import pytest

from papers.tsar import activity


@pytest.fixture
def random():
    return np.random.default_rng(0)


def test_shared_activity_lies_on_the_diagonal_of_ranks(random):
    masks = np.tile(random.random((3, 1000), np.float32), (4, 1)).astype(np.float16)
    counts = activity.rank_rank(masks, per_class=3)
    assert counts.shape == (100, 100)
    assert np.trace(counts) == counts.sum() == 4 * 1000


def test_modules_are_most_active_within_and_least_active_elsewhere(random):
    masks = activity.modular(5, 100, 3, random)
    own = masks >= 0.5
    assert (own.sum(1) == 20).all() and (own.sum(0) == 3).all() and masks[~own].max() < 0.001
    counts = activity.rank_rank(masks, per_class=3, bins=4)  # of ranks 1 to 3, 4 to 9, 10 to 31, 32 to 100
    # the module has ranks 1 to 20 within, 81 to 100 elsewhere
    assert counts[3, :2].tolist() == [3 * 5, 6 * 5]
    assert not counts[:3, :2].any()
    assert counts.sum() == 5 * 100


def test_ranks_are_descending_over_other_classes_alone_with_ties_averaged():
    eighths = np.float16([[6, 2, 1, 2], [2, 6, 1, 1], *[[1, 2, 3, 4]] * 2, *[[0, 0, 0, 4]] * 2])  # two images a class
    first, second, third = (pair.tolist() for pair in activity.ranks(eighths / 8, per_class=2))
    assert first == [[4, 3, 2, 1], [1.5, 1.5, 4, 3]]
    assert second == [[2.5, 2.5, 4, 1], [4, 3, 2, 1]]
    assert third == [[3, 1, 4, 2], [3, 3, 3, 1]]


@pytest.mark.parametrize(("images", "message"), [(3, "one class"), (7, "not a multiple")])
def test_ranks_need_several_whole_classes(images, message):
    with pytest.raises(ValueError, match=message):
        activity.rank_rank(np.ones((images, 4), np.float16), per_class=3)


def test_rank_changes_of_shared_reversed_and_modular_activity(random):
    rising = np.arange(1, 101, dtype=np.float32)
    shared = activity.rank_changes(np.stack([rising, 2 * rising, 3 * rising]), per_class=1)
    np.testing.assert_allclose([*shared.values()], [[1] * 3, [1] * 3, [0] * 3], atol=1e-12)
    reversed_ = activity.rank_changes(np.stack([rising, rising[::-1]]), per_class=1)
    np.testing.assert_allclose([*reversed_.values()], [[-1] * 2, [0] * 2, [2] * 2], atol=1e-6)  # rank 1 against 100
    modules = activity.rank_changes(activity.modular(5, 1000, 3, random), per_class=3)
    assert (modules["rank_correlation"] < 0.5).all() and (modules["top_shared"] == 0).all()


def test_the_largest_rank_change_is_of_the_hundred_most_active_elsewhere():
    elsewhere = np.arange(1000, 0, -1, dtype=np.float32)  # ranks 1 to 1000
    own = elsewhere.copy()
    own[[99, 998, 29]] = 0, 2000, 992.5  # rank 100 falls to the last; rank 999 comes first, rank 30 tenth
    changes = activity.rank_changes(np.stack([own, elsewhere]), per_class=1)
    assert changes["largest_rank_change"][0] == pytest.approx(np.log10(1000 / 100))
    assert changes["top_shared"][0] == 0.9  # all of the first ten but rank 999, which is not within the first fifty


def test_the_share_that_is_suppressed_next_follows_high_masks_alone():
    masks = np.full((12, 100), 0.05, np.float16)
    masks[:, 75:99] = np.tile([0.9, 0.1, 0.9, 0.5], 3)[:, None]  # two high ones in each of three classes
    assert activity.suppressed_next(activity.time_lag(masks, per_class=4)) == 1 / 2
    assert np.isnan(activity.suppressed_next(activity.time_lag(masks / 2, per_class=4)))


def test_time_lag_counts_pairs_of_a_class_in_the_band():
    masks = np.full((12, 100), 0.05, np.float16)
    masks[:, 75:99] = np.tile([0.9, 0.1], 6)[:, None]
    masks[:, 99] = 1  # above the band
    counts = activity.time_lag(masks[:, ::-1], per_class=4, bins=4)
    expected = np.zeros((4, 4), int)
    expected[3, 0], expected[0, 3] = 24 * 2 * 3, 24 * 1 * 3  # 0.9, 0.1, 0.9, 0.1 in each of three classes
    assert counts.tolist() == expected.tolist()
    assert activity.time_lag(masks[:4], per_class=4, bins=4).tolist() == (expected // 3).tolist()  # one class


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_regulation_is_counted_up_to_and_with_1(random, dtype):
    masks = random.beta(0.3, 2, (20, 500)).astype(dtype)
    masks[0, :7] = 1
    counts = activity.regulation_ccdf(masks)
    assert counts.tolist() == np.histogram(masks.astype(np.float32), 1000, (0, 1.001))[0].tolist()
    assert counts[-1] == 7
    assert (activity.regulation_ccdf(masks[:5]) + activity.regulation_ccdf(masks[5:]) == counts).all()
    edges, share = activity.ccdf(counts)
    assert share[0] == 1 and share[-1] == 7 / masks.size
    assert share[300] == pytest.approx((masks >= edges[300]).mean(), abs=1e-9)


def test_power_law_has_its_exponent_and_others_bend():
    tail = (np.arange(200_000) + 0.5) / 200_000  # P(X >= x) at evenly spaced quantiles

    def line(values):
        return activity.power_law(*activity.ccdf(activity.regulation_ccdf(np.float32(np.minimum(values, 1))[None])))

    slope, r2 = line(0.01 * tail ** (-1 / 1.5))
    assert slope == pytest.approx(-1.5, abs=0.01)
    assert r2 > 0.999
    assert line(-0.1 * np.log(tail))[1] < 0.9  # exponential
    assert np.isnan(line(np.zeros(5))).all()


def test_burst_sizes_are_strictly_above_the_threshold():
    masks = np.float32([[0.1, 0.2, 0.3, 0.6], [0.0, 0.0, 0.26, 0.5], [0.0, 0.0, 0.0, 0.0]])
    sizes = activity.burst_sizes(masks, thresholds=(0.10, 0.25, 0.50))
    assert sizes.tolist() == [[3, 2, 0], [2, 2, 0], [1, 0, 0]]
    shares = activity.burst_ccdf(sizes, np.array([0, 1, 3]))
    np.testing.assert_allclose(shares, [[1, 2 / 3, 1 / 3], [1, 2 / 3, 0], [1, 1 / 3, 0]])


def test_masks_in_several_parts_are_those_of_one():
    masks = np.zeros((9, 2**20), np.float16)
    for image, row in enumerate(masks):
        row[:image] = 1
    assert len(activity._parts(masks)) > 1
    assert activity.burst_sizes(masks, [0.5])[0].tolist() == list(range(9))
    assert activity.regulation_ccdf(masks)[-1] == sum(range(9))


def spikes(*intervals):
    """Masks [200, n] of synapses that fire from one image to another."""
    fires = [[start <= image < stop for start, stop in intervals] for image in range(200)]
    return np.where(fires, 0.6, 0.2).astype(np.float16)


@pytest.mark.parametrize(
    ("one", "other", "value"),
    [
        ((0, 100), (0, 100), 1),  # identical
        ((0, 200), (0, 200), 1),  # both always
        ((0, 100), (50, 150), 0),  # independent
        ((0, 100), (0, 50), 0.5),  # log 2 / log 4
        ((0, 100), (75, 175), -1 / 3),  # log(1/2) / log 8
        ((0, 100), (100, 200), 0),  # never together
    ],
)
def test_npmi_of_a_pair(random, one, other, value):
    counts = activity.npmi(spikes(one, other), 0.5, 10, random, bins=20)
    assert np.flatnonzero(counts).tolist() == [min(int((value + 1) * 10), 19)]
    assert counts.sum() == 1


def test_npmi_leaves_out_the_rare_and_draws_from_many(random):
    rare, enough = (0, 2), (0, 3)  # of 200 images: 1%, and more
    assert activity.npmi(spikes((0, 100), rare), 0.5, 10, random, 20).sum() == 0
    assert activity.npmi(spikes((0, 100), enough), 0.5, 10, random, 20).sum() == 1
    many = spikes(*[(0, 100)] * 600, *[(50, 150)] * 10)
    counts = activity.npmi(many, 0.5, 1000, random, 20)
    assert counts[19] == 600 * 599 // 2 + 10 * 9 // 2 and counts[10] == 600 * 10 and counts.sum() == 610 * 609 // 2
    assert activity.npmi(many, 0.5, 30, random, 20).sum() == 30 * 29 // 2
    first, second = (activity.npmi(many, 0.5, 30, np.random.default_rng(seed), 20)[10] for seed in (1, 4))
    assert first != second  # other synapses


def planted_windows(random):
    """Masks of 25 classes x 4 images: positive weights rise by half within, then halve; negative ones do the reverse."""
    order = random.permutation(25)
    weights = np.tile(np.float32([1, 2, 3, -1, -2, 0]), (25, 1))
    masks = np.full((100, 25, 6), 0.2, np.float32)
    masks[:, :, 5] = random.random((100, 25))  # of a weight that is 0
    for position, row in enumerate(order):
        own, after = slice(4 * position, 4 * position + 4), slice(4 * position + 4, 4 * position + 44)
        masks[max(0, 4 * position - 16) : 4 * position, row] = 0.7  # after the reference
        masks[own, row, :3], masks[own, row, 3:5] = np.linspace(0.2, 0.3, 4)[:, None], 0.1
        masks[after, row, :3], masks[after, row, 3:5] = 0.15, 0.2
        masks[4 * position + 44 :, row] = 0.9  # beyond the window
    for row in (*order[:5], *order[-5:]):
        masks[:, row] = random.random((100, 6))  # of classes without a reference, or without enough classes to follow
    return masks, weights, order


def test_windows_of_known_height(random):
    masks, weights, order = planted_windows(random)
    weights[order[12], :3] = 0  # no positive weights: does not count
    within, following = activity.class_windows(masks, weights, 4, order=order)
    assert within.shape == (2, 4) and following.shape == (2, 40)
    np.testing.assert_allclose(within, [[0, 50 / 3, 100 / 3, 50], [-50] * 4], atol=1e-4)
    np.testing.assert_allclose(following, [[-50] * 40, [100] * 40], atol=1e-4)


def test_windows_are_means_over_classes_of_their_own_percentages(random):
    masks, weights, order = planted_windows(random)
    masks[4 * 13 : 4 * 14, order[13], 3:5] = 0.4  # 100% more than before, and 50% less afterwards
    within, following = activity.class_windows(masks, weights, 4, order=order)
    np.testing.assert_allclose(within[1], (14 * -50 + 100) / 15, atol=1e-4)  # positions 5 to 19
    np.testing.assert_allclose(following[1], (4 * 100 - 50) / 5, atol=1e-4)  # positions 10 to 14


def test_windows_need_enough_classes():
    with pytest.raises(ValueError, match="20 classes are too few"):
        activity.class_windows(np.ones((20, 20, 3)), np.ones((20, 3)), 1, order=np.arange(20))


def test_masks_by_sign_of_their_weights():
    weights = np.array([[1, -1, 0], [2, -3, -1]])
    masks = np.float32([[[0.1, 0.4, 1], [0.1, 0.4, 0.4]], [[0.3, 0.8, 1], [0.3, 0.8, 0.8]]])
    table = activity.by_sign(masks, weights).set_index("weights")
    np.testing.assert_allclose(table.loc["positive"], [0.2, 0.01], rtol=1e-6)
    np.testing.assert_allclose(table.loc["negative"], [0.6, 0.04], rtol=1e-6)


def test_upstream_correlation_has_the_planted_signs(random):
    bursts, drift = random.random(50), np.linspace(0, 1, 50)
    weights = np.array([[3.0, -2, 0.1], [-3, 0.2, 2]])
    masks = np.empty((50, 20))
    masks[:, [3, 8]] = (0.2 + 0.5 * drift + 0.1 * bursts)[:, None]  # the top 10%
    masks[:, [i for i in range(20) if i not in (3, 8)]] = (0.1 - 0.1 * bursts)[:, None]
    cp_masks = np.empty((50, 2, 3))
    cp_masks[:, weights > 1] = (0.3 + 0.5 * drift - 0.1 * bursts)[:, None]  # rises as bursts do, but in opposite steps
    cp_masks[:, weights < -1] = (0.6 - 0.5 * drift + 0.1 * bursts)[:, None]
    cp_masks[:, np.abs(weights) < 1] = 0.3
    r = activity.upstream_correlation(cp_masks, weights, masks, centiles=3)
    np.testing.assert_allclose(r, [1, np.nan, -1], atol=1e-9)
    with pytest.raises(ValueError, match="6 weights"):
        activity.upstream_correlation(cp_masks, weights, masks)


def test_layer_that_is_all_zero(random):
    masks, cp_masks, weights = np.zeros((25, 99), np.float16), np.zeros((25, 25, 4)), random.normal(size=(25, 4))
    rank_rank = activity.rank_rank(masks, 1, bins=10)
    assert rank_rank[8, 8] == rank_rank.sum() == 25 * 99  # all tie at rank 50, and log 50 / log 99 = 0.85
    changes = activity.rank_changes(masks, 1)
    assert np.isnan(changes["rank_correlation"]).all() and np.isnan(changes["top_shared"]).all()
    assert not changes["largest_rank_change"].any()
    assert activity.time_lag(masks, 5)[0, 0] == 24 * 20  # 24 of 99, and four pairs in each of five classes
    assert activity.regulation_ccdf(masks)[0] == masks.size
    assert not activity.burst_sizes(masks, [0.1]).any()
    assert not activity.npmi(masks, 0.1, 50, random, 20).any()
    assert all(np.isnan(window).all() for window in activity.class_windows(cp_masks, weights, 1, order=np.arange(25)))
    assert activity.by_sign(cp_masks, weights)[["mean", "variance"]].to_numpy().tolist() == [[0, 0], [0, 0]]
    assert np.isnan(activity.upstream_correlation(cp_masks, weights, masks)).all()
