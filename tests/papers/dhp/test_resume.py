"""Training that was killed goes on where it was, by the same work alone."""

from __future__ import annotations

import json

import numpy
import pytest

from common.learning import continual
from common.running.checkpoints import Checkpoint
from papers.dhp import train
from tests.papers.dhp.small import overriding

pytestmark = pytest.mark.slow


class Killed(BaseException):
    """Like a signal: nothing may catch it."""


@pytest.mark.parametrize(
    ("condition", "killed_at"),
    [("dhp", 1), ("dhp-si", 2), ("dhp-si", 3), ("ewc", 3), ("dhp-adam", 3), ("dhp-mas-momentum", 3)]
    + [("dhp-mas-standardised-batch", 2)],
)
def test_killed_training_goes_on_from_its_checkpoint(monkeypatch, trained, digits, tmp_path, condition, killed_at):
    """Killed in the first task of two epochs, between the tasks or in the last: the same tables, and no epoch twice."""

    def training(name):
        more = ("--checkpoint", tmp_path / f"{name}.ckpt")
        if condition != "ewc":
            more += ("--plasticity", tmp_path / f"{name}_plasticity.csv", *overriding(("design.log_every=3",)))
        trained("permuted", condition, "0-1", digits, tmp_path / f"{name}.csv", *more)

    training("whole")
    original, calls = continual.train_epoch, []

    def train_epoch(*arguments):
        calls.append(arguments)
        if len(calls) == killed_at + 1:
            raise Killed
        original(*arguments)

    monkeypatch.setattr(Checkpoint, "due", lambda self: True)
    monkeypatch.setattr(continual, "train_epoch", train_epoch)
    with pytest.raises(Killed):
        training("killed")
    assert [path.suffix for path in tmp_path.glob("killed*")] == [".ckpt"]
    training("killed")
    assert len(calls) == 2 * 2 + 1
    assert json.loads((tmp_path / "killed.json").read_text())["measured"]["resumed"]
    for whole in tmp_path.glob("whole*.csv"):
        assert whole.read_bytes() == (tmp_path / whole.name.replace("whole", "killed")).read_bytes()
    assert not list(tmp_path.glob("*.ckpt"))


OTHER_WORK = [
    ("--set", "permuted.si=0.7"),
    ("--condition", "dhp-ewc"),
    ("--seeds", "1"),
    ("--eta", "0.2"),
    ("--plasticity", "log.csv"),
    ("--data", "other.npz"),
]


def test_a_killed_run_is_gone_on_with_by_the_same_work_alone(monkeypatch, trained, digits, tmp_path):
    keys = []

    def learn(learner, stream, schedule, seeds, label, saved, **_):
        keys.append(saved.key)
        raise Killed

    monkeypatch.setattr(train, "learn", learn)
    monkeypatch.chdir(tmp_path)
    about = {"name": "mnist", "description": "other stripes", "completeness": "stand-in"}
    about["splits"] = {"train": None, "test": None}
    with numpy.load(digits) as arrays:
        numpy.savez("other.npz", **{**arrays, "about": json.dumps(about)})
    for more in ((), (), *OTHER_WORK):
        with pytest.raises(Killed):
            trained("permuted", "dhp-si", "0", digits, tmp_path / "a.csv", "--checkpoint", "a.ckpt", *more)
    assert keys[0] == keys[1] and len(set(keys)) == 1 + len(OTHER_WORK)
