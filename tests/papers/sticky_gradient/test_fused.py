"""The rule and Adam in one pass against the rule's own tensors and torch's Adam."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch

from common.learning.optimizers import Adam, Sgd
from papers.sticky_gradient import train
from papers.sticky_gradient.fused import FusedStickyGradient
from papers.sticky_gradient.method import StickyGradient, sticky
from papers.sticky_gradient.readings import reading
from tests.papers.sticky_gradient.small import SMOKE
from tests.papers.sticky_gradient.test_method import TABLE1

LITERAL = "unit-gradient-sum"
SINGLE = dataclasses.replace(TABLE1, a1=float(np.float32(TABLE1.a1)))  # where the weights set to a1 really are
SHAPES = [(2, 31, 50), (2, 50), (2, 50, 3), (2, 3)]


def tensors(seed, scale=1.0):
    source = torch.Generator().manual_seed(seed)
    return [torch.randn(shape, generator=source) * scale for shape in SHAPES]


def network():
    """Weights on both sides of the attractor, some at it and some at zero."""
    parameters = tensors(0, 0.3)
    parameters[0][:, 0] = TABLE1.a1
    parameters[0][:, 1] = 0.0
    return parameters


def trained(kind, name=LITERAL, attracted=True, l1=True, steps=1, make=lambda group: Adam(group, lr=1e-3)):
    parameters = network()
    optimizer, rule = make(parameters), kind(parameters, TABLE1, reading(name), attracted, l1)
    for step in range(steps):
        rule.step(parameters, tensors(10 + step, 1e-3), optimizer)
    return parameters, optimizer


@pytest.mark.parametrize(("attracted", "l1"), [(True, True), (True, False), (False, True)])
@pytest.mark.parametrize("name", [LITERAL, f"{LITERAL}-biases"])
def test_the_gradient_that_adam_sees_is_that_of_algorithm_1(name, attracted, l1):
    _, adam = trained(FusedStickyGradient, name, attracted, l1)
    for place, (weights, gradient, first) in enumerate(zip(network(), tensors(10, 1e-3), adam.first_moments)):
        expected = gradient.double()
        if place % 2 == 0 or "biases" in name:
            penalized = expected + TABLE1.zeta * l1 * weights.double().sign()
            expected = sticky(penalized, weights.double(), SINGLE) if attracted else penalized
        torch.testing.assert_close(first.double() / 0.1, expected, rtol=1e-5, atol=1e-8)
    at_attractor = adam.first_moments[0][:, 0]
    assert at_attractor.all() if not attracted else not at_attractor.any()
    assert adam.first_moments[0][:, 1].all()


def test_twenty_steps_lead_where_the_rule_and_adam_lead():
    found, adam = trained(FusedStickyGradient, steps=20)
    expected, reference = trained(StickyGradient, steps=20)
    assert [step.item() for step in adam.steps] == [20] * 4
    for place, (own, other, start) in enumerate(zip(found, expected, network())):
        # a gradient that L1 all but cancels may change its sign by rounding, and Adam makes a full step of it
        close = torch.isclose(own, other, rtol=0, atol=1e-5)
        assert close.float().mean() > 0.998 and (own - start).abs().median() > 1e-3
        if place % 2:  # biases are Adam's alone
            torch.testing.assert_close(own, other, rtol=1e-6, atol=1e-6)
    for own, other in zip(adam.second_moments, reference.second_moments):
        torch.testing.assert_close(own, other, rtol=1e-3, atol=1e-9)


def test_f_is_good_to_single_precision():
    weights = torch.linspace(-6, 6, 100_001).unsqueeze(0) + SINGLE.a1
    parameters, towards = [weights.clone()], torch.sign(weights - SINGLE.a1)
    adam = Adam(parameters, lr=1e-3)
    FusedStickyGradient(parameters, SINGLE, reading(LITERAL), True, False).step(parameters, [-towards], adam)
    distances = weights.double() - SINGLE.a1
    expected = -SINGLE.lambda_ * torch.expm1(-SINGLE.gamma * distances**2) * -towards
    # 1e-7 of lambda: what is lost where 1 - exp(...) cancels
    torch.testing.assert_close(adam.first_moments[0].double() / 0.1, expected, rtol=1e-6, atol=2e-7 * SINGLE.lambda_)


def test_a_weight_does_not_depend_on_those_beside_it():
    source = torch.Generator().manual_seed(3)
    weights, gradients = (torch.randn((1, 3072), generator=source) for _ in range(2))

    def moved(part):
        own = [weights[:, part].clone()]
        rule, adam = FusedStickyGradient(own, TABLE1, reading(LITERAL), True, True), Adam(own, lr=1e-2)
        for _ in range(5):
            rule.step(own, [gradients[:, part].clone()], adam)
        return own[0]

    whole = moved(slice(None))
    for start in (0, 1, 7, 64):
        for count in (1, 3, 17, 1024, 1029):
            part = slice(start, start + count)
            assert torch.equal(moved(part), whole[:, part])


def test_a_gradient_laid_out_otherwise_is_read_in_the_weights_order():
    parameters, turned = network(), network()
    gradients = tensors(10, 1e-3)
    for group, given in ((parameters, gradients), (turned, [g.mT.contiguous().mT for g in gradients])):
        FusedStickyGradient(group, TABLE1, reading(LITERAL), True, True).step(group, given, Adam(group, lr=1e-3))
    assert all(map(torch.equal, parameters, turned))


@pytest.mark.parametrize(
    "choices",
    [
        {"name": "unit-step-sum"},
        {"name": f"{LITERAL}-outside"},
        {"attracted": False, "l1": False},
        {"make": lambda group: Sgd(group, lr=0.1)},
    ],
)
def test_whatever_else_goes_the_way_of_the_rule_bit_for_bit(choices):
    found, _ = trained(FusedStickyGradient, steps=3, **choices)
    expected, _ = trained(StickyGradient, steps=3, **choices)
    assert all(map(torch.equal, found, expected)) and not torch.equal(found[0], network()[0])


def test_a_gradient_that_is_no_number_shows_in_the_weights():
    parameters, gradients = network(), tensors(10)
    gradients[0][1, 2, 3] = math.nan
    FusedStickyGradient(parameters, TABLE1, reading(LITERAL), True, True).step(
        parameters, gradients, Adam(parameters, lr=1e-3)
    )
    assert parameters[0].isnan().nonzero().tolist() == [[1, 2, 3]]


def test_it_is_what_trains_on_a_cpu():
    learner = train.learner(SMOKE.training, "sticky-l1-smart", TABLE1, reading(LITERAL), [0], torch.device("cpu"))
    assert type(learner.consolidation) is FusedStickyGradient
