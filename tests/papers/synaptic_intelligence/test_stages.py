"""Training and tuning by hand on tiny data: tables, seeds and batches, resume through the command line, and errors."""

from __future__ import annotations

import dataclasses
import json
import math
import sys

import pandas
import pytest
import torch

from common.data import prepare
from common.learning import continual
from common.results import records
from common.results import tables as table_files
from common.running import stage
from common.running.checkpoints import Checkpoint
from papers.synaptic_intelligence import method, results, train, tune
from tests.papers.synaptic_intelligence.small import PAPER, SMOKE, prepared

SHORT = {  # protocols of a few steps
    "split_mnist": ("split_mnist.hidden=[16]", "split_mnist.epochs=2", "split_mnist.learning_rate=0.01"),
    "permuted_mnist": ("permuted_mnist.hidden=[12, 11]", "permuted_mnist.epochs=1", "permuted_mnist.fisher_images=20"),
    "cifar": ("cifar.channels=[2, 3]", "cifar.dense=4", "cifar.epochs=1", "cifar.batch=100"),
    "tuning": ("tuning.held_out=500", "permuted_mnist.hidden=[12, 11]", "permuted_mnist.epochs=1"),
}


@pytest.fixture(scope="module")
def mnist(tmp_path_factory):
    """A stand-in for MNIST, whatever real data is at hand."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DATA_MIRROR", raising=False)
        return prepare.smoke("mnist", root=tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def cifar(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cifar")
    return [
        prepared(folder, "cifar10", list(range(10)) * 10, list(range(10))),
        prepared(folder, "cifar100", list(range(100)) * 2, list(range(100))),
    ]


@pytest.fixture
def run(monkeypatch):
    """Calls a stage as the command line would."""

    def call(module, section, *arguments, scale="smoke"):
        given = [argument for override in SHORT[section] for argument in ("--set", override)]
        argv = ["stage", "--scale", scale, "--device", "cpu", *given, *map(str, arguments)]
        monkeypatch.setattr(sys, "argv", argv)
        module.main()

    return call


@pytest.fixture
def run_training(run):
    """Trains one condition of a benchmark and returns its table."""

    def call(benchmark, condition, seeds, data, out, *more):
        data = data if isinstance(data, list) else [data]
        options = ("--condition", condition, "--seeds", seeds, "--data", *data, "--out", out, *more)
        run(train, benchmark, "--benchmark", benchmark, *options)
        return pandas.read_csv(out)

    return call


def matrix(table, seed, split="test"):
    rows = table[(table.seed == seed) & (table.split == split)]
    return rows.pivot(index="after_task", columns="task", values="accuracy").to_numpy()


def test_split_mnist_by_hand(run_training, mnist, tmp_path):
    """Two seeds in one batch are what each is alone, and the network learns what it is shown."""
    out = tmp_path / "both.csv"
    both = run_training("split_mnist", "si-1", "0-1", mnist, out, "--checkpoint", tmp_path / "both.ckpt")
    second = run_training("split_mnist", "si-1", "1", mnist, tmp_path / "second.csv")
    assert len(results.read_accuracies(out)) == len(both) == 2 * 2 * 5 * 5 and set(both.condition) == {"si-1"}
    for split in ("test", "train"):
        assert abs(matrix(both, 1, split) - matrix(second, 1, split)).max() < 0.02
        assert matrix(both, 0, split).diagonal().mean() > 0.7
    assert (matrix(both, 0) != matrix(both, 1)).any()
    about = json.loads(out.with_suffix(".json").read_text())
    assert about["stage"] == "train split_mnist" and about["seeds"] == [0, 1] and about["scale"] == "smoke"
    assert about["data"][0]["completeness"] == "stand-in" and about["protocol"]["split_mnist"]["hidden"] == [16]
    assert about["measured"]["condition"] == "si-1" and not about["measured"]["resumed"]
    assert not list(tmp_path.glob("*.ckpt"))


def test_the_same_command_twice_writes_the_same_table(run_training, mnist, tmp_path):
    for name in ("one.csv", "two.csv"):
        run_training("split_mnist", "si-1", "0-1", mnist, tmp_path / name)
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


def test_consolidation_keeps_what_fine_tuning_forgets(run_training, mnist, tmp_path):
    """After five tasks, mean over two seeds of the accuracy on the first task."""
    kept = {}
    for condition in ("si-0", "si-1"):
        table = run_training("split_mnist", condition, "0-1", mnist, tmp_path / f"{condition}.csv")
        kept[condition] = table.query("split == 'train' and after_task == 5 and task == 1").accuracy.mean()
    assert kept["si-1"] > kept["si-0"] + 0.05


def test_permuted_mnist_also_writes_how_importances_correlate(run_training, mnist, tmp_path):
    out = tmp_path / "correlations.csv"
    table = run_training("permuted_mnist", "si-0.1", "0-1", mnist, tmp_path / "a.csv", "--correlations", out)
    assert set(table.split) == {"test"} and len(table) == 2 * 3 * 3
    found = results.correlation_matrices(results.read_correlations(out), "si-0.1", layer=2)
    assert set(found) == {0, 1} and found[0].shape == (3, 3)
    assert records.read(out.with_suffix(".json"))["stage"] == "train permuted_mnist"


def test_joint_training_is_one_row_of_all_tasks_on_both_splits(run_training, mnist, tmp_path):
    table = run_training("permuted_mnist", "joint", "0-1", mnist, tmp_path / "joint.csv")
    assert set(table.after_task) == {3} and set(table.split) == {"test", "train"} and len(table) == 2 * 2 * 3


def test_cifar_by_hand(run_training, cifar, tmp_path):
    table = run_training("cifar", "scratch", "0-1", cifar, tmp_path / "scratch.csv")
    assert len(table) == 2 * 2 * 3 * 3 and table.accuracy.between(0, 1).all()
    about = json.loads((tmp_path / "scratch.json").read_text())
    assert [one["name"] for one in about["data"]] == ["cifar10", "cifar100"]


def test_tuning_writes_what_training_reads(run, run_training, mnist, tmp_path):
    values = {"ewc": ("100", "1e9"), "sgd": ("0.1", "1e-6")}
    for condition, tried in values.items():
        tables = [tmp_path / f"{condition}_{value}.csv" for value in tried]
        for value, out in zip(tried, tables):
            options = ("--condition", condition, "--value", value, "--seeds", "1000-1001", "--data", mnist)
            run(tune, "tuning", *options, "--out", out, "--checkpoint", tmp_path / "tune.ckpt")
        rows = pandas.concat(map(pandas.read_csv, tables))
        assert rows.seed.tolist() == [1000, 1001] * 2 and rows.value.tolist() == [float(v) for v in tried for _ in "ab"]
        chosen = train.best(tables, condition)
        assert chosen == rows.groupby("value").accuracy.mean().idxmax() and chosen == float(tried[0])
        run_training("permuted_mnist", condition, "0", mnist, tmp_path / "tuned.csv", "--tuning", *tables)
        assert json.loads((tmp_path / "tuned.json").read_text())["measured"]["tuned"] == chosen
    assert json.loads(tables[0].with_suffix(".json").read_text())["stage"] == "tune"
    assert not list(tmp_path.glob("*.ckpt"))


def test_tuning_never_sees_the_test_images(run, tmp_path):
    """With other test images and labels the table is the same; with other training labels it is not."""
    tables = []
    labels = list(range(10)) * 60
    for number, (train_labels, test_labels) in enumerate(
        ((labels, labels), (labels, labels[:30]), (labels[3:] + labels[:3], labels))
    ):
        (folder := tmp_path / str(number)).mkdir()
        data, out = prepared(folder, "mnist", train_labels, test_labels), folder / "tune.csv"
        options = ("--condition", "sgd", "--value", "0.1", "--seeds", "1000", "--data", data, "--out", out)
        run(tune, "tuning", "--set", "tuning.held_out=200", *options)
        tables.append(out.read_text())
    assert tables[0] == tables[1] != tables[2]


def test_tuning_takes_fewer_tasks_and_epochs():
    for plan, ewc_tasks, epochs in ((PAPER, 3, 5), (SMOKE, 2, 4)):
        shortened = {c: tune.shortened(plan.permuted_mnist, plan.tuning, c) for c in method.TUNED}
        assert {c: (s.tasks, s.epochs) for c, s in shortened.items()} == {
            "ewc": (ewc_tasks, epochs),
            "sgd": (1, epochs),
        }


def tuning_table(path, condition, accuracies_by_value):
    rows = [
        {"condition": condition, "value": value, "seed": 1000 + number, "accuracy": accuracy}
        for value, found in accuracies_by_value.items()
        for number, accuracy in enumerate(found)
    ]
    table_files.write(path, rows)
    return path


def test_best_value_has_the_highest_mean_of_all_tables(tmp_path):
    tables = [
        tuning_table(tmp_path / "a.csv", "ewc", {300.0: (0.9, 0.5)}),
        tuning_table(tmp_path / "b.csv", "ewc", {100.0: (0.75, 0.75), 30.0: (0.75, 0.75)}),
        tuning_table(tmp_path / "c.csv", "sgd", {0.3: (0.99, 0.99)}),
    ]
    assert train.best(tables, "ewc") == 30  # of two equal ones the smaller
    assert train.best(tables, "sgd") == 0.3
    assert train.best(tables, "si-0.1") is None and train.best([], "dropout") is None


def test_tuning_that_is_missing_is_asked_for(tmp_path):
    with pytest.raises(stage.TrainingError, match="ewc needs --tuning"):
        train.best([], "ewc")
    with pytest.raises(stage.TrainingError, match=r"a.csv hold no tuning of sgd"):
        train.best([tuning_table(tmp_path / "a.csv", "ewc", {1.0: (0.5,)})], "sgd")
    with pytest.raises(stage.TrainingError, match=r"there is no tuning table .*b.csv: run .*tune, which writes it"):
        train.best([tmp_path / "a.csv", tmp_path / "b.csv"], "ewc")


def test_tuning_in_which_every_value_diverged_chooses_none(tmp_path):
    tables = [tuning_table(tmp_path / "a.csv", "sgd", {1.0: (0.0, 0.0), 0.3: (0.0, 0.0)})]
    with pytest.raises(stage.TrainingError, match=r"all values of sgd that were tried diverged: 0\.3, 1"):
        train.best(tables, "sgd")
    assert train.best([*tables, tuning_table(tmp_path / "b.csv", "sgd", {0.1: (0.9, 0.0)})], "sgd") == 0.1


@pytest.mark.parametrize(
    "benchmark, condition, expected",
    [
        ("split_mnist", "si-1", ("test", "train")),
        ("cifar", "scratch", ("test", "train")),
        ("permuted_mnist", "si-0.1", ("test",)),
        ("permuted_mnist", "joint", ("test", "train")),
    ],
)
def test_training_images_are_evaluated_where_the_paper_speaks_of_them(benchmark, condition, expected):
    assert train.splits(benchmark, condition) == expected


def test_table_has_a_row_per_entry_counting_from_one():
    matrices = {
        "test": torch.tensor([[[0.1, 0.2], [0.3, 0.4]], [[0.5, 0.6], [0.7, 0.8]]]).double(),
        "train": torch.ones(2, 2, 2).double(),
    }
    rows = continual.rows("si-1", [3, 8], matrices, tasks=2)
    assert len(rows) == 16
    expected = {"condition": "si-1", "seed": 8, "split": "test", "after_task": 2, "task": 1}
    (found,) = [row for row in rows if expected.items() <= row.items()]
    assert found["accuracy"] == pytest.approx(0.7)


def test_the_only_row_of_joint_training_comes_after_all_tasks():
    rows = continual.rows("joint", [0], {"test": torch.tensor([[[0.9, 0.8, 0.7]]])}, tasks=3)
    assert [(row["after_task"], row["task"]) for row in rows] == [(3, 1), (3, 2), (3, 3)]


def test_schedules_are_the_published_ones():
    """Section 5, but for the reset on split MNIST (README); only "scratch" starts every task with a new network."""
    expected = {"split_mnist": (10, 64, False), "permuted_mnist": (20, 256, False), "cifar": (60, 256, True)}
    for benchmark, (epochs, batch, resets) in expected.items():
        settings = getattr(PAPER, benchmark)
        assert train.schedule(settings, "si-0") == continual.Schedule(epochs, batch, resets, reset_network=False)
    scratch = train.schedule(dataclasses.replace(PAPER.cifar, reset_optimizer=False), "scratch")
    assert scratch.reset_network and scratch.reset_optimizer


class Killed(BaseException):
    """Like a signal: nothing may catch it."""


@pytest.mark.parametrize("killed_at", [2, 4, 7])
def test_killed_training_goes_on_from_its_checkpoint(monkeypatch, run_training, mnist, tmp_path, capsys, killed_at):
    """Killed in the first task, between two tasks or in the last: neither repeats an epoch nor changes the result."""

    def training(name, *others):
        files = {key: tmp_path / f"{name}.{key}" for key in ("csv", "ckpt")}
        more = ("--checkpoint", files["ckpt"], "--correlations", tmp_path / f"{name}_correlations.csv")
        more += ("--set", "permuted_mnist.epochs=3")
        run_training("permuted_mnist", "si-0.1", "0-1", mnist, files["csv"], *more, *others)

    training("whole")
    monkeypatch.setattr(Checkpoint, "due", lambda self: True)
    epochs, original = [], continual.train_epoch

    def train_epoch(update, epoch, *more):
        if len(epochs) == killed_at:
            epochs.append("killed")
            raise Killed
        epochs.append((update.task, epoch))
        original(update, epoch, *more)

    monkeypatch.setattr(continual, "train_epoch", train_epoch)
    with pytest.raises(Killed):
        training("killed")
    assert not (tmp_path / "killed.csv").exists() and not (tmp_path / "killed.json").exists()
    training("killed", "--set", "design.permuted_mnist_seeds=9")  # what else is to be run makes no difference
    assert "resuming" in capsys.readouterr().out
    epochs.remove("killed")
    assert epochs == [(task, epoch) for task in range(3) for epoch in range(3)]
    for name in ("{}.csv", "{}_correlations.csv"):
        whole, killed = (tmp_path / name.format(which) for which in ("whole", "killed"))
        assert whole.read_bytes() == killed.read_bytes()
    assert not list(tmp_path.glob("*.ckpt"))


def test_a_checkpoint_of_other_settings_is_not_gone_on_with(run_training, mnist, tmp_path, capsys):
    path = tmp_path / "a.ckpt"
    Checkpoint(path, "another key").save({"task": 4, "epoch": 0})
    run_training("split_mnist", "si-0", "0", mnist, tmp_path / "a.csv", "--checkpoint", path)
    assert "checkpoint belongs to another protocol or other code" in capsys.readouterr().out


def fails(capsys, work) -> str:
    """What a user reads on the screen; the process must end with a status that is not zero."""
    with pytest.raises(SystemExit) as end:
        stage.run(work)
    assert end.value.code
    text = capsys.readouterr().err
    assert "Traceback" not in text
    return text


def test_an_unknown_condition_writes_nothing(run_training, mnist, tmp_path):
    with pytest.raises(SystemExit):
        run_training("split_mnist", "growth", "0", mnist, tmp_path / "a.csv")
    with pytest.raises(SystemExit):
        run_training("permuted_mnist", "dropout", "0", mnist, tmp_path / "a.csv", "--correlations", tmp_path / "b.csv")
    assert not list(tmp_path.iterdir())


def test_errors_of_training_are_one_line(run_training, mnist, cifar, tmp_path, capsys):
    out = tmp_path / "a.csv"
    message = fails(capsys, lambda: run_training("permuted_mnist", "ewc", "0", mnist, out))
    assert "condition ewc needs --tuning" in message
    absent = ("--tuning", tmp_path / "ewc_1.csv")
    message = fails(capsys, lambda: run_training("permuted_mnist", "ewc", "0", mnist, out, *absent))
    assert "error: there is no tuning table" in message
    message = fails(
        capsys, lambda: run_training("split_mnist", "si-1", "0", mnist, out, "--set", "split_mnist.epochs=0")
    )
    assert "epochs must be positive, not 0" in message
    message = fails(capsys, lambda: run_training("split_mnist", "si-1", "0", tmp_path / "mnist.npz", out))
    assert "there is no data set at" in message and "common.data.prepare" in message
    message = fails(capsys, lambda: run_training("cifar", "si-0", "0", cifar[::-1], out))
    assert "cifar10.npz has no images of class 10" in message
    message = fails(
        capsys, lambda: run_training("split_mnist", "si-1", "0", mnist, out, "--set", "split_mnist.epoch=1")
    )
    assert "did you mean 'epochs'" in message
    assert not list(tmp_path.iterdir())


def test_a_loss_that_explodes_names_the_seed(run_training, mnist, tmp_path, capsys):
    explodes = ("--set", "split_mnist.learning_rate=1e30")
    message = fails(capsys, lambda: run_training("split_mnist", "si-1", "5", mnist, tmp_path / "a.csv", *explodes))
    assert "the loss of seed 5 is not finite in task 1" in message
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "condition, seeds, message",
    [
        ("ewc", "999-1000", "tuning seeds start at 1000"),
        ("si-0.1", "1000", "condition si-0.1 has nothing to tune; only ewc, sgd have"),
    ],
)
def test_errors_of_tuning(run, mnist, tmp_path, capsys, condition, seeds, message):
    options = ("--condition", condition, "--value", "1", "--seeds", seeds, "--data", mnist)
    assert message in fails(capsys, lambda: run(tune, "tuning", *options, "--out", tmp_path / "a.csv"))
    assert not list(tmp_path.iterdir())


def test_correlations_between_tasks_are_numbers_on_real_paths(run_training, mnist, tmp_path):
    """Of one task with itself 1, of different tasks less: they were gathered before omega was reset."""
    out = tmp_path / "correlations.csv"
    run_training("permuted_mnist", "si-0", "0", mnist, tmp_path / "a.csv", "--correlations", out)
    (found,) = results.correlation_matrices(results.read_correlations(out), "si-0", layer=1).values()
    assert found.diagonal().tolist() == [1, 1, 1]
    assert all(math.isfinite(value) and abs(value) < 0.99 for value in found[[0, 0, 1], [1, 2, 2]])
