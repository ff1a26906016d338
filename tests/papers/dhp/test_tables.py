"""Table I sets our runs beside the paper's, for reading and for reading on."""

from __future__ import annotations

import pytest

from common.results import records
from papers.dhp import collected, figures, tables
from papers.dhp.conditions import BENCHMARKS, FINAL, TRANSFER
from papers.dhp.runs import NEEDS
from tests.papers.dhp.constructed import PROVENANCE, REPORTED, REPORTED_PATH, benchmark, everything, tuned, write


def shown(found):
    values = tables.table1_values(found, REPORTED)
    return values, tables.table1(values)


def test_each_method_has_the_papers_row_ours_and_the_verdicts():
    values, table = shown(everything())
    assert len(values) == 64 and len(table) == 24
    assert table.iloc[0].tolist()[:3] == ["Finetune", "paper", "76.73 ± 0.67 / −0.19"]
    assert table.iloc[1].tolist()[1:3] == ["ours", "76.73 ± 0.03 / −0.190 ± 0.000"]
    assert table.iloc[2].tolist()[1:3] == ["verdict", "agrees / agrees (n = 3)"]
    assert table.loc[table["row"] == "paper", "vision"].tolist()[-1] == "80.66 / −0.01"
    assert table.loc[table["row"] == "paper", "split"].tolist()[3] == "99.15 ± 0.09 / 0.00"


def test_numbers_to_read_on_are_exact():
    values, _ = shown(everything(split=benchmark("split", mas=(95.0, -0.05))))
    row = values.set_index(["benchmark", "method", "quantity"]).sort_index().loc[(BENCHMARKS["split"], "MAS")]
    assert row.loc[FINAL, ["paper", "paper_sem", "n", "verdict"]].tolist() == [98.24, 0.13, 3, "differs"]
    assert row.loc[FINAL, "ours"] == pytest.approx(95)
    assert row.loc[FINAL, "ours_sem"] == pytest.approx(0.05 / 3**0.5)
    assert row.loc[TRANSFER, "ours"] == pytest.approx(-0.05) and row.loc[TRANSFER, "verdict"] == "differs"


def test_own_lambdas_have_rows_of_their_own():
    _, table = shown(everything(permuted=benchmark("permuted", **tuned(offset=1))))
    own = table[table["row"] == "ours, own λ"]
    assert len(own) == 6 and len(table) == 24 + 2 * 6
    assert own["permuted"].tolist()[0].startswith("85.72 ± 0.03")
    assert set(own["split"]) == {"not run"}


def test_what_was_not_run_is_said():
    _, table = shown({"vision": benchmark("vision", si=None)})
    ours = table[table["row"] == "ours"]
    assert set(ours["permuted"]) == set(ours["split"]) == {"not run"}
    assert (ours["vision"] == "not run").sum() == 1


def test_seeds_that_diverged_are_counted_beside_those_that_did_not():
    runs = [f"split dhp-ewc, seed {seed} (task 2, epoch 1)" for seed in range(2)]
    runs += ["split si, seed 3 (task 1, epoch 1)", "split dhp, eta 0.1, seed 0 (task 1, epoch 1)"]
    lost = collected.diverged({"split": {"diverged": runs}, "vision": {}})
    assert lost == {("split", "dhp-ewc"): 2, ("split", "si"): 1}  # a run from another initial eta is not Table I's
    values = tables.table1_values({"split": benchmark("split", dhp_ewc=None)}, REPORTED, lost)
    table = tables.table1(values)
    ours, verdicts = (table[table["row"] == name]["split"].tolist() for name in ("ours", "verdict"))
    assert ours[5] == "2 diverged, of 2" and verdicts[5] == ""
    assert verdicts[2] == "agrees / agrees (n = 3, 1 more diverged)"
    assert values.loc[values["method"] == "SI", "diverged"].tolist().count(1) == 2


def test_our_own_lambda_stands_alone_where_the_published_one_diverged():
    values, table = shown({"split": benchmark("split", ewc=None, **tuned())})
    assert not values.duplicated(["benchmark", "method", "lambda", "quantity"]).any()
    ewc = table[table["method"].eq("Online EWC").cumsum().gt(0)].iloc[:5].set_index("row")["split"]
    assert ewc["ours"] == "not run" and ewc["ours, own λ"].startswith("86.74")


def test_our_own_lambda_with_which_all_seeds_diverged_is_not_passed_over():
    found = {"split": benchmark("split"), "permuted": benchmark("permuted", ewc=None)}
    lost = {("split", "si-tuned"): 3, ("permuted", "ewc-tuned"): 2, ("permuted", "ewc"): 2}
    values = tables.table1_values(found, REPORTED, lost)
    own = tables.table1(values).set_index("row").loc["ours, own λ"]
    assert own["split"].tolist() == ["3 diverged, of 3", "not run"]
    assert own["permuted"].tolist() == ["not run", "2 diverged, of 2"]
    assert not values.duplicated(["benchmark", "method", "lambda", "quantity"]).any()


def test_fewer_tasks_than_the_papers_are_shown_without_a_verdict():
    values, table = shown({"vision": benchmark("vision", tasks=4, si=None, **tuned(offset=1))})
    assert table.loc[1, "vision"] == "60.02 ± 0.03 / −0.330 ± 0.000 (4 tasks)"
    assert table.loc[2, "vision"] == "n = 3"
    assert (table.loc[table["row"] == "ours", "vision"] == "not run").sum() == 1
    own = table.loc[table["row"] == "ours, own λ", "vision"]
    assert len(own) == 6 and own.str.endswith("(4 tasks)").all()
    assert len(values) == 64 + 12 and not values.duplicated(["benchmark", "method", "lambda", "quantity"]).any()
    assert set(values.loc[values["benchmark"] == BENCHMARKS["vision"], "verdict"]) == {"", "not run"}


def test_headings_say_the_scale_where_benchmarks_have_different_ones():
    assert tables.headings({"permuted": "paper", "split": "paper"}) == {"method": "Method", "row": "", **BENCHMARKS}
    found = tables.headings({"permuted": "paper", "vision": "desk"})
    assert (found["permuted"], found["vision"]) == (
        "Permuted MNIST (paper scale)",
        f"{BENCHMARKS['vision']} (desk scale)",
    )
    assert found["split"] == BENCHMARKS["split"]  # not run


def test_the_command_line_writes_three_files(tmp_path, monkeypatch):
    smoke = PROVENANCE | {"scale": "smoke"}
    found = everything(permuted=benchmark("permuted", **tuned()))
    results = [write(tmp_path, name, found[name], smoke) for name in NEEDS["table1"]]
    out = tmp_path / "figures" / "table1.tex"
    arguments = f"figures table1 --results {' '.join(map(str, results))} --reported {REPORTED_PATH} --out {out}"
    monkeypatch.setattr("sys.argv", arguments.split())
    figures.main()
    assert out.read_text().isascii() and r"\bottomrule" in out.read_text()
    assert r"\textbf{Smoke scale, not a result" in out.read_text()
    markdown = out.with_suffix(".md").read_text()
    assert markdown.startswith("**Table I. ") and "higher is better" in markdown
    assert "| – " not in markdown
    written = records.read_tables(out.with_suffix(".csv"))
    assert len(written) == 64 + 12 and written["paper"].dtype == float
