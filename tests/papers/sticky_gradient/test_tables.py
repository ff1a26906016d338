"""Tables 1 to 3 set the paper's values beside those of our runs and of our searches."""

from __future__ import annotations

import pandas
import pytest

from common.results import records
from papers.sticky_gradient import figures, tables, trials
from tests.papers.sticky_gradient.constructed import (
    PROVENANCE,
    PUBLISHED,
    REPORTED,
    REPORTED_PATH,
    TRAINING,
    permuted,
    search,
    write,
)

SEARCH = search(readings=("unit-gradient-mean", "standardised-gradient-mean"), seeds=(1000,), a1=0.4)

READINGS = pandas.DataFrame(
    [dict.fromkeys(trials.COLUMNS, 1.0) | {"reading": "unit-gradient-none", "condition": "control"}]
)


def test_table_1_has_the_papers_values_and_one_row_per_search():
    table = tables.table1({"search": SEARCH}, REPORTED, {"search": PROVENANCE})
    assert table["source"].tolist() == ["paper", "unit-gradient-mean", "standardised-gradient-mean"]
    paper = table.iloc[0]
    assert {name: paper[name] for name in PUBLISHED} == PUBLISHED
    assert paper[["seed", "objective", "objective_published", "objective_control"]].isna().all()
    assert table["a1"].tolist() == [0.279, 0.4, 0.4]
    assert table.loc[1, ["objective", "objective_published", "objective_control"]].tolist() == pytest.approx(
        [0.085, 0.08, 0.068], abs=5e-4
    )
    assert tables.table1({}, REPORTED, {})["source"].tolist() == ["paper"]


def test_table_2_takes_our_settings_from_the_runs():
    narrow = PROVENANCE | {"protocol": {"training": TRAINING | {"hidden": 400, "batch": 10}}}
    table = tables.table2({}, REPORTED, {"accuracies": narrow}).set_index("setting")
    assert table["paper"].to_dict() == {
        "base learning rate": 1e-4,
        "epochs per task": 1,
        "hidden layer width": 2000,
        "depth": 1,
        "number of hidden layers": 1,
        "optimizer": "Adam",
        "batch size": 50,
        "tasks": 10,
    }
    assert table.loc[["hidden layer width", "batch size", "base learning rate"], "ours"].tolist() == [400, 10, 1e-4]


def test_table_3_takes_our_ranges_from_the_search():
    other = PROVENANCE["protocol"]["search"] | {"sigma": [0.5, 0.6]}
    table = tables.table3({}, REPORTED, {"search": PROVENANCE | {"protocol": {"search": other}}})
    assert table["hyperparameter"].tolist() == ["a₁", "μ", "σ", "γ", "ζ", "λ"]
    assert table["paper_low"].tolist() == [0.01, 0.001, 0.01, 0.01, 1e-7, 4]
    assert table["paper_high"].tolist() == [10, 8, 7, 7, 1e-3, 10]
    assert table.iloc[2].tolist()[3:] == [0.5, 0.6]
    assert table.iloc[5].tolist()[3:] == [4, 10]


def test_settings_that_differ_between_runs_are_not_made_up():
    mixed = {key: value for key, value in PROVENANCE.items() if key != "protocol"}
    table = tables.table2({}, REPORTED, {"accuracies": mixed}).set_index("setting")
    assert table.loc["hidden layer width", "ours"] == tables.VARIES
    assert set(tables.table3({}, REPORTED, {"search": mixed})["ours_low"]) == {tables.VARIES}
    with pytest.raises(ValueError, match=r"search\.json has no section 'search'"):
        tables.table3({}, REPORTED, {"search": PROVENANCE | {"protocol": {"training": {}}}})
    with pytest.raises(ValueError, match=r"no accuracies\.csv was given"):
        tables.table2({}, REPORTED, {})


@pytest.mark.parametrize("name", figures.TABLES)
def test_the_command_line_writes_three_files(tmp_path, monkeypatch, name):
    smoke = PROVENANCE | {"scale": "smoke"}
    source = {"search": SEARCH, "accuracies": permuted(), "readings": READINGS}
    results = [write(tmp_path, table, source[table], smoke) for table in figures.NEEDS[name]]
    out = tmp_path / "figures" / f"{name}.tex"
    arguments = f"figures {name} --results {' '.join(map(str, results))} --reported {REPORTED_PATH} --out {out}"
    monkeypatch.setattr("sys.argv", arguments.split())
    figures.main()
    assert out.read_text().isascii() and r"\bottomrule" in out.read_text()
    assert r"\textbf{Smoke scale, not a result" in out.read_text()
    markdown = out.with_suffix(".md").read_text()
    assert markdown.startswith(tables.CAPTIONS[name].join(["**", "**"])) and "**Smoke scale, not a result" in markdown
    assert (
        len(records.read_tables(out.with_suffix(".csv")))
        == {"table1": 3, "table2": 8, "table3": 6, "readings": 1}[name]
    )
