"""Training and tuning by hand on tiny data: tables, seeds and batches, resume through the command line, and errors."""

from __future__ import annotations

import dataclasses
import re
import sys

import numpy
import pandas
import pytest

from common.data import prepare
from common.learning import continual
from common.results import records
from common.results import tables as table_files
from common.running import stage
from common.running.checkpoints import Checkpoint
from papers.synaptic_intelligence import results, train, tune
from tests.papers.synaptic_intelligence.small import PAPER, SMOKE, prepared
from tests.papers.tiny_runs import last_set

pytestmark = pytest.mark.slow
SHORT = {  # protocols of a few steps
    "split_mnist": ("split_mnist.hidden=[16]", "split_mnist.epochs=2", "split_mnist.learning_rate=0.01"),
    "permuted_mnist": ("permuted_mnist.hidden=[12, 11]", "permuted_mnist.epochs=1", "permuted_mnist.fisher_images=20"),
    "tuning": ("tuning.held_out=500", "permuted_mnist.hidden=[12, 11]", "permuted_mnist.epochs=1"),
}


@pytest.fixture(scope="module")
def mnist(tmp_path_factory):
    """A stand-in for MNIST, whatever real data is at hand."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DATA_MIRROR", raising=False)
        return prepare.smoke("mnist", root=tmp_path_factory.mktemp("data"))


@pytest.fixture
def run(monkeypatch, mnist):
    """Calls a stage as the command line would and returns its table."""

    def call(module, section, condition, seeds, out, *more, data=mnist):
        given = [argument for override in SHORT[section] for argument in ("--set", override)]
        given += ["--condition", condition, "--seeds", seeds, "--data", data, "--out", out, *more]
        monkeypatch.setattr(sys, "argv", ["stage", "--scale", "smoke", "--device", "cpu", *last_set(map(str, given))])
        module.main()
        return pandas.read_csv(out)

    return call


@pytest.fixture
def run_training(run):
    """Trains one condition of a benchmark and returns its table."""

    def call(benchmark, condition, seeds, out, *more, **data):
        return run(train, benchmark, condition, seeds, out, "--benchmark", benchmark, *more, **data)

    return call


@pytest.fixture
def run_tuning(run):
    """Tries one value for a condition and returns its table."""

    def call(condition, value, seeds, out, *more, **data):
        return run(tune, "tuning", condition, seeds, out, "--value", value, *more, **data)

    return call


def matrix(table, seed, split="test"):
    rows = table[(table.seed == seed) & (table.split == split)]
    return rows.pivot(index="after_task", columns="task", values="accuracy").to_numpy()


def test_split_mnist_by_hand(run_training, tmp_path):
    """Two seeds in one batch are what each is alone, and the network learns what it is shown."""
    out = tmp_path / "both.csv"
    both = run_training("split_mnist", "si-1", "0-1", out, "--checkpoint", tmp_path / "both.ckpt")
    second = run_training("split_mnist", "si-1", "1", tmp_path / "second.csv")
    assert len(results.read_accuracies(out)) == len(both) == 2 * 2 * 5 * 5 and set(both.condition) == {"si-1"}
    for split in ("test", "train"):
        assert abs(matrix(both, 1, split) - matrix(second, 1, split)).max() < 0.02
        assert matrix(both, 0, split).diagonal().mean() > 0.7
    assert (matrix(both, 0) != matrix(both, 1)).any()
    about = records.read(out.with_suffix(".json"))
    assert about["stage"] == "train split_mnist" and about["seeds"] == [0, 1] and about["scale"] == "smoke"
    assert about["data"][0]["completeness"] == "stand-in" and about["protocol"]["split_mnist"]["hidden"] == [16]
    assert about["measured"]["condition"] == "si-1" and not about["measured"]["resumed"]
    assert not list(tmp_path.glob("*.ckpt"))


def test_consolidation_keeps_what_fine_tuning_forgets(run_training, tmp_path):
    """After five tasks, mean over two seeds of the accuracy on the first task."""
    kept = {}
    for condition in ("si-0", "si-1"):
        table = run_training("split_mnist", condition, "0-1", tmp_path / f"{condition}.csv")
        kept[condition] = table.query("split == 'train' and after_task == 5 and task == 1").accuracy.mean()
    assert kept["si-1"] > kept["si-0"] + 0.05


def test_permuted_mnist_also_writes_how_importances_correlate(run_training, tmp_path):
    """Of one task with itself 1, of different tasks less: they were gathered before omega was reset."""
    out = tmp_path / "correlations.csv"
    table = run_training("permuted_mnist", "si-0.1", "0-1", tmp_path / "a.csv", "--correlations", out)
    assert set(table.split) == {"test"} and len(table) == 2 * 3 * 3
    found = results.correlation_matrices(results.READERS["correlations"].read(out), "si-0.1", layer=2)
    assert set(found) == {0, 1} and found[0].shape == (3, 3)
    assert (abs(found[0][numpy.triu_indices(3, 1)]) < 0.99).all()
    assert records.read(out.with_suffix(".json"))["stage"] == "train permuted_mnist"


class Killed(BaseException):
    """Like a signal: nothing may catch it."""


@pytest.mark.parametrize("killed_at", [4, 7])
def test_killed_training_goes_on_from_its_checkpoint(monkeypatch, run_training, tmp_path, capsys, killed_at):
    """Killed in the second task or in the last: neither repeats an epoch nor changes the result."""

    def training(name, *others):
        more = ("--correlations", tmp_path / f"{name}_correlations.csv", "--set", "permuted_mnist.epochs=3")
        more += ("--checkpoint", tmp_path / f"{name}.ckpt")
        run_training("permuted_mnist", "si-0.1", "0-1", tmp_path / f"{name}.csv", *more, *others)

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
    training("killed")
    assert "resuming" in capsys.readouterr().out
    epochs.remove("killed")
    assert epochs == [(task, epoch) for task in range(3) for epoch in range(3)]
    for name in ("{}.csv", "{}_correlations.csv"):
        whole, killed = (tmp_path / name.format(which) for which in ("whole", "killed"))
        assert whole.read_bytes() == killed.read_bytes()
    assert not list(tmp_path.glob("*.ckpt"))


def test_tuning_writes_what_training_reads(run_tuning, run_training, tmp_path):
    for condition, tried in {"ewc": ("100", "1e9"), "sgd": ("0.1", "1e-6")}.items():
        paths = [tmp_path / f"{condition}_{value}.csv" for value in tried]
        rows = pandas.concat(run_tuning(condition, value, "1000-1001", path) for value, path in zip(tried, paths))
        assert rows.seed.tolist() == [1000, 1001] * 2 and rows.value.tolist() == [float(v) for v in tried for _ in "ab"]
        chosen = train.best(paths, condition)
        assert chosen == rows.groupby("value").accuracy.mean().idxmax() and chosen == float(tried[0])
        run_training("permuted_mnist", condition, "0", tmp_path / "tuned.csv", "--tuning", *paths)
        assert records.read(tmp_path / "tuned.json")["measured"]["tuned"] == chosen


def test_tuning_never_sees_the_test_images(run_tuning, tmp_path):
    """With other test images and labels the table is the same; with other training labels it is not."""
    tables, labels = [], list(range(10)) * 60
    others = ((labels, labels), (labels, labels[:30]), (labels[3:] + labels[:3], labels))
    for number, (train_labels, test_labels) in enumerate(others):
        (folder := tmp_path / str(number)).mkdir()
        data, fewer = prepared(folder, "mnist", train_labels, test_labels), ("--set", "tuning.held_out=200")
        tables.append(run_tuning("sgd", "0.1", "1000", folder / "tune.csv", *fewer, data=data))
    assert tables[0].equals(tables[1]) and not tables[0].equals(tables[2])


def test_tuning_takes_fewer_tasks_and_epochs():
    for protocol, ewc_tasks, epochs in ((PAPER, 3, 5), (SMOKE, 2, 4)):
        for condition, tasks in (("ewc", ewc_tasks), ("sgd", 1)):
            shortened = tune.shortened(protocol.permuted_mnist, protocol.tuning, condition)
            assert shortened == dataclasses.replace(protocol.permuted_mnist, tasks=tasks, epochs=epochs)


def tuning_table(path, condition, accuracies_by_value):
    rows = [(condition, value, accuracy) for value, found in accuracies_by_value.items() for accuracy in found]
    table_files.write(path, pandas.DataFrame(rows, columns=["condition", "value", "accuracy"]))
    return path


def test_best_value_has_the_highest_mean_of_all_tables(tmp_path):
    tables = [
        tuning_table(tmp_path / "a.csv", "ewc", {300.0: (0.9, 0.5)}),
        tuning_table(tmp_path / "b.csv", "ewc", {100.0: (0.75, 0.75), 30.0: (0.75, 0.75)}),
        tuning_table(tmp_path / "c.csv", "sgd", {1.0: (0.0, 0.0), 0.3: (0.99, 0.0)}),
    ]
    assert train.best(tables, "ewc") == 30  # of two equal ones the smaller
    assert train.best(tables, "sgd") == 0.3
    assert train.best(tables, "si-0.1") is None and train.best([], "dropout") is None


def test_tuning_that_chooses_nothing_is_refused(tmp_path):
    diverged = tuning_table(tmp_path / "a.csv", "sgd", {1.0: (0.0, 0.0), 0.3: (0.0, 0.0)})
    for condition, tables, message in (
        ("ewc", [], "ewc needs --tuning"),
        ("ewc", [diverged], r"a.csv hold no tuning of ewc"),
        ("sgd", [diverged, tmp_path / "b.csv"], r"there is no tuning table .*b.csv: run .*tune, which writes it"),
        ("sgd", [diverged], r"all values of sgd that were tried diverged: 0\.3, 1"),
    ):
        with pytest.raises(stage.TrainingError, match=message):
            train.best(tables, condition)


def test_training_images_are_evaluated_where_the_paper_speaks_of_them():
    for benchmark, condition in (("split_mnist", "si-1"), ("cifar", "scratch"), ("permuted_mnist", "joint")):
        assert train.splits(benchmark, condition) == ("test", "train")
    assert train.splits("permuted_mnist", "si-0.1") == ("test",)


def test_schedules_are_the_published_ones():
    """Section 5, but for the reset on split MNIST (README); only "scratch" starts every task with a new network."""
    expected = {"split_mnist": (10, 64, False), "permuted_mnist": (20, 256, False), "cifar": (60, 256, True)}
    for benchmark, (epochs, batch, resets) in expected.items():
        settings = getattr(PAPER, benchmark)
        assert train.schedule(settings, "si-0") == continual.Schedule(epochs, batch, resets, reset_network=False)
    scratch = train.schedule(dataclasses.replace(PAPER.cifar, reset_optimizer=False), "scratch")
    assert scratch.reset_network and scratch.reset_optimizer


def test_the_readings_of_the_optimizers_reset_are_three_and_differ_from_the_second_task_on(run_training, tmp_path):
    readings = {"kept": (), "reset": ("reset_optimizer",), "moments": ("reset_moments",)}
    found = {}
    for name, switches in readings.items():
        options = [part for switch in switches for part in ("--set", f"split_mnist.{switch}=true")]
        found[name] = run_training("split_mnist", "si-0", "0", tmp_path / f"{name}.csv", *options)
    first = [matrix(table, 0)[0] for table in found.values()]
    assert (first[0] == first[1]).all() and (first[0] == first[2]).all()
    ends = {name: tuple(matrix(table, 0)[-1]) for name, table in found.items()}
    assert len(set(ends.values())) == 3
    with pytest.raises(ValueError, match="reset_moments: keeps the step count, which reset_optimizer does not"):
        dataclasses.replace(PAPER.cifar, reset_moments=True)


@pytest.mark.parametrize(
    ("benchmark", "condition", "options", "message"),
    [
        ("split_mnist", "growth", (), "split_mnist has no condition 'growth'"),
        ("permuted_mnist", "dropout", ("--correlations", "b.csv"), "--correlations needs importances"),
        ("permuted_mnist", "ewc", (), "error: condition ewc needs --tuning"),
        ("split_mnist", "si-1", ("--set", "split_mnist.epochs=0"), "error: .*epochs=0': must be at least 1, not 0"),
        ("split_mnist", "si-1", ("--data", "absent/mnist.npz"), "error: .*there is no data set at absent"),
        ("split_mnist", "si-1", ("--set", "split_mnist.learning_rate=1e30"), "loss of seed 5 is not finite in task 1"),
        ("tuning", "ewc", ("--value", "nan"), "argument --value: must be a finite number, not 'nan'"),
        ("tuning", "ewc", ("--seeds", "999-1000"), "tuning seeds start at 1000"),
        ("tuning", "si-0.1", ("--seeds", "1000"), "condition si-0.1 has nothing to tune; only ewc, sgd have"),
    ],
)
def test_errors_are_one_line_and_nothing_is_written(run, tmp_path, capsys, benchmark, condition, options, message):
    module, more = (tune, ("--value", "1")) if benchmark == "tuning" else (train, ("--benchmark", benchmark))
    with pytest.raises(SystemExit) as end:
        stage.run(lambda: run(module, benchmark, condition, "5", tmp_path / "a.csv", *more, *options))
    assert end.value.code
    *_, last = capsys.readouterr().err.strip().splitlines()
    assert re.search(message, last)
    assert not list(tmp_path.iterdir())
