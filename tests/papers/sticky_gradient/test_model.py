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


def test_number_of_parameters():
    assert count(initial("fanin")) == 1_590_010


@pytest.mark.parametrize("start, fans", [("fanin", (784, 2000)), ("fanout", (2000, 10))])
def test_kaiming_is_gaussian_with_gain_root_two_and_zero_biases(start, fans):
    first, first_bias, second, second_bias = initial(start)
    for weight, fan in zip((first, second), fans):
        assert float(weight.mean()) == pytest.approx(0, abs=0.03 * math.sqrt(2 / fan))
        assert float(weight.std()) == pytest.approx(math.sqrt(2 / fan), rel=0.02)
        assert float((weight / weight.std()).pow(4).mean()) == pytest.approx(3, rel=0.1)  # 1.8 if uniform
    assert not first_bias.any() and not second_bias.any()


def test_the_library_default_is_smaller_and_has_biases():
    first, bias, *_ = initial("library")
    assert float(first.std()) == pytest.approx(1 / math.sqrt(3 * 784), rel=0.01)
    assert 0.9 / 28 < float(bias.abs().max()) <= 1 / 28


def test_smart_initialisation_is_table_1_for_weights_or_for_everything():
    first, bias, second, _ = initial("fanin", PAPER.attractor)
    for weight in (first, second):
        assert float(weight.mean()) == pytest.approx(0.00363, abs=5e-4)
        assert float(weight.std()) == pytest.approx(0.0204, rel=0.02)
    assert not bias.any()
    _, bias, *_ = initial("fanin", PAPER.attractor, biases=True)
    assert float(bias.std()) == pytest.approx(0.0204, rel=0.1)


def test_all_tasks_are_permuted_and_some_pixels_shared(tmp_path):
    path = mnist(tmp_path)
    stream, _ = data.stream(path, 3, reading("unit-gradient-mean"), [0, 1], CPU)
    orders = [task.permutations[0] for replicas in stream.tasks for task in replicas]
    still = torch.arange(784)
    assert all((order == still).float().mean() < 0.02 and order.sort().values.equal(still) for order in orders)
    assert not orders[0].equal(orders[1]) and not orders[0].equal(orders[2])
    stream, _ = data.stream(path, 3, reading("unit-gradient-mean"), [0], CPU, shared=0.6)
    kept = torch.stack([task.permutations[0] == still for (task,) in stream.tasks])
    assert 470 <= int(kept.all(0).sum()) <= 475
    stream, _ = data.stream(path, 3, reading("unit-gradient-mean"), [0], CPU, shared=1.0)
    assert all(task.permutations[0].equal(still) for (task,) in stream.tasks)


def test_pixels_left_in_place_may_be_redrawn_for_each_task(tmp_path):
    path, still = mnist(tmp_path), torch.arange(784)
    kept = {}
    for name in ("same", "redrawn"):
        stream, _ = data.stream(path, 3, reading("unit-gradient-mean"), [0], CPU, shared=0.6, shared_pixels=name)
        kept[name] = torch.stack([task.permutations[0] == still for (task,) in stream.tasks])
        assert all(470 <= int(row.sum()) <= 478 for row in kept[name])
    assert kept["same"][0].equal(kept["redrawn"][0])  # drawn alike
    assert (kept["same"][0] & kept["same"][1]).sum() >= 470
    assert 0.3 < (kept["redrawn"][0] & kept["redrawn"][1]).float().mean() < 0.42  # 0.6 squared, and a few by chance


def test_inputs_are_in_0_to_1_or_centred_or_standardised(tmp_path):
    path = mnist(tmp_path)
    indices = torch.arange(5)[None]
    unit, centred, standardised = (
        data.stream(path, 1, reading(name), [0], CPU)[0].train.batch(indices, [None])[0]
        for name in ("unit-gradient-mean", "centred-gradient-mean", "standardised-gradient-mean")
    )
    assert 0 <= float(unit.min()) and 0.5 < float(unit.max()) <= 1
    torch.testing.assert_close(centred, 2 * unit - 1)
    torch.testing.assert_close(standardised, (unit - 0.1307) / 0.3081)


def test_searches_never_see_a_test_image(tmp_path):
    path = mnist(tmp_path)
    plain, _ = data.stream(path, 1, reading("unit-gradient-mean"), [FIRST_TUNING_SEED], CPU)
    held, _ = data.stream(path, 1, reading("unit-gradient-mean"), [FIRST_TUNING_SEED], CPU, held_out=20)
    rows = lambda images: {bytes(row.numpy().tobytes()) for row in images.pixels}
    assert len(held.test) == 20 and not rows(held.test) & rows(plain.test)
    assert rows(held.train) | rows(held.test) == rows(plain.train) and not rows(held.train) & rows(held.test)


@pytest.mark.parametrize(
    "change, says",
    [
        ("search.held_out=0", "must not see test images"),
        ("search.gamma=[7, 0.01]", "gamma: a range"),
        ("search.zeta=[0, 0.001]", "zeta: a range"),
        ("attractor.gamma=-1", "must be positive"),
        ("design.seeds=1001", "where tuning begins"),
        ("design.shared=[0, 60]", "from 0 to 1, not at 60"),
        ("design.readings=[unit-gradient-mean]", "readings must name"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(change, says):
    with pytest.raises(protocols.ProtocolError, match=says):
        REGISTER.protocol("paper", [change])
