"""Table I sets our runs beside the paper's, for reading and for reading on; the table of variants likewise."""

from __future__ import annotations

import pytest

from papers.dhp import compare
from papers.dhp.conditions import BENCHMARK_LABELS, FINAL, LABELS, TRANSFER
from papers.dhp.figures import table1, table_variants
from papers.dhp.protocol import SWEPT, WITH_DHP
from tests.papers.dhp.constructed import REPORTED, benchmark, everything, given, tuned


def shown(tables):
    """Table I's numbers, by benchmark, method, lambda and quantity, and its cells."""
    table = table1.draw(tables, REPORTED)
    numbers = table.exact.set_index(["benchmark", "method", "lambda", "quantity"]).sort_index()
    assert not numbers.index.has_duplicates
    return numbers, table.cells


def column(cells, row, name):
    """A benchmark's cells in the rows of a kind, such as "ours", of all methods."""
    return cells.loc[cells["row"] == row, name].tolist()


def test_each_method_has_the_papers_row_ours_and_the_verdicts():
    numbers, cells = shown(everything(split=benchmark("split", mas=(95.0, -0.05))))
    assert len(numbers) == len(LABELS) * len(BENCHMARK_LABELS) * len((FINAL, TRANSFER))
    assert len(cells) == 3 * len(LABELS)
    assert cells.iloc[0].tolist()[:3] == ["Finetune", "paper", "76.73 ± 0.67 / −0.19"]
    assert cells.iloc[1].tolist()[1:3] == ["ours", "76.73 ± 0.03 / −0.190 ± 0.000"]
    assert cells.iloc[2].tolist()[1:3] == ["verdict", "agrees / agrees (n = 3)"]
    assert column(cells, "paper", "vision")[-1] == "80.66 / −0.01"
    assert column(cells, "paper", "split")[3] == "99.15 ± 0.09 / 0.00"
    row = numbers.loc[(BENCHMARK_LABELS["split"], "MAS", "published")]
    assert row["verdict"].tolist() == ["differs", "differs"]
    assert row.loc[FINAL, ["paper", "paper_sem", "n"]].tolist() == [98.24, 0.13, 3]
    assert row.loc[FINAL, ["ours", "ours_sem"]].tolist() == pytest.approx([95, 0.05 / 3**0.5])
    assert row.loc[TRANSFER, "ours"] == pytest.approx(-0.05)


def test_own_lambdas_have_rows_of_their_own_also_where_the_published_one_was_not_run():
    split = benchmark("split", ewc=None, ewc_tuned=(98, -0.02))
    _, cells = shown(everything(permuted=benchmark("permuted", **tuned(offset=1)), split=split))
    own, of_split = column(cells, "ours, own λ", "permuted"), column(cells, "ours, own λ", "split")
    assert len(own) == len(tuned()) and len(cells) == 3 * len(LABELS) + 2 * len(own)
    assert own[0] == "85.72 ± 0.03 / −0.130 ± 0.000"
    assert of_split[2].startswith("98.00") and of_split.count("not run") == len(own) - 1
    ours = column(cells, "ours", "split")
    assert ours[4] == "not run" and ours.count("not run") == 1


def test_another_reading_has_rows_of_its_own_also_of_methods_without_a_lambda():
    rows = benchmark("permuted", finetune_standardised=(80, -0.2), mas_standardised_batch=(90, -0.07))
    numbers, cells = shown(everything(permuted=rows))
    own = cells[cells["row"] == f"ours, {compare.PUBLIC_BENCHMARK}"]["permuted"].tolist()
    assert own == ["80.00 ± 0.03 / −0.200 ± 0.000", "90.00 ± 0.03 / −0.070 ± 0.000"]
    assert (
        numbers.loc[(BENCHMARK_LABELS["permuted"], "Finetune", compare.PUBLIC_BENCHMARK)].loc[FINAL, "verdict"]
        == "differs"
    )


def test_seeds_that_diverged_are_counted_beside_those_that_did_not():
    run = {"split": benchmark("split", seeds=4, si_tuned=(99, 0))}
    run |= {"permuted": benchmark("permuted", ewc_tuned=(90, -0.05))}
    lost = [("split", "dhp-ewc", range(4)), ("split", "si", [3]), ("split", "si-tuned", range(4))]
    lost += [("permuted", name, range(3)) for name in ("ewc", "ewc-tuned")]
    numbers, cells = shown(given(run, diverged=lost))
    ours, verdicts = column(cells, "ours", "split"), column(cells, "verdict", "split")
    assert ours[5] == "4 diverged, of 4" and verdicts[5] == ""
    assert verdicts[2].endswith("(n = 3, 1 more diverged)")
    assert numbers.loc[(BENCHMARK_LABELS["split"], "SI", "published"), "diverged"].tolist() == [1, 1]
    assert column(cells, "ours, own λ", "split") == ["4 diverged, of 4", "not run"]
    assert column(cells, "ours, own λ", "permuted") == ["not run", "3 diverged, of 3"]
    assert column(cells, "ours", "permuted")[4] == "3 diverged, of 3"


def test_what_ran_below_paper_scale_is_shown_without_a_verdict():
    tables = given({name: benchmark(name) for name in ("permuted", "split")})
    tables.records["split"]["scale"] = "desk"
    numbers, cells = shown(tables)
    verdicts = set(numbers.loc[BENCHMARK_LABELS["split"], "verdict"])
    assert "not judged" in verdicts and not verdicts & {"agrees", "differs", "unclear"}
    assert "not judged" not in set(numbers.loc[BENCHMARK_LABELS["permuted"], "verdict"])
    assert column(cells, "verdict", "split")[0].startswith("not judged / not judged")


def test_fewer_tasks_than_the_papers_are_shown_without_a_verdict():
    rows = benchmark("vision", tasks=4, si=None, **tuned(offset=1))
    numbers, cells = shown(given({"vision": rows}, diverged=[("vision", "mas", [2])]))
    ours, verdicts = column(cells, "ours", "vision"), column(cells, "verdict", "vision")
    assert ours[0] == "60.02 ± 0.03 / −0.330 ± 0.000 (4 tasks)" and ours.count("not run") == 1
    assert verdicts[0] == "n = 3" and verdicts[6] == "n = 2, 1 more diverged"
    own = column(cells, "ours, own λ", "vision")
    assert len(own) == len(tuned()) and all(cell.endswith("(4 tasks)") for cell in own)
    of_vision = numbers.loc[BENCHMARK_LABELS["vision"]]
    assert set(of_vision["verdict"]) == {"", "not run"}
    assert of_vision[["difference", "ci_low", "ci_high"]].isna().all(axis=None)


def test_headings_say_the_scale_where_benchmarks_have_different_ones():
    usual = {"method": "Method", "row": "", **BENCHMARK_LABELS}
    assert table1.headings({"permuted": "paper", "split": "paper"}) == usual
    differing = {"permuted": "Permuted MNIST (paper scale)", "vision": f"{BENCHMARK_LABELS['vision']} (desk scale)"}
    assert table1.headings({"permuted": "paper", "vision": "desk"}) == usual | differing


# The table of variants


@pytest.fixture
def split_alone(monkeypatch):
    """The table of variants of split MNIST, since that of all benchmarks takes seconds."""
    monkeypatch.setattr(table_variants, "SWEPT", ("split",))

    def variants(**changes):
        rows = benchmark("split", **changes)
        return table_variants.draw(given({"split": rows}), REPORTED).cells.set_index(["method", "variant"])

    return variants


def test_each_optimizer_that_was_run_has_a_row_beside_the_papers(split_alone):
    table = split_alone(finetune_adam=(93.0, -0.085), dhp_adam=(94.5, -0.06), finetune_momentum=(95.0, -0.05))
    # the paper's and SGD for all, Adam for one; momentum has no runs with DHP
    assert table.index.get_level_values("variant").value_counts().to_dict() == {"paper": 4, "SGD": 4, "Adam": 1}
    stated, adam = table.loc[("Finetune", "paper")], table.loc[("Finetune", "Adam")]
    pair = ["without", "without_bwt", "with", "with_bwt"]
    assert stated[[*pair, "gain"]].tolist() == pytest.approx([90.43, -0.13, 98.23, -0.02, 7.80])
    assert stated[["gain_low", "n"]].isna().all()
    assert adam[pair].tolist() == pytest.approx([93, -0.085, 94.5, -0.06])
    assert adam[["gain", "gain_low", "gain_high", "n"]].tolist() == pytest.approx([1.5, 1.5, 1.5, 3])


def test_each_variant_is_set_beside_its_counterpart(split_alone):
    """Narrow output weights beside narrow ones and beside the published method, a bounded eta beside that alone."""
    changes = {"dhp_bounded": (91.43, -0.08), "finetune_narrow": (91.0, -0.08), "dhp_narrow": (91.5, -0.08)}
    changes |= {"finetune_narrow_momentum": (92.0, -0.08), "dhp_momentum": (95.0, -0.04)}
    changes |= {"finetune_standardised": (92.0, -0.08), "dhp_standardised": (93.0, -0.04)}
    gains = split_alone(**changes).loc["Finetune", "gain"].drop("paper")
    assert gains.to_dict() == pytest.approx(
        {
            "SGD": 98.23 - 90.43,
            "SGD, η in [0, 1]": 91.43 - 90.43,
            "SGD, narrow": 91.5 - 91,
            "SGD, narrow without DHP alone": 98.23 - 91,
            "SGD with momentum, narrow without DHP alone": 95 - 92,
            "SGD, standardised": 1,
        }
    )


def test_seeds_of_one_condition_alone_do_not_count():
    rows = benchmark("split", finetune_adam=(93.0, -0.02), dhp_adam=(94.5, -0.02), spread=0.005)
    alone = given({"split": rows[(rows["condition"] != "dhp-adam") | (rows["seed"] > 0)]})
    table = table_variants.values(alone, REPORTED)
    adam = table[table["variant"] == "Adam"].iloc[0]
    assert adam["n"] == 2 and adam["without"] == pytest.approx(93.25)  # seeds 1 and 2, by 0 and 0.5 above
    assert adam["gain"] == pytest.approx(1.5)
    assert (table["variant"] == "paper").sum() == len(SWEPT) * len(WITH_DHP)  # also where nothing was run
