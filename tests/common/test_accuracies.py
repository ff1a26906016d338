"""Conditions under other hyperparameters take the place of those under the published ones."""

from __future__ import annotations

import math

import pandas
import pytest

from common import accuracies, records

RUNS = pandas.DataFrame({"condition": ["ewc", "ewc-tuned", "plain", "si", "si-tuned"], "accuracy": range(5)})


def test_conditions_with_a_suffix_take_the_place_of_those_without():
    found = accuracies.without_suffix(RUNS, "-tuned", others=("plain", "dropout"))
    assert found.to_dict("list") == {"condition": ["ewc", "plain", "si"], "accuracy": [1, 2, 4]}


def test_without_such_conditions_nothing_is_left():
    for runs in (RUNS[RUNS["condition"].isin(("ewc", "plain"))], pandas.DataFrame(columns=accuracies.COLUMNS)):
        found = accuracies.without_suffix(runs, "-tuned", others=("plain",))
        assert found.empty and list(found.columns) == list(runs.columns)


def table(path, **runs):
    """Writes runs of two tasks; runs: the accuracies after the last one, by condition_seed."""
    rows = []
    for name, values in runs.items():
        condition, seed = name.split("_")
        for task, accuracy in enumerate(values, start=1):
            row = {"condition": condition, "seed": int(seed), "split": "test", "after_task": 2, "task": task}
            rows.append(row | {"accuracy": accuracy})
    records.write_table(path, rows)
    return path


def test_runs_that_diverged_are_not_read(tmp_path):
    path = table(tmp_path / "a.csv", si_0=[0.5, 0.75], si_1=[math.nan], ewc_1=[0.25, 1.0])
    found = accuracies.read(path, ("si", "ewc"))
    assert found[["condition", "seed"]].drop_duplicates().values.tolist() == [["si", 0], ["ewc", 1]]
    assert accuracies.average(found, "si", "test", 2) == {0: 0.625}
    alone = accuracies.read(table(tmp_path / "b.csv", si_1=[math.nan]), ("si",))
    assert alone.empty and list(alone.columns) == accuracies.COLUMNS


def test_an_accuracy_that_is_missing_in_a_run_that_went_on_is_refused(tmp_path):
    path = table(tmp_path / "a.csv", si_0=[0.5, math.nan], ewc_0=[0.5, 0.5])
    with pytest.raises(ValueError, match="accuracy must lie between 0 and 1"):
        accuracies.read(path, ("si", "ewc"))
