"""What is read out of the table of transfers, and tables that are refused."""

import pandas
import pytest

from common.results import tables as table_files
from papers.tsar import results
from tests.papers.tsar.constructed import runs, table, tables

TABLE = table(
    runs("grow", "rich", 88, 90, 92),
    runs("scratch", "rich", 1),
    runs("bias4", "rich", 20, 24),
    runs("oml", "scarce", 2),
)


def test_recall_is_in_percent_and_by_seed():
    assert results.recall(tables(TABLE), "grow", "rich", 100) == pytest.approx({0: 88, 1: 90, 2: 92})
    assert (
        results.recall(tables(TABLE), "grow", "scarce", 100) == results.recall(tables(TABLE), "grow", "rich", 50) == {}
    )


def test_the_sweep_holds_data_rich_regulators_that_learn():
    run = tables(table(TABLE.to_dict("records"), runs("reservoir0", "rich", 5), runs("bias8", "scarce", 5)))
    assert results.biases(run) == [-8, 4]
    assert results.final_by_bias(run) == {-8: pytest.approx([88, 90, 92]), 4: pytest.approx([20, 24])}


def test_other_data_sets_do_not_count():
    both = pandas.concat([TABLE, TABLE.assign(dataset="cifar100", recall=0.5)], ignore_index=True)
    curves, alone = (results.curves(tables(rows), "grow", "rich") for rows in (both, TABLE))
    pandas.testing.assert_frame_equal(curves, alone)


def test_doubled_and_broken_runs_are_refused():
    with pytest.raises(ValueError, match=r"grow, rich, imagenet is there twice for seeds \[1\]"):
        results.curves(tables(pandas.concat([TABLE, TABLE[:6].query("seed == 1")])), "grow", "rich")
    with pytest.raises(ValueError, match=r"seeds \[0\] lack points"):
        results.curves(tables(TABLE.drop(index=1)), "grow", "rich")


def test_tables_of_another_kind_are_refused(tmp_path):
    table_files.write(tmp_path / "a.csv", TABLE.drop(columns="learning_rate"))
    with pytest.raises(ValueError, match=r"a\.csv has no column learning_rate"):
        results.read_transfer(tmp_path / "a.csv")
    table_files.write(tmp_path / "b.csv", TABLE.assign(recall=90.0))
    with pytest.raises(ValueError, match=r"b\.csv: recall must lie between 0 and 1"):
        results.read_transfer(tmp_path / "b.csv")
