"""Training by hand on tiny data: tables and records, what differs between conditions, and what users read."""

from __future__ import annotations

import dataclasses
import functools
import json

import pytest
import torch

from common.learning import continual
from common.learning.continual import Observer
from common.results import records
from common.results import tables as table_files
from papers.dhp import data, protocol, results, train
from papers.dhp.protocol import CONSOLIDATED
from tests.papers.dhp.small import CPU, SMOKE, fails, overriding


def test_training_writes_every_accuracy_and_where_it_came_from(trained, digits, tmp_path):
    out = tmp_path / "a.csv"
    table = trained("split", "dhp-si", "0-1", digits, out, "--checkpoint", tmp_path / "a.ckpt")
    assert len(table) == len(results.read_accuracies(out)) == 2 * 5 * 5
    assert set(table.condition) == {"dhp-si"} and set(table.split) == {"test"} and set(table.seed) == {0, 1}
    assert set(zip(table.after_task, table.task)) == {(after, task) for after in range(1, 6) for task in range(1, 6)}
    assert table.accuracy.between(0, 1).all()
    about = json.loads(out.with_suffix(".json").read_text())
    assert about["paper"] == "dhp" and about["stage"] == "train split" and about["seeds"] == [0, 1]
    assert about["scale"] == "smoke" and about["data"][0]["completeness"] == "stand-in"
    assert about["protocol"]["split"]["hidden"] == [12, 9] and about["protocol"]["split"]["eta"] == SMOKE.split.eta
    assert about["measured"]["condition"] == "dhp-si" and about["measured"]["tuned"] is None
    assert not about["measured"]["resumed"] and not list(tmp_path.glob("*.ckpt"))


def test_controls_train_with_the_optimizer_that_the_protocol_says(trained, digits, tmp_path):
    """With the published condition's settings, their own numbers in the record, and other results."""
    other = overriding(("optimizers.momentum=0.75", "optimizers.adam_learning_rate=0.03"))
    accuracy, settings = {}, {}
    for condition in ("dhp", "dhp-momentum", "dhp-adam"):
        out = tmp_path / f"{condition}.csv"
        table = trained("split", condition, "0", digits, out, *other)
        assert set(table.condition) == {condition}
        accuracy[condition] = tuple(table.accuracy)
        settings[condition] = records.read(out.with_suffix(".json"))["protocol"]
    assert len(set(accuracy.values())) == 3
    for condition in ("dhp-momentum", "dhp-adam"):
        assert settings[condition].pop("optimizers") == {"momentum": 0.75, "adam_learning_rate": 0.03}
    assert settings["dhp"] == settings["dhp-momentum"] == settings["dhp-adam"]
    parts = {str(path): records.read(path) for path in tmp_path.glob("*.json")}
    assert set(records.merge(parts)["protocol"]) == {"split", "optimizers"}  # they go into one table


def test_the_network_learns_what_it_is_shown(trained, digits, tmp_path):
    longer = overriding(("split.hidden=[40, 30]", "split.epochs=15", "split.batch=5", "split.learning_rate=0.1"))
    for condition in ("finetune", "dhp"):
        table = trained("split", condition, "0", digits, tmp_path / f"{condition}.csv", *longer)
        assert table.query("after_task == task").accuracy.mean() > 0.9, condition


def test_the_same_command_twice_writes_the_same_tables(trained, digits, tmp_path):
    for name in ("one", "two"):
        more = ("--plasticity", tmp_path / f"{name}_plasticity.csv")
        trained("permuted", "dhp-mas", "0-1", digits, tmp_path / f"{name}.csv", *more)
    for name in ("{}.csv", "{}_plasticity.csv"):
        one, two = ((tmp_path / name.format(which)).read_bytes() for which in ("one", "two"))
        assert one == two


@pytest.mark.parametrize("benchmark, tasks", [("permuted", 2), ("imbalanced", 2), ("vision", len(SMOKE.vision.sets))])
def test_every_benchmark_trains_with_and_without_plasticity(trained, digits, mixture, tmp_path, benchmark, tasks):
    paths = mixture if benchmark == "vision" else digits
    for condition in ("mas", "dhp-ewc"):
        table = trained(benchmark, condition, "0-1", paths, tmp_path / f"{condition}.csv")
        assert len(table) == 2 * tasks * tasks and table.accuracy.between(0, 1).all()
    about = json.loads((tmp_path / "mas.json").read_text())
    assert [one["name"] for one in about["data"]] == (list(SMOKE.vision.sets) if benchmark == "vision" else ["mnist"])


class Ends(Observer):
    """The parameters at the end of every task."""

    def __init__(self):
        self.seen = []

    def before_end_of_task(self, task, learner):
        self.seen.append([tensor.detach().clone() for tensor in learner.parameters])


def ends(name, digits, **changed):
    """The parameters at the end of both tasks of permuted MNIST, for two seeds."""
    changed = {"tasks": 2, "hidden": (12, 9), "epochs": 2, "batch": 10, "learning_rate": 0.05} | changed
    settings = dataclasses.replace(SMOKE.permuted, importance_images=20, **changed)
    stream, _ = data.stream("permuted", settings, [digits], [0, 1], CPU)
    own, observer = train.learner(settings, protocol.condition(name), [0, 1], CPU), Ends()
    matrices = continual.learn(own, stream, train.schedule(settings), [0, 1], name, observer=observer)
    return observer.seen, matrices["test"]


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("plain", ["finetune", "dhp"])
@pytest.mark.parametrize("name", CONSOLIDATED)
def test_strength_zero_is_plain_training_bit_for_bit_and_more_differs_from_the_second_task_on(digits, plain, name):
    consolidated = name if plain == "finetune" else f"dhp-{name}"
    free, matrix = ends(plain, digits)
    zero, zero_matrix = ends(consolidated, digits, **{name: 0.0})
    assert torch.equal(matrix, zero_matrix) and all(same(a, b) for a, b in zip(free, zero, strict=True))
    kept, _ = ends(consolidated, digits, **{name: 1.0})
    assert same(free[0], kept[0]) and not any(torch.equal(a, b) for a, b in zip(free[1], kept[1], strict=True))


@pytest.mark.parametrize("name", CONSOLIDATED)
def test_consolidation_keeps_slow_weights_near_the_first_tasks_and_plasticity_free(digits, name):
    """Weights move less in the second task the stronger the consolidation; alpha and eta go on learning."""
    moved = []
    for strength in (0.0, 1.0):
        first, second = ends(f"dhp-{name}", digits, **{name: strength})[0]
        moved.append(sum((b - a).square().sum() for a, b in zip(first[:5], second[:5], strict=True)))
        assert all((b - a).any() for a, b in zip(first[5:], second[5:], strict=True))
    assert moved[1] < moved[0]


def test_a_seed_whose_trace_grows_without_bound_is_left_out_and_named(trained, digits, tmp_path, capsys):
    """Nothing bounds eta: that a run diverges by the published rule is a result."""
    out, log = tmp_path / "a.csv", tmp_path / "log.csv"
    table = trained("permuted", "dhp", "5", digits, out, "--eta", "1e30", "--plasticity", log)
    assert table.accuracy.isna().tolist() == [True] and results.read_sweep(out).accuracy.isna().all()
    assert "the loss of seed 5 is not finite in task 1, epoch 1" in capsys.readouterr().err
    run = {"benchmark": "permuted", "condition": "dhp", "seed": 5, "at": "task 1, epoch 1"}
    record = records.read(out.with_suffix(".json"))
    assert record["diverged"] == [run | {"eta": 1e30}] and "diverged" not in record["measured"]
    assert len(table_files.read(log)) == 1  # a table must have a row
    assert "diverged: permuted dhp, eta 1e+30, seed 5" in records.stamp(records.merge({"a": record}))[0]
    trained("permuted", "dhp", "5", digits, out, "--set", "permuted.eta=1e30")
    assert records.read(out.with_suffix(".json"))["diverged"] == [run]


def test_the_tasks_that_a_run_finished_before_it_diverged_stay_in_its_table(trained, digits, tmp_path):
    """Of two seeds: a lambda is felt from the second task on."""
    table = trained("permuted", "mas", "0-1", digits, tmp_path / "a.csv", "--set", "permuted.mas=1e30")
    assert table.groupby("seed").accuracy.apply(lambda run: run.isna().sum()).tolist() == [1, 1]
    assert table[table.accuracy.isna()].after_task.tolist() == [2, 2]
    assert table[table.after_task == 1].accuracy.between(0, 1).all() and len(table) == 2 * (2 + 1)
    diverged = records.read(tmp_path / "a.json")["diverged"]
    assert [(run["seed"], run["at"]) for run in diverged] == [(0, "task 2, epoch 1"), (1, "task 2, epoch 1")]


def test_another_initial_eta_is_in_table_and_record_and_matters(trained, digits, tmp_path):
    first = {}
    for eta in ("0.25", "0.5"):
        out = tmp_path / f"{eta}.csv"
        table = trained("split", "dhp", "0-1", digits, out, "--eta", eta, "--plasticity", tmp_path / f"p{eta}.csv")
        assert set(table.eta) == {float(eta)} and set(table.benchmark) == {"split"}
        assert json.loads(out.with_suffix(".json").read_text())["measured"]["eta"] == float(eta)
        assert not results.read_sweep(out).empty
        first[eta] = table_files.read(tmp_path / f"p{eta}.csv").eta.iloc[0]
    assert abs(first["0.25"] - 0.25) < 0.1 and abs(first["0.5"] - 0.5) < 0.1
    assert "eta" not in trained("split", "dhp", "0", digits, tmp_path / "usual.csv").columns


@pytest.mark.parametrize("option", [("--eta", "0.1"), ("--plasticity", "p.csv")])
def test_what_only_plastic_networks_have_is_refused_elsewhere(trained, digits, tmp_path, capsys, option):
    message = fails(capsys, lambda: trained("split", "si", "0", digits, tmp_path / "a.csv", *option))
    assert "--plasticity and --eta need a plastic condition, such as dhp" in message
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("eta", ["0", "-0.1"])
def test_an_initial_eta_that_figure_4_cannot_show_is_refused(trained, digits, tmp_path, capsys, eta):
    message = fails(capsys, lambda: trained("split", "dhp", "0", digits, tmp_path / "a.csv", f"--eta={eta}"))
    assert f"an initial eta must be positive, not {eta}" in message
    assert not list(tmp_path.iterdir())


def test_errors_of_training_are_one_line(trained, digits, mixture, tmp_path, capsys):
    out = tmp_path / "a.csv"
    for benchmark, condition, paths, more, message in (
        ("split", "dhp-sgd", digits, (), "unknown condition 'dhp-sgd'; known are finetune, dhp"),
        ("split", "dhp", str(tmp_path / "mnist.npz"), (), "there is no data set at"),
        ("permuted", "dhp", mixture[1:], (), "permuted is of mnist alone"),  # of larger images it would show a part
        ("vision", "dhp", mixture[::-1], (), "in this order, not"),
        ("split", "dhp", mixture[:2], (), "split is of mnist alone"),
        ("split", "dhp", digits, overriding(("split.epoch=1",)), "did you mean 'epochs'"),
        ("split", "dhp", digits, ("--seeds", "4-2"), "'4-2' is not a range of seeds"),
        (
            "split",
            "finetune",
            digits,
            overriding(("split.learning_rate=1e30",)),
            "the loss of seed 0 is not finite in task",
        ),
    ):
        work = functools.partial(trained, benchmark, condition, "0", paths, out, *more)
        assert message in fails(capsys, work)
        assert not list(tmp_path.iterdir())
