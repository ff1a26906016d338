"""Matrices, averages and final accuracies of constructed tables, and the tables that are refused."""

from __future__ import annotations

import numpy
import pandas
import pytest

from common.results import accuracies
from common.results import tables as table_files
from papers.synaptic_intelligence import conditions, results
from tests.papers.synaptic_intelligence.constructed import (
    correlated,
    correlation_table,
    forgetting,
    runs,
    table,
    tables,
    uniform,
)

MATRIX = [[0.9, 0.1, 0.2], [0.7, 0.8, 0.3], [0.4, 0.6, 0.8]]
TABLE = table(runs("si-0", MATRIX, seeds=2, spread=0.01), runs("si-0", forgetting(3, 1, 0), split="train"))


def test_an_entry_is_the_accuracy_of_each_seed():
    assert accuracies.entry(TABLE, "si-0", "test", 2, 1) == pytest.approx({0: 0.69, 1: 0.7})
    assert accuracies.entry(TABLE, "si-0", "train", 3, 1) == pytest.approx({0: 0.999, 1: 1, 2: 1})
    assert accuracies.entry(TABLE, "si-0", "test", 4, 1) == accuracies.entry(TABLE, "si-1", "test", 1, 1) == {}


def test_averages_are_over_the_tasks_learned_so_far():
    found = accuracies.averages(TABLE, "si-0", "test")
    assert found.columns.tolist() == [1, 2, 3]
    assert found.loc[1].tolist() == pytest.approx([0.9, 0.75, 0.6])
    assert found.loc[0].tolist() == pytest.approx([0.89, 0.74, 0.59])
    assert accuracies.average(TABLE, "si-0", "test", 3) == pytest.approx({0: 0.59, 1: 0.6})
    assert accuracies.average(TABLE, "si-0", "test", 4) == {}


def test_joint_training_has_one_average():
    joint = table(runs("joint", [[0.9, 0.8, 0.7]], first_task=3, spread=0))
    assert accuracies.averages(joint, "joint", "test").columns.tolist() == [3]
    assert accuracies.average(joint, "joint", "test", 3) == pytest.approx(dict.fromkeys(range(3), 0.8))


def test_final_is_after_all_tasks_but_from_scratch_right_after_each():
    assert results.final_by_task(TABLE, "si-0", "test").loc[1].tolist() == pytest.approx([0.4, 0.6, 0.8])
    scratch = table(runs("scratch", MATRIX, spread=0))
    assert results.final_by_task(scratch, "scratch", "test").loc[0].tolist() == pytest.approx([0.9, 0.8, 0.8])
    assert results.final_on_task(scratch, "scratch", "test", 2) == pytest.approx(dict.fromkeys(range(3), 0.8))
    assert results.final_on_task(scratch, "scratch", "test", 4) == {}


def test_nothing_run_is_empty_everywhere():
    nothing = tables()["cifar"]
    assert accuracies.tasks(nothing) == 0
    assert accuracies.tasks(TABLE) == 3
    assert accuracies.averages(nothing, "si-0", "test").empty
    assert accuracies.entry(nothing, "si-0", "test", 1, 1) == results.final_on_task(nothing, "si-0", "test", 1) == {}
    assert results.correlation_matrices(tables()["correlations"], "si-0", 1) == {}


def test_doubled_and_broken_runs_are_refused():
    with pytest.raises(ValueError, match=r"si-0 on test images is there twice for seeds \[1\]"):
        accuracies.averages(pandas.concat([TABLE, TABLE.query("seed == 1")]), "si-0", "test")
    with pytest.raises(ValueError, match=r"seeds \[0\] lack entries"):
        accuracies.averages(TABLE.drop(index=4), "si-0", "test")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"condition": "growth"}, "unknown condition 'growth'"),
        ({"condition": "si-x"}, "unknown condition 'si-x'"),
        ({"split": "validation"}, "unknown split 'validation'; known are test, train"),
        ({"accuracy": 98.0}, "accuracy must lie between 0 and 1"),
        ({"after_task": 0}, "tasks count from 1"),
    ],
)
def test_other_tables_are_refused(tmp_path, change, message):
    table_files.write(tmp_path / "a.csv", TABLE.assign(**change))
    with pytest.raises(ValueError, match=message):
        results.read_accuracies(tmp_path / "a.csv")


def test_a_table_reads_back_as_it_was_written(tmp_path):
    table_files.write(tmp_path / "a.csv", TABLE)
    pandas.testing.assert_frame_equal(results.read_accuracies(tmp_path / "a.csv"), TABLE)
    table_files.write(tmp_path / "b.csv", TABLE.drop(columns="split"))
    with pytest.raises(ValueError, match=r"b\.csv has no column split"):
        results.read_accuracies(tmp_path / "b.csv")


def test_every_condition_of_an_experiment_has_a_label():
    assert set().union(*conditions.CONDITIONS.values()) == set(conditions.LABELS)
    assert len(set(conditions.LABELS.values())) == len(conditions.LABELS)
    assert conditions.LABELS["si-0"] == "fine-tuning, c = 0" and conditions.LABELS["si-0.01"] == "SI, c = 0.01"


def test_any_strength_of_consolidation_is_read_and_shown_after_those_of_the_paper(tmp_path):
    rows = table(*(runs(condition, MATRIX) for condition in ("si-0.5", "si-0", "si-0.05", "ewc")))
    table_files.write(tmp_path / "a.csv", rows)
    found = results.read_accuracies(tmp_path / "a.csv")
    assert results.shown(found, ("si-0", "si-1")) == ["si-0", "si-1", "si-0.05", "si-0.5"]
    assert conditions.label("si-0.05") == "SI, c = 0.05"


def test_correlations_become_symmetric_matrices():
    pairs = {(1, 2): 0.5, (1, 3): 0.2, (2, 3): -0.1}
    found = results.correlation_matrices(correlation_table(correlated("si-0", 2, pairs, spread=0)), "si-0", 2)
    assert list(found) == [0, 1, 2]
    numpy.testing.assert_allclose(found[0], [[1, 0.5, 0.2], [0.5, 1, -0.1], [0.2, -0.1, 1]])
    assert results.mean_of_pairs(found[0]) == pytest.approx(0.2)
    assert numpy.isnan(results.mean_of_pairs(numpy.ones((1, 1))))


def test_one_order_of_each_pair_is_enough_but_every_pair_is_needed():
    both = correlation_table(correlated("si-0", 1, uniform(3, 0.3), seeds=1))
    upper = both.query("task < other_task")
    numpy.testing.assert_allclose(
        results.correlation_matrices(upper, "si-0", 1)[0], results.correlation_matrices(both, "si-0", 1)[0]
    )
    with pytest.raises(ValueError, match="seed 0 lacks pairs of its 3 tasks"):
        results.correlation_matrices(upper[1:], "si-0", 1)
    with pytest.raises(ValueError, match=r"there twice for seeds \[0\]"):
        results.correlation_matrices(pandas.concat([both, both]), "si-0", 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"correlation": 1.5}, "must lie between -1 and 1"), ({"kind": "kendall"}, "unknown kind 'kendall'")],
)
def test_other_correlations_are_refused(tmp_path, change, message):
    table_files.write(tmp_path / "a.csv", correlation_table(correlated("si-0", 1, uniform(3, 0.3))).assign(**change))
    with pytest.raises(ValueError, match=message):
        results.read_correlations(tmp_path / "a.csv")
