"""Constructed runs give the verdicts that they must, in both directions."""

from __future__ import annotations

import pytest

from common.results import comparison
from papers.tsar import compare
from tests.papers.tsar.constructed import REPORTED, on_omniglot, runs, table, tables
from tests.papers.tsar.constructed_claims import RECALL, recall


def collected(recalls, seeds=5):
    """The table of transfers to ImageNet with so many seeds of each."""
    return tables(recall("imagenet", recalls, seeds))


def changed(**finals):
    """What is like the paper but for some data-rich conditions' final recall."""
    return collected(RECALL | {(name, "rich"): (RECALL[name, "rich"][0], x) for name, x in finals.items()})


def fewer_classes(run):
    return tables(run["transfer"].query("classes < 100"))


def verdicts(run):
    numbers = comparison.compare_numbers(compare, run, REPORTED)
    return numbers[numbers["artifact"] == "fig1"].set_index("method")["verdict"].to_dict()


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
    for run in (collected({("grow", "scarce"): (98, 92.2)}), fewer_classes(collected(RECALL))):
        assert set(verdicts(run).values()) == {"not run"}


def test_one_seed_never_decides():
    assert set(verdicts(collected(RECALL, seeds=1)).values()) == {"unclear"}


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
