"""Tables are read by name, come out without rows where nothing was run, and are refused where they do not fit."""

from __future__ import annotations

import json
import math

import pandas
import pytest

from common import collected, records, reported
from common.collected import Reader

READERS = {
    "runs": collected.plain(["seed", "accuracy"]),
    "doubled": Reader(lambda path: 2 * records.read_tables(path, ["value"]), ["value"]),
}
RUNS = pandas.DataFrame({"accuracy": [0.5, 0.75], "seed": [0, 1], "note": ["", "slow"]})
VALUES = pandas.DataFrame({"value": [1, 2]})
PROVENANCE = {"paper": "a_paper", "stage": "train", "scale": "desk", "seeds": [0, 1], "data": [], "device": "cpu"}
PROVENANCE |= {"versions": {}, "git": {}, "protocol": {}, "protocol_digest": "a", "wall_seconds": 1, "cpu_seconds": 1}
MERGED = {"scale": "desk", "seeds": [4], "parts": 3}


def write(folder, name, rows, provenance=MERGED):
    records.write_table(folder / f"{name}.csv", rows)
    (folder / f"{name}.json").write_text(json.dumps(provenance))
    return folder / f"{name}.csv"


def test_each_table_is_read_by_the_reader_of_its_name(tmp_path):
    paths = [write(tmp_path, "doubled", VALUES), write(tmp_path, "runs", RUNS, PROVENANCE)]
    tables, provenances = collected.read(paths, READERS)
    assert tables["doubled"]["value"].tolist() == [2, 4]
    pandas.testing.assert_frame_equal(tables["runs"], RUNS[["seed", "accuracy"]])
    assert provenances["doubled"] == MERGED  # merged before
    assert provenances["runs"]["parts"] == 1 and provenances["runs"]["protocol_digests"] == ["a"]


def test_a_table_that_was_not_run_has_columns_and_no_rows():
    assert collected.table({"runs": RUNS}, "runs", READERS) is RUNS
    missing = collected.table({"runs": RUNS}, "doubled", READERS)
    assert missing.empty and missing.columns.tolist() == ["value"]
    with pytest.raises(KeyError, match="run"):
        collected.table({"runs": RUNS}, "run", READERS)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (RUNS[["seed"]], r"runs\.csv has no column accuracy"),
        (RUNS.assign(accuracy=[0.5, math.nan]), "column accuracy holds values that are missing or not finite"),
        (RUNS.assign(accuracy=[0.5, math.inf]), "column accuracy holds values that are missing or not finite"),
    ],
)
def test_a_plain_table_is_complete_and_finite(tmp_path, rows, message):
    with pytest.raises(ValueError, match=message):
        collected.read([write(tmp_path, "runs", rows)], READERS)


def test_tables_that_do_not_belong_together_are_refused(tmp_path):
    first = write(tmp_path, "runs", RUNS)
    with pytest.raises(ValueError, match=r"walks\.csv: no table of this name is known; known are runs, doubled"):
        collected.read([write(tmp_path, "walks", RUNS)], READERS)
    with pytest.raises(ValueError, match="given before"):
        collected.read([first, first], READERS)


def test_a_table_without_provenance_is_refused(tmp_path):
    path = write(tmp_path, "runs", RUNS)
    path.with_suffix(".json").unlink()
    with pytest.raises(FileNotFoundError, match=r"runs\.json"):
        collected.read([path], READERS)


NEEDS = {"fig1": ("runs",), "fig2": ("runs", "doubled")}


def ask(monkeypatch, needs, *words):
    monkeypatch.setattr("sys.argv", ["figures", *map(str, words)])
    return collected.request("papers.a_paper.figures", READERS, needs)


@pytest.fixture
def files(tmp_path):
    """Two tables, and what the paper reports."""
    reported_file = tmp_path / "reported.csv"
    row = dict.fromkeys(reported.COLUMNS, "") | {"paper": "a_paper", "artifact": "protocol", "quantity": "seeds"}
    row |= {"value": "2", "spread_kind": "none", "source": "Section 1", "how_read": "text"}
    records.write_table(reported_file, [row])
    return {
        "runs": write(tmp_path, "runs", RUNS),
        "doubled": write(tmp_path, "doubled", VALUES),
        "reported": reported_file,
    }


def test_a_figure_is_asked_for_by_name_with_its_tables(monkeypatch, files):
    options = ["--results", files["runs"], files["doubled"], "--reported", files["reported"], "--out", "a.pdf"]
    asked = ask(monkeypatch, NEEDS, "fig2", *options)
    assert (asked.name, str(asked.out), asked.scale) == ("fig2", "a.pdf", "desk")
    assert set(asked.tables) == set(asked.provenances) == {"runs", "doubled"}
    assert list(asked.reported.columns) == reported.COLUMNS
    assert ask(monkeypatch, None, *options).name == ""  # a comparison has none


def test_tables_of_different_scales_keep_theirs_and_have_no_one_scale(monkeypatch, files, tmp_path):
    other = write(tmp_path, "doubled", VALUES, MERGED | {"scale": "paper"})
    options = ["--results", files["runs"], other, "--reported", files["reported"], "--out", "a.pdf"]
    asked = ask(monkeypatch, NEEDS, "fig2", *options)
    assert asked.scales == {"runs": "desk", "doubled": "paper"}
    with pytest.raises(ValueError, match="different scales: desk, paper"):
        _ = asked.scale


def test_a_table_that_a_figure_does_not_need_is_refused(monkeypatch, capsys, files):
    options = ["--results", files["doubled"], "--reported", files["reported"], "--out", "a.pdf"]
    with pytest.raises(SystemExit):
        ask(monkeypatch, NEEDS, "fig1", *options)
    assert "fig1 is made from runs (.csv), not from doubled.csv" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        ask(monkeypatch, NEEDS, "fig3", *options)
    assert "invalid choice: 'fig3'" in capsys.readouterr().err
