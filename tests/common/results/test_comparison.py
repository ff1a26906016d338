"""Every reported number gets ours beside it, under whose hyperparameters and at which scale; what was not run is counted."""

from __future__ import annotations

import json
import math
from types import SimpleNamespace

import pandas
import pytest

from common.results import comparison, readers, reported, tables
from common.results.claims import Claim, within
from common.results.comparison import Alternative

ROW = {"paper": "a_paper", "artifact": "fig1", "panel": "A", "quantity": "accuracy", "method": "Ours"}
ROW |= {"x": math.nan, "value": 92.2, "spread": 1.1, "spread_kind": "sd", "n": 5, "unit": "%", "source": "Section 3"}
ROW |= {"setting": "easy", "how_read": "text", "margin": 2.2, "note": "margin: twice the SD"}
ALONE = {"spread": math.nan, "spread_kind": "none", "n": math.nan}
RECORD = {"paper": "a_paper", "stage": "train", "scale": "paper", "seeds": [0, 1, 2], "data": [], "protocol": {}}
RECORD |= {"parts": 2}
READERS = {name: readers.plain(["condition", "seed", "accuracy"]) for name in ("runs", "others")}
CLAIM = Claim("a-01", "fig1", "It works", lambda run: [within("ours", values(run, "runs", "Ours"), low=50)])


def rows(*changes):
    """Return rows as `reported.read` does."""
    return pandas.DataFrame([ROW | change for change in changes], columns=reported.COLUMNS)


def values(run, name, condition):
    table = run[name]
    return table[table["condition"] == condition].set_index("seed")["accuracy"].to_dict()


COMPARE = SimpleNamespace(our_runs=lambda run, row: values(run, "runs", row["method"]))


@pytest.fixture
def collected(tmp_path):
    """Writes collected tables and reads them; tables: accuracies by condition, or such a dict and a record's changes."""

    def write(**given):
        for name, about in given.items():
            conditions, changes = about if isinstance(about, tuple) else (about, {})
            table = [
                {"condition": condition, "seed": seed, "accuracy": value}
                for condition, accuracies in conditions.items()
                for seed, value in enumerate(accuracies)
            ]
            tables.write(tmp_path / f"{name}.csv", table)
            (tmp_path / f"{name}.json").write_text(json.dumps(RECORD | changes))
        return readers.read([tmp_path / f"{name}.csv" for name in given], READERS)

    return write


def lines(run, reported_rows, compare=COMPARE, scales=None):
    """Return the lines of the tables in comparison.md, without claims."""
    numbers = comparison.compare_numbers(compare, run, reported_rows)
    text = comparison.markdown(run, numbers, comparison.check_claims(compare, [], run), scales or {})
    headings = ("| ---", "| Artifact | Number |", "| Claim |")
    return [line for line in text if line.startswith("|") and not line.startswith(headings)]


def test_a_number_stands_beside_ours(collected):
    run = collected(runs={"Ours": [89.5, 90.0, 90.5], "Single": [90.0]})
    assert lines(run, rows({}, {"method": "Single", "panel": "average", "x": 10, **ALONE})) == [
        "| fig1A | Ours: accuracy; easy | 92.2 % (SD 1.1) | 90.00 % (SD 0.50, n = 3) | -2.20 [-3.60, -0.80] | 2.2 | differs |",
        "| fig1 average | Single: accuracy (10); easy | 92.2 % | 90.00 % (n = 1) | -2.20 | 2.2 | unclear |",
    ]


def test_small_numbers_are_stated_to_two_digits_beyond_the_margin(collected):
    change = {"unit": "fraction", "value": 0.000574, "margin": 0.000287, "quantity": "error on task x", "x": 2, **ALONE}
    (line,) = lines(collected(runs={"Ours": [0.0000017]}), rows(change))
    numbers = "0.000574 | 0.000002 (n = 1) | -0.000572 | 0.000287 | unclear |"
    assert line == f"| fig1A | Ours: error on task 2; easy | {numbers}"


def test_runs_that_diverged_are_counted(collected):
    compare = SimpleNamespace(our_runs=lambda run, row: values(run, "runs", row["method"]) | {7: math.nan, 8: math.nan})
    partly, wholly = lines(collected(runs={"Ours": [90.0, 90.5]}), rows({}, {"method": "Lost"}), compare)
    assert "90.25 % (SD 0.35, n = 2), 2 diverged | " in partly
    assert wholly.endswith("| 92.2 % (SD 1.1) | all 2 diverged | – | 2.2 | diverged |")


def test_entries_of_a_matrix_are_one_line_a_condition(collected):
    accuracies = {"Ours": [90.0, 90.5], "Other": [90.0, 95.0], "Lost": [90.0]}
    compare = SimpleNamespace(
        our_runs=lambda run, row: {0: math.nan} if row["method"] == "Lost" else values(run, "runs", row["method"])
    )
    matrix = [
        {"panel": "matrix", "method": name, "x": x, "value": value, "margin": 9}
        for name in accuracies
        for x, value in ((1, 90.0), (2, 91.0))
    ]
    assert lines(collected(runs=accuracies), rows(*matrix), compare) == [
        "| Artifact | Condition | Entries | agrees | differs | unclear | diverged | Largest difference |",
        "| fig1 | Ours; easy | 2 | 2 | 0 | 0 | 0 | -0.7500 (accuracy (2)) |",
        "| fig1 | Other; easy | 2 | 0 | 0 | 2 | 0 | +2.5000 (accuracy (1)) |",
        "| fig1 | Lost; easy | 2 | 0 | 0 | 0 | 2 | – |",
    ]


def test_what_was_not_run_is_counted_not_listed(collected):
    run, asked = collected(runs={"Ours": [90.0]}), rows({}, {"method": "Absent"}, {"method": "Missing"})
    numbers = comparison.compare_numbers(COMPARE, run, asked)
    assert numbers["verdict"].tolist() == ["unclear", "not run", "not run"] and len(lines(run, asked)) == 1
    text = comparison.markdown(run, numbers, comparison.check_claims(COMPARE, [CLAIM], run), {})
    assert text[0] == "- runs: Paper scale, 3 seeds, no data."
    assert "2 of 3 numbers: not run." in text
    assert text[-1].startswith("| a-01 | fig1 | It works | unclear | ours: 90.00, n = 1")


def test_a_column_says_the_scale_where_there_are_several(collected):
    run = collected(runs={"Ours": [90.0]}, others=({"Ours": [80.0]}, {"scale": "desk"}))
    made_from = {"fig1": ("runs",), "fig2": ("others", "absent"), "fig3": ("runs", "others"), "fig4": ("absent",)}
    scales = comparison.scales_of(made_from, run, ["fig1", "fig2B", "fig3", "fig4", "fig5"])
    assert scales == {"fig1": "paper", "fig2B": "desk", "fig3": "runs paper, others desk", "fig4": "", "fig5": ""}
    first, second = lines(run, rows({}, {"artifact": "fig2B"}), scales=scales)
    assert first.endswith("| unclear | paper |") and second.endswith("| unclear | desk |")
    for one in ({"fig1": "desk", "fig2B": "desk"}, {}):
        assert lines(run, rows({}, {"artifact": "fig2B"}), scales=one)[0].endswith("| unclear |")


@pytest.fixture
def with_alternatives():
    """A paper with another search of its hyperparameters, whose runs are in another table, on which no x = 1 depends."""

    def searched(run):
        return run.only({"runs": run["others"]} if "others" in run else {})

    searched = Alternative("our own search", searched, claims=[CLAIM], depends=lambda row: row["x"] != 1)
    return SimpleNamespace(our_runs=COMPARE.our_runs, BASIS="the paper's", ALTERNATIVES=(searched,))


def test_alternatives_are_judged_again_where_they_were_run_and_can_differ(collected, with_alternatives):
    run = collected(runs={"Ours": [90.0], "Plain": [70.0]}, others={"Ours": [50.0]})
    asked = rows({}, {"x": 1}, {"method": "Plain"})
    numbers = comparison.compare_numbers(with_alternatives, run, asked)
    assert numbers["hyperparameters"].tolist() == 3 * ["the paper's"] + ["our own search"]
    assert numbers["ours_mean"].tolist() == [90, 90, 70, 50]
    second = Claim("a-02", "fig1", "So", lambda run: [within("plain", values(run, "runs", "Plain"), low=50)])
    checked = comparison.check_claims(with_alternatives, [CLAIM, second], run)
    assert checked["id"].tolist() == ["a-01", "a-02", "a-01"]
    assert checked["hyperparameters"].tolist() == 2 * ["the paper's"] + ["our own search"]
    text = comparison.markdown(run, numbers, checked, {})
    assert text.count("Hyperparameters: the paper's.") == text.count("Hyperparameters: our own search.") == 1
    alone = collected(runs={"Ours": [90.0]})
    assert set(comparison.compare_numbers(with_alternatives, alone, asked)["hyperparameters"]) == {"the paper's"}
    assert set(comparison.check_claims(with_alternatives, [CLAIM], alone)["hyperparameters"]) == {"the paper's"}


def test_everything_is_written_beside_the_numbers(collected, tmp_path):
    extras = {"ELSEWHERE": {"text": ("others",)}, "notes": lambda *given: ["A note."]}
    compare = SimpleNamespace(our_runs=COMPARE.our_runs, **extras)
    out = tmp_path / "made" / "comparison.csv"
    run = collected(runs={"Ours": [90.0]}, others=({"Ours": [80.0]}, {"scale": "desk"}))
    comparison.write(out, compare, [CLAIM], {"fig1": ("runs",)}, run, rows({}, {"artifact": "text"}))
    assert tables.read(out).columns[0] == "scale" and tables.read(out)["scale"].tolist() == ["paper", "desk"]
    assert tables.read(out.with_name("claims.csv")).iloc[0].tolist()[:2] == ["paper", "a-01"]
    text = out.with_suffix(".md").read_text()
    assert "\nA note.\n" in text and text.endswith("ours: 90.00, n = 1 (claimed above 50) | paper |\n")


@pytest.mark.parametrize(("scale", "verdict", "outcome"), [("paper", "agrees", "holds"), ("desk", *["not judged"] * 2)])
def test_what_ran_below_paper_scale_is_not_judged(collected, tmp_path, scale, verdict, outcome):
    """The numbers stay: only the word is not there."""
    ours = {"Ours": [92.0, 92.1, 91.9]}
    run = collected(runs=(ours, {"scale": scale}))
    comparison.write(
        tmp_path / "comparison.csv", COMPARE, [CLAIM], {"fig1": ("runs",)}, run, rows({}, {"method": "None"})
    )
    numbers, judged = (tables.read(tmp_path / f"{name}.csv") for name in ("comparison", "claims"))
    assert numbers["verdict"].tolist() == [verdict, "not run"] and judged["outcome"].tolist() == [outcome]
    assert numbers["difference"].notna().tolist() == [True, False] and "[" in judged["detail"][0]


def test_a_paper_without_reported_numbers_has_its_own(collected):
    about = {"artifact": "fig1", "panel": "", "quantity": "steps", "method": "Ours", "setting": "easy"}
    about |= {"unit": "epochs", "ours_mean": 1234.5, "ours_sd": 1.0, "ours_n": 2, "ci_low": 1230.0, "ci_high": 1240.0}
    own = pandas.DataFrame([about | {"verdict": ""}])
    compare = SimpleNamespace(our_numbers=lambda run: own)
    (line,) = lines(collected(runs={"Ours": [90.0]}), None, compare)
    assert line == "| fig1 | Ours: steps; easy | 1.23e+03 epochs (SD 1, n = 2) | [1.23e+03, 1.24e+03] |"
