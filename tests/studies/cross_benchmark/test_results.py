"""The four numbers, the ranks, and what can be told apart, on worked examples."""

from __future__ import annotations

import math

import numpy
import pandas
import pytest

from studies.cross_benchmark import results

# Accuracy on a task (column) after so many tasks (row); what is above the diagonal was not trained yet, and does not count.
MATRIX = [[0.9, 0.1, 0.2], [0.95, 0.8, 0.1], [0.5, 0.6, 0.7]]


def table(matrices: dict[tuple[str, int], list[list[float]]], optimizer: str = "sgd") -> pandas.DataFrame:
    rows = [
        {"optimizer": optimizer, "condition": name, "seed": seed, "split": "test", "after_task": after, "task": task}
        | {"accuracy": value}
        for (name, seed), matrix in matrices.items()
        for after, row in enumerate(matrix, start=3 - len(matrix) + 1)
        for task, value in enumerate(row, start=1)
    ]
    return pandas.DataFrame(rows)


def test_the_four_numbers_of_a_worked_matrix():
    found = results.measures(table({("ewc", 4): MATRIX}), "sgd", "ewc").loc[4]
    assert found["accuracy"] == pytest.approx(60)
    assert found["plasticity"] == pytest.approx(80)
    assert found["transfer"] == pytest.approx(((50 - 90) + (60 - 80)) / 2)
    assert found["forgetting"] == pytest.approx(((95 - 50) + (80 - 60)) / 2)  # from the best, which came later


def test_joint_training_has_an_accuracy_alone():
    found = results.measures(table({("joint", 0): [[0.9, 0.8, 0.7]], ("ewc", 0): MATRIX}), "sgd", "joint").loc[0]
    assert found["accuracy"] == pytest.approx(80)
    assert found[["transfer", "forgetting", "plasticity"]].isna().all()


def test_a_run_that_diverged_has_no_numbers_and_the_last_rank():
    runs = table({("ewc", 0): MATRIX, ("si", 0): [[0.9, 0.1, 0.2], [math.nan] * 3, [math.nan] * 3], ("mas", 0): MATRIX})
    runs = runs.drop(
        runs.index[runs["accuracy"].isna() & (runs["task"] > 1)]
    )  # as the loop writes it: one row, and no more
    accuracy = results.by_method(runs[~((runs["condition"] == "si") & (runs["after_task"] == 3))], "sgd")
    assert accuracy["si"].isna().all()
    assert results.ranks(accuracy).to_dict() == {"ewc": 1.5, "mas": 1.5, "si": 3.0}


def test_methods_stand_in_the_protocols_order_whatever_that_of_the_rows_and_the_users_own_last():
    runs = table({("a_method", 0): MATRIX, ("si", 0): MATRIX, ("finetune", 0): MATRIX})
    assert results.methods(runs) == results.by_method(runs, "sgd").columns.tolist() == ["finetune", "si", "a_method"]


def test_methods_of_other_seeds_are_not_compared():
    with pytest.raises(ValueError, match="have different seeds"):
        results.by_method(table({("ewc", 0): MATRIX, ("si", 1): MATRIX}), "sgd")


def test_differences_are_paired_by_seed_and_judged_together():
    """By hand: d = 1, 2, 3 has mean 2 and SE 1 / sqrt(3), so t = 3.464, and p = 0.0742 with 2 degrees of freedom."""
    accuracy = pandas.DataFrame({"a": [11.0, 22.0, 33.0], "b": [10.0, 20.0, 30.0], "c": [10.5, 19.5, 30.25]})
    found = results.differences(accuracy).set_index(["one", "other"])
    pair = found.loc["a", "b"]
    assert (pair["difference"], pair["n"]) == (2.0, 3) and pair["p"] == pytest.approx(0.0742, abs=1e-4)
    assert (pair["low"], pair["high"]) == pytest.approx(
        (2 - 4.3027 / math.sqrt(3), 2 + 4.3027 / math.sqrt(3)), abs=1e-3
    )
    assert not found["told_apart"].any()


def test_differences_that_are_the_same_in_all_seeds_are_told_apart_unless_they_are_none():
    found = results.differences(pandas.DataFrame({"a": [2.0, 3.0], "b": [1.0, 2.0], "c": [1.0, 2.0]}))
    assert found["told_apart"].tolist() == [True, True, False]


def test_holms_rule_stops_at_the_first_pair_that_is_not_significant():
    """Of three pairs the smallest p must be at most 0.05 / 3, the next 0.05 / 2, the last 0.05."""
    noise = numpy.array([0.0, 0.1, -0.1, 0.05, -0.05, 0.02, -0.02, 0.03])
    far = pandas.DataFrame({"a": 90 + noise, "b": 80 - noise, "c": 80.0 - noise[::-1]})
    found = results.differences(far).set_index(["one", "other"])["told_apart"]
    assert found["a", "b"] and found["a", "c"] and not found["b", "c"]
    assert results.groups(["a", "b", "c"], results.differences(far)) == [["b", "c"]]


def test_two_methods_are_told_apart_if_no_group_has_both():
    def pairs(*apart):
        names = [("a", "b"), ("a", "c"), ("a", "d"), ("b", "c"), ("b", "d"), ("c", "d")]
        rows = [{"one": one, "other": other, "told_apart": one + other in apart} for one, other in names]
        return pandas.DataFrame(rows)

    order = ["a", "b", "c", "d"]
    assert results.groups(order, pairs()) == [order]
    assert results.groups(order, pairs("ad")) == [["a", "b", "c"], ["b", "c", "d"]]
    assert results.groups(order, pairs("ab", "ac", "ad", "cd")) == [["b", "c"], ["b", "d"]]  # not neighbours, and yet
    assert results.groups(order, pairs("ab", "bc", "cd", "ac", "bd", "ad")) == []
