"""Constructed runs give the verdicts and the claims' outcomes that they must, in both directions."""

from __future__ import annotations

import math
from dataclasses import replace

import pandas
import pytest

from common.results import accuracies, claims, records, reported
from papers.sticky_gradient import compare, conditions, evidence
from papers.sticky_gradient.claims import CLAIMS, ON_ACCURACIES
from papers.sticky_gradient.conditions import CELLS, CONTROL, EWC, FULL, SEARCHED
from tests.papers.sticky_gradient.constructed import (
    PROVENANCE,
    REPORTED,
    REPORTED_PATH,
    everything,
    forgetting,
    permuted,
    search,
    shared,
    weights,
    write,
)
from tests.papers.sticky_gradient.small import PAPER


def verdicts(tables, **chosen):
    """Our comparison with those reported rows whose columns have the chosen values."""
    rows = REPORTED
    for column, value in chosen.items():
        rows = rows[rows[column] == value]
    return compare.compare_numbers(tables, rows)


def test_margins_are_fixed_as_stated():
    results = reported.results(REPORTED)
    points = results[results["unit"] == "percentage points"]
    around = points["note"].str.contains("around")
    assert set(points.loc[around, "margin"]) == {2} and set(points.loc[~around, "margin"]) == {1}
    assert set(results.loc[results["artifact"] == "fig5", "margin"]) == {0.03}
    assert results["note"].str.contains("margin: ").all()


def test_both_of_the_papers_contradicting_numbers_are_compared():
    rows = verdicts(everything(), panel="c", method="sticky gradient - EWC")
    assert rows[["value", "source"]].to_numpy().tolist() == [[2.2, "Fig. 2 caption"], [3.0, "Section 3.2"]]
    assert rows["ours_mean"].tolist() == pytest.approx([2.5, 2.5])


def test_runs_like_the_papers_agree_with_it():
    numbers = verdicts(everything())
    assert len(numbers) == len(reported.results(REPORTED)) == 22
    by_method = numbers[numbers["artifact"].isin(["fig2", "fig3", "fig4", "fig5"])]
    differing = by_method[by_method["verdict"] != "agrees"]
    # 9 points behind the control cannot hold for both methods, as they differ by 2 to 3
    assert differing["method"].tolist() == ["control - sticky gradient"]
    assert differing["ours_mean"].tolist() == pytest.approx([6.5])


def test_other_runs_differ():
    worse = everything(accuracies=permuted(**{FULL: forgetting(10, 0.8, 0.01)}))
    found = verdicts(worse, artifact="fig2", panel="a").set_index("method")["verdict"]
    assert found["sticky gradient - control"] == found["EWC - sticky gradient"] == "differs"
    assert found["EWC - control"] == "agrees"
    late = verdicts(everything(shared=shared(crossing=0.95)), artifact="fig4")
    assert late["ours_mean"].tolist() == pytest.approx([0.95]) and late["verdict"].tolist() == ["differs"]


def test_one_seed_is_unclear_and_fewer_tasks_are_not_run():
    assert set(verdicts(everything(seeds=1))["verdict"]) == {"unclear"}
    few = everything(
        accuracies=permuted(tasks=3), shared=shared(tasks=3), weights=weights(tasks=3), search=search(trials=3)
    )
    assert set(verdicts(few)["verdict"]) == set(verdicts({})["verdict"]) == {"not run"}


def test_our_own_search_is_compared_on_its_own():
    searched = [cell for cell in CELLS if cell != CONTROL]
    numbers = verdicts(everything(accuracies=permuted(searched=searched)), artifact="fig2", panel="a")
    own = numbers[numbers["hyperparameters"] == "own search"].set_index("method")
    assert own.loc["sticky gradient - control", "ours_mean"] == pytest.approx(100 * (0.903 - 0.663), abs=0.01)
    assert own.loc["EWC - control", "ours_mean"] == pytest.approx(20.34)
    assert len(numbers) == 6
    assert set(verdicts(everything())["hyperparameters"]) == {"Table 1"}


@pytest.mark.parametrize("change", [{"method": "SI - EWC"}, {"quantity": "loss"}, {"method": "EWC"}])
def test_a_number_that_no_table_holds_is_refused(change):
    row = reported.results(REPORTED).query("artifact == 'fig2'").iloc[0].to_dict() | change
    with pytest.raises(ValueError, match=r"reported\.csv: none of our results is"):
        compare.our_runs({}, row)


def test_the_benefit_vanishes_between_levels():
    assert evidence.vanishing_benefit(everything()) == pytest.approx(dict.fromkeys(range(3), 0.6))
    between = everything(shared=shared(levels=(0.2, 0.5, 1.0), crossing=0.65))
    assert evidence.vanishing_benefit(between)[0] == pytest.approx(0.65)
    never = everything(shared=shared(levels=(0.2, 1.0), crossing=1.5))
    assert evidence.vanishing_benefit(never)[0] == 1
    none = everything(accuracies=permuted(**{FULL: forgetting(10, 0.5, 0)}))
    assert evidence.vanishing_benefit(none)[0] == 0
    assert evidence.vanishing_benefit({"accuracies": permuted()}) == {}


def test_a_lead_lasts_only_if_it_is_never_lost_again():
    assert evidence.first_lasting_lead(everything(), FULL) == {0: 5, 1: 5, 2: 5}
    same = everything(accuracies=permuted(**{FULL: forgetting(10, 0.96, 0.066)}))
    assert evidence.first_lasting_lead(same, FULL)[0] == 11


def outcomes(tables):
    checked = compare.check_claims(tables)
    return checked[checked["hyperparameters"] == "Table 1"].set_index("id")["outcome"].to_dict()


def test_all_claims_hold_on_runs_like_the_papers():
    found = outcomes(everything(accuracies=permuted(searched=[FULL])))
    assert [claim for claim, outcome in found.items() if outcome != "holds"] == []
    assert list(found) == [f"sticky_gradient-{number:02d}" for number in range(1, 19)]


def cells(**changes):
    """Accuracies with other matrices: learned and lost per further task, by condition with _ for -."""
    return {"accuracies": permuted(**{name.replace("_", "-"): forgetting(10, *to) for name, to in changes.items()})}


BROAD = [(0.5, -0.1, 0.02), (0.5, 0.1, 0.02)]


@pytest.mark.parametrize(
    ("claim", "changes"),
    [
        (1, cells(sticky_l1_smart=(0.7, 0.005))),
        (1, cells(ewc=(0.7, 0.005))),
        (2, cells(ewc=(0.8, 0.001))),
        (2, cells(ewc=(0.95, 0.001))),
        (3, cells(sticky_l1_smart=(0.895, 0.0119))),
        (4, cells(ewc=(0.92, 0.012))),
        (4, cells(ewc=(0.8, 0.001))),
        (5, cells(ewc=(0.9, 0.007))),
        (6, cells(ewc=(0.94, 0.016))),
        (6, cells(sticky_l1_smart=(0.94, 0.021))),
        (7, cells(l1=(0.9, 0.001))),
        (8, cells(smart=(0.895, 0.015))),
        (9, cells(sticky_smart=(0.895, 0.013))),
        (9, cells(smart=(0.895, 0.05))),
        (9, cells(sticky_smart=(0.895, 0.026))),
        (10, cells(sticky_smart=(0.98, 0.0187))),
        (10, cells(sticky_l1_smart=(0.7, 0.001))),
        (11, {"shared": shared(crossing=0.3)}),
        (11, {"shared": shared(crossing=0.95)}),
        (12, {"weights": weights(**{FULL: [(0.99, 0.0, 0.012), (0.01, -0.06, 0.01)]})}),
        (12, {"weights": weights(**{FULL: [(0.99, 0.0, 0.012), (0.01, 0.279, 0.01)]})}),
        (13, {"weights": weights(control=BROAD)}),
        (13, {"weights": weights(ewc=[(1.0, 0.05, 0.03)])}),
        (14, {"weights": weights(ewc=[(1.0, 0.0, 0.039)])}),
        (14, {"weights": weights(ewc=BROAD)}),
        (16, {"accuracies": permuted(**{FULL + SEARCHED: forgetting(10, 0.8, 0.02)})}),
        (16, {"accuracies": permuted(searched=[FULL], control=forgetting(10, 0.93, 0.006))}),
        (16, {"accuracies": permuted(searched=[FULL], **{FULL: forgetting(10, 0.7, 0.03)})}),
        (17, {"search": search(lambda_=0.5)}),
        (18, {"weights": weights(**{FULL: [(0.5, 0.279, 0.01), (0.5, 0.0, 0.01)]})}),
    ],
)
def test_each_condition_can_make_its_claim_fail(claim, changes):
    checked = claims.check([CLAIMS[claim - 1]], everything(**changes))
    assert checked["outcome"].tolist() == ["fails"]


def test_the_plasticity_function_must_dip_steeply(monkeypatch):
    flat = replace(PAPER, attractor=replace(PAPER.attractor, gamma=1.0))
    monkeypatch.setattr(evidence, "protocol_of_paper", lambda: flat)
    assert claims.check([CLAIMS[14]], {})["outcome"].tolist() == ["fails"]


def test_the_search_is_judged_under_the_reading_of_the_figures():
    """A search that found more under another reading does not stand in for it."""
    other = search(readings=("unit-gradient-mean",), objective=0.09, a1=1.0)
    both = everything(search=pandas.concat([search(a1=0.4), other]))
    assert set(evidence.searched_value(both, "a1").values()) == {0.4}
    assert set(verdicts(everything(search=other), artifact="table1")["verdict"]) == {"not run"}


def test_fewer_trials_do_not_say_whether_thirty_suffice():
    tables = everything(accuracies=permuted(searched=[FULL]), search=search(trials=3))
    assert claims.check([CLAIMS[15]], tables)["outcome"].tolist() == ["not run"]


def test_weighted_accuracy_is_equation_2():
    matrices = accuracies.matrices(permuted(), FULL, "test")
    by_hand = sum(math.log(j) / j * sum(matrices.loc[0, (j, i)] for i in range(1, j + 1)) for j in range(1, 11))
    by_hand /= sum(math.log(j) for j in range(1, 11))
    assert evidence.weighted_accuracy(everything(), FULL)[0] == pytest.approx(100 * by_hand, rel=1e-12)


def test_one_seed_never_decides_a_claim_about_runs():
    found = outcomes(everything(seeds=1, accuracies=permuted(seeds=1, searched=[FULL])))
    assert found.pop("sticky_gradient-15") == "holds"  # in closed form
    assert set(found.values()) == {"unclear"}


def test_claims_without_runs_are_not_run():
    without = outcomes({})
    assert without.pop("sticky_gradient-15") == "holds"  # in closed form
    assert set(without.values()) == {"not run"}
    few = everything(
        accuracies=permuted(tasks=3), shared=shared(tasks=3), weights=weights(tasks=3), search=search(trials=3)
    )
    found = outcomes(few)
    assert [claim for claim, outcome in found.items() if outcome != "not run"] == ["sticky_gradient-15"]
    assert outcomes(everything(shared=shared(levels=(0.5, 0.6, 0.7))))["sticky_gradient-11"] == "not run"


def test_claims_on_accuracies_are_checked_with_our_own_search_too():
    checked = compare.check_claims(everything(accuracies=permuted(searched=[FULL])))
    own = checked[checked["hyperparameters"] == "own search"].set_index("id")["outcome"]
    assert list(own.index) == [claim.id for claim in ON_ACCURACIES] and len(own) == 11
    assert own["sticky_gradient-01"] == "holds" and own["sticky_gradient-02"] == "fails"
    assert own["sticky_gradient-07"] == "not run"


def test_claims_have_distinct_predicates():
    assert len({claim.predicate for claim in CLAIMS}) == len(CLAIMS) == 18


def test_the_command_line_writes_numbers_claims_and_markdown(tmp_path, monkeypatch):
    tables = everything(accuracies=permuted(searched=[FULL]))
    sources = [write(tmp_path, name, rows, PROVENANCE | {"scale": "smoke"}) for name, rows in tables.items()]
    out = tmp_path / "comparison.csv"
    arguments = f"compare --results {' '.join(map(str, sources))} --reported {REPORTED_PATH} --out {out}"
    monkeypatch.setattr("sys.argv", arguments.split())
    compare.main()
    numbers, checked = records.read_tables(out), records.read_tables(tmp_path / "claims.csv")
    assert set(numbers["scale"]) == set(checked["scale"]) == {"smoke"}
    assert set(numbers["hyperparameters"]) == set(checked["hyperparameters"]) == {"Table 1", "own search"}
    lines = out.with_suffix(".md").read_text().splitlines()
    assert lines[0] == "- accuracies: Smoke scale, not a result, 10 seeds, data: MNIST (complete)."
    assert "Hyperparameters of Table 1:" in lines and "Hyperparameters of our own search:" in lines
    start = "| fig2a | EWC - sticky gradient: average accuracy over all tasks so far; 10 permuted tasks | 2.5"
    assert sum(line.startswith(start) for line in lines) == 2
    assert sum(line.startswith("| sticky_gradient-") for line in lines) == 18 + 11
    assert "0 of 22 reported numbers: not run." in lines


def test_labels_are_those_of_the_reported_numbers():
    methods = reported.results(REPORTED)["method"].str.split(" - ").explode()
    assert set(methods) <= set(conditions.LABELS.values())
    assert not any(EWC + SEARCHED == name for name in conditions.LABELS)
