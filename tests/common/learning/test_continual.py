"""The training loop: every image once an epoch, replicas like separate runs, resumption bit for bit, known matrices."""

from __future__ import annotations

import math
import os

import pytest
import torch

from common.data import prepare
from common.data.load import load
from common.learning import continual
from common.learning.consolidation import Consolidation, Ewc, Mas, OnlineEwc, ReestimatedEwc, SynapticIntelligence
from common.learning.continual import Learner, Observer
from common.learning.images import Images
from common.learning.optimizers import Adam
from common.learning.replicas import Mlp, conv2d, dropout, glorot_uniform, linear, max_pool
from common.learning.stream_data import Stream, TaskExamples
from common.learning.streams import joint, split
from common.running.checkpoints import Checkpoint
from common.running.stage import TrainingError
from tests.common.learners import (
    CLASSES,
    N_TEST,
    N_TRAIN,
    PIXELS,
    DoubleMlp,
    make,
    permuted_stream,
    split_stream,
    train,
)

METHODS = {
    "none": lambda p: Consolidation(p, 0.0),
    "ewc": lambda p: Ewc(p, 10.0, 20),
    "online": lambda p: OnlineEwc(p, 10.0, 20, 0.9),
    "reestimated": lambda p: ReestimatedEwc(p, 10.0, 20),
    "mas": lambda p: Mas(p, 1.0, 20),
    "si": lambda p: SynapticIntelligence(p, 1.0, 0.01),
}
WEAK = {
    "ewc": lambda p: Ewc(p, 0.0, 20),
    "online": lambda p: OnlineEwc(p, 0.0, 20),
    "reestimated": lambda p: ReestimatedEwc(p, 0.0, 20),
    "mas": lambda p: Mas(p, 0.0, 20),
    "si": lambda p: SynapticIntelligence(p, 0.0, 0.01),
}
SEEDS = [3, 0, 8]


class Cnn(Mlp):
    """One convolution with pooling and dropout, then the outputs."""

    def __init__(self):
        self.dropout_rate = 0.3

    def draw(self, source):
        weights = glorot_uniform((5, 1, 2, 2), 4, 20, source), glorot_uniform((20, CLASSES), 20, CLASSES, source)
        return [weights[0].double(), torch.zeros(5).double(), weights[1].double(), torch.zeros(CLASSES).double()]

    def logits(self, parameters, inputs, generators=None):
        pictures = inputs.double().unflatten(2, (1, 3, 3))
        hidden = max_pool(conv2d(pictures, parameters[0], parameters[1], padding=1).relu(), 2)
        return linear(dropout(hidden, self.dropout_rate, generators).flatten(2), parameters[2], parameters[3])


class Recording(DoubleMlp):
    """Remembers which images, by their first pixel, came in each batch: [R, B] each."""

    def __init__(self):
        super().__init__((PIXELS, 4, CLASSES))
        self.batches = []

    def gradients(self, parameters, inputs, labels, active=None, generators=None):
        self.batches.append((inputs[..., 0] * 255).round().long())
        return super().gradients(parameters, inputs, labels, active, generators)


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


class Spoil(Observer):
    """Makes one replica's last parameter infinite at the end of the first task."""

    def __init__(self, *replicas):
        self.replicas = replicas

    def before_end_of_task(self, task, learner):
        if task == 0:
            learner.parameters[-1].data[list(self.replicas)] = math.inf


def same(one, other):
    """Whether two nested states are equal to the last bit, nan to nan."""
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one.nan_to_num(-7.0), other.nan_to_num(-7.0))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


# Order of the images


def test_batches_hold_every_image_once_an_epoch_and_keep_the_partial_last_one():
    network, stream = Recording(), split_stream(SEEDS)
    train(make(SEEDS, METHODS["none"], network), stream, SEEDS, epochs=2, batch=10)
    counts = [len(task[0].train) for task in stream.tasks]
    assert counts == [24, 23]
    sizes = [batch.shape[1] for batch in network.batches]
    assert sizes == 2 * [10, 10, 4] + 2 * [10, 10, 3]
    epochs = [torch.cat(network.batches[first : first + 3], dim=1) for first in range(0, 12, 3)]
    for epoch, task in zip(epochs, (0, 0, 1, 1), strict=True):
        for row in epoch:
            assert torch.equal(row.sort().values, stream.tasks[task][0].train)
    orders = {tuple(row.tolist()) for epoch in epochs for row in epoch}
    assert len(orders) == 4 * len(SEEDS)


def test_importances_are_found_on_the_first_images_of_an_order_in_chunks():
    stream = split_stream(SEEDS)
    chunks = list(TaskExamples(stream, 1, SEEDS, chunk=8).examples(20))
    assert [inputs.shape[:2] for inputs, _, _ in chunks] == [(3, 8), (3, 8), (3, 4)]
    assert all(active.tolist() == [False, False, True, True] for _, _, active in chunks)
    found = torch.cat([(inputs[..., 0] * 255).round().long() for inputs, _, _ in chunks], dim=1)
    labels = torch.cat([labels for _, labels, _ in chunks], dim=1)
    assert torch.equal(labels, found % CLASSES)
    for row in found:
        assert len(set(row.tolist())) == 20
        assert set(row.tolist()) <= set(stream.tasks[1][0].train.tolist())
    assert not torch.equal(found[0], found[1])
    everything = TaskExamples(stream, 1, SEEDS).examples(10**6)
    assert sum(labels.shape[1] for _, labels, _ in everything) == len(stream.tasks[1][0].train)


def test_importances_may_be_found_on_equal_shares_of_all_tasks_so_far():
    stream = split_stream(SEEDS)
    for task, own in ((0, [20]), (1, [10, 10])):
        chunks = list(TaskExamples(stream, task, SEEDS).examples(20, earlier=True))
        assert [labels.shape for _, labels, _ in chunks] == [(3, count) for count in own]
        for place, (_, labels, active) in enumerate(chunks):
            assert active.nonzero()[:, 0].tolist() == [2 * place, 2 * place + 1]
            assert active[labels].all()


# Replicas


@pytest.mark.parametrize("make_stream", [permuted_stream, split_stream])
@pytest.mark.parametrize(("method", "network"), [*((m, "mlp") for m in METHODS), ("si", "cnn")])
def test_runs_of_a_batch_equal_separate_runs(method, network, make_stream):
    def run(seeds):
        learner = make(seeds, METHODS[method], Cnn() if network == "cnn" else None)
        matrices = train(learner, make_stream(seeds), seeds)
        return learner, matrices["test"]

    together, matrix = run(SEEDS)
    for r, seed in enumerate(SEEDS):
        alone, own_matrix = run([seed])
        for batch, single in zip(together.parameters, alone.parameters, strict=True):
            torch.testing.assert_close(batch[r], single[0], rtol=1e-8, atol=1e-9)
        for batch, single in zip(together.consolidation.importance, alone.consolidation.importance, strict=True):
            torch.testing.assert_close(batch[r], single[0], rtol=1e-6, atol=1e-9)
        assert torch.equal(matrix[r], own_matrix[0])
    assert not torch.allclose(together.parameters[0][0], together.parameters[0][1])


def test_dropout_is_for_training_alone():
    learner, stream = make([0], METHODS["none"]), permuted_stream([0])
    assert torch.equal(continual.evaluate(learner, stream, "test"), continual.evaluate(learner, stream, "test"))
    with_dropout, without = (
        make([0], METHODS["none"], DoubleMlp((PIXELS, 8, CLASSES), dropout_rate=rate)) for rate in (0.3, 0.0)
    )
    for each in (with_dropout, without):
        train(each, stream, [0])
    assert not torch.allclose(with_dropout.parameters[0], without.parameters[0])


# Consolidation in the loop


@pytest.mark.parametrize("method", WEAK)
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_strength_zero_is_plain_training_bit_for_bit(method, optimizer):
    plain, weak = (make(SEEDS, m, optimizer=optimizer) for m in (METHODS["none"], WEAK[method]))
    matrices = [train(learner, permuted_stream(SEEDS), SEEDS) for learner in (plain, weak)]
    assert same(plain.parameters, weak.parameters)
    assert same(*matrices)


@pytest.mark.parametrize("method", WEAK)
def test_the_second_task_of_a_consolidated_network_ends_elsewhere(method):
    stream = permuted_stream(SEEDS)
    first = Stream(stream.train, stream.test, stream.tasks[:1])
    ends = []
    for data in (first, stream):
        plain, consolidated = (make(SEEDS, m) for m in (METHODS["none"], METHODS[method]))
        for learner in (plain, consolidated):
            train(learner, data, SEEDS)
        ends.append((plain, consolidated))
    assert same(ends[0][0].parameters, ends[0][1].parameters)
    assert (ends[0][1].consolidation.penalty(ends[1][0].parameters) > 0).all()
    assert not torch.equal(ends[1][0].parameters[0], ends[1][1].parameters[0])


# Matrices


def test_matrices_hold_the_accuracy_on_every_task_after_every_task():
    stream = split_stream(SEEDS)
    learner = make(SEEDS, METHODS["none"])
    rows = []

    class After(Observer):
        def before_end_of_task(self, task, learner):
            rows.append([p.detach().clone() for p in learner.parameters])

    matrices = train(learner, stream, SEEDS, splits=("test", "train"), observer=After())
    assert set(matrices) == {"test", "train"}
    for name, matrix in matrices.items():
        assert matrix.shape == (3, 2, 2)
        assert matrix.dtype == torch.float64
        pictures = getattr(stream, name)
        for r in range(len(SEEDS)):
            for after, parameters in enumerate(rows):
                for on, task in enumerate(stream.tasks):
                    indices, classes = getattr(task[r], name), [2 * on, 2 * on + 1]
                    hidden = (pictures.pixels[indices] / 255).double() @ parameters[0][r] + parameters[1][r]
                    answers = (hidden.clamp(min=0) @ parameters[2][r] + parameters[3][r])[:, classes].argmax(1) + 2 * on
                    right = (answers == pictures.labels[indices]).double().mean()
                    assert matrix[r, after, on].item() == pytest.approx(right.item(), abs=1e-12)


def test_without_unseen_tasks_all_else_is_the_same():
    def run(make_stream, **options):
        learner = make(SEEDS, METHODS["none"])
        return learner.parameters, train(learner, make_stream(SEEDS), SEEDS, splits=("test", "train"), **options)

    for make_stream, entries in ((lambda seeds: permuted_stream(seeds, n_tasks=3), 6), (split_stream, 3)):
        (whole, every), (parameters, seen) = run(make_stream), run(make_stream, unseen=False)
        assert same(whole, parameters)
        for split_name, matrix in seen.items():
            assert torch.equal(matrix.isnan(), torch.ones_like(matrix).triu(1).bool())
            assert torch.equal(matrix.nan_to_num(0), every[split_name].tril())
        found = continual.rows("x", SEEDS, seen, matrix.shape[1])
        assert len(found) == 2 * len(SEEDS) * entries and all(row["task"] <= row["after_task"] for row in found)


def test_evaluation_in_parts_changes_no_number(monkeypatch):
    learner, stream = make(SEEDS, METHODS["none"]), permuted_stream(SEEDS)
    whole = continual.evaluate(learner, stream, "test")
    monkeypatch.setattr(continual, "EVALUATED_AT_ONCE", 7)
    assert torch.equal(continual.evaluate(learner, stream, "test"), whole)


def test_joint_training_is_evaluated_on_the_single_tasks():
    stream = permuted_stream(SEEDS, n_tasks=3)
    runs = zip(*stream.tasks, strict=True)
    everything = [joint(run, N_TRAIN, N_TEST) for run in runs]
    mixed = Stream(stream.train, stream.test, [everything], evaluated=stream.tasks)
    learner = make(SEEDS, METHODS["none"], DoubleMlp((PIXELS, 64, CLASSES)))
    matrices = train(learner, mixed, SEEDS, epochs=40, splits=("test", "train"))
    assert matrices["test"].shape == (3, 1, 3)
    assert torch.equal(matrices["train"][:, 0], continual.evaluate(learner, stream, "train"))
    whole = Stream(stream.train, stream.test, [everything])
    torch.testing.assert_close(continual.evaluate(learner, whole, "train")[:, 0], matrices["train"][:, 0].mean(1))
    assert matrices["train"].min() > 2 / CLASSES  # it has learned every one of them
    again = make(SEEDS, METHODS["none"], DoubleMlp((PIXELS, 64, CLASSES)))
    assert torch.equal(train(again, mixed, SEEDS, epochs=40, unseen=False)["test"], matrices["test"])


def test_a_network_that_is_reset_learns_the_second_task_as_a_fresh_one():
    stream, seeds = permuted_stream(SEEDS), SEEDS
    scratch = make(seeds, METHODS["none"])
    matrices = train(scratch, stream, seeds, reset_optimizer=True, reset_network=True)
    # by hand: the second task alone, from the parameters that belong to it
    network = scratch.network
    fresh = Learner(
        network,
        network.initial(seeds, "initialisation for task 2"),
        lambda tensors: Adam(tensors, 0.01),
        Consolidation(network.initial(seeds), 0.0),
    )
    progress, update = continual.Progress("test", 100), continual.Update(fresh, stream, 1)
    for epoch in range(3):
        continual.train_epoch(update, epoch, 10, seeds, progress)
    assert same(scratch.parameters, fresh.parameters)
    assert torch.equal(matrices["test"][:, 1], continual.evaluate(fresh, stream, "test"))
    # the first task is that of any other run
    usual = train(make(seeds, METHODS["none"]), stream, seeds)
    assert torch.equal(usual["test"][:, 0], matrices["test"][:, 0])


def test_a_reset_optimizer_starts_each_task_without_moments():
    kept, reset = (make(SEEDS, METHODS["none"]) for _ in range(2))
    for learner, resets in ((kept, False), (reset, True)):
        train(learner, split_stream(SEEDS), SEEDS, reset_optimizer=resets)
    assert kept.optimizer.steps[0] == 3 * (3 + 3)
    assert reset.optimizer.steps[0] == 3 * 3
    assert not torch.equal(kept.parameters[0], reset.parameters[0])


# Observers


def test_an_observer_is_called_after_every_update_and_before_each_task_is_consolidated():
    """With the parameters as they then are: split tasks of 24 and 23 images, two epochs of three batches each."""
    calls, updates = [], []

    class Each(Observer):
        def after_step(self, task, learner):
            calls.append(("step", task, learner.consolidation.tasks, learner.parameters[0].detach().clone()))

        def before_end_of_task(self, task, learner):
            calls.append(("end", task, learner.consolidation.tasks, learner.parameters[0].detach().clone()))

    class Recorded(Consolidation):
        def step(self, parameters, gradients, optimizer):
            super().step(parameters, gradients, optimizer)
            updates.append(parameters[0].detach().clone())

    train(make(SEEDS, lambda p: Recorded(p, 0.0)), split_stream(SEEDS), SEEDS, epochs=2, observer=Each())
    expected = [(kind, task, task) for task in (0, 1) for kind in [*["step"] * 6, "end"]]
    assert [call[:3] for call in calls] == expected
    seen = [weights for kind, *_, weights in calls if kind == "step"]
    assert len(updates) == 12 and same(seen, updates) and not same(seen[0], seen[1])
    assert [same(weights, updates[last]) for (kind, *_, weights), last in zip(calls[6::7], (5, 11))] == [True, True]


def test_an_observer_that_looks_at_nothing_changes_nothing():
    plain, observed = (make(SEEDS, METHODS["si"]) for _ in range(2))
    matrices = [
        train(learner, split_stream(SEEDS), SEEDS, observer=observer)
        for learner, observer in ((plain, None), (observed, Observer()))
    ]
    assert same(*matrices) and same(plain.parameters, observed.parameters)
    assert Observer().state_dict() == {}


# Interruption


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
    assert path.exists() or epochs_done == 0
    return new_run(Checkpoint(path, "key", interval_seconds=0))


SCHEDULES = {
    "kept": {},
    "reset optimizer": {"reset_optimizer": True},
    "scratch": {"reset_optimizer": True, "reset_network": True},
}


@pytest.mark.parametrize("epochs_done", [0, 2, 3, 5])
@pytest.mark.parametrize(
    ("schedule", "method"), [*((s, "si") for s in SCHEDULES), ("kept", "ewc"), ("kept", "online"), ("kept", "mas")]
)
def test_a_resumed_run_is_the_uninterrupted_one_bit_for_bit(tmp_path, monkeypatch, schedule, method, epochs_done):
    def run(checkpoint):
        learner = make(SEEDS, METHODS[method], Mlp((PIXELS, 8, CLASSES), dropout_rate=0.3))
        observer = Watcher() if method == "si" else None
        options = SCHEDULES[schedule] | {"checkpoint": checkpoint, "observer": observer, "splits": ("test", "train")}
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


def test_a_finished_run_is_not_run_again(tmp_path, monkeypatch):
    path, stream = tmp_path / "state.pt", permuted_stream(SEEDS)
    expected = train(make(SEEDS, METHODS["si"]), stream, SEEDS, checkpoint=Checkpoint(path, "key"))
    monkeypatch.setattr(continual, "train_epoch", None)
    again = make(SEEDS, METHODS["si"])
    assert same(train(again, stream, SEEDS, checkpoint=Checkpoint(path, "key")), expected)


def test_a_loss_that_is_not_finite_names_seed_and_task():
    stream = permuted_stream(SEEDS)
    learner = make(SEEDS, METHODS["none"])

    with pytest.raises(TrainingError, match=r"loss of seed 0 is not finite in task 2, epoch 1 \(step 20\)"):
        train(learner, stream, SEEDS, observer=Spoil(1))


@pytest.mark.parametrize("method", METHODS)
def test_a_seed_that_diverges_is_left_behind_and_changes_no_other(method, capsys):
    learner = make(SEEDS, METHODS[method])
    learner.may_diverge = True
    found = train(learner, permuted_stream(SEEDS), SEEDS, observer=Spoil(1))["test"]
    assert learner.diverged == {SEEDS[1]: "task 2, epoch 1"}
    assert found[1, 0].isfinite().all() and found[1, 1].isnan().all()  # it keeps the task that it finished
    message = capsys.readouterr().err
    assert (
        f"the loss of seed {SEEDS[1]} is not finite in task 2, epoch 1" in message and message.count("not finite") == 1
    )
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


def test_which_seed_diverged_survives_a_resume(tmp_path, monkeypatch):
    def tolerant():
        learner = make(SEEDS, METHODS["si"])
        learner.may_diverge = True
        return learner

    stream, path = permuted_stream(SEEDS), tmp_path / "state.pt"
    expected = train(learner := tolerant(), stream, SEEDS, observer=Spoil(1), checkpoint=Checkpoint(path, "key"))
    monkeypatch.setattr(continual, "train_epoch", None)
    again = tolerant()
    assert same(train(again, stream, SEEDS, observer=Spoil(1), checkpoint=Checkpoint(path, "key")), expected)
    assert again.diverged == learner.diverged == {SEEDS[1]: "task 2, epoch 1"}


def test_where_all_seeds_have_diverged_nothing_is_trained_on():
    learner = make(SEEDS, METHODS["none"])
    learner.may_diverge, calls = True, []

    class Counting(Spoil):
        def after_step(self, task, learner):
            calls.append(task)

    found = train(learner, permuted_stream(SEEDS, 3), SEEDS, epochs=3, observer=Counting(0, 1, 2))
    assert found["test"][:, 1:].isnan().all() and list(learner.diverged) == SEEDS
    assert calls.count(1) == calls.count(0) / 3 > 0 and 2 not in calls  # one epoch of the second task


# Real data


@pytest.mark.skipif("DATA_MIRROR" not in os.environ, reason="needs real data: set DATA_MIRROR")
def test_synaptic_intelligence_keeps_the_first_digits_of_mnist(tmp_path):
    """Digits 0 and 1, then 2 and 3: fine-tuning forgets, SI with c = 1 and xi = 0.001 hardly."""
    splits = load(prepare.prepare("mnist", root=tmp_path)).splits
    parts = [Images(splits[name].images, splits[name].labels, torch.device("cpu"), True) for name in ("train", "test")]
    tasks = [[task] for task in split(parts[0].labels, parts[1].labels, [(0, 1), (2, 3)], 10)]
    stream = Stream(*parts, tasks)
    found = {}
    for c in (0.0, 1.0):
        network = Mlp((784, 64, 64, 10), zero_output=True)
        parameters = network.initial([0])
        consolidation = SynapticIntelligence(parameters, c, 1e-3)
        learner = Learner(network, parameters, lambda tensors: Adam(tensors, 1e-3), consolidation)
        found[c] = train(learner, stream, [0], epochs=1, batch=64, reset_optimizer=True)["test"][0].tolist()
    assert found[0.0][0] == found[1.0][0]
    assert min(found[0.0][0][0], found[0.0][1][1], found[1.0][1][1]) > 0.95
    assert found[1.0][1][0] > 0.98
    assert found[1.0][1][0] - found[0.0][1][0] > 0.02
