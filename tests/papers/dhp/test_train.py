"""Training by hand on tiny data: tables and records, what differs between conditions, and what users read."""

from __future__ import annotations

import dataclasses
import itertools

import numpy
import pytest
import torch

from common.learning import continual
from common.learning.continual import Observer
from common.results import records, stamps
from common.results import tables as table_files
from papers.dhp import data, protocol, results, train
from papers.dhp.protocol import CONSOLIDATED
from tests.papers.dhp.small import CPU, SMOKE, fails, overriding

pytestmark = pytest.mark.slow


def test_training_writes_every_accuracy_and_where_it_came_from(trained, digits, tmp_path):
    out = tmp_path / "a.csv"
    table = trained("split", "dhp-si", "0-1", digits, out, "--checkpoint", tmp_path / "a.ckpt")
    assert len(table) == len(results.READERS["split"].read(out)) == 2 * 5 * 5
    assert set(table.condition) == {"dhp-si"} and set(table.split) == {"test"} and set(table.seed) == {0, 1}
    assert set(zip(table.after_task, table.task)) == {*itertools.product(range(1, 6), repeat=2)}
    assert table.accuracy.between(0, 1).all() and "eta" not in table
    record = records.read(out.with_suffix(".json"))
    assert record["stage"] == "train split" and record["data"][0]["completeness"] == "stand-in"
    expected = {"condition": "dhp-si", "tuned": None, "eta": SMOKE.split.eta, "resumed": False}
    assert expected.items() <= record["measured"].items() and not list(tmp_path.glob("*.ckpt"))


def test_controls_train_with_the_optimizer_that_the_protocol_says(trained, digits, tmp_path):
    """With the published condition's settings, their own numbers in the record, and other results."""
    other = overriding(("optimizers.momentum=0.75", "optimizers.adam_learning_rate=0.03"))
    accuracy, settings = set(), []
    for condition, own in (("dhp-momentum", other), ("dhp-adam", other), ("dhp", [])):
        out = tmp_path / f"{condition}.csv"
        accuracy.add(tuple(trained("split", condition, "0", digits, out, *own).accuracy))
        settings.append(records.read(out.with_suffix(".json"))["protocol"])
    assert len(accuracy) == 3
    optimizers = {"optimizers": {"momentum": 0.75, "adam_learning_rate": 0.03}}
    assert settings[0] == settings[1] == settings[2] | optimizers and "optimizers" not in settings[2]


@pytest.mark.parametrize("name", ["dhp-mas-standardised-batch", "ewc-standardised-unscaled"])
def test_other_readings_train_each_seed_as_if_alone_and_are_felt(trained, digits, tmp_path, name):
    """With standardised pixels from the first task on, with other importances from the second."""
    method, short = name.partition("-standardised")[0], overriding(("permuted.batch=10", "permuted.learning_rate=0.1"))
    strong = (*short, *overriding(("permuted.mas=0.3", "permuted.ewc=30")))
    both = trained("permuted", name, "0-1", digits, tmp_path / "a.csv", *strong)
    for seed in (0, 1):
        alone = trained("permuted", name, seed, digits, tmp_path / f"{seed}.csv", *strong)
        numpy.testing.assert_allclose(both[both.seed == seed].accuracy, alone.accuracy, atol=1.01 / 40)
    plain = trained("permuted", method, "0-1", digits, tmp_path / "b.csv", *strong)
    pixels = trained("permuted", f"{method}-standardised", "0-1", digits, tmp_path / "c.csv", *strong)
    assert (plain.accuracy != pixels.accuracy)[plain.after_task == 1].any()
    assert (pixels.accuracy == both.accuracy)[both.after_task == 1].all()
    assert (pixels.accuracy != both.accuracy)[both.after_task == 2].any()
    assert records.read(tmp_path / "a.json")["protocol"] == records.read(tmp_path / "b.json")["protocol"]


def test_the_network_learns_what_it_is_shown(trained, digits, tmp_path):
    longer = overriding(("split.hidden=[40, 30]", "split.epochs=15", "split.batch=5", "split.learning_rate=0.1"))
    for condition in ("finetune", "dhp"):
        table = trained("split", condition, "0", digits, tmp_path / f"{condition}.csv", *longer)
        assert table.query("after_task == task").accuracy.mean() > 0.9, condition


def ends(name, digits, **changed):
    """The parameters at the end of both tasks of permuted MNIST, for two seeds; and the accuracies."""
    changed |= {"tasks": 2, "hidden": (12, 9), "epochs": 2, "batch": 10, "importance_images": 20}
    settings = dataclasses.replace(SMOKE.permuted, learning_rate=0.05, **changed)
    stream, _ = data.stream("permuted", settings, [digits], [0, 1], CPU)
    own, observer, seen = train.learner(settings, protocol.condition(name), [0, 1], CPU), Observer(), []
    observer.before_end_of_task = lambda task, learner: seen.append([p.detach().clone() for p in learner.parameters])
    matrices = continual.learn(own, stream, train.schedule(settings), [0, 1], name, observer=observer)
    return *seen, matrices["test"]


def moved(before, after):
    return sum((b - a).square().sum() for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize("name", CONSOLIDATED)
def test_consolidation_keeps_slow_weights_near_the_first_tasks_and_plasticity_free(digits, name):
    """Without strength it is plain training, bit for bit; with it, the second task moves slow weights less."""
    free, zero = ends("dhp", digits), ends(f"dhp-{name}", digits, **{name: 0.0})
    assert all(torch.equal(a, b) for parts in zip(free[:2], zero[:2]) for a, b in zip(*parts, strict=True))
    assert torch.equal(free[2], zero[2])
    first, second, _ = ends(f"dhp-{name}", digits, **{name: 1.0})
    assert all(map(torch.equal, first, free[0])) and not any(map(torch.equal, second, free[1]))
    assert moved(first[:5], second[:5]) < moved(free[0][:5], free[1][:5])
    assert all((b - a).any() for a, b in zip(first[5:], second[5:], strict=True))  # alpha and eta go on learning


# Runs that diverge


def test_a_seed_whose_trace_grows_without_bound_is_left_out_and_named(trained, digits, tmp_path, capsys):
    """Nothing bounds eta: that a run diverges by the published rule is a result."""
    out, log = tmp_path / "a.csv", tmp_path / "log.csv"
    table = trained("permuted", "dhp", "5", digits, out, "--eta", "1e30", "--plasticity", log)
    assert table.accuracy.isna().tolist() == [True] and results.READERS["eta"].read(out).accuracy.isna().all()
    assert "the loss of seed 5 is not finite in task 1, epoch 1" in capsys.readouterr().err
    run = {"benchmark": "permuted", "condition": "dhp", "seed": 5, "at": "task 1, epoch 1"}
    record = records.read(out.with_suffix(".json"))
    assert record["diverged"] == [run | {"eta": 1e30}] and "diverged" not in record["measured"]
    assert len(table_files.read(log)) == 1  # a table must have a row
    assert "diverged: permuted dhp, eta 1e+30, seed 5" in stamps.stamp(records.merge({"a": record}))[0]
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


# Options


def test_another_initial_eta_is_in_table_and_record_and_matters(trained, digits, tmp_path):
    for eta in (0.25, 0.5):
        out, log = tmp_path / "a.csv", tmp_path / "log.csv"
        table = trained("split", "dhp", "0-1", digits, out, "--eta", eta, "--plasticity", log)
        assert (
            set(table.eta) == {eta} and set(table.benchmark) == {"split"} and not results.READERS["eta"].read(out).empty
        )
        record = records.read(out.with_suffix(".json"))
        assert record["measured"]["eta"] == eta and record["stage"] == "initial eta"
        assert table_files.read(log).eta.iloc[0] == pytest.approx(eta, abs=0.1)


ONLY_PLASTIC = "--plasticity and --eta need a plastic condition, such as dhp"


@pytest.mark.parametrize(
    ("condition", "more", "message"),
    [
        ("dhp-sgd", (), "unknown condition 'dhp-sgd'; known are finetune, dhp"),
        ("dhp", ("--set", "split.epoch=1"), "did you mean 'epochs'"),
        ("dhp", ("--seeds", "4-2"), "'4-2' is not a range of seeds"),
        ("dhp", ("--eta=nan",), "argument --eta: must be a finite number, not 'nan'"),
        ("dhp", ("--eta=inf",), "argument --eta: must be a finite number, not 'inf'"),
        ("dhp", ("--eta=-0.1",), "an initial eta must be positive, not -0.1"),
        ("dhp", ("--eta=0",), "an initial eta must be positive, not 0"),  # which Figure 4 cannot show
        ("si", ("--eta", "0.1"), ONLY_PLASTIC),
        ("si", ("--plasticity", "p.csv"), ONLY_PLASTIC),
        ("finetune", ("--set", "split.learning_rate=1e30"), "the loss of seed 0 is not finite in task"),
    ],
)
def test_errors_of_training_are_one_line(trained, digits, tmp_path, capsys, condition, more, message):
    assert message in fails(capsys, lambda: trained("split", condition, "0", digits, tmp_path / "a.csv", *more))
    assert not list(tmp_path.iterdir())
