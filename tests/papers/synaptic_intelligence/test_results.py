"""What is computed from constructed tables, and the tables that are refused."""

from __future__ import annotations

import numpy
import pandas
import pytest

from common.results import tables as table_files
from papers.synaptic_intelligence import conditions, results
from tests.papers.synaptic_intelligence.constructed import correlated, runs, table, tables

MATRIX = [[0.9, 0.1, 0.2], [0.7, 0.8, 0.3], [0.4, 0.6, 0.8]]
TABLE = table(runs("si-0", MATRIX), runs("si-0", [[1.0] * 3] * 3, split="train"))
PAIRS = pandas.DataFrame(correlated("si-0", 2, {(1, 2): 0.5, (1, 3): 0.2, (2, 3): -0.1}, spread=0))


def test_final_is_after_all_tasks_but_from_scratch_right_after_each():
    assert results.final_by_task(TABLE, "si-0", "test").loc[1].tolist() == pytest.approx([0.4, 0.6, 0.8])
    scratch = table(runs("scratch", MATRIX, spread=0))
    assert results.final_by_task(scratch, "scratch", "test").loc[0].tolist() == pytest.approx([0.9, 0.8, 0.8])
    assert results.final_on_task(scratch, "scratch", "test", 2) == pytest.approx(dict.fromkeys(range(3), 0.8))
    assert results.final_on_task(scratch, "scratch", "test", 4) == {}


def test_correlations_become_symmetric_matrices_of_one_order_of_each_pair_or_both_but_every_pair_is_needed_once():
    upper = PAIRS.query("task < other_task")
    for rows in (PAIRS, upper):
        found = results.correlation_matrices(rows, "si-0", 2)
        assert list(found) == [0, 1, 2]
        numpy.testing.assert_allclose(found[0], [[1, 0.5, 0.2], [0.5, 1, -0.1], [0.2, -0.1, 1]])
    assert results.mean_of_pairs(found[0]) == pytest.approx(0.2)
    assert numpy.isnan(results.mean_of_pairs(numpy.ones((1, 1))))
    assert results.correlation_matrices(tables()["correlations"], "si-0", 1) == {}
    with pytest.raises(ValueError, match="seed 0 lacks pairs of its 3 tasks"):
        results.correlation_matrices(upper[1:], "si-0", 2)
    with pytest.raises(ValueError, match=r"there twice for seeds \[0, 1, 2\]"):
        results.correlation_matrices(pandas.concat([PAIRS, PAIRS]), "si-0", 2)


@pytest.mark.parametrize(
    ("name", "rows", "message"),
    [
        ("cifar", TABLE.assign(condition="growth"), "unknown condition 'growth'"),
        ("cifar", TABLE.assign(condition="si-x"), "unknown condition 'si-x'"),
        ("cifar", TABLE.assign(accuracy=98.0), "accuracy must lie between 0 and 1"),
        ("correlations", PAIRS.assign(correlation=1.5), "must lie between -1 and 1"),
        ("correlations", PAIRS.assign(kind="kendall"), "unknown kind 'kendall'"),
    ],
)
def test_other_tables_are_refused(tmp_path, name, rows, message):
    table_files.write(tmp_path / "a.csv", rows)
    with pytest.raises(ValueError, match=message):
        results.READERS[name].read(tmp_path / "a.csv")


def test_any_strength_of_consolidation_is_read_and_shown_after_those_of_the_paper(tmp_path):
    rows = table(*(runs(condition, MATRIX) for condition in ("si-0.5", "si-0", "si-0.05", "ewc")))
    table_files.write(tmp_path / "a.csv", rows)
    found = results.read_accuracies(tmp_path / "a.csv")
    pandas.testing.assert_frame_equal(found, rows)
    assert results.shown(found, ("si-0", "si-1")) == ["si-0", "si-1", "si-0.05", "si-0.5"]
    assert conditions.label("si-0.05") == "SI, c = 0.05" and conditions.label("si-0") == "fine-tuning, c = 0"
