"""A table says the same in its three forms, bears its stamp, and cannot break the syntax of any of them."""

from __future__ import annotations

import math

import pandas
import pytest

from common.drawing import typeset
from common.drawing.typeset import Table
from common.results import tables

TABLE = pandas.DataFrame(
    {"name": ["a_1 | 50%", "plain"], "zeta": [0.000574123, math.nan], "width": [2000, 400], "rate": [1e-4, 0.5]}
)
QUIET, LOUD = ("Paper scale | 10 seeds", False), ("Smoke scale, not a result | 2 seeds", True)


def written(folder, stamp=QUIET, table=TABLE, caption="Table 1. What was 100% found"):
    path = folder / "figures" / "table1.tex"
    typeset.write(path, Table(table, caption, {"zeta": "ζ"}), stamp)
    return path, path.with_suffix(".md").read_text(), path.read_text()


def test_the_csv_holds_exact_numbers_under_plain_names_also_where_the_table_is_text(tmp_path):
    path, _, _ = written(tmp_path)
    pandas.testing.assert_frame_equal(tables.read(path.with_suffix(".csv")), TABLE)
    shown = pandas.DataFrame({"method": ["A", ""], "row": ["paper", "ours"], "accuracy": ["0.50 ± 0.01", "0.52"]})
    path = tmp_path / "table1.tex"
    typeset.write(path, Table(shown, "", {"row": ""}, exact=TABLE), QUIET)
    pandas.testing.assert_frame_equal(tables.read(path.with_suffix(".csv")), TABLE)
    assert r" & ours & 0.52 \\" in path.read_text().splitlines()
    assert r"method &  & accuracy \\" in path.read_text().splitlines()
    lines = [line for line in path.with_suffix(".md").read_text().splitlines() if line.startswith("|")]
    assert [cell.strip() for cell in lines[-1].strip("|").split("|")] == ["", "ours", "0.52"]


def test_markdown_is_one_table_with_caption_and_stamp(tmp_path):
    _, markdown, _ = written(tmp_path)
    lines = markdown.splitlines()
    assert lines[0] == "**Table 1. What was 100% found**"
    cells = [[text.strip() for text in line.strip("| ").split(" | ")] for line in lines if line.startswith("|")]
    assert cells[0] == ["name", "ζ", "width", "rate"]
    assert cells[2] == [r"a_1 \| 50%", "0.000574", "2000", "0.0001"]  # the bar within a cell is escaped
    assert cells[3] == ["plain", "–", "400", "0.5"]
    assert lines[-1] == "*Paper scale | 10 seeds*"


def test_latex_is_a_booktabs_table_in_ascii(tmp_path):
    _, _, latex = written(tmp_path)
    assert latex.isascii()
    for line in (r"\toprule", r"\midrule", r"\bottomrule", r"name & $\zeta$ & width & rate \\"):
        assert line in latex.splitlines()
    assert r"a\_1 | 50\% & 0.000574 & 2000 & 0.0001 \\" in latex
    assert r"plain & -- & 400 & 0.5 \\" in latex
    assert r"\caption{Table 1. What was 100\% found \textit{Paper scale | 10 seeds}}" in latex
    assert latex.startswith("% needs \\usepackage{booktabs}\n")


def test_what_is_no_result_is_marked_in_bold(tmp_path):
    _, markdown, latex = written(tmp_path, LOUD)
    assert markdown.endswith("\n\n**Smoke scale, not a result | 2 seeds**\n")
    assert r"\textbf{Smoke scale, not a result | 2 seeds}" in latex


def test_cells():
    values = (0.27912, 4.0, 1234567, 1e-7, None, math.nan, "", "Adam")
    assert [typeset.cell(value) for value in values] == ["0.279", "4", "1234567", "1e-07", "–", "–", "", "Adam"]


def test_another_ending_and_an_empty_table_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"ending in \.tex"):
        typeset.write(tmp_path / "table1.csv", Table(TABLE, ""), QUIET)
    with pytest.raises(ValueError, match="no rows"):
        typeset.write(tmp_path / "table1.tex", Table(TABLE[:0], ""), QUIET)
    assert list(tmp_path.iterdir()) == []
