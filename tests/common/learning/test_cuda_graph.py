"""A recorded step repeats what the function does: with a stand-in for the GPU's recording here, with CUDA's own where there is a GPU."""

from __future__ import annotations

import pytest
import torch

from common.learning import cuda_graph
from common.learning.consolidation import Consolidation
from common.learning.continual import Learner, Schedule, Update, learn
from common.learning.cuda_graph import Replay
from common.learning.images import Images
from common.learning.optimizers import Adam, Sgd
from common.learning.replicas import Mlp
from common.learning.stream_data import Stream
from tests.common.learners import CLASSES, METHODS, PIXELS, permuted_stream, split_stream

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
CONSOLIDATIONS = ["none", "online", "mas", "si"]
OPTIMIZERS = {"adam": lambda p: Adam(p, 0.01), "sgd": lambda p: Sgd(p, 0.1), "momentum": lambda p: Sgd(p, 0.1, 0.9)}
SEEDS = [3, 0]


@pytest.fixture
def recordings(monkeypatch):
    """Lets a recording be what calls the function anew on the memory of its argument and result; the shapes recorded."""
    shapes = []

    def record(function, argument):
        shapes.append(tuple(argument.shape))
        result = torch.empty(0)  # as on a GPU: recording computes nothing

        def replay():
            found = function(argument)
            result.resize_(found.shape).copy_(found)

        return replay, result

    monkeypatch.setattr(cuda_graph, "record", record)
    return shapes


def test_the_first_call_and_those_of_another_shape_are_as_written_and_all_others_are_replays(recordings):
    calls, total = [], torch.zeros(())

    def add(numbers):
        calls.append(tuple(numbers.shape))
        return total.add_(numbers.sum()).clone()

    replay = Replay()
    given = [(4, 1.0), (4, 2.0), (3, 1.0), (4, 3.0), (3, 1.0)]
    assert [replay(add, torch.full((count,), value)).item() for count, value in given] == [4, 12, 15, 27, 30]
    assert recordings == [(4,)] and calls == [(4,), (4,), (3,), (4,), (3,)]


def test_an_argument_may_change_after_the_call(recordings):
    replay = Replay()
    argument = torch.ones(2)
    replay(torch.sum, argument)
    assert replay(torch.sum, argument).item() == 2
    argument.fill_(7)
    assert replay(torch.sum, torch.full((2,), 3.0)).item() == 6
    assert argument.tolist() == [7, 7]


def on(device, stream):
    """The stream with its images on a device."""
    moved = [
        Images(part.pixels.numpy(), part.labels.numpy(), device, flat=True) for part in (stream.train, stream.test)
    ]
    return Stream(*moved, stream.tasks)


def trained(device, consolidation, optimizer, tasks, replayed=True):
    """Parameters and accuracies of a short run."""
    network = Mlp((PIXELS, 8, CLASSES))
    parameters = [parameter.to(device) for parameter in network.initial(SEEDS)]
    learner = Learner(network, parameters, OPTIMIZERS[optimizer], METHODS[consolidation](parameters))
    stream = on(device, (permuted_stream if tasks == "permuted" else split_stream)(SEEDS))
    with pytest.MonkeyPatch.context() as patch:
        if not replayed:
            patch.setattr("common.learning.continual.Replay", lambda: lambda function, argument: function(argument))
        matrices = learn(learner, stream, Schedule(3, 5, reset_optimizer=True), SEEDS, "test")
    return [parameter.detach().cpu() for parameter in learner.parameters], matrices["test"]


@pytest.mark.parametrize("consolidation", CONSOLIDATIONS)
def test_updates_that_are_replayed_are_those_as_written(consolidation, recordings, monkeypatch):
    """With the stand-in: every batch is shown once, in its place, and an epoch's last, smaller one too."""
    cpu, start = torch.device("cpu"), Update.__init__

    def replayed(self, *arguments):
        start(self, *arguments)
        self._replay = Replay()

    expected, accuracies = trained(cpu, consolidation, "momentum", "permuted")
    assert recordings == []
    monkeypatch.setattr(Update, "__init__", replayed)
    found, same_accuracies = trained(cpu, consolidation, "momentum", "permuted")
    assert recordings == [(2, 5), (2, 5)]  # once a task
    assert all(torch.equal(*pair) for pair in zip(found, expected, strict=True))
    assert torch.equal(same_accuracies, accuracies)


@needs_gpu
@pytest.mark.parametrize("tasks", ["permuted", "split"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("consolidation", CONSOLIDATIONS)
def test_replayed_steps_are_those_as_written_on_a_gpu_and_on_the_cpu(consolidation, optimizer, tasks):
    run = consolidation, optimizer, tasks
    replayed, accuracies = trained(torch.device("cuda"), *run)
    written, _ = trained(torch.device("cuda"), *run, replayed=False)
    here, expected = trained(torch.device("cpu"), *run)
    for one, other, third in zip(replayed, written, here, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(one, third, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(accuracies, expected, rtol=0, atol=0.051)  # an image of twenty may change sides


@needs_gpu
def test_a_network_whose_units_drop_out_is_not_replayed():
    device = torch.device("cuda")
    for rate in (0.0, 0.5):
        network = Mlp((PIXELS, 8, CLASSES), dropout_rate=rate)
        parameters = [parameter.to(device) for parameter in network.initial(SEEDS)]
        learner = Learner(network, parameters, OPTIMIZERS["sgd"], Consolidation(parameters, 0.0))
        update = Update(learner, on(device, permuted_stream(SEEDS)), 0)
        assert (update._replay is None) == (rate > 0)
