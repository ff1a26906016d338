"""Table I sets our runs beside the paper's, for reading and for reading on; the table of variants likewise."""

from __future__ import annotations

import pandas
import pytest

from common.results import comparison
from papers.dhp import compare
from papers.dhp.claims import CLAIMS
from papers.dhp.conditions import BENCHMARK_LABELS, FINAL, LABELS, TRANSFER
from papers.dhp.figures import fig2, table1, table_variants
from papers.dhp.protocol import SWEPT, WITH_DHP
from tests.papers.dhp.constructed import (
    REPORTED,
    benchmark,
    everything,
    given,
    lost,
    tuned,
    until_diverged,
)


def shown(tables):
    """Table I's numbers, and its cells."""
    table = table1.draw(tables, REPORTED)
    return table.exact, table.cells


def test_each_method_has_the_papers_row_ours_and_the_verdicts():
    values, table = shown(everything())
    assert len(values) == len(LABELS) * len(BENCHMARK_LABELS) * len((FINAL, TRANSFER)) and len(table) == 3 * len(LABELS)
    assert table.iloc[0].tolist()[:3] == ["Finetune", "paper", "76.73 ± 0.67 / −0.19"]
    assert table.iloc[1].tolist()[1:3] == ["ours", "76.73 ± 0.03 / −0.190 ± 0.000"]
    assert table.iloc[2].tolist()[1:3] == ["verdict", "agrees / agrees (n = 3)"]
    assert table.loc[table["row"] == "paper", "vision"].tolist()[-1] == "80.66 / −0.01"
    assert table.loc[table["row"] == "paper", "split"].tolist()[3] == "99.15 ± 0.09 / 0.00"


def test_numbers_to_read_on_are_exact():
    values, _ = shown(everything(split=benchmark("split", mas=(95.0, -0.05))))
    row = values.set_index(["benchmark", "method", "quantity"]).sort_index().loc[(BENCHMARK_LABELS["split"], "MAS")]
    assert row.loc[FINAL, ["paper", "paper_sem", "n", "verdict"]].tolist() == [98.24, 0.13, 3, "differs"]
    assert row.loc[FINAL, "ours"] == pytest.approx(95)
    assert row.loc[FINAL, "ours_sem"] == pytest.approx(0.05 / 3**0.5)
    assert row.loc[TRANSFER, "ours"] == pytest.approx(-0.05) and row.loc[TRANSFER, "verdict"] == "differs"


def test_own_lambdas_have_rows_of_their_own():
    _, table = shown(everything(permuted=benchmark("permuted", **tuned(offset=1))))
    own = table[table["row"] == "ours, own λ"]
    assert len(own) == len(tuned()) and len(table) == 3 * len(LABELS) + 2 * len(own)
    assert own["permuted"].tolist()[0].startswith("85.72 ± 0.03")
    assert set(own["split"]) == {"not run"}


def test_what_was_not_run_is_said():
    _, table = shown(given({"vision": benchmark("vision", si=None)}))
    ours = table[table["row"] == "ours"]
    assert set(ours["permuted"]) == set(ours["split"]) == {"not run"}
    assert (ours["vision"] == "not run").sum() == 1


def test_seeds_that_diverged_are_counted_beside_those_that_did_not():
    rows = until_diverged(benchmark("split", seeds=4), "dhp-ewc", range(4))
    rows = until_diverged(rows, "si", [3])
    runs = lost("split", "dhp-ewc", range(4)) + lost("split", "si", [3])
    values, table = shown(given({"split": rows}, diverged=runs))
    ours, verdicts = (table[table["row"] == name]["split"].tolist() for name in ("ours", "verdict"))
    assert ours[5] == "4 diverged, of 4" and verdicts[5] == ""
    assert verdicts[2].endswith("(n = 3, 1 more diverged)")
    assert values.loc[values["method"] == "SI", "diverged"].tolist().count(1) == 2


def test_our_own_lambda_stands_alone_where_the_published_one_diverged():
    values, table = shown(given({"split": benchmark("split", ewc=None, **tuned())}))
    assert not values.duplicated(["benchmark", "method", "lambda", "quantity"]).any()
    ewc = table[table["method"].eq("Online EWC").cumsum().gt(0)].iloc[:5].set_index("row")["split"]
    assert ewc["ours"] == "not run" and ewc["ours, own λ"].startswith("86.74")


def test_our_own_lambda_with_which_all_seeds_diverged_is_not_passed_over():
    split = until_diverged(benchmark("split", si_tuned=(99, 0)), "si-tuned", range(3))
    permuted = benchmark("permuted", ewc_tuned=(90, -0.05))
    permuted = until_diverged(until_diverged(permuted, "ewc-tuned", range(3)), "ewc", range(3))
    runs = [run for name in ("ewc-tuned", "ewc") for run in lost("permuted", name, range(3))]
    runs += lost("split", "si-tuned", range(3))
    values, table = shown(given({"split": split, "permuted": permuted}, diverged=runs))
    own = table.set_index("row").loc["ours, own λ"]
    assert own["split"].tolist() == ["3 diverged, of 3", "not run"]
    assert own["permuted"].tolist() == ["not run", "3 diverged, of 3"]
    assert not values.duplicated(["benchmark", "method", "lambda", "quantity"]).any()


def test_fewer_tasks_than_the_papers_are_shown_without_a_verdict():
    rows = benchmark("vision", tasks=4, si=None, **tuned(offset=1))
    values, table = shown(given({"vision": until_diverged(rows, "mas", [2])}, diverged=lost("vision", "mas", [2])))
    assert table.loc[1, "vision"] == "60.02 ± 0.03 / −0.330 ± 0.000 (4 tasks)"
    verdicts = table[table["row"] == "verdict"]["vision"].tolist()
    assert verdicts[0] == "n = 3" and verdicts[6] == "n = 2, 1 more diverged"
    assert (table.loc[table["row"] == "ours", "vision"] == "not run").sum() == 1
    own = table.loc[table["row"] == "ours, own λ", "vision"]
    assert len(own) == len(tuned()) and own.str.endswith("(4 tasks)").all()
    assert not values.duplicated(["benchmark", "method", "lambda", "quantity"]).any()
    assert set(values.loc[values["benchmark"] == BENCHMARK_LABELS["vision"], "verdict"]) == {"", "not run"}


def test_headings_say_the_scale_where_benchmarks_have_different_ones():
    assert table1.headings({"permuted": "paper", "split": "paper"}) == {
        "method": "Method",
        "row": "",
        **BENCHMARK_LABELS,
    }
    found = table1.headings({"permuted": "paper", "vision": "desk"})
    assert (found["permuted"], found["vision"]) == (
        "Permuted MNIST (paper scale)",
        f"{BENCHMARK_LABELS['vision']} (desk scale)",
    )
    assert found["split"] == BENCHMARK_LABELS["split"]  # not run


def variants(split):
    """The table of variants with this table of split MNIST."""
    return table_variants.draw(everything(split=split), REPORTED).cells


def row(table, method, variant, name="split"):
    chosen = table[
        (table["benchmark"] == BENCHMARK_LABELS[name]) & (table["method"] == method) & (table["variant"] == variant)
    ]
    assert len(chosen) == 1
    return chosen.iloc[0]


def test_each_optimizer_that_was_run_has_a_row_beside_the_papers():
    split = benchmark("split", finetune_adam=(93.0, -0.085), dhp_adam=(94.5, -0.06), finetune_momentum=(95.0, -0.05))
    table = variants(split)
    assert (
        len(table) == len(SWEPT) * len(WITH_DHP) * 2 + 1
    )  # paper and SGD for all, Adam for one; momentum has no runs with DHP
    stated = row(table, "Finetune", "paper")
    assert stated[["without", "without_bwt", "with", "with_bwt"]].tolist() == [90.43, -0.13, 98.23, -0.02]
    assert stated["gain"] == pytest.approx(7.80) and stated[["gain_low", "n"]].isna().all()
    adam = row(table, "Finetune", "Adam")
    assert adam[["without", "without_bwt", "with", "with_bwt"]].tolist() == pytest.approx([93, -0.085, 94.5, -0.06])
    assert adam[["gain", "gain_low", "gain_high", "n"]].tolist() == pytest.approx([1.5, 1.5, 1.5, 3])
    assert row(table, "MAS", "SGD")["gain"] == pytest.approx(98.43 - 98.24)


def test_a_bounded_eta_is_set_beside_the_published_method_without_dhp():
    table = variants(benchmark("split", dhp_bounded=(91.43, -0.08)))
    found = row(table, "Finetune", "SGD, η in [0, 1]")
    assert found[["without", "with", "gain"]].tolist() == pytest.approx([90.43, 91.43, 1.0])


def test_narrow_output_weights_are_set_beside_narrow_ones_and_beside_the_published_method():
    split = benchmark("split", finetune_narrow=(91.0, -0.08), dhp_narrow=(91.5, -0.08))
    table = variants(split)
    found = [row(table, "Finetune", name) for name in ("SGD, narrow", "SGD, narrow without DHP alone")]
    assert [of["with"] for of in found] == pytest.approx([91.5, 98.23])
    assert [of["gain"] for of in found] == pytest.approx([0.5, 7.23])
    split = benchmark("split", finetune_narrow_momentum=(91.0, -0.08), dhp_momentum=(95.0, -0.04))
    table = variants(split)
    assert row(table, "Finetune", "SGD with momentum, narrow without DHP alone")["gain"] == pytest.approx(4.0)


def test_seeds_of_one_condition_alone_do_not_count():
    split = benchmark("split", finetune_adam=(93.0, -0.02), dhp_adam=(94.5, -0.02), spread=0.005)
    alone = split[(split["condition"] != "dhp-adam") | (split["seed"] > 0)]
    adam = row(variants(alone), "Finetune", "Adam")
    assert adam["n"] == 2 and adam["without"] == pytest.approx(93.25)  # seeds 1 and 2, by 0 and 0.5 above
    assert adam["gain"] == pytest.approx(1.5)


def test_without_any_runs_there_are_the_papers_rows_alone():
    table = table_variants.values(given({}), REPORTED)
    assert set(table["variant"]) == {"paper"} and len(table) == len(SWEPT) * len(WITH_DHP)


def test_runs_under_other_optimizers_are_in_no_other_artifact():
    """Table I, Figure 2, verdicts and claims are of the published optimizer."""
    without = everything(split=benchmark("split"))
    with_controls = everything(split=benchmark("split", finetune_adam=(93.0, -0.08), dhp_adam=(94.5, -0.06)))
    for made in (
        fig2.values,
        lambda tables: table1.values(tables, REPORTED),
        lambda tables: comparison.compare_numbers(compare, tables, REPORTED),
        lambda tables: comparison.check_claims(compare, CLAIMS, tables),
    ):
        pandas.testing.assert_frame_equal(made(with_controls), made(without))
    assert len(with_controls["split"]) > len(without["split"])
