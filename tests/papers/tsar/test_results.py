"""What is read out of the table of transfers, and tables that are refused."""

import pandas
import pytest

from common.results import tables as table_files
from papers.tsar import results
from tests.papers.tsar.constructed import measured, runs, table, tables

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
    shorter = table(runs("grow", "rich", 40, iterations=3000))
    with pytest.raises(ValueError, match=r"twice for seeds \[0\]: collect batches that do not overlap, and one length"):
        results.curves(tables(pandas.concat([TABLE, shorter])), "grow", "rich")
    with pytest.raises(ValueError, match=r"seeds \[0\] lack points"):
        results.curves(tables(TABLE.drop(index=1)), "grow", "rich")


def test_tables_of_another_kind_are_refused(tmp_path):
    table_files.write(tmp_path / "a.csv", TABLE.drop(columns="learning_rate"))
    with pytest.raises(ValueError, match=r"a\.csv has no column learning_rate"):
        results.read_transfer(tmp_path / "a.csv")
    table_files.write(tmp_path / "b.csv", TABLE.assign(recall=90.0))
    with pytest.raises(ValueError, match=r"b\.csv: recall must lie between 0 and 1"):
        results.read_transfer(tmp_path / "b.csv")


def test_snapshots_are_told_apart_by_their_length():
    run = tables(snapshots=table(runs("grow", "rich", 90, 92), runs("grow", "rich", 40, iterations=3000)))
    found = results.snapshots(run, "grow")
    assert list(found) == [3000, 25000] and results.snapshots(run, "sculpt") == {}
    assert found[3000][100].tolist() == [40] and found[25000][100].tolist() == pytest.approx([90, 92])


def test_what_was_measured_class_by_class_is_averaged_over_ten_classes_and_the_rest():
    grow = {"condition": "grow", "meta_learning_set": "rich"}
    masks = measured(grow | {"quantity": "CP mask"}, "classes", lambda seed, number: {"value": number + 100 * seed})
    noise = masks.assign(quantity="loss", value=-1.0)
    run = tables(
        diagnostics=pandas.concat([masks, noise, noise.assign(meta_learning_set="scarce")]),
        final_recall=measured(grow, "position", lambda seed, number: {"label": 7, "recall": number / 100}),
    )
    found = results.diagnostics(run, "grow", "rich", "CP mask")
    assert found.columns.tolist() == [10, 20, 25] and found.index.tolist() == [0, 1]
    assert found.loc[0].tolist() == [5.5, 15.5, 23] and found.loc[1].tolist() == [105.5, 115.5, 123]
    assert results.final_recall(run, "grow", "rich").loc[1].tolist() == pytest.approx([5.5, 15.5, 23])
    assert results.diagnostics(run, "sculpt", "rich", "CP mask").empty


def test_tuning_is_averaged_over_seeds_in_percent():
    rows = [
        {
            "seed": seed,
            "condition": "grow",
            "meta_learning_set": "rich",
            "iterations": 3000,
            "dataset": "imagenet",
            "learning_rate": rate,
        }
        | {"recall": final, "mean_recall": averaged}
        for rate, seeds in {1e-3: ((0.1, 0.3), (0.2, 0.5)), 1e-4: ((0.3, 0.2), (0.4, 0.2))}.items()
        for seed, (final, averaged) in enumerate(seeds, start=1000)
    ]
    found = results.tuning(tables(tune=pandas.DataFrame(rows)))
    assert found["learning_rate"].tolist() == [1e-3, 1e-4] and found["n"].tolist() == [2, 2]
    assert found["recall"].tolist() == pytest.approx([15, 35])
    assert found["mean_recall"].tolist() == pytest.approx([40, 20])
