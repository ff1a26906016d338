"""Comparisons are written as CSV with their scale, and as Markdown that leaves out what was not run."""

from __future__ import annotations

import math

import pandas

from common import comparison, records

ROW = {"artifact": "fig1", "panel": "A", "unit": "%", "value": 92.2, "spread": 1.1, "spread_kind": "sd"}
ROW |= {"ours_mean": 90.0, "ours_sd": 0.5, "ours_n": 3, "difference": -2.2, "ci_low": -3.5, "ci_high": -0.9}
ROW |= {"margin": 2.2, "verdict": "unclear"}


def lines(*changes, decimals=2):
    numbers = pandas.DataFrame([ROW | change for change in changes])
    return comparison.numbers_lines(numbers, lambda row: "Grow", decimals)[2:]


def test_a_number_stands_beside_ours():
    assert lines({}) == [
        "| fig1A | Grow | 92.2 % (SD 1.1) | 90.00 % (SD 0.50, n = 3) | -2.20 [-3.50, -0.90] | 2.2 | unclear |"
    ]


def test_fractions_bear_no_unit_and_long_panels_stand_apart():
    change = {"panel": "average", "unit": "fraction", "value": 0.97, "spread": math.nan, "spread_kind": "none"}
    change |= {"ours_mean": 0.9694, "ours_n": 1, "ours_sd": math.nan, "difference": -0.0006}
    assert lines(change, decimals=4) == [
        "| fig1 average | Grow | 0.97 | 0.9694 (n = 1) | -0.0006 | 2.2 | unclear |",
    ]


def test_small_numbers_are_stated_to_three_digits():
    change = {"unit": "", "value": 0.000574, "spread": math.nan, "spread_kind": "none", "margin": 0.000287}
    change |= {"ours_mean": 0.0000017, "ours_n": 1, "difference": -0.0005723}
    assert lines(change) == ["| fig1A | Grow | 0.000574 | 0.000002 (n = 1) | -0.000572 | 0.000287 | unclear |"]


def test_a_column_says_the_scale_where_there_are_several():
    numbers = pandas.DataFrame([ROW, ROW | {"artifact": "fig2"}, ROW | {"artifact": "fig2", "ours_n": 0}])
    checked = pandas.DataFrame([("a-01", "fig2", "It works", "holds", "1"), ("a-02", "fig3", "So", "not run", "-")])
    checked.columns = ["id", "artifact", "claim", "outcome", "detail"]
    scales = {"fig1": "paper", "fig2": "desk"}
    heading, rule, *rows = comparison.numbers_lines(numbers, lambda row: "Grow", 2, scales)
    assert heading.endswith("| Verdict | Scale |") and rule == "| --- " * 8 + "|"
    assert [row.split(" | ")[-1] for row in rows] == ["paper |", "desk |"]
    heading, _, *rows = comparison.claims_lines(checked, "Ours", scales)
    assert heading.endswith("| Ours | Scale |") and rows == [
        "| a-01 | fig2 | It works | holds | 1 | desk |",
        "| a-02 | fig3 | So | not run | - |  |",
    ]
    for one in ("desk", {"fig1": "desk", "fig2": "desk"}, {}):
        assert "Scale" not in comparison.numbers_lines(numbers, lambda row: "Grow", 2, one)[0]
        assert "Scale" not in comparison.claims_lines(checked, "Ours", one)[0]


def test_what_was_not_run_is_counted_not_listed():
    numbers = pandas.DataFrame([ROW, ROW | {"ours_n": 0}, ROW | {"ours_n": 0}])
    assert len(comparison.numbers_lines(numbers, lambda row: "Grow", 2)) == 3
    assert comparison.not_run_line(numbers) == "2 of 3 reported numbers: not run."


def test_every_table_says_what_it_is():
    record = {"scale": "paper", "seeds": [0, 1], "data": [], "protocol_digests": ["a"]}
    assert comparison.stamp_lines({"walks": record, "runs": record | {"seeds": [3]}}) == [
        "- walks: Paper scale, 2 seeds, no data.",
        "- runs: Paper scale, 1 seed, no data.",
    ]


def test_everything_is_written_beside_the_numbers(tmp_path):
    numbers = pandas.DataFrame([ROW])
    checked = pandas.DataFrame([("a-01", "fig1", "It works", "holds", "1.00")])
    checked.columns = ["id", "artifact", "claim", "outcome", "detail"]
    text = comparison.claims_lines(checked, "Ours")
    comparison.write(tmp_path / "comparison.csv", "desk", numbers, checked, text)
    assert records.read_tables(tmp_path / "comparison.csv").columns[0] == "scale"
    assert records.read_tables(tmp_path / "claims.csv").iloc[0].tolist()[:2] == ["desk", "a-01"]
    assert (tmp_path / "comparison.md").read_text().endswith("| a-01 | fig1 | It works | holds | 1.00 |\n")
    assert "scale" not in numbers.columns
