"""Constructed runs give the verdicts and the claims' outcomes that they must, in both directions."""

from __future__ import annotations

import math

import pytest

from common.results import claims, comparison, reported
from common.results.tables import read
from papers.dhp import compare
from papers.dhp.claims import CLAIMS, ON_LAMBDA
from papers.dhp.conditions import FINAL, SO_FAR, TASKS, TRANSFER
from papers.dhp.runs import REGISTER
from tests.papers.dhp.constructed import (
    REPORTED,
    TARGETS,
    benchmark,
    eta,
    everything,
    given,
    lost,
    plasticity,
    singles,
    tune,
    tuned,
    until_diverged,
)


def verdicts(tables, **chosen):
    """Our comparison with those reported rows whose columns have the chosen values."""
    rows = REPORTED
    for column, value in chosen.items():
        rows = rows[rows[column] == value]
    return comparison.compare_numbers(compare, tables, rows)


def test_margins_are_fixed_as_stated():
    results = reported.results(REPORTED)
    assert results["note"].str.contains("margin: ").all()
    accuracy = results[results["quantity"].isin([FINAL, SO_FAR]) & (results["artifact"] != "text")]
    for row in accuracy.dropna(subset="spread").itertuples():
        assert row.margin == pytest.approx(min(max(2 * math.sqrt(10) * row.spread, 0.5), 3), abs=0.005)
    without = accuracy[accuracy["spread"].isna()].set_index("method")
    assert set(without["setting"]) == {"5-Vision Datasets Mixture"} and len(without) == 8
    assert without.loc[without["margin"] == 3].index.tolist() == ["Finetune", "DHP Softmax"]
    assert set(without["margin"]) == {2, 3}
    keys = ["artifact", "method", "setting"]
    table = results[(results["artifact"] == "table1") & (results["panel"] != "workshop")]
    pairs = table.pivot(index=keys, columns="quantity", values="margin")
    assert pairs[TRANSFER].tolist() == pytest.approx((pairs[FINAL] / 100).clip(lower=0.01).tolist())
    gains = results[results["artifact"] == "text"]
    assert (gains["margin"] == gains["value"] / 2).all() and len(gains) == 7


def test_table_1_and_figure_2_are_of_the_same_runs():
    results = reported.results(REPORTED)
    table = results[(results["quantity"] == FINAL) & (results["setting"] == "Split MNIST")]
    table = table[table["artifact"] == "table1"].set_index("method")
    bars = results[(results["quantity"] == SO_FAR) & (results["x"] == 5)].set_index("method")
    assert len(bars) == len(table) == 8
    assert bars["value"].round(1).tolist() == pytest.approx(table.loc[bars.index, "value"].round(1).tolist(), abs=0.11)
    assert bars["spread"].tolist() == table.loc[bars.index, "spread"].tolist()


def test_transfers_that_cannot_be_are_marked():
    """Accuracy and BWT together say how well tasks were learned when they were new: at most to 100%."""
    results = reported.results(REPORTED)
    table = results[(results["artifact"] == "table1") & (results["panel"] != "workshop")]
    values = table.pivot(index=["setting", "method"], columns="quantity", values="value").reset_index()
    tasks = values["setting"].map({"Split MNIST": 5, "5-Vision Datasets Mixture": 5}).fillna(10)
    learned = values[FINAL] - 100 * (values[TRANSFER] + 0.005) * (tasks - 1) / tasks  # the least that rounding allows
    impossible = values[learned > 100]
    assert impossible[["setting", "method"]].to_numpy().tolist() == [["Split MNIST", "Finetune"], ["Split MNIST", "SI"]]
    marked = table[table["note"].str.contains("cannot go with")]
    assert marked["method"].tolist() == ["Finetune", "SI"] and set(marked["setting"]) == {"Split MNIST"}


def test_runs_like_the_papers_agree_with_it():
    numbers = verdicts(everything(seeds=10))
    assert len(numbers) == len(reported.results(REPORTED))
    assert (numbers["ours_n"] == 10).all()
    table = numbers[(numbers["artifact"] == "table1") & (numbers["panel"] != "workshop")]
    assert set(table["verdict"]) == {"agrees"}
    last = numbers[(numbers["artifact"] == "fig2") & (numbers["x"] == TASKS["split"])]
    assert set(last["verdict"]) == {"agrees"}
    workshop = numbers[numbers["setting"] == "Split MNIST; workshop version"]
    others = numbers.drop(workshop.index)
    assert set(others.loc[others["artifact"].isin(["text", "fig3"]), "verdict"]) <= {"agrees", "differs"}
    assert len(workshop) == 9 and set(workshop["verdict"]) == {"superseded"}
    workshop = workshop[workshop["panel"] == "workshop"].set_index("method")
    assert workshop.loc["Finetune", "difference"] == pytest.approx(90.43 - 92.75, abs=0.01)


def test_other_runs_differ():
    worse = everything(seeds=10, permuted=benchmark("permuted", seeds=10, mas=(80, -0.2)))
    found = verdicts(worse, setting="Permuted MNIST", artifact="table1").set_index(["method", "quantity"])["verdict"]
    assert found["MAS", FINAL] == found["MAS", TRANSFER] == "differs"
    assert found["SI", FINAL] == found["DHP Softmax + MAS", TRANSFER] == "agrees"
    late = verdicts(given({"plasticity": plasticity(peak=0.05, decay=1.3)}), artifact="fig3")
    assert late["verdict"].tolist() == ["differs", "differs"]
    assert late["ours_mean"].tolist() == pytest.approx([0.053, 10], rel=0.01)


def test_gains_are_differences_paired_by_seed_in_their_unit():
    found = verdicts(everything(), artifact="text").set_index(["quantity", "method", "setting"])["ours_mean"]
    assert found[FINAL, "DHP Softmax - Finetune", "Split MNIST"] == pytest.approx(7.8)
    assert found[TRANSFER, "DHP Softmax + MAS - MAS", "5-Vision Datasets Mixture"] == pytest.approx(0.04)


def test_one_seed_is_unclear_and_fewer_tasks_are_not_run():
    assert set(verdicts(everything(seeds=1))["verdict"]) == {"unclear", "superseded"}
    few = {"permuted": benchmark("permuted", tasks=3), "plasticity": plasticity(tasks=3)}
    few |= {"vision": benchmark("vision", tasks=2)}
    for tables in (given(few), given({}), given(few, diverged=lost("vision", "mas", [0, 1]))):
        assert set(verdicts(tables)["verdict"]) == {"not run"}


def test_our_own_lambdas_are_compared_on_their_own():
    numbers = verdicts(everything(permuted=benchmark("permuted", **tuned(offset=1))), artifact="table1")
    own = numbers[numbers["hyperparameters"] == "own search"]
    assert len(own) == 12 and set(own["setting"]) == {"Permuted MNIST"}
    assert "Finetune" not in set(own["method"]) and "DHP Softmax" not in set(own["method"])
    assert own.set_index(["method", "quantity"]).loc[("MAS", FINAL), "ours_mean"] == pytest.approx(89.52)
    split = verdicts(everything(split=benchmark("split", **tuned())), panel="workshop")
    assert len(split) == 8 + 6 and set(split["verdict"]) == {"superseded"}
    assert set(verdicts(everything())["hyperparameters"]) == {"published"}


def test_seeds_that_diverged_are_counted_and_where_all_did_that_is_the_verdict():
    split = until_diverged(until_diverged(benchmark("split", seeds=4), "mas", range(4)), "dhp-mas", [3])
    runs = lost("split", "mas", range(4)) + lost("split", "dhp-mas", [3])
    numbers = verdicts(given({"split": split}, diverged=runs), setting="Split MNIST")
    counts = numbers.set_index(["quantity", "method", "x"])[["ours_n", "ours_diverged", "verdict"]]
    for quantity in (FINAL, TRANSFER, SO_FAR):
        assert counts.loc[(quantity, "MAS", 5)].tolist() == [0, 4, "diverged"]
        assert counts.loc[(quantity, "DHP Softmax + MAS", 5)].tolist()[:2] == [3, 1]
        assert counts.loc[(quantity, "SI", 5), "ours_diverged"] == 0
    for method in ("MAS", "DHP Softmax + MAS"):  # all finished the first task
        assert counts.loc[(SO_FAR, method, 1)].tolist()[:2] == [4, 0]


def test_a_gain_over_a_method_that_diverged_is_not_passed_over():
    tables = everything(diverged=lost("vision", "mas", [1]), vision=until_diverged(benchmark("vision"), "mas", [1]))
    row = reported.results(REPORTED, artifact="text", method="DHP Softmax + MAS - MAS", quantity=TRANSFER).iloc[-1]
    runs = compare.our_runs(tables, row.to_dict())
    assert [seed for seed, gain in runs.items() if math.isnan(gain)] == [1] and len(runs) == 3


def test_the_log_of_a_run_that_diverged_counts_as_such():
    log, runs = plasticity(), lost("permuted", "dhp", [2])
    ended = log[(log["seed"] != 2) | (log["task"] == 1)]
    late = verdicts(given({"plasticity": ended}, diverged=runs), artifact="fig3")
    assert late["ours_n"].tolist() == [2, 2] and late["ours_diverged"].tolist() == [1, 1]


@pytest.mark.parametrize("change", [{"method": "LwF"}, {"quantity": "loss"}, {"setting": "Omniglot"}])
def test_a_number_that_no_table_holds_is_refused(change):
    row = reported.results(REPORTED).iloc[0].to_dict() | change
    with pytest.raises(ValueError, match=r"reported\.csv: none of our results is"):
        compare.our_runs(given({}), row)


def outcomes(tables):
    checked = comparison.check_claims(compare, CLAIMS, tables)
    return checked[checked["hyperparameters"] == "published"].set_index("id")["outcome"].to_dict()


def test_all_claims_hold_on_runs_like_the_papers():
    found = outcomes(everything())
    assert [claim for claim, outcome in found.items() if outcome != "holds"] == []
    assert list(found) == [claim.id for claim in CLAIMS]


def changed(name, **to):
    return {name: benchmark(name, **to)}


def log(**to):
    return {"plasticity": plasticity(**to)}


@pytest.mark.parametrize(
    ("claim", "changes"),
    [
        (1, changed("permuted", dhp=(76, -0.19))),
        (2, changed("permuted", dhp_si=(84, -0.1))),
        (2, changed("permuted", dhp_ewc=(86, -0.1))),
        (2, changed("permuted", dhp_mas=(88, -0.1))),
        (3, changed("split", dhp=(90, -0.1))),
        (3, changed("split", dhp_mas=(98, -0.01))),
        (4, changed("split", dhp=(95, -0.02))),
        (4, changed("split", dhp=(96.2, -0.045))),
        (5, changed("permuted", ewc=(89, -0.08))),
        (5, changed("permuted", dhp_ewc=(90, -0.08))),
        (5, changed("imbalanced", dhp_si=(90, -0.05))),
        (6, changed("split", mas=(99.4, 0.0))),
        (6, changed("vision", si=(83, -0.05))),
        (7, changed("permuted", dhp=(82, -0.12))),
        (8, changed("vision", dhp_mas=(80, -0.06))),
        (8, changed("imbalanced", dhp_si=(85, -0.066))),
        (9, changed("imbalanced", dhp_si=(87, -0.05))),
        (10, changed("vision", finetune=(71, -0.2))),
        (10, changed("vision", ewc=(73, -0.2))),
        (11, log(peak=0.004, bump=0)),
        (11, log(peak=0.001, bump=0.01)),  # large enough, but late in the task
        (12, log(decay=1.2)),
        (13, log(bump=0)),
        (14, log(trace=-0.3)),
        (14, log(trace=2)),
        (15, log(alpha=-0.01)),
        (16, {"eta": eta(swept={0.1: 0.3, 0.001: 0.0, 0.0005: 0.1, 0.0001: 0.5})}),
        (17, {"eta": eta(swept={0.1: -9, 0.001: 0.0, 0.0005: 0.1, 0.0001: -3})}),
        (18, changed("permuted", **singles(offset=-0.8))),
    ],
)
def test_each_finding_can_make_its_claim_fail(claim, changes):
    checked = claims.check([CLAIMS[claim - 1]], everything(**changes))
    assert checked["outcome"].tolist() == ["fails"]


def test_a_tie_in_bwt_to_the_digits_of_table_1_is_no_loss():
    tie = changed("imbalanced", dhp_si=(85.39, -0.063))
    assert claims.check([CLAIMS[7]], everything(**tie))["outcome"].tolist() == ["holds"]


@pytest.mark.parametrize("loss", [0, 0.004])
@pytest.mark.parametrize(
    ("name", "method", "baseline"),
    [("split", "dhp_mas", "mas"), ("imbalanced", "dhp", "finetune"), ("permuted", "dhp_si", "si")],
)
def test_a_bwt_that_dhp_does_not_change_or_lowers_a_little_is_no_gain(name, method, baseline, loss):
    accuracy, transfer = TARGETS[name][baseline]
    found = everything(**changed(name, **{method: (accuracy, transfer - loss)}))
    assert claims.check([CLAIMS[7]], found)["outcome"].item() != "holds"


def test_one_seed_never_decides_a_claim():
    assert set(outcomes(everything(seeds=1)).values()) == {"unclear"}


def test_claims_without_runs_are_not_run():
    assert set(outcomes(given({})).values()) == {"not run"}
    few = {name: benchmark(name, tasks=2) for name in TASKS}
    few |= {"plasticity": plasticity(tasks=2), "eta": eta(tasks=2)}
    assert set(outcomes(given(few)).values()) == {"not run"}
    missing = everything(eta=eta(swept={0.1: 0, 0.001: 1}), permuted=benchmark("permuted", mas=None))
    found = outcomes(missing)
    assert {name for name, outcome in found.items() if outcome == "not run"} == {
        f"dhp-{number:02d}" for number in (2, 5, 8, 16, 17, 18)
    }


def test_capacity_is_checked_wherever_the_controls_were_trained():
    both = everything(split=benchmark("split", **singles("split", offset=0.1)))
    (detail,) = claims.check([CLAIMS[17]], both)["detail"]
    assert detail.count("Permuted MNIST") == detail.count("Split MNIST") == 4


def test_claims_that_depend_on_a_lambda_are_checked_with_our_own_too():
    tables = everything(permuted=benchmark("permuted", **tuned() | {"dhp_si_tuned": (80, -0.1)}))
    checked = comparison.check_claims(compare, CLAIMS, tables)
    own = checked[checked["hyperparameters"] == "own search"].set_index("id")["outcome"]
    assert list(own.index) == [claim.id for claim in ON_LAMBDA]
    assert own["dhp-02"] == "fails" and own["dhp-03"] == "not run"


def test_claims_have_distinct_predicates():
    assert len({claim.predicate for claim in CLAIMS}) == len(CLAIMS)


def test_what_the_benchmark_left_and_the_search_found_stands_above_the_numbers():
    tables = everything()
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
    tables = given({name: benchmark(name) for name in TASKS}, scales={"vision": "desk"})
    comparison.write(tmp_path / "comparison.csv", compare, CLAIMS, made_from, tables, REPORTED)
    scales = read(tmp_path / "comparison.csv").groupby("artifact")["scale"].unique().map(list).to_dict()
    assert scales["table1"] == ["permuted paper, imbalanced paper, split paper, vision desk"]
    assert scales["text"] == ["imbalanced paper, split paper, vision desk"] and scales["fig2"] == ["paper"]
