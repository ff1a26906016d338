"""A finding is judged by its interval, a claim by all its findings."""

from __future__ import annotations

import math

import pytest

from common.results.claims import Claim, Finding, check, difference, outcome, side_by_side, where_defined, within


def runs(*values):
    return dict(enumerate(values))


@pytest.mark.parametrize(
    ("values", "bounds", "expected"),
    [
        ((9, 10, 11), {"low": 7}, "holds"),  # 95% interval 7.52 .. 12.48
        ((9, 10, 11), {"low": 8}, "unclear"),
        ((9, 10, 11), {"low": 13}, "fails"),
        ((9, 10, 11), {"high": 13}, "holds"),
        ((9, 10, 11), {"high": 12}, "unclear"),
        ((9, 10, 11), {"high": 7}, "fails"),
        ((9, 10, 11), {"low": 7, "high": 13}, "holds"),
        ((9, 10, 11), {"low": 9.5, "high": 10.5}, "unclear"),
        ((10,), {"low": 0}, "unclear"),  # one run is never enough
        ((10,), {"high": 0}, "unclear"),
        ((), {"low": 0}, "not run"),
    ],
)
def test_a_finding_is_judged_by_its_interval(values, bounds, expected):
    finding = within("ours", runs(*values), **bounds)
    assert finding.outcome == expected
    assert finding.detail.startswith("ours: ")


@pytest.mark.parametrize(
    ("values", "bounds", "said"),
    [
        ((500, 3700), {"high": 2}, ", both runs outside: 500.00 and 3,700.00"),
        ((1.9, 1), {"high": 2}, ", both runs inside: 1.90 and 1.00"),
        ((1, 3), {"low": 0.9, "high": 4}, ", both runs inside: 1.00 and 3.00"),
        ((1, 3), {"high": 2}, ""),
        ((500,), {"high": 2}, ""),
        ((3, 500, 3700), {"high": 2}, ""),
    ],
)
def test_two_runs_that_decide_nothing_say_where_both_lie(values, bounds, said):
    """The verdict stays what the interval makes it; where that decides, nothing is added."""
    finding = within("ours", runs(*values), **bounds)
    assert finding.outcome == "unclear" and finding.detail.partition(")")[2] == said
    decided = within("ours", runs(3.0, 3.01), high=2)
    assert decided.outcome == "fails" and decided.detail.endswith("n = 2 (claimed below 2)")


def test_runs_without_a_quantity_are_left_out_and_counted():
    assert where_defined("ours", runs(9, 10, 11), low=7) == within("ours", runs(9, 10, 11), low=7)
    some = where_defined("ours", runs(9, math.nan, 10, 11), low=7)
    assert some == ("holds", "ours (undefined in 1 of 4 runs): 10.00 [7.52, 12.48], n = 3 (claimed above 7)")
    assert where_defined("ours", runs(math.nan, math.nan), low=7) == ("unclear", "ours: undefined in all 2 runs")
    assert where_defined("ours", {}, low=7).outcome == "not run"


def test_the_detail_gives_mean_interval_and_number_of_runs_and_what_cannot_be_judged_is_refused():
    assert within("ours", runs(9, 10, 11), low=7).detail == "ours: 10.00 [7.52, 12.48], n = 3 (claimed above 7)"
    assert difference({0: 5, 1: 7, 2: 9}, {2: 1, 0: 3, 4: 0}) == {0: 2, 2: 8}  # paired by seed
    with pytest.raises(ValueError, match="ours has no bound"):
        within("ours", runs(1, 2))
    with pytest.raises(ValueError, match="at least one finding"):
        check([Claim("a", "fig1", "text", lambda results: [])], None)


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        (["holds", "holds"], "holds"),
        (["holds", "unclear"], "unclear"),
        (["unclear", "not run", "holds"], "not run"),
        (["not run", "fails", "unclear"], "fails"),
    ],
)
def test_a_claim_needs_all_its_findings(outcomes, expected):
    assert outcome([Finding(each, "") for each in outcomes]) == expected


def test_runs_stand_side_by_side_where_all_have_a_seed():
    assert side_by_side([{2: 1.0, 0: 2.0}, {0: 3.0, 1: 4.0, 2: 5.0}]) == {0: [2.0, 3.0], 2: [1.0, 5.0]}
    assert side_by_side(iter([{0: 1.0}, {}])) == {}
