"""The plasticity function, the update rule and its switches against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from common.learning.consolidation import Ewc, OnlineEwc, ReestimatedEwc
from common.learning.optimizers import Adam, Sgd
from papers.sticky_gradient import train
from papers.sticky_gradient.fused import FusedStickyGradient
from papers.sticky_gradient.method import StickyGradient, plasticity, sticky
from papers.sticky_gradient.protocol import Attractor
from papers.sticky_gradient.readings import reading
from tests.papers.sticky_gradient.constructed import PUBLISHED
from tests.papers.sticky_gradient.small import SMOKE

TABLE1 = Attractor(**PUBLISHED)
PLAIN = "unit-gradient-none"


def doubles(*values):
    return torch.tensor(values, dtype=torch.float64)


def network(seed=0):
    """Two replicas of weight, bias, weight, bias."""
    source = torch.Generator().manual_seed(seed)
    shapes = [(2, 3, 4), (2, 4), (2, 4, 2), (2, 2)]
    return [torch.randn(shape, generator=source, dtype=torch.float64) for shape in shapes]


def updated(parameters, gradients, make, name, attracted=True, l1=True):
    own, given = ([tensor.clone() for tensor in group] for group in (parameters, gradients))
    StickyGradient(own, TABLE1, reading(name), attracted, l1).step(own, given, make(own))
    assert all(map(torch.equal, given, gradients))  # which are left as they were
    return own


def f(weight):
    """Eq. 1 by hand, with the values of Table 1."""
    return 4.12 * (1 - math.exp(-4.70 * (weight - 0.279) ** 2))


def test_plasticity_of_table_1():
    weights = (0.279, 0.279 + 0.243, 0.0, -0.06, 0.279 + 0.87, 9.0)
    found = plasticity(doubles(*weights), TABLE1).tolist()
    assert found == pytest.approx([0, 1, 1.26, 1.72, 0.97 * 4.12, 4.12], rel=0.01)
    assert found == pytest.approx([f(weight) for weight in weights], rel=1e-12)
    assert found[0] == 0 and found[-1] == 4.12


def test_one_step_of_algorithm_1_with_gradient_descent():
    """On both sides of the attractor, towards it and away, and at it; biases are left to gradient descent."""
    pairs = [(0.5, 0.01), (0.5, -0.03), (0.1, 0.02), (-0.2, -0.01), (0.279, 0.05), (0.279, -0.05)]
    parameters, gradients = ([doubles(*column)[None, :, None], doubles(0.1)[None]] for column in zip(*pairs))
    weights, bias = updated(parameters, gradients, lambda group: Sgd(group, lr=0.5), name="unit-gradient-sum")
    expected = []
    for weight, gradient in pairs:
        g = gradient + 0.000574 * math.copysign(1, weight)
        away = (weight - 0.279) * g <= 0  # above a1 a positive gradient leads down, towards it
        expected.append(weight - 0.5 * g * (f(weight) if away else 1))
    assert weights.flatten().tolist() == pytest.approx(expected, rel=1e-12)
    assert weights[0, 4:, 0].tolist() == [0.279, 0.279]
    assert bias.item() == pytest.approx(0.1 - 0.5 * 0.1)
    space = [torch.full_like(weights, math.nan) for _ in range(2)]
    found = sticky(gradients[0], weights, TABLE1, space)
    assert found is space[0] and torch.equal(found, sticky(gradients[0], weights, TABLE1))


def test_off_it_is_adam_alone_and_multiplying_the_step_scales_what_adam_did():
    def adam(group):
        return Adam(group, lr=1e-3)

    parameters, gradients = network(0), network(1)
    plain = [parameter.clone() for parameter in parameters]
    adam(plain).step(gradients)
    for name in ("unit-gradient-sum", "unit-step-sum-biases"):
        assert all(map(torch.equal, updated(parameters, gradients, adam, name, attracted=False, l1=False), plain))
    found = updated(parameters, gradients, adam, "unit-step-none")
    for place in (0, 2):
        step = plain[place] - parameters[place]
        away = (parameters[place] - TABLE1.a1) * -step <= 0
        factor = torch.where(away, plasticity(parameters[place], TABLE1), 1.0)
        torch.testing.assert_close(found[place] - parameters[place], factor * step, rtol=1e-9, atol=1e-15)
        assert away.any() and not away.all()
    assert torch.equal(found[1], plain[1]) and torch.equal(found[3], plain[3])


def effect(name, attracted, l1):
    """What is added to or multiplied into the gradient, read off a step of gradient descent with rate 1."""
    parameters, gradients = network(0), network(1)
    found = updated(parameters, gradients, lambda group: Sgd(group, lr=1.0), name=name, attracted=attracted, l1=l1)
    return [before - after for before, after in zip(parameters, found)], parameters, gradients


def test_each_switch_changes_what_it_says():
    weights, biases = 3 * 4 + 4 * 2, 4 + 2
    for name, divisor in (("sum", 1), ("mean", weights), ("none", math.inf), ("mean-biases", weights + biases)):
        moved, parameters, gradients = effect(f"unit-gradient-{name}", attracted=False, l1=True)
        for place in range(4):
            acts = place % 2 == 0 or "biases" in name
            l1 = acts * 0.000574 / divisor * parameters[place].sign()
            torch.testing.assert_close(moved[place], gradients[place] + l1, rtol=0, atol=1e-15)
    outside, parameters, gradients = effect("unit-gradient-sum-outside", attracted=True, l1=True)
    l1 = 0.000574 * parameters[0].sign()
    torch.testing.assert_close(outside[0], sticky(gradients[0], parameters[0], TABLE1) + l1, rtol=0, atol=1e-14)
    inside, *_ = effect("unit-gradient-sum", attracted=True, l1=True)
    torch.testing.assert_close(inside[0], sticky(gradients[0] + l1, parameters[0], TABLE1), rtol=0, atol=1e-14)
    assert not torch.allclose(inside[0], outside[0], rtol=0, atol=1e-6)
    biased, parameters, gradients = effect("unit-gradient-none-biases", attracted=True, l1=True)
    torch.testing.assert_close(biased[1], sticky(gradients[1], parameters[1], TABLE1), rtol=0, atol=1e-14)


@pytest.mark.parametrize(
    "name, kind, start",
    [
        (PLAIN, Ewc, "fanin"),
        (f"{PLAIN}-fanout", Ewc, "fanout"),
        (f"{PLAIN}-online-library", OnlineEwc, "library"),
        (f"{PLAIN}-fanout-public", ReestimatedEwc, "library"),
        (f"{PLAIN}-fanout-public-alike", ReestimatedEwc, "fanout"),
    ],
)
def test_which_penalty_ewc_has_and_where_each_condition_starts(name, kind, start):
    def made(condition, attractor=TABLE1):
        return train.learner(SMOKE.training, condition, attractor, reading(name), [0], torch.device("cpu"))

    ewc = made("ewc")
    assert type(ewc.consolidation) is kind and ewc.consolidation.strength == SMOKE.training.ewc_strength
    assert ewc.network.start == start
    assert made("control").network.start == made("sticky-l1").network.start == reading(name).start
    assert [made(condition).network.smart for condition in ("sticky-l1", "sticky-l1-smart")] == [None, TABLE1]
    assert type(made("sticky").consolidation) is type(made("l1").consolidation) is FusedStickyGradient  # on a CPU
    for condition in ("smart", "l1", "sticky"):
        with pytest.raises(ValueError, match=f"'{condition}' needs hyperparameters"):
            made(condition, attractor=None)
