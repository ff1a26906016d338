"""Constructed runs give the verdicts that they must; and the reported numbers go together."""

from __future__ import annotations

import math

import pytest

from common.results import comparison, reported
from common.results.tables import read
from papers.dhp import compare
from papers.dhp.claims import CLAIMS
from papers.dhp.conditions import BENCHMARK_LABELS, FINAL, SO_FAR, TASKS, TRANSFER
from papers.dhp.runs import REGISTER
from tests.papers.dhp.constructed import REPORTED, TABLE1, benchmark, everything, given, plasticity, tune, tuned

RESULTS = reported.results(REPORTED)


def verdicts(tables, **chosen):
    """Our comparison with those reported rows whose columns have the chosen values."""
    return comparison.compare_numbers(compare, tables, reported.results(REPORTED, **chosen))


# What is reported


def test_margins_are_fixed_as_stated():
    assert RESULTS["note"].str.contains("margin: ").all()
    accuracy = RESULTS[RESULTS["quantity"].isin([FINAL, SO_FAR]) & (RESULTS["artifact"] != "text")]
    for row in accuracy.dropna(subset="spread").itertuples():
        assert row.margin == pytest.approx(min(max(2 * math.sqrt(10) * row.spread, 0.5), 3), abs=0.005)
    without = accuracy[accuracy["spread"].isna()].set_index("method")
    assert set(without["setting"]) == {BENCHMARK_LABELS["vision"]} and set(without["margin"]) == {2, 3}
    assert without.index[without["margin"] == 3].tolist() == ["Finetune", "DHP Softmax"]
    pairs = TABLE1.pivot(index=["method", "setting"], columns="quantity", values="margin")
    assert pairs[TRANSFER].tolist() == pytest.approx((pairs[FINAL] / 100).clip(lower=0.01).tolist())
    gains = RESULTS[RESULTS["artifact"] == "text"]
    assert (gains["margin"] == gains["value"] / 2).all()


def test_table_1_and_figure_2_are_of_the_same_runs():
    table = TABLE1[(TABLE1["quantity"] == FINAL) & (TABLE1["setting"] == "Split MNIST")].set_index("method")
    bars = RESULTS[(RESULTS["quantity"] == SO_FAR) & (RESULTS["x"] == 5)].set_index("method").loc[table.index]
    assert bars["value"].tolist() == pytest.approx(table["value"].tolist(), abs=0.11)
    assert bars["spread"].tolist() == table["spread"].tolist()


def test_transfers_that_cannot_be_are_marked():
    """Accuracy and BWT together say how well tasks were learned when they were new: at most to 100%."""
    values = TABLE1.pivot(index=["setting", "method"], columns="quantity", values="value")
    of_setting = {label: TASKS[name] for name, label in BENCHMARK_LABELS.items()}
    tasks = values.index.get_level_values("setting").map(of_setting)
    learned = values[FINAL] - 100 * (values[TRANSFER] + 0.005) * (tasks - 1) / tasks  # the least that rounding allows
    marked = TABLE1[TABLE1["note"].str.contains("cannot go with")]
    assert set(values.index[learned > 100]) == set(zip(marked["setting"], marked["method"]))


# Verdicts


def test_runs_like_the_papers_agree_with_it():
    numbers = verdicts(everything(seeds=10))
    assert len(numbers) == len(RESULTS) and (numbers["ours_n"] == 10).all()
    of_workshop = numbers["setting"] == "Split MNIST; workshop version"
    workshop, others = numbers[of_workshop], numbers[~of_workshop]
    agreeing = (others["artifact"] == "table1") | ((others["artifact"] == "fig2") & (others["x"] == TASKS["split"]))
    assert set(others.loc[agreeing, "verdict"]) == {"agrees"}
    assert set(others.loc[others["artifact"].isin(["text", "fig3"]), "verdict"]) <= {"agrees", "differs"}
    assert set(workshop["verdict"]) == {"superseded"}
    finetune = workshop[(workshop["method"] == "Finetune") & (workshop["panel"] == "workshop")]
    assert finetune["difference"].tolist() == pytest.approx([90.43 - 92.75], abs=0.01)


def test_other_runs_differ():
    worse = everything(seeds=10, permuted=benchmark("permuted", seeds=10, mas=(80, -0.2)))
    found = verdicts(worse, setting="Permuted MNIST", artifact="table1").set_index(["method", "quantity"])["verdict"]
    assert found["MAS", FINAL] == found["MAS", TRANSFER] == "differs"
    assert found["SI", FINAL] == found["DHP Softmax + MAS", TRANSFER] == "agrees"
    late = verdicts(given({"plasticity": plasticity(peak=0.05, decay=1.3)}), artifact="fig3")
    assert late["verdict"].tolist() == ["differs", "differs"]
    assert late["ours_mean"].tolist() == pytest.approx([0.053, 10], rel=0.01)


def test_gains_are_differences_paired_by_seed_in_their_unit():
    """Of a seed that diverged under one of both methods as well."""
    run = everything(diverged=[("vision", "mas", [1])])
    found = verdicts(run, artifact="text").set_index(["quantity", "method", "setting"])
    assert found.loc[(FINAL, "DHP Softmax - Finetune", "Split MNIST"), "ours_mean"] == pytest.approx(7.8)
    of_mas = found.loc[(TRANSFER, "DHP Softmax + MAS - MAS", BENCHMARK_LABELS["vision"])]
    assert of_mas["ours_mean"] == pytest.approx(0.04)
    assert of_mas[["ours_n", "ours_diverged"]].tolist() == [2, 1]


def test_one_seed_is_unclear_and_fewer_tasks_are_not_run():
    assert set(verdicts(everything(seeds=1))["verdict"]) == {"unclear", "superseded"}
    few = {name: benchmark(name, tasks=2) for name in ("permuted", "vision")} | {"plasticity": plasticity(tasks=3)}
    for tables in (given({}), given(few, diverged=[("vision", "mas", [0, 1])])):
        assert set(verdicts(tables)["verdict"]) == {"not run"}


def test_our_own_lambdas_are_compared_on_their_own():
    own = {name: benchmark(name, **tuned(offset=1)) for name in ("permuted", "split")}
    numbers = verdicts(everything(**own), artifact="table1")
    searched = numbers[numbers["hyperparameters"] == "own search"]
    assert set(searched["setting"].str.split(";").str[0]) == {"Permuted MNIST", "Split MNIST"}
    assert set(searched["method"]).isdisjoint({"Finetune", "DHP Softmax"})
    of_permuted = searched[searched["setting"] == "Permuted MNIST"].set_index(["method", "quantity"])
    assert of_permuted.loc[("MAS", FINAL), "ours_mean"] == pytest.approx(89.52) and len(of_permuted) == 12
    assert set(numbers.loc[numbers["panel"] == "workshop", "verdict"]) == {"superseded"}


def test_another_reading_of_pixels_and_importances_is_compared_on_its_own():
    """All its numbers that were run, also of methods without a lambda; and the claims that it can decide."""
    own = benchmark("permuted", finetune_standardised=(76.73, -0.19), dhp_mas_standardised_batch=(80, -0.2))
    tables = everything(permuted=own)
    numbers = verdicts(tables, artifact="table1")
    read = numbers[numbers["hyperparameters"] == compare.PUBLIC_BENCHMARK].set_index(["method", "quantity"])
    assert read["verdict"].to_dict() == {
        ("Finetune", FINAL): "agrees",
        ("Finetune", TRANSFER): "agrees",
        ("DHP Softmax + MAS", FINAL): "differs",
        ("DHP Softmax + MAS", TRANSFER): "differs",
    }
    claims = comparison.check_claims(compare, CLAIMS, tables).set_index(["hyperparameters", "id"])["outcome"]
    assert claims[compare.BASIS, "dhp-02"] == "holds" and claims[compare.PUBLIC_BENCHMARK, "dhp-02"] == "not run"
    assert "dhp-03" not in claims[compare.PUBLIC_BENCHMARK] and "own search" not in claims


def test_seeds_that_diverged_are_counted_and_where_all_did_that_is_the_verdict():
    split = {"split": benchmark("split", seeds=4)}
    tables = given(split, diverged=[("split", "mas", range(4)), ("split", "dhp-mas", [3])])
    found = verdicts(tables, setting="Split MNIST").set_index(["quantity", "method", "x"])
    counts = found[["ours_n", "ours_diverged"]].apply(tuple, axis=1)
    for quantity in (FINAL, TRANSFER, SO_FAR):
        assert counts[quantity, "MAS", 5] == (0, 4) and found.loc[(quantity, "MAS", 5), "verdict"] == "diverged"
        assert counts[quantity, "DHP Softmax + MAS", 5] == (3, 1) and counts[quantity, "SI", 5] == (4, 0)
    assert counts[SO_FAR, "MAS", 1] == counts[SO_FAR, "DHP Softmax + MAS", 1] == (4, 0)  # all finished the first task
    log = plasticity()
    ended = log[(log["seed"] != 2) | (log["task"] == 1)]
    late = verdicts(given({"plasticity": ended}, diverged=[("permuted", "dhp", [2])]), artifact="fig3")
    assert late["ours_n"].tolist() == [2, 2] and late["ours_diverged"].tolist() == [1, 1]


@pytest.mark.parametrize("change", [{"method": "LwF"}, {"quantity": "loss"}, {"setting": "Omniglot"}])
def test_a_number_that_no_table_holds_is_refused(change):
    row = RESULTS.iloc[0].to_dict() | change
    with pytest.raises(ValueError, match=r"reported\.csv: none of our results is"):
        compare.our_runs(given({}), row)


# Beside the numbers


def test_what_the_benchmark_left_and_the_search_found_stands_above_the_numbers():
    tables = everything(tune=tune(best=10.0))
    kept = tables["imbalance"]["kept"]
    span = f"{kept.min()} to {kept.max()} (mean {kept.mean():.0f})"
    lines = compare.notes(tables, REPORTED)
    assert f"- Imbalanced Permuted MNIST: {span} training images left per class and task." in lines
    assert "| Split MNIST | MAS | 1.5 | 10 | 90.00 |" in lines
    assert compare.notes(given({}), REPORTED) == []
    edge = compare.notes(given({"tune": tune(best=1000.0)}), REPORTED)
    assert "| Split MNIST | SI | 1 | 1000 (edge of the grid) | 90.00 |" in edge


def test_where_scales_differ_each_artifact_says_which_of_its_tables_has_which(tmp_path):
    made_from = {name: artifact.tables for name, artifact in REGISTER.artifacts.items()}
    tables = given({name: benchmark(name) for name in TASKS})
    tables.records["vision"]["scale"] = "desk"
    comparison.write(tmp_path / "comparison.csv", compare, CLAIMS, made_from, tables, REPORTED)
    scales = read(tmp_path / "comparison.csv").groupby("artifact")["scale"].unique().map(list).to_dict()
    assert scales["table1"] == ["permuted paper, imbalanced paper, split paper, vision desk"]
    assert scales["text"] == ["imbalanced paper, split paper, vision desk"] and scales["fig2"] == ["paper"]
