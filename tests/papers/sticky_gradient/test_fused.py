"""The rule and Adam in one pass against the rule's own tensors and torch's Adam."""

from __future__ import annotations

import dataclasses
import math

import numpy
import pytest
import torch

from common.learning.optimizers import Adam, Sgd
from papers.sticky_gradient.fused import FusedStickyGradient
from papers.sticky_gradient.method import StickyGradient, sticky
from papers.sticky_gradient.readings import reading
from tests.papers.sticky_gradient.test_method import TABLE1

LITERAL = "unit-gradient-sum"
SINGLE = dataclasses.replace(TABLE1, a1=float(numpy.float32(TABLE1.a1)))  # where the weights set to a1 really are
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


def stepped(parameters, gradients, kind=FusedStickyGradient, name=LITERAL, attracted=True, l1=True, make=Adam):
    """Updates the parameters by one gradient after the other; returns the optimizer."""
    optimizer, rule = make(parameters, 1e-3), kind(parameters, SINGLE, reading(name), attracted, l1)
    for gradient in gradients:
        rule.step(parameters, gradient, optimizer)
    return optimizer


@pytest.mark.parametrize(("attracted", "l1"), [(True, True), (True, False), (False, True)])
@pytest.mark.parametrize("name", [LITERAL, f"{LITERAL}-biases"])
def test_the_gradient_that_adam_sees_is_that_of_algorithm_1(name, attracted, l1):
    gradients = tensors(10, 1e-3)
    adam = stepped(network(), [gradients], name=name, attracted=attracted, l1=l1)
    for place, (weights, gradient, first) in enumerate(zip(network(), gradients, adam.first_moments)):
        expected = gradient.double()
        if place % 2 == 0 or "biases" in name:
            penalized = expected + TABLE1.zeta * l1 * weights.double().sign()
            expected = sticky(penalized, weights.double(), SINGLE) if attracted else penalized
        torch.testing.assert_close(first.double() / 0.1, expected, rtol=1e-5, atol=1e-8)
    at_attractor = adam.first_moments[0][:, 0]
    assert at_attractor.all() if not attracted else not at_attractor.any()
    assert adam.first_moments[0][:, 1].all()


def test_twenty_steps_lead_where_the_rule_and_adam_lead():
    found, expected, gradients = network(), network(), [tensors(10 + step, 1e-3) for step in range(20)]
    adam, reference = stepped(found, gradients), stepped(expected, gradients, StickyGradient)
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
    away = -torch.sign(weights - SINGLE.a1)
    adam = stepped([weights.clone()], [[away]], l1=False)
    expected = -SINGLE.lambda_ * torch.expm1(-SINGLE.gamma * (weights.double() - SINGLE.a1) ** 2) * away
    # 1e-7 of lambda: what is lost where 1 - exp(...) cancels
    torch.testing.assert_close(adam.first_moments[0].double() / 0.1, expected, rtol=1e-6, atol=2e-7 * SINGLE.lambda_)


def test_a_weight_does_not_depend_on_those_beside_it():
    source = torch.Generator().manual_seed(3)
    weights, gradients = (torch.randn((1, 3072), generator=source) for _ in range(2))

    def moved(part):
        own = [weights[:, part].clone()]
        stepped(own, [[gradients[:, part].clone()]] * 5)
        return own[0]

    whole = moved(slice(None))
    for start in (0, 1, 7, 64):
        for count in (1, 3, 17, 1024, 1029):
            part = slice(start, start + count)
            assert torch.equal(moved(part), whole[:, part])


def test_a_gradient_that_is_no_number_shows_in_the_weights():
    parameters, gradients = network(), tensors(10)
    gradients[0][1, 2, 3] = math.nan
    stepped(parameters, [gradients])
    assert parameters[0].isnan().nonzero().tolist() == [[1, 2, 3]]


@pytest.mark.parametrize(
    "choices",
    [{"name": "unit-step-sum"}, {"name": f"{LITERAL}-outside"}, {"attracted": False, "l1": False}, {"make": Sgd}],
)
def test_whatever_else_goes_the_way_of_the_rule_bit_for_bit(choices):
    found, expected, gradients = network(), network(), [tensors(10 + step, 1e-3) for step in range(3)]
    stepped(found, gradients, **choices)
    stepped(expected, gradients, StickyGradient, **choices)
    assert all(map(torch.equal, found, expected)) and not torch.equal(found[0], network()[0])
