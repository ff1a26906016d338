"""Every paper's reported.csv is well formed, mistakes in one are named, and comparisons count what they should."""

from __future__ import annotations

import math

import numpy
import pytest

from common.results import reported, stats
from common.running.code import ROOT

FILES = [*ROOT.glob("papers/*/reported.csv"), *ROOT.glob("papers/*/rules.smk")]
HEADER = ",".join(reported.COLUMNS)
RESULT = 'p,fig1,A,accuracy,Ours,"easy, short",100,90,2,sd,25,%,Section 3,text,4,margin: twice the SD'
OTHER = 'p,fig1,A,accuracy,Other,"easy, short",100,50,,none,,%,Section 3,text,2,margin: 2 points'
SETTING = "p,protocol,,optimiser,,,,Adam,,none,,,Section 2,text,,"


def write(folder, *lines):
    (folder / "reported.csv").write_text("\n".join([HEADER, *lines]) + "\n")
    return folder / "reported.csv"


@pytest.mark.parametrize("paper", sorted({path.parent for path in FILES}), ids=lambda paper: paper.name)
def test_every_paper_has_a_well_formed_file(paper):
    table = reported.read(paper / "reported.csv")
    assert set(table["paper"]) == {paper.name} and (paper / "rules.smk").exists()
    results = reported.results(table)
    assert results["note"].str.contains("margin: ").all(), "every margin needs its reason"
    # A margin below the reported spread of the mean could never be met.
    assert (results["margin"] >= results["spread"].fillna(0) / numpy.sqrt(results["n"].fillna(1))).all()


def test_reading_gives_numbers_and_empty_text_and_results_are_chosen_by_columns(tmp_path):
    path = write(tmp_path, RESULT, SETTING, OTHER)
    table = reported.read(path)
    path.write_bytes("\ufeff".encode() + path.read_bytes().replace(b"\n", b"\r\n"))  # as a spreadsheet saves it
    assert reported.read(path).equals(table)
    assert table.loc[0, ["x", "value", "spread", "n", "margin"]].tolist() == [100, 90, 2, 25, 4]
    assert table.loc[0, "setting"] == "easy, short"
    assert table.loc[1, ["value", "method"]].tolist() == ["Adam", ""] and numpy.isnan(table.loc[1, "margin"])
    results = reported.results(table)
    assert results["value"].dtype == float and results["method"].tolist() == ["Ours", "Other"]
    assert reported.results(table, artifact="fig1", method="Other")["value"].tolist() == [50]
    assert reported.results(table, artifact="protocol").empty


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (RESULT.replace(",90,", ",ninety,"), "line 3: column value must be a number, found 'ninety'"),
        (RESULT.replace(",90,", ",nan,"), "line 3: column value must be a number"),
        (RESULT.replace(",25,", ",many,"), "line 3: column n must be a number"),
        (RESULT.replace(",25,", ",,"), "line 3: a spread needs the number of runs"),
        (RESULT.replace(",2,sd,", ",,sd,"), "line 3: a spread and its kind go together"),
        (RESULT.replace(",sd,", ",none,"), "line 3: a spread and its kind go together"),
        (RESULT.replace(",sd,", ",std,"), "line 3: column spread_kind is 'std'"),
        (RESULT.replace(",text,", ",hearsay,"), "line 3: column how_read is 'hearsay'"),
        (RESULT.replace(",4,margin", ",,margin"), "line 3: a result needs a positive margin"),
        (RESULT.replace(",4,margin", ",0,margin"), "line 3: a result needs a positive margin"),
        (RESULT.replace("Section 3", ""), "line 3: column source is empty"),
        (SETTING.replace("text,,", "text,2,"), "line 3: a setting has no margin"),
        (RESULT.replace(",2,sd,", ",-2,sd,"), "line 3: column spread must be at least 0, not -2"),
        (RESULT.replace(",25,", ",2.5,"), "line 3: column n must be a number of runs, not 2.5"),
        (RESULT.replace(",25,", ",-1,"), "line 3: column n must be a number of runs, not -1"),
        (RESULT.replace(",100,90", ",inf,90"), "line 3: column x must be a number, found 'inf'"),
        (RESULT.replace("fig1", "figure 1"), "line 3: column artifact is 'figure 1'; write fig1, table1, text"),
        ("q" + RESULT[1:], "line 3: column paper is 'q', but further up 'p'"),
        (
            OTHER.replace(",50,", ",51,"),
            "line 3: this result stands further up already, under the same paper, artifact",
        ),
        (RESULT + ",extra", "line 3: expected 16 columns"),
        ("p,fig1,A", "line 3: expected 16 columns"),
    ],
)
def test_mistakes_are_named_with_their_line(tmp_path, line, message):
    path = write(tmp_path, OTHER, line)
    with pytest.raises(ValueError) as error:
        reported.read(path)
    assert message in str(error.value) and str(path) in str(error.value)


def test_wrong_columns_and_empty_files_are_named(tmp_path):
    (tmp_path / "reported.csv").write_text(HEADER.replace("margin,", "") + "\n")
    with pytest.raises(ValueError, match="the first line must be"):
        reported.read(tmp_path / "reported.csv")
    with pytest.raises(ValueError, match="no rows"):
        reported.read(write(tmp_path))
    write(tmp_path, RESULT).write_bytes(f"{HEADER}\n{RESULT} é\n".encode("latin-1"))
    with pytest.raises(ValueError, match=r"reported.csv is no UTF-8 text \(.*\): save it as such"):
        reported.read(tmp_path / "reported.csv")


def test_compare_gives_every_reported_result_a_verdict(tmp_path):
    table = reported.read(write(tmp_path, RESULT, OTHER, SETTING))
    values = [89.0, 90.0, 91.5, 90.5, 88.5]
    compared = reported.compare(table, lambda row: dict(enumerate(values)) if row["method"] == "Ours" else {})
    assert compared["method"].tolist() == ["Ours", "Other"]
    assert compared["verdict"].tolist() == ["agrees", "not run"]
    expected = stats.difference_interval(values, 90, 2, "sd", 25)
    row = compared.iloc[0]
    assert (row["difference"], row["ci_low"], row["ci_high"], row["ours_n"]) == expected
    assert (row["ours_mean"], row["ours_sd"]) == pytest.approx((89.9, numpy.std(values, ddof=1)))
    assert compared.iloc[1]["ours_n"] == 0 and numpy.isnan(compared.iloc[1]["ours_mean"])


def test_compare_reaches_every_verdict(tmp_path):
    table, found = reported.read(write(tmp_path, RESULT)), []
    for values in ([89, 90, 91], [99, 99.5, 99], [70, 110, 90], [90.0], [], [math.nan, math.nan]):
        found += reported.compare(table, lambda row, values=values: dict(enumerate(values)))["verdict"].tolist()
    assert found == ["agrees", "differs", "unclear", "unclear", "not run", "diverged"]


def test_seeds_that_diverged_are_counted_and_leave_the_others_as_they_are(tmp_path):
    table, finished = reported.read(write(tmp_path, RESULT)), [89.0, 90.0, 91.5]
    alone, beside = (
        reported.compare(table, lambda row, values=values: dict(enumerate(values)))
        for values in (finished, [math.nan, *finished, math.nan])
    )
    assert alone["ours_diverged"].tolist() == [0] and beside["ours_diverged"].tolist() == [2]
    assert beside.drop(columns="ours_diverged").equals(alone.drop(columns="ours_diverged"))
