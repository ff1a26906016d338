"""The benchmark of continual training runs, counts steps per network, and compares what was measured together."""

from __future__ import annotations

import re
import sys

import pytest
import torch

from benchmarks import continual
from common.learning.replicas import Mlp
from common.running.stage import TrainingError

CPU = torch.device("cpu")


@pytest.fixture
def few_images(monkeypatch):
    """A hundredth of MNIST, and few examples for the importances."""
    for name, value in {"TRAIN_IMAGES": 600, "TEST_IMAGES": 100, "EXAMPLES": 10}.items():
        monkeypatch.setattr(continual, name, value)


def printed(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["continual", "--repeats", "1", "--threads", "1", *arguments])
    continual.main()
    return capsys.readouterr().out.splitlines()


def test_methods_by_hand(few_images, monkeypatch, capsys):
    lines = printed(monkeypatch, capsys, "--steps", "4")
    assert "1 thread(s)" in lines[0] and "GFLOP" in lines[1] and "784-400-400-10" in lines[1]
    rows = [re.match(r"(.+), +(\d+) seeds? +(\d+) +(\d+) +(\d+)%", line).groups() for line in lines[3:]]
    expected = [("bare loop", "1")] + [(name, seeds) for seeds in ("1", "4", "10") for name in continual.METHODS]
    assert [row[:2] for row in rows] == expected
    assert all(int(number) > 0 for row in rows for number in row[2:])
    assert [line.endswith("of the bare loop") for line in lines[4:]] == [True, False, False, False] * 3
    assert sum(line.endswith("of fine-tuning") for line in lines) == 9


def test_split_by_hand(few_images, monkeypatch, capsys):
    lines = printed(monkeypatch, capsys, "split", "--steps", "3")
    steps, evaluated = map(int, re.search(r"(\d+) steps and (\d+) images", lines[1]).groups())
    sizes = torch.bincount(continual.random_images(600, CPU).labels // 2)
    assert steps == 10 * (sizes / 64).ceil().sum() and evaluated == 5 * 700
    assert [re.match(r"seeds at once: +(\d+) ", line)[1] for line in lines[2:]] == ["1", "7", "10"]


def test_a_step_counts_once_for_every_network():
    images = continual.random_images(300, CPU)
    loops = continual.method_loops(images, 3, 7, CPU)
    assert [(loop.name, loop.seeds, loop.units) for loop in loops] == [(name, 3, 6) for name in continual.METHODS]


@pytest.mark.parametrize("method", continual.METHODS)
def test_what_is_timed_trains_with_the_penalty_of_a_finished_task(method, monkeypatch):
    learners = []
    monkeypatch.setattr(continual, "SIZES", (784, 5, 10))
    monkeypatch.setattr(continual, "EXAMPLES", 10)
    original = continual.training_loop
    monkeypatch.setattr(continual, "training_loop", lambda *given: learners.append(given[1]) or original(*given))
    loops = continual.method_loops(continual.random_images(300, CPU), 2, 4, CPU)
    (place,) = [place for place, loop in enumerate(loops) if loop.name == method]
    learner, before = learners[place], [p.detach().clone() for p in learners[place].parameters]
    assert learner.consolidation.tasks == 1 and learner.consolidation.pulls == (method != "fine-tuning")
    assert any(omega.any() for omega in learner.consolidation.importance) == (method != "fine-tuning")
    loops[place].work()
    assert all(not torch.equal(p, old) for p, old in zip(learner.parameters, before))


def test_the_bare_loop_and_ours_make_the_same_step(monkeypatch):
    """From equal weights, one batch of unpermuted images moves both networks to the same place."""
    monkeypatch.setattr(continual, "SIZES", (784, 20, 15, 10))
    images, network = continual.random_images(300, CPU), Mlp(continual.SIZES)
    parameters = network.initial([0])
    layers, linear = [], torch.nn.Linear

    def recorded(n_in, n_out):
        layers.append(linear(n_in, n_out))
        with torch.no_grad():
            layers[-1].weight.copy_(parameters[2 * len(layers) - 2][0].T)
            layers[-1].bias.copy_(parameters[2 * len(layers) - 1][0])
        return layers[-1]

    monkeypatch.setattr(torch.nn, "Linear", recorded)
    continual.bare_loop(images, 1, CPU).work()
    index = torch.randint(300, (1, continual.BATCH), generator=continual.generator(0, "order"))
    inputs, labels = images.batch(index, [None])
    for parameter in parameters:
        parameter.requires_grad_()
    _, gradients = network.gradients(parameters, inputs, labels)
    continual.Sgd(parameters, continual.LEARNING_RATE).step(gradients)
    for place, layer in enumerate(layers):
        torch.testing.assert_close(layer.weight, parameters[2 * place][0].T)
        torch.testing.assert_close(layer.bias, parameters[2 * place + 1][0])


def test_random_images_are_as_dark_as_mnist():
    images = continual.random_images(500, CPU)
    assert images.pixels.shape == (500, 784) and (images.pixels > 0).float().mean() == pytest.approx(0.2, abs=0.01)
    assert torch.equal(images.pixels, continual.random_images(500, CPU).pixels)


def test_ratios_are_of_the_same_repeat_and_medians_of_all():
    one, other = continual.Speed([10, 40, 90], [1, 2, 9]), continual.Speed([10, 20, 30], [1, 1, 3])
    assert one.relative_to(other) == (2, 2)


def test_loops_take_turns_and_the_first_round_is_not_counted():
    calls = []
    loops = [continual.Loop(name, 1, 5, lambda name=name: calls.append(name)) for name in "ab"]
    speeds = continual.measure(loops, 3, CPU)
    assert calls == list("ab") * 4
    assert all(len(speed.cpu) == len(speed.wall) == 3 for speed in speeds.values())


def test_an_unstable_loop_is_not_timed(monkeypatch):
    monkeypatch.setattr(continual, "LEARNING_RATE", 1e30)
    with pytest.raises(TrainingError, match="not finite"):
        continual.method_loops(continual.random_images(300, CPU), 1, 8, CPU)


def test_sticky_gradient_by_hand(few_images, monkeypatch, capsys):
    lines = printed(monkeypatch, capsys, "sticky", "--steps", "2")
    assert "784-2000-10, batch 50" in lines[1]
    conditions = [
        re.match(r"([\w-]+) +[\d.]+ CPU ms a step, [+-]\d+% \(by the wall [+-]\d+%\)", line)[1] for line in lines[2:]
    ]
    assert conditions == ["control", "l1", "sticky", "sticky-l1", "ewc"]
    assert "+0% (by the wall +0%) beside control" in lines[2]
