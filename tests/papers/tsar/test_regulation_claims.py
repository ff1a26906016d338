"""Claims on regulation hold on arrays like the paper's, and each finding can make its claim fail."""

import numpy
import pytest

from tests.papers.tsar.constructed_claims import (
    TASKS,
    activity,
    collected,
    findings,
    histogram,
    outcomes,
    percentiles,
    planted,
)

GROW, SCULPT = {"condition": "grow", "meta_learning_set": "rich"}, {"condition": "sculpt"}
SCARCE = {"condition": "grow", "meta_learning_set": "scarce"}
LAYERS, UPSTREAM = ("c1", "c2", "c3"), ("upstream_correlation",)
ON_REGULATION = [f"tsar-{number:02d}" for number in (*range(16, 30), 33, 34, 37)]


def pairs(numbers):
    """Counts of pairs by bin of NPMI, at each of three thresholds."""
    counts = numpy.zeros((3, 200))
    counts[:, [*numbers]] = [*numbers.values()]
    return counts


def lag(high_then_low, high_then_high):
    """Counts of a mask at an image and at the next."""
    counts = numpy.zeros((250, 250))
    counts[-1, 0], counts[-1, -1] = high_then_low, high_then_high
    return counts


def centiles(layer, first, last):
    """Correlations with the layers before CP, in one of which the lowest and the highest centile are these."""
    r = numpy.tile(numpy.linspace(0.5, -0.5, 100), (3, 1))
    r[layer, [0, -1]] = first, last
    return r


def test_claims_on_regulation_hold_on_arrays_like_the_papers():
    assert outcomes(collected(), *ON_REGULATION) == dict.fromkeys(ON_REGULATION, "holds")


def test_one_seed_never_decides_and_claims_without_arrays_are_not_run():
    assert set(outcomes(collected(seeds=1), *ON_REGULATION).values()) == {"unclear"}
    assert set(outcomes(collected().only({}), *ON_REGULATION).values()) == {"not run"}


BURSTS = numpy.array([[4], [2], [1]]) * numpy.array([2, 3, 4, 6, 9, 14, 25, 80]).repeat(25)  # by threshold and image
ABRUPT = numpy.array([[4], [2], [1]]) * numpy.array([10] * 10 + [*range(101, 111)]).repeat(10)
FAILING = [  # claim, what its failing findings speak of, an array, what is planted in it, and in which runs
    ("tsar-16", "correlation", "rank_correlation_c3", 0.85, GROW),
    ("tsar-16", "top 1%", "top_shared_c3", 0.7, GROW),
    *[("tsar-17", x.upper(), f"largest_rank_change_{x}", [1, 1, 1, 1, 1.6], GROW) for x in LAYERS],
    ("tsar-18", "C2 - C1", "rank_correlation_c1", 0.96, GROW),
    ("tsar-18", "C3 - C2", "rank_correlation_c3", 0.98, GROW),
    *[("tsar-19", x.upper(), f"rank_correlation_{x}", 0.94, SCARCE) for x in LAYERS],
    ("tsar-20", "below 0.25", "time_lag_c3", lag(4, 6), GROW),
    ("tsar-21", "over biases", "regulation_c3", histogram(2), GROW),
    ("tsar-22", "rich - scarce", "regulation_c3", histogram(0), SCARCE),
    *[("tsar-23", x.upper(), f"regulation_{x}", histogram(0), SCULPT) for x in LAYERS],
    ("tsar-24", "R^2", "bursts_c3", ABRUPT, GROW),
    ("tsar-24", "decades", "bursts_c3", BURSTS.clip(max=[[36], [18], [9]]), GROW),
    ("tsar-24", "mean size", "bursts_c3", BURSTS[:1], GROW),
    ("tsar-27", "last - first", "within_class", [[10, 5, 0], [0, -5, -10]], GROW),
    ("tsar-28", "tenth task", "following_classes", [-2 * TASKS + 1, TASKS], GROW),  # to -19%
    ("tsar-28", "trend", "following_classes", [2 * TASKS - 60, TASKS], GROW),  # low at once, then rising
    ("tsar-29", "within", "within_class", [[0, 5, 10], [0, 5, 10]], GROW),
    ("tsar-29", "tenth task", "following_classes", [-4 * TASKS, -TASKS], GROW),
    ("tsar-33", "mean", "by_sign", [[0.3, 0.01], [0.2, 0.02]], GROW),
    ("tsar-33", "variance", "by_sign", [[0.1, 0.03], [0.2, 0.02]], GROW),
    *[
        ("tsar-34", f"top centile of CP weights with C{x + 1}", *UPSTREAM, centiles(x, 0.5, 0.1), GROW)
        for x in range(3)
    ],
    *[("tsar-34", f"bottom centile with C{x + 1}", *UPSTREAM, centiles(x, -0.1, -0.5), GROW) for x in range(3)],
    ("tsar-37", "median", "npmi_c3", pairs({100: 100}), GROW),  # all 0, as pairs that never fire together
    ("tsar-37", "pairs with", "npmi_c3", pairs({120: 94, 199: 3, 0: 3}), GROW),
]


@pytest.mark.parametrize(("claim", "fails", "name", "value", "kind"), FAILING)
def test_each_finding_can_make_its_claim_fail(claim, fails, name, value, kind):
    run = collected(activity_imagenet=planted(activity(), name, value, **kind))
    assert outcomes(run, claim) == {claim: "fails"}
    assert all(fails in finding.detail for finding in findings(run, claim) if finding.outcome != "holds")


@pytest.mark.parametrize(
    ("claim", "fails", "ends"),
    [
        ("tsar-25", "99th", {"p99": 0.03}),  # 8.8 times sigmoid(-8 + 2.33)
        ("tsar-25", "median", {"grow": 0.06}),
        ("tsar-26", "Sculpt / Grow", {"sculpt": 0.005}),
    ],
)
def test_claims_on_meta_learning_can_fail(claim, fails, ends):
    run = collected(meta_learning=percentiles(**ends))
    assert outcomes(run, claim) == {claim: "fails"}
    assert [fails in finding.detail for finding in findings(run, claim) if finding.outcome != "holds"] == [True]


def test_what_both_data_sets_must_show_fails_on_cifar_100_alone():
    changed = planted(activity(), "largest_rank_change_c1", 1.6, **GROW)
    changed = planted(planted(changed, "rank_correlation_c3", 0.98, **GROW), "npmi_c3", pairs({100: 100}), **GROW)
    of_both = outcomes(collected(activity_cifar100=changed), "tsar-17", "tsar-18", "tsar-19", "tsar-37")
    assert set(of_both.values()) == {"fails"}


def test_runs_without_the_quantity_are_left_out_and_counted():
    silent = lag(0, 0)
    assert outcomes(collected(activity_imagenet=planted(activity(), "time_lag_c3", silent, **GROW)), "tsar-20") == {
        "tsar-20": "unclear"
    }
    some = collected(activity_imagenet=planted(activity(), "time_lag_c3", silent, **GROW, seed=1))
    (finding,) = findings(some, "tsar-20")
    assert finding.outcome == "holds" and "undefined in 1 of 3 runs" in finding.detail and "n = 2" in finding.detail


def test_biases_without_a_line_are_left_out_of_the_trend():
    flat = planted(activity(), "regulation_c3", numpy.eye(1, 1000, 999)[0], condition="bias4")
    assert outcomes(collected(activity_imagenet=flat), "tsar-21") == {"tsar-21": "holds"}


def test_a_sweep_too_coarse_gives_no_trend():
    two = collected()["transfer"].query("condition in ('grow', 'sculpt')")
    assert outcomes(collected(transfer=two), "tsar-21") == {"tsar-21": "not run"}
