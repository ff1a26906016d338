"""The network's size, its four initialisations and the streams it learns from."""

from __future__ import annotations

import math

import pytest
import torch

from common.learning.replicas import count
from common.running import protocols
from papers.sticky_gradient import data
from papers.sticky_gradient.model import Perceptron
from papers.sticky_gradient.protocol import FIRST_TUNING_SEED
from papers.sticky_gradient.readings import reading
from papers.sticky_gradient.runs import REGISTER
from tests.papers.sticky_gradient.small import PAPER, mnist

CPU = torch.device("cpu")


def initial(start, smart=None, biases=False):
    return Perceptron(PAPER.training.hidden, start, smart, biases).initial([0])


@pytest.mark.parametrize(
    "start, variances, kurtosis",
    [
        ("fanin", (2 / 784, 2 / 2000), 3),  # He's, Gaussian
        ("fanout", (2 / 2000, 2 / 10), 3),
        ("library", (1 / (3 * 784), 1 / (3 * 2000)), 1.8),  # uniform
    ],
)
def test_initialisations(start, variances, kurtosis):
    first, first_bias, second, second_bias = parameters = initial(start)
    assert count(parameters) == 1_590_010
    for weight, sd in zip((first, second), map(math.sqrt, variances)):
        assert float(weight.mean()) == pytest.approx(0, abs=0.03 * sd)
        assert float(weight.std()) == pytest.approx(sd, rel=0.02)
        assert float((weight / weight.std()).pow(4).mean()) == pytest.approx(kurtosis, rel=0.1)
    low, high = (0.9 / 28, 1 / 28) if start == "library" else (0, 0)
    assert low <= float(first_bias.abs().max()) <= high and bool(second_bias.any()) == (start == "library")


def test_smart_initialisation_is_table_1_for_weights_or_for_everything():
    for biases in (False, True):
        first, bias, second, _ = initial("fanin", PAPER.attractor, biases)
        for tensor in (first, second, *[bias] * biases):
            assert float(tensor.mean()) == pytest.approx(0.00363, abs=5e-4 if tensor is not bias else 2e-3)
            assert float(tensor.std()) == pytest.approx(0.0204, rel=0.02 if tensor is not bias else 0.1)
        assert bool(bias.any()) == biases


@pytest.fixture
def stream(tmp_path):
    """Makes a stream of a small data set."""
    path = mnist(tmp_path)

    def make(tasks, seeds, name="unit-gradient-mean", **options):
        return data.stream(path, tasks, reading(name), seeds, CPU, **options)[0]

    return make


def test_all_tasks_are_permuted_and_some_pixels_shared(stream):
    still = torch.arange(784)
    orders = [task.permutations[0] for replicas in stream(3, [0, 1]).tasks for task in replicas]
    assert all((order == still).float().mean() < 0.02 and order.sort().values.equal(still) for order in orders)
    assert not orders[0].equal(orders[1]) and not orders[0].equal(orders[2])
    assert all(task.permutations[0].equal(still) for (task,) in stream(3, [0], shared=1.0).tasks)
    kept = {}
    for which in ("same", "redrawn"):
        tasks = stream(3, [0], shared=0.6, shared_pixels=which).tasks
        kept[which] = torch.stack([task.permutations[0] == still for (task,) in tasks])
        assert all(470 <= int(row.sum()) <= 478 for row in kept[which])
    assert kept["same"][0].equal(kept["redrawn"][0])  # drawn alike
    assert kept["same"].all(0).sum() >= 470
    assert 0.3 < (kept["redrawn"][0] & kept["redrawn"][1]).float().mean() < 0.42  # 0.6 squared, and a few by chance


def test_inputs_are_in_0_to_1_or_centred_or_standardised(stream):
    names = (f"{inputs}-gradient-mean" for inputs in ("unit", "centred", "standardised"))
    unit, centred, standardised = (stream(1, [0], name).train.batch(torch.arange(5)[None], [None])[0] for name in names)
    assert 0 <= float(unit.min()) and 0.5 < float(unit.max()) <= 1
    torch.testing.assert_close(centred, 2 * unit - 1)
    torch.testing.assert_close(standardised, (unit - 0.1307) / 0.3081)


def test_searches_never_see_a_test_image(stream):
    plain, held = (stream(1, [FIRST_TUNING_SEED], held_out=count) for count in (0, 20))
    rows = lambda images: {bytes(row.numpy().tobytes()) for row in images.pixels}
    assert len(held.test) == 20 and not rows(held.test) & rows(plain.test)
    assert rows(held.train) | rows(held.test) == rows(plain.train) and not rows(held.train) & rows(held.test)


@pytest.mark.parametrize(
    "change, says",
    [
        ("search.held_out=0", "must be at least 1"),
        ("search.gamma=[7, 0.01]", "gamma: a range"),
        ("search.zeta=[0, 0.001]", "zeta: a range"),
        ("attractor.gamma=0", "must be positive"),
        ("design.seeds=1001", "where tuning begins"),
        ("design.shared=[0, 60]", "from 0 to 1, not at 60"),
        ("design.readings=[unit-gradient-mean]", "readings must name"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(change, says):
    with pytest.raises(protocols.ProtocolError, match=says):
        REGISTER.protocol("paper", [change])
