"""Constructed runs give the verdicts and the claims' outcomes that they must, in both directions."""

from __future__ import annotations

import pytest

from common.results import comparison
from papers.tsar import compare
from papers.tsar.claims import CLAIMS
from tests.papers.tsar.constructed import REPORTED, on_omniglot, runs, table, tables

LIKE_THE_PAPER = {  # recall after 10 and after 100 classes
    ("grow", "rich"): (96, 92.2),
    ("sculpt", "rich"): (89, 57.5),
    ("oml", "rich"): (80, 13.87),
    ("scratch", "rich"): (10, 0.971),
    ("grow", "scarce"): (95, 86),
    ("sculpt", "scarce"): (70, 10),
    ("oml", "scarce"): (60, 1.2),
    ("bias-12", "rich"): (90, 75),
    ("bias-4", "rich"): (90, 70),
    ("bias4", "rich"): (90, 40),
}


def collected(recalls, seeds=5):
    """Tables with so many seeds of each, whose spread is far below every margin."""
    return tables(
        table(
            *(
                runs(*names, *(final + 0.02 * (seed % 3 - 1) for seed in range(seeds)), early=early)
                for names, (early, final) in recalls.items()
            )
        )
    )


def changed(**finals):
    """What is like the paper but for some data-rich conditions' final recall."""
    return collected(
        LIKE_THE_PAPER | {(name, "rich"): (LIKE_THE_PAPER[name, "rich"][0], x) for name, x in finals.items()}
    )


def fewer_classes(run):
    return tables(run["transfer"].query("classes < 100"))


def verdicts(run):
    numbers = comparison.compare_numbers(compare, run, REPORTED)
    return numbers[numbers["artifact"] == "fig1"].set_index("method")["verdict"].to_dict()


def outcomes(run):
    return comparison.check_claims(compare, CLAIMS, run).set_index("id")["outcome"].to_dict()


def test_verdicts_are_two_sided():
    run = changed(grow=97, sculpt=57.6, oml=15.87)
    assert verdicts(run) == {"Grow": "differs", "Sculpt": "agrees", "OML": "unclear", "Scratch": "agrees"}
    assert verdicts(changed(grow=80))["Grow"] == "differs"


def test_ours_stands_beside_theirs_in_percent():
    numbers = comparison.compare_numbers(compare, collected({("grow", "rich"): (98, 90)}), REPORTED)
    row = numbers[(numbers["artifact"] == "fig1") & (numbers["method"] == "Grow")].iloc[0]
    assert row["ours_mean"] == pytest.approx(90 - 0.004)
    assert row["difference"] == pytest.approx(-2.2 - 0.004)
    assert row["ours_n"] == 5
    assert (numbers.drop(index=row.name)["verdict"] == "not run").all()


def test_scarce_runs_or_fewer_classes_do_not_count_for_panel_a():
    for run in (collected({("grow", "scarce"): (98, 92.2)}), fewer_classes(collected(LIKE_THE_PAPER))):
        assert set(verdicts(run).values()) == {"not run"}


def test_all_claims_hold_on_runs_like_the_papers():
    assert outcomes(collected(LIKE_THE_PAPER)) == {claim.id: "holds" for claim in CLAIMS}


@pytest.mark.parametrize(
    ("claim", "condition", "meta_learning_set", "recalls"),
    [
        ("tsar-01", "grow", "rich", (84, 80)),
        ("tsar-01", "grow", "rich", (98, 88)),
        ("tsar-02", "sculpt", "rich", (89, 85)),
        ("tsar-03", "sculpt", "rich", (70, 57)),
        ("tsar-03", "oml", "rich", (80, 30)),
        ("tsar-03", "scratch", "rich", (10, 5)),
        ("tsar-04", "sculpt", "rich", (89, 93)),
        ("tsar-04", "oml", "rich", (80, 60)),
        ("tsar-04", "oml", "rich", (80, 0.5)),
        ("tsar-05", "scratch", "rich", (10, 2.5)),
        ("tsar-06", "grow", "scarce", (95, 75)),
        ("tsar-06", "sculpt", "scarce", (70, 40)),
        ("tsar-06", "oml", "scarce", (60, 12)),
        ("tsar-07", "sculpt", "scarce", (70, 60)),
        ("tsar-08", "bias-4", "rich", (98, 95)),
        ("tsar-08", "bias-12", "rich", (98, 95)),
        ("tsar-08", "sculpt", "rich", (89, 85)),
        ("tsar-08", "bias4", "rich", (90, 65)),
    ],
)
def test_each_finding_can_make_its_claim_fail(claim, condition, meta_learning_set, recalls):
    assert outcomes(collected(LIKE_THE_PAPER | {(condition, meta_learning_set): recalls}))[claim] == "fails"


def test_one_seed_never_decides():
    one = collected(LIKE_THE_PAPER, seeds=1)
    assert set(outcomes(one).values()) == set(verdicts(one).values()) == {"unclear"}


def test_claims_without_runs_are_not_run():
    few = {names: recalls for names, recalls in LIKE_THE_PAPER.items() if names[0] in ("grow", "scratch")}
    by_claim = outcomes(collected(few))
    assert by_claim.pop("tsar-01") == by_claim.pop("tsar-05") == "holds"
    assert set(by_claim.values()) == {"not run"}
    assert set(outcomes(fewer_classes(collected(LIKE_THE_PAPER))).values()) == {"not run"}


def test_conditions_are_paired_by_seed():
    """Seeds differ by tens of points, and so do seeds without a partner; the paired gap is clear."""
    run = tables(table(runs("grow", "rich", 90, 60, 30), runs("sculpt", "rich", 70, 41, 10, 99)))
    checked = comparison.check_claims(compare, CLAIMS, run).set_index("id").loc["tsar-02"]
    assert checked["outcome"] == "holds"
    assert "n = 3" in checked["detail"]


def test_recall_of_cifar_100_is_compared_with_figure_9():
    run = tables(
        transfer_cifar100=table(
            runs("grow", "rich", 91, 91.1, 91.2), runs("sculpt", "scarce", 30, 31, 32), runs("anml", "rich", 36, 37, 38)
        ).assign(dataset="cifar100")
    )
    numbers = comparison.compare_numbers(compare, run, REPORTED)
    judged = numbers[numbers["ours_n"] > 0].set_index(["artifact", "method"])["verdict"].to_dict()
    assert judged == {("fig9", "Grow"): "agrees", ("fig9", "Sculpt"): "differs", ("fig9", "ANML"): "agrees"}


def test_accuracy_on_omniglot_is_compared_method_by_method_for_as_many_classes():
    ours = {("grow", "plain"): (95.2, 43.8), ("grow", "cp_only"): (80, 53.75), ("grow", "cp_only_iid"): (90, 63.5)}
    ours |= {("anml", "plain"): (88.9, 20), ("oml", "plain"): (29.3, 30.6)}

    def judged(classes):
        numbers = comparison.compare_numbers(compare, tables(omniglot=on_omniglot(ours, classes)), REPORTED)
        return numbers[numbers["ours_n"] > 0]

    found = judged(600)
    assert len(found) == 8 and set(found[found["verdict"] != "agrees"]["method"]) == {"ANML"}
    fixed = found[found["method"].str.contains("fixed")]
    assert sorted(fixed["ours_mean"]) == pytest.approx([53.75, 63.5])
    assert judged(30).empty
