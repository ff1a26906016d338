"""The search for lambda: on training images alone, with seeds of its own, and what training takes from it."""

from __future__ import annotations

import dataclasses
import json

import pandas
import pytest

from common.results import records
from common.results import tables as table_files
from papers.dhp import protocol, train, tune
from tests.papers.dhp.small import PAPER, SMOKE, fails, overriding, prepared


def test_tuning_writes_what_training_reads(tuned, trained, digits, tmp_path):
    tables = []
    for value in ("0.5", "1e30"):
        tables.append(tmp_path / f"{value}.csv")
        more = ("--checkpoint", tmp_path / "tune.ckpt", *overriding(("split.batch=5",)))
        table = tuned("split", "mas", value, digits, tables[-1], *more, seeds="1000-1001")
        assert table.columns.tolist() == ["benchmark", "condition", "value", "seed", "accuracy"]
        assert table.seed.tolist() == [1000, 1001] and set(table.value) == {float(value)}
        assert set(table.benchmark) == {"split"} and set(table.condition) == {"mas"}
    assert table_files.read(tables[1]).accuracy.tolist() == [0.0, 0.0]  # such a strength diverges, and has lost
    about = json.loads(tables[0].with_suffix(".json").read_text())
    assert about["stage"] == "tune" and about["seeds"] == [1000, 1001]
    assert about["protocol"]["tuning"] == {"epochs": 1, "held_out": 30, "tasks": SMOKE.tuning.tasks}
    assert about["protocol"]["split"]["hidden"] == [12, 9]
    for condition in ("mas-tuned", "dhp-mas-tuned"):  # one search serves with and without plasticity
        out = tmp_path / f"{condition}.csv"
        table = trained("split", condition, "0", digits, out, "--tuning", *tables)
        assert set(table.condition) == {condition}
        assert json.loads(out.with_suffix(".json").read_text())["measured"]["tuned"] == 0.5
    assert not list(tmp_path.glob("*.ckpt"))


def test_tuning_never_sees_the_test_images(tuned, tmp_path):
    """With other test images and labels the table is the same; with other training labels it is not."""
    labels, tables = list(range(10)) * 20, []
    for number, (train_labels, test_labels) in enumerate(
        ((labels, labels), (labels, labels[:10]), (labels[3:] + labels[:3], labels))
    ):
        (folder := tmp_path / str(number)).mkdir()
        path, out = prepared(folder, "mnist", train_labels, test_labels), folder / "tune.csv"
        tuned("permuted", "si", "0.1", path, out, *overriding(("tuning.held_out=100", "tuning.epochs=2")))
        tables.append(out.read_text())
    assert tables[0] == tables[1] != tables[2]


def test_tuning_takes_fewer_tasks_and_epochs_and_never_more():
    for scale in (PAPER, SMOKE):
        for benchmark in ("permuted", "imbalanced"):
            shorter = tune.shortened(getattr(scale, benchmark), scale.tuning)
            assert shorter.tasks == scale.tuning.tasks and shorter.epochs == scale.tuning.epochs
        longer = dataclasses.replace(scale.tuning, epochs=1000)
        for benchmark in ("split", "vision"):
            settings = getattr(scale, benchmark)
            assert tune.shortened(settings, longer) == settings


def tuning_table(path, rows):
    columns = ("benchmark", "condition", "value", "seed", "accuracy")
    table_files.write(path, pandas.DataFrame(rows, columns=columns))
    return path


def test_the_best_strength_is_that_of_the_benchmark_and_method_with_the_highest_mean(tmp_path):
    rows = [("split", "si", 1.0, 1000, 0.9), ("split", "si", 1.0, 1001, 0.5), ("split", "si", 10.0, 1000, 0.75)]
    rows += [("split", "si", 0.1, 1000, 0.75), ("split", "ewc", 7.0, 1000, 0.99), ("permuted", "si", 3.0, 1000, 0.99)]
    tables = [tuning_table(tmp_path / "a.csv", rows[:2]), tuning_table(tmp_path / "b.csv", rows[2:])]
    for name in ("si-tuned", "dhp-si-tuned"):
        assert train.strength(tables, "split", protocol.condition(name)) == 0.1  # of two equal ones the smaller
    assert train.strength(tables, "permuted", protocol.condition("si-tuned")) == 3
    assert train.strength(tables, "split", protocol.condition("si")) is None
    assert train.strength([], "split", protocol.condition("finetune")) is None


def test_a_lambda_that_the_steps_do_not_bear_is_a_finding(trained, digits, tmp_path):
    """Whether published or found by a search that is shorter."""
    search, out = tuning_table(tmp_path / "t.csv", [("split", "mas", 1e30, 1000, 0.9)]), tmp_path / "a.csv"
    for condition, options in (("mas-tuned", ("--tuning", search)), ("mas", ("--set", "split.mas=1e30"))):
        assert trained("split", condition, "0", digits, out, *options).accuracy.isna().any()
        (run,) = records.read(out.with_suffix(".json"))["diverged"]
        assert (run["benchmark"], run["condition"], run["seed"]) == ("split", condition, 0)


def test_tuning_that_is_missing_is_asked_for(trained, digits, tmp_path, capsys):
    message = fails(capsys, lambda: trained("split", "dhp-ewc-tuned", "0", digits, tmp_path / "a.csv"))
    assert "a condition with -tuned needs --tuning, the tables of papers.dhp.tune" in message
    table = tuning_table(tmp_path / "t.csv", [("split", "si", 1.0, 1000, 0.9)])
    message = fails(
        capsys, lambda: trained("split", "dhp-ewc-tuned", "0", digits, tmp_path / "a.csv", "--tuning", table)
    )
    assert "t.csv hold no tuning of ewc on split" in message
    assert list(tmp_path.iterdir()) == [table]


@pytest.mark.parametrize(
    "benchmark, condition, seeds, message",
    [
        ("split", "ewc", "999-1000", "tuning seeds start at 1000, so that no reported run is tuned on"),
        ("split", "dhp-si", "1000", "condition dhp-si has nothing to tune; only si, ewc, mas have"),
        ("split", "si-tuned", "1000", "condition si-tuned has nothing to tune"),
        ("split", "finetune", "1000", "condition finetune has nothing to tune"),
        ("vision", "ewc", "1000", "there is no search on vision; only on permuted, imbalanced, split"),
    ],
)
def test_errors_of_tuning(tuned, digits, tmp_path, capsys, benchmark, condition, seeds, message):
    assert message in fails(capsys, lambda: tuned(benchmark, condition, "1", digits, tmp_path / "a.csv", seeds=seeds))
    assert not list(tmp_path.iterdir())
