"""The search for lambda and what training takes from it, one Hebbian update (Figure 1), and the removal probabilities."""

from __future__ import annotations

import dataclasses

import pandas
import pytest

from common.results import records
from common.results import tables as table_files
from common.running.stage import TrainingError
from papers.dhp import data, imbalance, protocol, train, tune, update
from tests.papers.dhp.small import CPU, PAPER, SMOKE, fails, overriding, prepared

COLUMNS = ["benchmark", "condition", "value", "seed", "accuracy"]


def tuning_table(path, rows):
    table_files.write(path, pandas.DataFrame(rows, columns=COLUMNS))
    return path


@pytest.mark.slow
def test_tuning_writes_what_training_reads(tuned, trained, digits, tmp_path):
    tables = []
    for value in ("0.5", "1e30"):
        tables.append(tmp_path / f"{value}.csv")
        more = ("--checkpoint", tmp_path / "tune.ckpt", *overriding(("split.batch=5",)))
        table = tuned("split", "mas", value, digits, tables[-1], *more, seeds="1000-1001")
        expected = [["split", "mas", float(value), seed] for seed in (1000, 1001)]
        assert table[COLUMNS[:-1]].to_numpy().tolist() == expected and table.columns.tolist() == COLUMNS
    assert table_files.read(tables[1]).accuracy.tolist() == [0.0, 0.0]  # such a strength diverges, and has lost
    record = records.read(tables[0].with_suffix(".json"))
    assert record["stage"] == "tune" and record["seeds"] == [1000, 1001]
    assert {"epochs": 1, "held_out": 30}.items() <= record["protocol"]["tuning"].items()
    for condition in ("mas-tuned", "dhp-mas-tuned"):  # one search serves with and without plasticity
        out = tmp_path / f"{condition}.csv"
        assert set(trained("split", condition, "0", digits, out, "--tuning", *tables).condition) == {condition}
        assert records.read(out.with_suffix(".json"))["measured"]["tuned"] == 0.5
    assert not list(tmp_path.glob("*.ckpt"))


@pytest.mark.slow
def test_tuning_never_sees_the_test_images(tuned, tmp_path):
    """With other test images and labels the table is the same; with other training labels it is not."""
    labels, tables = list(range(10)) * 20, []
    for number, parts in enumerate(((labels, labels), (labels, labels[:10]), (labels[3:] + labels[:3], labels))):
        (folder := tmp_path / str(number)).mkdir()
        path, out = prepared(folder, "mnist", *parts), folder / "tune.csv"
        tuned("permuted", "si", "0.1", path, out, *overriding(("tuning.held_out=100", "tuning.epochs=2")))
        tables.append(out.read_text())
    assert tables[0] == tables[1] != tables[2]


def test_tuning_takes_fewer_tasks_and_epochs_and_never_more():
    for scale in (PAPER, SMOKE):
        for benchmark in ("permuted", "imbalanced"):
            shorter = tune.shortened(getattr(scale, benchmark), scale.tuning)
            assert shorter.tasks == scale.tuning.tasks and shorter.epochs == scale.tuning.epochs
        longer = dataclasses.replace(scale.tuning, epochs=1000)
        assert tune.shortened(scale.split, longer) == scale.split


def test_the_best_strength_is_that_of_the_benchmark_and_method_with_the_highest_mean(tmp_path):
    rows = [("split", "si", 1.0, 1000, 0.9), ("split", "si", 1.0, 1001, 0.5), ("split", "si", 10.0, 1000, 0.75)]
    rows += [("split", "si", 0.1, 1000, 0.75), ("split", "ewc", 7.0, 1000, 0.99), ("permuted", "si", 3.0, 1000, 0.99)]
    tables = [tuning_table(tmp_path / "a.csv", rows[:2]), tuning_table(tmp_path / "b.csv", rows[2:])]
    for name in ("si-tuned", "dhp-si-tuned"):
        assert train.strength(tables, "split", protocol.condition(name)) == 0.1  # of two equal ones the smaller
    assert train.strength(tables, "permuted", protocol.condition("si-tuned")) == 3
    assert train.strength(tables, "split", protocol.condition("si")) is None


def test_tuning_that_is_missing_is_asked_for(tmp_path):
    of_si = tuning_table(tmp_path / "t.csv", [("split", "si", 1.0, 1000, 0.9)])
    for tables, message in (
        ([], "a condition with -tuned needs --tuning, the tables of papers.dhp.tune"),
        ([of_si], "t.csv hold no tuning of ewc on split"),
    ):
        with pytest.raises(TrainingError, match=message):
            train.strength(tables, "split", protocol.condition("dhp-ewc-tuned"))


@pytest.mark.parametrize(
    ("benchmark", "condition", "seeds", "message"),
    [
        ("split", "ewc", "999-1000", "tuning seeds start at 1000, so that no reported run is tuned on"),
        ("split", "dhp-si", "1000", "condition dhp-si has nothing to tune; only si, ewc, mas have"),
        ("vision", "ewc", "1000", "there is no search on vision; only on permuted, imbalanced, split"),
    ],
)
def test_errors_of_tuning(tuned, digits, tmp_path, capsys, benchmark, condition, seeds, message):
    assert message in fails(capsys, lambda: tuned(benchmark, condition, "1", digits, tmp_path / "a.csv", seeds=seeds))
    assert not list(tmp_path.iterdir())


def over_units(table, kind, index):
    return table[table.kind == kind].pivot(index=index, columns="unit", values="value")


def test_the_update_of_a_real_batch_obeys_algorithm_1(call, digits, tmp_path):
    out = tmp_path / "update.csv"
    call(update, "--data", digits, "--out", out, *overriding(("permuted.hidden=[12, 9]", "permuted.batch=40")))
    table = table_files.read(out)
    shown = over_units(table, "activation", ["example", "class"])
    before, after = (over_units(table, kind, "class") for kind in ("before", "after"))
    assert shown.index.get_level_values("example").tolist() == list(range(1, 41))  # the whole batch
    assert before.shape == after.shape == (10, 9)
    means = shown.groupby("class").mean()
    assert means.loc[6].is_monotonic_decreasing
    # after - before = eta (mean - before), with one eta for all units: that of a short run, near its initial value
    change, gap = (after - before).loc[means.index].stack(), (means - before.loc[means.index]).stack()
    eta = (change @ gap) / (gap @ gap)
    assert (change - eta * gap).abs().max() < 1e-6 and eta == pytest.approx(SMOKE.permuted.eta, rel=0.5)
    assert (before.loc[6] != 0).any() and (change.loc[6] != 0).all()
    assert (after == before).drop(index=means.index).all(axis=None)
    record = records.read(out.with_suffix(".json"))
    assert record["stage"] == "update" and record["protocol"]["permuted"]["hidden"] == [12, 9]


def test_a_batch_without_a_six_says_what_to_do(call, digits, tmp_path, capsys):
    options = ("--data", digits, "--out", tmp_path / "a.csv", *overriding(("permuted.hidden=[5]", "permuted.batch=1")))
    assert "the batch of 1 images shows no 6; take a larger batch" in fails(capsys, lambda: call(update, *options))
    assert not list(tmp_path.iterdir())


def test_removal_probabilities_are_stored_with_what_they_leave(call, digits, tmp_path):
    out = tmp_path / "imbalance.csv"
    call(imbalance, "--data", digits, "--out", out, *overriding(("imbalanced.tasks=4",)))
    table = table_files.read(out)
    drawn = table.pivot(index="task", columns="class", values="removal_probability").to_numpy()
    assert (drawn == data.removal_probabilities(4).numpy()).all()  # to the last bit, though out of a table
    settings = dataclasses.replace(SMOKE.imbalanced, tasks=4)
    stream, _ = data.stream("imbalanced", settings, [digits], [17], CPU)  # whatever the seed
    for task, rows in table.groupby("task"):
        labels = stream.train.labels[stream.tasks[task - 1][0].train].tolist()
        assert rows.kept.tolist() == [labels.count(digit) for digit in range(10)]
