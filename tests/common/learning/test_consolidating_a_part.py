"""Consolidating the first parameters alone: those that follow learn freely."""

from __future__ import annotations

import pytest
import torch

from common.learning.consolidation import Ewc, Mas, OnlineEwc
from common.learning.optimizers import Adam, Sgd
from tests.common.consolidations import ALL, NETWORK, PENALTIES, N, after_tasks, data, network_parameters


@pytest.mark.parametrize("optimizer", [Adam, Sgd])
@pytest.mark.parametrize("name", ALL)
def test_what_follows_the_consolidated_parameters_trains_freely(name, optimizer):
    own, parameters = after_tasks(name, optimizer=optimizer, consolidated=2)
    _, plain = after_tasks("none", optimizer=optimizer)
    assert all(torch.equal(a, b) for a, b in zip(parameters[2:], plain[2:], strict=True))
    # the free ones change the outputs and so the importance of the others, but nothing else of the rule
    assert all(torch.equal(a, b) for a, b in zip(parameters[:2], plain[:2], strict=True)) == (name == "none")
    for values in own.state_dict().values():
        if isinstance(values, list):
            assert [value.shape for value in values] == [p.shape for p in parameters[:2]]


@pytest.mark.parametrize("name", PENALTIES)
def test_the_pull_on_the_consolidated_parameters_is_that_of_the_whole_and_on_the_others_none(name):
    """After one task, in which there is no pull yet, both hold the same importance of the first parameters."""
    part, parameters = after_tasks(name, optimizer=Sgd, tasks=1, consolidated=2)
    whole, _ = after_tasks(name, optimizer=Sgd, tasks=1)
    for values in ("importance", "anchor"):
        for a, b in zip(getattr(part, values), getattr(whole, values)[:2], strict=True):
            torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-14)
    moved, gradients = [p + 0.3 for p in parameters], network_parameters(7)
    found, expected = part.penalized(moved, gradients), whole.penalized(moved, gradients)
    torch.testing.assert_close(found[:2], expected[:2])
    assert [torch.equal(a, b) for a, b in zip(found, gradients, strict=True)] == [False, False, True, True]
    others_alone = [*whole.anchor[:2], *moved[2:]]
    torch.testing.assert_close(part.penalty(moved), whole.penalty(moved) - whole.penalty(others_alone))


@pytest.mark.parametrize("name", PENALTIES)
def test_a_tensor_that_is_not_trained_at_all_may_come_last(name):
    """Three tensors learn, of which two are consolidated; the fourth moves the outputs but has no gradient."""
    own, parameters = after_tasks(name, optimizer=Sgd, consolidated=2, trained=3)
    assert torch.equal(parameters[3], network_parameters(0)[3])
    assert len(own.importance) == 2 and all((omega > 0).any() for omega in own.importance)


@pytest.mark.parametrize("gamma", [1.0, 0.5])
def test_online_ewc_and_mas_anchor_the_consolidated_parameters_where_the_task_ended(gamma):
    parameters = network_parameters(3)
    for own in (OnlineEwc(parameters[:2], 1.0, N, gamma), Mas(parameters[:2], 1.0, N), Ewc(parameters[:2], 1.0, N)):
        own.anchor[0].fill_(9)
        own.end_task(parameters, NETWORK.logits, data(0))
        torch.testing.assert_close(own.anchor, parameters[:2])
