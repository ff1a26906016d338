"""Consolidating the first parameters alone: those that follow learn freely."""

from __future__ import annotations

import pytest
import torch

from common.learning.consolidation import Ewc, Mas, OnlineEwc, per_example_gradients
from common.learning.optimizers import Adam, Sgd
from tests.common.consolidations import ALL, NETWORK, PENALTIES, N, data, network_parameters, two_tasks


def first_two(name, optimizer, trained=4, tasks=2, strength=0.7):
    """A consolidation of the hidden layer alone and the parameters it trained, the first `trained` of NETWORK's."""
    parameters = network_parameters(0)
    own = ALL[name](parameters[:2], strength)
    descent = optimizer(parameters[:trained], 0.05)
    for task in range(tasks):
        for step in range(5):
            own.step(parameters, network_parameters(10 + 5 * task + step)[:trained], descent)
        own.end_task(parameters, NETWORK.logits, data(task))
    return own, parameters


@pytest.mark.parametrize("optimizer", [Adam, Sgd])
@pytest.mark.parametrize("name", ALL)
def test_what_follows_the_consolidated_parameters_trains_freely(name, optimizer):
    own, parameters = first_two(name, optimizer)
    _, plain = two_tasks("none", optimizer=optimizer)
    assert all(torch.equal(a, b) for a, b in zip(parameters[2:], plain[2:], strict=True))
    # the free ones change the outputs and so the importance of the others, but nothing else of the rule
    assert all(torch.equal(a, b) for a, b in zip(parameters[:2], plain[:2], strict=True)) == (name == "none")
    for values in own.state_dict().values():
        if isinstance(values, list):
            assert [value.shape for value in values] == [p.shape for p in parameters[:2]]


@pytest.mark.parametrize("name", PENALTIES)
def test_the_pull_on_the_consolidated_parameters_is_that_of_the_whole_and_on_the_others_none(name):
    """After one task, in which there is no pull yet, both hold the same importance of the first parameters."""
    part, parameters = first_two(name, Sgd, tasks=1)
    whole = ALL[name](network_parameters(0))
    other = network_parameters(0)
    descent = Sgd(other, 0.05)
    for step in range(5):
        whole.step(other, network_parameters(10 + step), descent)
    whole.end_task(other, NETWORK.logits, data(0))
    for values in ("importance", "anchor"):
        for a, b in zip(getattr(part, values), getattr(whole, values)[:2], strict=True):
            torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-14)
    moved, gradients = [p + 0.3 for p in parameters], network_parameters(7)
    found, expected = part.penalized(moved, gradients), whole.penalized(moved, gradients)
    assert len(found) == 4
    for place in range(4):
        if place < 2:
            torch.testing.assert_close(found[place], expected[place])
            assert not torch.equal(found[place], gradients[place])
        else:
            assert torch.equal(found[place], gradients[place])
    others_alone = [*whole.anchor[:2], *moved[2:]]
    torch.testing.assert_close(part.penalty(moved), whole.penalty(moved) - whole.penalty(others_alone))


@pytest.mark.parametrize("name", PENALTIES)
def test_a_tensor_that_is_not_trained_at_all_may_come_last(name):
    """Three tensors learn, of which two are consolidated; the fourth moves the outputs but has no gradient."""
    own, parameters = first_two(name, Sgd, trained=3)
    assert torch.equal(parameters[3], network_parameters(0)[3])
    assert len(own.importance) == 2 and all((omega > 0).any() for omega in own.importance)


def test_gradients_of_single_examples_can_be_those_of_the_first_parameters_alone():
    leaves = [p[0] for p in network_parameters(0)]
    given = data(0)

    def objective(logits, labels):
        return (logits**3).sum(1) * labels

    arguments = (objective, NETWORK.logits, leaves, given.inputs[0], given.labels[0])
    some, every = per_example_gradients(*arguments, count=3), per_example_gradients(*arguments)
    assert len(some) == 3 and len(every) == 4
    assert all(torch.equal(a, b) for a, b in zip(some, every))


@pytest.mark.parametrize("gamma", [1.0, 0.5])
def test_online_ewc_and_mas_anchor_the_consolidated_parameters_where_the_task_ended(gamma):
    parameters = network_parameters(3)
    for own in (OnlineEwc(parameters[:2], 1.0, N, gamma), Mas(parameters[:2], 1.0, N), Ewc(parameters[:2], 1.0, N)):
        own.anchor[0].fill_(9)
        own.end_task(parameters, NETWORK.logits, data(0))
        assert len(own.anchor) == 2
        torch.testing.assert_close(own.anchor[1], parameters[1])
        torch.testing.assert_close(own.anchor[0], parameters[0])
