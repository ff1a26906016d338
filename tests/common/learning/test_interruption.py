"""A run that was killed goes on bit for bit, and one that diverges ends without harm to the others."""

from __future__ import annotations

import math

import pytest
import torch

from common.learning import continual
from common.learning.continual import Observer
from common.learning.replicas import Mlp
from common.running.checkpoints import Checkpoint
from common.running.stage import TrainingError
from tests.common.learners import CLASSES, METHODS, PIXELS, SEEDS, make, permuted_stream, same, train


class Watcher(Observer):
    """An observer that keeps the path integral of every task."""

    def __init__(self):
        self.seen = []

    def before_end_of_task(self, task, learner):
        self.seen.append([task, learner.consolidation.path_integral[0].clone()])

    def state_dict(self):
        return {"seen": self.seen}

    def load_state_dict(self, state):
        self.seen = state["seen"]


class Killed(BaseException):
    """A process that ends in the middle of an epoch."""


def interrupted(monkeypatch, path, epochs_done, new_run):
    """Kill a run in the epoch after `epochs_done` (of two tasks of three epochs), then start it anew."""
    real, calls = continual.train_epoch, []

    def train_epoch(update, *arguments):
        calls.append(arguments)
        if len(calls) > epochs_done:
            update.learner.parameters[0].data.fill_(math.nan)
            raise Killed
        return real(update, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(continual, "train_epoch", train_epoch)
        with pytest.raises(Killed):
            new_run(Checkpoint(path, "key", interval_seconds=0))
    assert Checkpoint(path, "key").path.exists() or epochs_done == 0
    return new_run(Checkpoint(path, "key", interval_seconds=0))


RESET, SCRATCH = {"reset_optimizer": True}, {"reset_optimizer": True, "reset_network": True}
MOMENTS = {"reset_moments": True}


@pytest.mark.parametrize("epochs_done", [0, 2, 3, 5])
@pytest.mark.parametrize(
    ("method", "resets"),
    [("si", {}), ("si", RESET), ("si", SCRATCH), ("si", MOMENTS), ("ewc", {}), ("online", {}), ("mas", {})],
)
def test_a_resumed_run_is_the_uninterrupted_one_bit_for_bit(tmp_path, monkeypatch, resets, method, epochs_done):
    def run(checkpoint):
        learner = make(SEEDS, METHODS[method], Mlp((PIXELS, 8, CLASSES), dropout_rate=0.3))
        observer = Watcher() if method == "si" else None
        options = resets | {"checkpoint": checkpoint, "observer": observer, "splits": ("test", "train")}
        matrices = train(learner, permuted_stream(SEEDS), SEEDS, **options)
        return learner.state_dict(), matrices, observer and observer.seen

    expected = run(None)
    assert same(interrupted(monkeypatch, tmp_path / "state.pt", epochs_done, run), expected)
    assert expected[1]["test"].isfinite().all()
    if method == "si":
        assert [task for task, _ in expected[2]] == [0, 1]
        assert all((omega != 0).any() for _, omega in expected[2])


def test_a_run_killed_at_the_end_of_a_task_does_not_count_the_task_twice(tmp_path, monkeypatch):
    def run(checkpoint):
        learner = make(SEEDS, METHODS["ewc"])
        return train(learner, permuted_stream(SEEDS), SEEDS, checkpoint=checkpoint), learner.state_dict()

    expected = run(None)

    def killed(*arguments):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(continual, "evaluate", killed)  # the consolidation has taken account of the task, unsaved
        with pytest.raises(Killed):
            run(Checkpoint(tmp_path / "state.pt", "key", interval_seconds=0))
    assert same(run(Checkpoint(tmp_path / "state.pt", "key", interval_seconds=0)), expected)


# Divergence


class Spoil(Observer):
    """Makes one replica's last parameter infinite at the end of the first task."""

    def __init__(self, *replicas):
        self.replicas = replicas

    def before_end_of_task(self, task, learner):
        if task == 0:
            learner.parameters[-1].data[list(self.replicas)] = math.inf


def test_a_loss_that_is_not_finite_names_seed_and_task():
    with pytest.raises(TrainingError, match=r"loss of seed 0 is not finite in task 2, epoch 1 \(step 20\)"):
        train(make(SEEDS, METHODS["none"]), permuted_stream(SEEDS), SEEDS, observer=Spoil(1))


@pytest.mark.parametrize("method", METHODS)
def test_a_seed_that_diverges_is_left_behind_and_changes_no_other(method, capsys):
    learner = make(SEEDS, METHODS[method])
    learner.may_diverge = True
    found = train(learner, permuted_stream(SEEDS), SEEDS, observer=Spoil(1))["test"]
    assert learner.diverged == {SEEDS[1]: "task 2, epoch 1"}
    assert found[1, 0].isfinite().all() and found[1, 1].isnan().all()  # it keeps the task that it finished
    message = capsys.readouterr().err
    assert f"the loss of seed {SEEDS[1]} is not finite in task 2, epoch 1" in message
    assert message.count("not finite") == 1
    whole = train(make(SEEDS, METHODS[method]), permuted_stream(SEEDS), SEEDS)["test"]
    assert same(found[[0, 2]], whole[[0, 2]]) and not found[[0, 2]].isnan().any()


def test_rows_of_a_run_end_where_it_diverged():
    matrix = torch.tensor([[[0.5, 0.25], [0.75, 1.0]], [[0.5, 0.0], 2 * [math.nan]], 2 * [2 * [math.nan]]])
    table = continual.rows("si", SEEDS, {"test": matrix}, 2)
    assert {(row["condition"], row["split"]) for row in table} == {("si", "test")}
    by_seed = {seed: [list(row.values())[-3:] for row in table if row["seed"] == seed] for seed in SEEDS}
    whole, late, at_once = by_seed.values()
    assert whole == [[1, 1, 0.5], [1, 2, 0.25], [2, 1, 0.75], [2, 2, 1.0]]
    assert late[:2] == [[1, 1, 0.5], [1, 2, 0.0]] and str(late[2:]) == "[[2, 1, nan]]"
    assert str(at_once) == "[[1, 1, nan]]"
    joint = continual.rows("joint", SEEDS[:1], {"test": matrix[2:, :1]}, 2)  # which trains once, on all tasks
    assert [list(row.values())[-3:-1] for row in joint] == [[2, 1]]


@pytest.mark.parametrize("lost", [(), (1,)])
def test_a_finished_run_is_not_run_again_and_knows_which_seed_diverged(tmp_path, monkeypatch, lost):
    def run():
        learner = make(SEEDS, METHODS["si"])
        learner.may_diverge, saved = True, Checkpoint(tmp_path / "state.pt", "key")
        return train(learner, permuted_stream(SEEDS), SEEDS, observer=Spoil(*lost), checkpoint=saved), learner.diverged

    expected = run()
    monkeypatch.setattr(continual, "train_epoch", None)
    assert same(run(), expected) and expected[1] == {SEEDS[r]: "task 2, epoch 1" for r in lost}


def test_where_all_seeds_have_diverged_nothing_is_trained_on():
    learner = make(SEEDS, METHODS["none"])
    learner.may_diverge, calls = True, []

    class Counting(Spoil):
        def after_step(self, task, learner):
            calls.append(task)

    found = train(learner, permuted_stream(SEEDS, 3), SEEDS, epochs=3, observer=Counting(0, 1, 2))
    assert found["test"][:, 1:].isnan().all() and list(learner.diverged) == SEEDS
    assert calls.count(1) == calls.count(0) / 3 > 0 and 2 not in calls  # one epoch of the second task
