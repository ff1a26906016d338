"""The training loop: every image once an epoch, replicas like separate runs, known matrices."""

from __future__ import annotations

import os

import pytest
import torch

from common.data import prepare
from common.data.load import load
from common.learning import continual
from common.learning.consolidation import Consolidation, SynapticIntelligence
from common.learning.continual import Learner, Observer
from common.learning.images import Images
from common.learning.optimizers import Adam
from common.learning.replicas import Mlp
from common.learning.stream_data import Stream
from common.learning.streams import joint, split
from tests.common.learners import (
    CLASSES,
    METHODS,
    N_TEST,
    N_TRAIN,
    PIXELS,
    SEEDS,
    DoubleMlp,
    make,
    permuted_stream,
    same,
    split_stream,
    train,
)


class Recording(DoubleMlp):
    """Remembers which images, by their first pixel, came in each batch: [R, B] each."""

    def __init__(self):
        super().__init__((PIXELS, 4, CLASSES))
        self.batches = []

    def gradients(self, parameters, inputs, labels, active=None, generators=None):
        self.batches.append((inputs[..., 0] * 255).round().long())
        return super().gradients(parameters, inputs, labels, active, generators)


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


# Replicas


@pytest.mark.parametrize("make_stream", [permuted_stream, split_stream])
@pytest.mark.parametrize("method", METHODS)
def test_runs_of_a_batch_equal_separate_runs(method, make_stream):
    def run(seeds):
        learner = make(seeds, METHODS[method])
        return learner, train(learner, make_stream(seeds), seeds)["test"]

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


@pytest.mark.parametrize("method", [method for method in METHODS if method != "none"])
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


def test_what_is_evaluated_changes_nothing_else():
    def run(make_stream, **options):
        learner = make(SEEDS, METHODS["none"])
        return learner.parameters, train(learner, make_stream(SEEDS), SEEDS, splits=("test", "train"), **options)

    for make_stream, entries in ((lambda seeds: permuted_stream(seeds, n_tasks=3), 6), (split_stream, 3)):
        (whole, every), (parameters, seen) = run(make_stream), run(make_stream, evaluated="seen")
        assert same(whole, parameters)
        parameters, last = run(make_stream, evaluated="last")
        assert same(whole, parameters)
        for split_name, matrix in last.items():
            assert matrix[:, :-1].isnan().all()
            assert torch.equal(matrix[:, -1], every[split_name][:, -1])
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
    assert torch.equal(train(again, mixed, SEEDS, epochs=40, evaluated="seen")["test"], matrices["test"])


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


def test_moments_that_are_reset_start_each_task_at_zero_and_the_step_count_goes_on(monkeypatch):
    """The first task is that of a run without; the second begins with update 10, from no moments."""
    found, real = [], Adam.step

    def step(self, gradients):
        if self.first_moments[0].count_nonzero() == self.second_moments[0].count_nonzero() == 0:
            found.append(int(self.steps[0]))
        real(self, gradients)

    monkeypatch.setattr(Adam, "step", step)
    kept, reset = (make(SEEDS, METHODS["none"]) for _ in range(2))
    usual = train(kept, split_stream(SEEDS), SEEDS)["test"]
    assert found == [0]
    other = train(reset, split_stream(SEEDS), SEEDS, reset_moments=True)["test"]
    assert found == [0, 0, 9] and kept.optimizer.steps[0] == reset.optimizer.steps[0] == 18
    assert torch.equal(usual[:, 0], other[:, 0])
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
    learners = [make(SEEDS, METHODS["si"]) for _ in range(2)]
    observers = None, Observer()
    matrices = [train(own, split_stream(SEEDS), SEEDS, observer=each) for own, each in zip(learners, observers)]
    assert same(*matrices) and same(*(learner.parameters for learner in learners))
    assert Observer().state_dict() == {}


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
