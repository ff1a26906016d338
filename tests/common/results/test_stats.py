"""Intervals against worked samples and scipy, verdicts on constructed intervals."""

from __future__ import annotations

import math
import random

import pytest
import scipy.stats

from common.results import stats

NAN = math.nan


def test_summary_of_a_worked_sample_and_of_one_value_which_has_no_spread():
    # 1..5: sd = sqrt(2.5), sem = sqrt(0.5), and the 97.5% point of t with 4 degrees of freedom is 2.776445
    result = stats.summary([1, 2, 3, 4, 5])
    assert result == pytest.approx((5, 3, 1.5811388, 0.7071068, 3 - 1.9632432, 3 + 1.9632432), abs=1e-6)
    result = stats.summary([0.5])
    assert result[:2] == (1, 0.5) and all(map(math.isnan, result[2:]))


def test_summaries_are_one_row_per_sample_with_the_statistics_asked_for():
    table = stats.summaries([("a", 1, [1, 2, 3, 4, 5]), ("b", 2, [7])], ["panel", "x", "mean", "sem", "n"])
    assert table.columns.tolist() == ["panel", "x", "mean", "sem", "n"]
    assert table.loc[0].tolist() == ["a", 1, 3, pytest.approx(0.7071068), 5]
    assert table.loc[1, ["panel", "x", "mean", "n"]].tolist() == ["b", 2, 7, 1] and math.isnan(table.loc[1, "sem"])
    empty = stats.summaries([], ["x", "mean"])
    assert empty.empty and empty.columns.tolist() == ["x", "mean"]


def test_summaries_leave_out_what_had_diverged():
    samples = [("a", [1, NAN, 2, 3, 4, 5]), ("b", [NAN, 7]), ("c", [NAN, NAN])]
    table = stats.summaries(samples, ["name", "mean", "sem", "n"])
    assert table["name"].tolist() == ["a", "b"] and table["mean"].tolist() == [3, 7] and table["n"].tolist() == [5, 1]


@pytest.mark.parametrize("values", [[], [1.0, NAN], [math.inf]])
def test_summary_refuses_what_has_no_mean(values):
    with pytest.raises(ValueError, match="summary"):
        stats.summary(values)


def test_interval_holds_the_mean_in_95_of_100_samples():
    source = random.Random(1)
    hits = 0
    for _ in range(2000):
        result = stats.summary(source.gauss(2, 3) for _ in range(4))
        hits += result.ci_low < 2 < result.ci_high
    assert abs(hits / 2000 - 0.95) < 0.02  # 4 standard deviations


OURS, THEIRS = [4.1, 5.0, 6.3, 5.2], [3.0, 3.9, 2.2, 6.1, 4.4, 3.3]


@pytest.mark.parametrize("kind", ["sd", "sem", "ci95"])
def test_difference_interval_is_welchs_whatever_spread_is_reported(kind):
    theirs = stats.summary(THEIRS)
    spread = {"sd": theirs.sd, "sem": theirs.sem, "ci95": theirs.ci_high - theirs.mean}[kind]
    result = stats.difference_interval(OURS, theirs.mean, spread, kind, 6)
    expected = scipy.stats.ttest_ind(OURS, THEIRS, equal_var=False).confidence_interval()
    assert (result.low, result.high) == pytest.approx((expected.low, expected.high), rel=1e-9)
    assert result.mean == pytest.approx(sum(OURS) / 4 - theirs.mean)
    assert result.n == 4


def test_difference_from_an_exact_number_is_the_one_sample_interval():
    own = stats.summary(OURS)
    for spread, kind, n in ((None, "none", None), (NAN, "none", NAN), (0.0, "sd", 5)):
        result = stats.difference_interval(OURS, 5.0, spread, kind, n)
        assert result == pytest.approx((own.mean - 5, own.ci_low - 5, own.ci_high - 5, 4))


def test_a_difference_without_any_spread_is_a_point_and_of_one_run_without_interval():
    assert stats.difference_interval([2.0, 2.0], 1.5, None, "none", None) == (0.5, 0.5, 0.5, 2)
    result = stats.difference_interval([2.0], 1.5, 0.1, "sd", 25)
    assert result.mean == 0.5 and math.isnan(result.low)
    assert stats.verdict(result.low, result.high, 1.0, result.n) == "unclear"


@pytest.mark.parametrize(
    "spread, kind, n", [(None, "sd", 5), (0.1, "sd", None), (0.1, "sem", 1), (-1, "sd", 5), (0.1, "std", 5)]
)
def test_an_incomplete_or_unknown_spread_is_refused(spread, kind, n):
    message = "unknown kind of spread 'std'" if kind == "std" else "needs a spread and at least 2 runs"
    with pytest.raises(ValueError, match=message):
        stats.difference_interval(OURS, 1.0, spread, kind, n)


@pytest.mark.parametrize(
    ("low", "high", "n", "expected"),
    [
        (-0.5, 0.9, 5, "agrees"),
        (0.1, 0.9, 5, "agrees"),  # a real difference, but within the margin
        (-1.0, 1.0, 5, "agrees"),
        (1.5, 2.5, 5, "differs"),  # better than the paper is no agreement either
        (-2.5, -1.5, 5, "differs"),
        (0.5, 2.5, 5, "differs"),  # excludes 0, centre 1.5 beyond the margin
        (0.5, 1.4, 5, "unclear"),  # excludes 0, centre 0.95 within it
        (-0.5, 3.5, 5, "unclear"),  # centre beyond the margin, includes 0
        (-5.0, 5.0, 5, "unclear"),
        (NAN, NAN, 1, "unclear"),
        (0.0, 0.0, 1, "unclear"),
    ],
)
def test_verdict_with_a_margin_of_one(low, high, n, expected):
    assert stats.verdict(low, high, 1.0, n) == expected


@pytest.mark.parametrize("margin", [0, -1, NAN])
def test_verdict_needs_a_margin(margin):
    with pytest.raises(ValueError, match="margin"):
        stats.verdict(-1, 1, margin, 5)
