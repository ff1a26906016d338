"""Runs are taken apart by condition, seed and task; one that diverged ends where it did."""

from __future__ import annotations

import math

import pandas
import pytest

from common.results import accuracies, tables

RUNS = pandas.DataFrame({"condition": ["ewc", "ewc-tuned", "plain", "si", "si-tuned"], "accuracy": range(5)})


def test_conditions_with_a_suffix_take_the_place_of_those_without():
    found = accuracies.without_suffix(RUNS, "-tuned", others=("plain", "dropout"))
    assert found.to_dict("list") == {"condition": ["ewc", "plain", "si"], "accuracy": [1, 2, 4]}


def test_without_such_conditions_nothing_is_left():
    for runs in (RUNS[RUNS["condition"].isin(("ewc", "plain"))], pandas.DataFrame(columns=accuracies.COLUMNS)):
        found = accuracies.without_suffix(runs, "-tuned", others=("plain",))
        assert found.empty and list(found.columns) == list(runs.columns)


def run(seed, *after, condition="si"):
    """Return the rows of a run; after: the accuracies on the tasks after training on 1, 2, ..."""
    about = {"condition": condition, "seed": seed, "split": "test"}
    return [
        about | {"after_task": k, "task": task, "accuracy": accuracy}
        for k, row in enumerate(after, start=1)
        for task, accuracy in enumerate(row, start=1)
    ]


NAN = [math.nan]
WHOLE = run(0, [0.5, 0.25], [0.75, 1.0])
LATE, AT_ONCE = run(1, [0.25, 0.0], NAN), run(2, NAN)  # lost in the second task, and in the first


def read(path, rows):
    tables.write(path, rows)
    return accuracies.reader(("si", "ewc")).read(path)


def test_a_run_that_diverged_keeps_the_tasks_that_it_finished(tmp_path):
    results = read(tmp_path / "a.csv", WHOLE + LATE + AT_ONCE)
    matrices = accuracies.matrices(results, "si", "test")
    assert matrices.columns.tolist() == [(1, 1), (1, 2), (2, 1), (2, 2)] and matrices.index.tolist() == [0, 1]
    assert matrices.loc[0].tolist() == [0.5, 0.25, 0.75, 1.0]
    assert matrices.loc[1].tolist()[:2] == [0.25, 0.0] and matrices.loc[1].isna().tolist() == 2 * [False] + 2 * [True]
    averages = accuracies.averages(results, "si", "test")
    assert averages[1].tolist() == [0.5, 0.25] and averages[2].tolist()[:1] == [0.875] and math.isnan(averages[2][1])
    assert accuracies.average(results, "si", "test", 1) == {0: 0.5, 1: 0.25}
    assert accuracies.average(results, "si", "test", 2) == {0: 0.875}
    assert accuracies.entry(results, "si", "test", 1, 2) == {0: 0.25, 1: 0.0}
    assert accuracies.entry(results, "si", "test", 2, 1) == {0: 0.75}
    final = accuracies.final(results, "si", "test")
    assert final.index.tolist() == [0] and final.loc[0].tolist() == [0.75, 1.0]
    newest = accuracies.newest(results, "si", "test")
    assert newest.loc[0].tolist() == [0.5, 1.0] and newest[1].tolist() == [0.5, 0.25] and math.isnan(newest[2][1])


def test_of_what_was_not_run_or_diverged_at_once_there_is_nothing(tmp_path):
    early, nothing = read(tmp_path / "a.csv", AT_ONCE), pandas.DataFrame(columns=accuracies.COLUMNS)
    for results in (early, nothing):
        for read_off in (accuracies.matrices, accuracies.averages, accuracies.final, accuracies.newest):
            assert read_off(results, "si", "test").empty
        assert accuracies.average(results, "si", "test", 1) == accuracies.average(results, "si", "test", 2) == {}
    for results in (early, nothing, read(tmp_path / "b.csv", LATE + AT_ONCE)):
        assert accuracies.final(results, "si", "test").empty
        assert accuracies.entry(results, "si", "test", 2, 1) == {}


def test_a_run_that_went_on_must_be_whole(tmp_path):
    with pytest.raises(ValueError, match=r"accuracy of si on test images: seeds \[3\] lack entries that others have"):
        accuracies.matrices(read(tmp_path / "a.csv", WHOLE + run(3, [0.5, 0.25], [0.5])), "si", "test")
    with pytest.raises(ValueError, match=r"is there twice for seeds \[0\]"):
        accuracies.matrices(read(tmp_path / "b.csv", WHOLE + WHOLE), "si", "test")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (run(0, [1.5]), "accuracy must lie between 0 and 1"),
        ([WHOLE[0] | {"task": 0}], "task must lie between 1 and inf"),
        (run(0, [0.5], condition="sj"), "unknown condition 'sj'; known are si, ewc"),
        ([WHOLE[0] | {"split": "valid"}], "unknown split 'valid'; known are test, train"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path, rows, message):
    with pytest.raises(ValueError, match=message):
        read(tmp_path / "a.csv", rows)
