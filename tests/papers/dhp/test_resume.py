"""Training that was killed goes on where it was, by the same work alone."""

from __future__ import annotations

import dataclasses
import json

import numpy
import pytest
import torch

from common.learning import continual
from common.running.checkpoints import Checkpoint
from papers.dhp import data, protocol, train
from papers.dhp.plasticity import Plasticity
from tests.papers.dhp.small import CPU, SMOKE, overriding


class Killed(BaseException):
    """Like a signal: nothing may catch it."""


@pytest.mark.parametrize("condition", ["dhp-si", "dhp", "ewc", "dhp-adam", "dhp-si-momentum"])
@pytest.mark.parametrize("killed_at", [1, 2, 3])
def test_killed_training_goes_on_from_its_checkpoint(
    monkeypatch, trained, digits, tmp_path, capsys, killed_at, condition
):
    """Killed in the first task of two epochs, between the tasks or in the last: the same tables, and no epoch twice."""

    def training(name):
        more = ("--checkpoint", tmp_path / f"{name}.ckpt", *overriding(("design.log_every=3",)))
        if condition != "ewc":
            more += ("--plasticity", tmp_path / f"{name}_plasticity.csv")
        trained("permuted", condition, "0-1", digits, tmp_path / f"{name}.csv", *more)

    training("whole")
    monkeypatch.setattr(Checkpoint, "due", lambda self: True)
    epochs, original, kills = [], continual.train_epoch, []

    def train_epoch(update, epoch, *more):
        if len(epochs) == killed_at and not kills:
            kills.append(True)
            raise Killed
        epochs.append((update.task, epoch))
        original(update, epoch, *more)

    monkeypatch.setattr(continual, "train_epoch", train_epoch)
    with pytest.raises(Killed):
        training("killed")
    assert not list(tmp_path.glob("killed*.csv")) and not (tmp_path / "killed.json").exists()
    training("killed")
    assert "resuming" in capsys.readouterr().out
    assert epochs == [(task, epoch) for task in range(2) for epoch in range(2)]
    assert json.loads((tmp_path / "killed.json").read_text())["measured"]["resumed"]
    for whole in tmp_path.glob("whole*.csv"):
        assert whole.read_bytes() == (tmp_path / whole.name.replace("whole", "killed")).read_bytes()
    assert not list(tmp_path.glob("*.ckpt"))


def test_a_resumed_learner_equals_the_uninterrupted_one_bit_for_bit(digits, tmp_path, monkeypatch):
    """All parameters with eta and trace, SI's importances and path integral, and what was noted."""
    settings = dataclasses.replace(SMOKE.permuted, tasks=2, hidden=(12, 9), epochs=2, batch=10)

    def run(saved=None):
        stream, _ = data.stream("permuted", settings, [digits], [0, 1], CPU)
        own, observer = train.learner(settings, protocol.condition("dhp-si"), [0, 1], CPU), Plasticity([0, 1], 7)
        continual.learn(own, stream, train.schedule(settings), [0, 1], "test", saved, observer=observer)
        return [*own.parameters, *own.consolidation.importance, *own.consolidation.path_integral], observer.rows

    expected, rows = run()
    real, calls = continual.train_epoch, []

    def train_epoch(*arguments):
        calls.append(arguments)
        if len(calls) == 4:
            raise Killed
        return real(*arguments)

    monkeypatch.setattr(continual, "train_epoch", train_epoch)
    with pytest.raises(Killed):
        run(Checkpoint(tmp_path / "a.ckpt", "key", interval_seconds=0))
    found, found_rows = run(Checkpoint(tmp_path / "a.ckpt", "key", interval_seconds=0))
    assert len(calls) == 5 and all(map(torch.equal, found, expected)) and found_rows == rows


@pytest.mark.parametrize(
    "change",
    [
        (),
        ("--condition", "dhp-ewc"),
        ("--seeds", "1"),
        ("--eta", "0.2"),
        ("--set", "permuted.si=0.7"),
        ("--plasticity", "log.csv"),
        ("--set", "split.si=0.7"),
        ("--data", "another"),
    ],
)
def test_a_killed_run_is_gone_on_with_by_the_same_work_alone(monkeypatch, trained, digits, tmp_path, capsys, change):
    real, calls = continual.train_epoch, []

    def train_epoch(*arguments):
        calls.append(arguments)
        if len(calls) == 3:  # the first epoch of the second task
            raise Killed
        return real(*arguments)

    monkeypatch.setattr(continual, "train_epoch", train_epoch)
    more = ("--checkpoint", tmp_path / "a.ckpt")
    with pytest.raises(Killed):
        trained("permuted", "dhp-si", "0", digits, tmp_path / "a.csv", *more)
    capsys.readouterr()
    if change[:1] == ("--data",):
        text = json.dumps({"name": "mnist", "description": "other stripes", "splits": {"train": None, "test": None}})
        with numpy.load(digits) as arrays:
            numpy.savez(tmp_path / "other.npz", **{**arrays, "about": text})
        change = ("--data", tmp_path / "other.npz")
    monkeypatch.chdir(tmp_path)
    trained("permuted", "dhp-si", "0", digits, tmp_path / "a.csv", *more, *change)
    printed = capsys.readouterr().out
    goes_on = change in ((), ("--set", "split.si=0.7"))  # a section that this run does not read
    assert ("resuming" in printed) == goes_on and ("another protocol" in printed) != goes_on
    assert len(calls) == (5 if goes_on else 7)
