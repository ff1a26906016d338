"""The plasticity function, the update rule and its switches against numbers worked out by hand."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch

from common.learning.consolidation import Ewc, OnlineEwc, ReestimatedEwc
from common.learning.optimizers import Adam, Sgd
from papers.sticky_gradient import train
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


def rule(parameters, name=PLAIN, attractor=TABLE1, attracted=True, l1=True):
    return StickyGradient(parameters, attractor, reading(name), attracted, l1)


def updated(parameters, gradients, make, **choices):
    own = [parameter.clone() for parameter in parameters]
    rule(own, **choices).step(own, [gradient.clone() for gradient in gradients], make(own))
    return own


def test_plasticity_of_table_1():
    found = plasticity(doubles(0.279, 0.279 + 0.243, 0.0, -0.06, 0.279 + 0.87, 9.0), TABLE1)
    assert found.tolist() == pytest.approx([0, 1, 1.26, 1.72, 0.97 * 4.12, 4.12], rel=0.01)
    assert found[0] == 0 and found[-1] == 4.12
    by_hand = 4.12 * (1 - math.exp(-4.70 * 0.279**2))
    assert float(found[2]) == pytest.approx(by_hand, rel=1e-12)


def test_limits_of_the_plasticity_function():
    weights = torch.linspace(-1, 1, 21, dtype=torch.float64)
    narrow = dataclasses.replace(TABLE1, a1=0.05, gamma=1e9)
    assert plasticity(weights, narrow).tolist() == pytest.approx([4.12] * 21)
    wide = dataclasses.replace(TABLE1, gamma=1e-12)
    assert plasticity(weights, wide).abs().max() < 1e-10
    deep = dataclasses.replace(TABLE1, lambda_=1e6)
    assert (plasticity(weights, deep) / 1e6).tolist() == pytest.approx((plasticity(weights, TABLE1) / 4.12).tolist())


def test_the_rule_on_both_sides_of_the_attractor_and_at_it():
    f = {weight: 4.12 * (1 - math.exp(-4.70 * (weight - 0.279) ** 2)) for weight in (0.5, 0.1)}
    weights = doubles(0.5, 0.5, 0.1, 0.1, 0.279, 0.279)
    gradients = doubles(2.0, -2.0, 2.0, -2.0, 3.0, -3.0)
    # above a1 a positive gradient leads down, towards it; below a1 a negative one leads up, towards it
    expected = [2.0, -2.0 * f[0.5], 2.0 * f[0.1], -2.0, 0.0, 0.0]
    assert sticky(gradients, weights, TABLE1).tolist() == pytest.approx(expected, rel=1e-12)


def test_one_step_of_algorithm_1_with_gradient_descent():
    parameters = [doubles(0.5, 0.1, -0.2, 0.279)[None, :, None], doubles(0.1)[None]]
    gradients = [doubles(0.01, 0.02, -0.01, 0.05)[None, :, None], doubles(0.04)[None]]
    weights, bias = updated(parameters, gradients, lambda group: Sgd(group, lr=0.5), name="unit-gradient-sum")
    expected = []
    for weight, gradient in ((0.5, 0.01), (0.1, 0.02), (-0.2, -0.01), (0.279, 0.05)):
        g = gradient + 0.000574 * math.copysign(1, weight)
        away = (weight - 0.279) * g <= 0
        expected.append(weight - 0.5 * g * (4.12 * (1 - math.exp(-4.70 * (weight - 0.279) ** 2)) if away else 1))
    assert weights.flatten().tolist() == pytest.approx(expected, rel=1e-12)
    assert weights[0, 3, 0] == 0.279
    assert bias.item() == pytest.approx(0.1 - 0.5 * 0.04)  # weights alone


def test_sticky_off_is_the_optimizer_alone_bit_for_bit():
    parameters, gradients = network(0), network(1)
    own = [parameter.clone() for parameter in parameters]
    Adam(own, lr=1e-3).step(gradients)
    for name in ("unit-gradient-sum", "unit-step-sum-biases"):
        found = updated(parameters, gradients, lambda group: Adam(group, lr=1e-3), name=name, attracted=False, l1=False)
        assert all(map(torch.equal, found, own))


def test_multiplying_the_step_scales_what_adam_did():
    parameters, gradients = network(0), network(1)
    plain = [parameter.clone() for parameter in parameters]
    Adam(plain, lr=1e-3).step(gradients)
    found = updated(parameters, gradients, lambda group: Adam(group, lr=1e-3), name="unit-step-none")
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
    count = 3 * 4 + 4 * 2
    for name, divisor in (("unit-gradient-sum", 1), ("unit-gradient-mean", count), ("unit-gradient-none", math.inf)):
        moved, parameters, gradients = effect(name, attracted=False, l1=True)
        for place in (0, 2):
            l1 = 0.000574 / divisor * parameters[place].sign()
            torch.testing.assert_close(moved[place], gradients[place] + l1, rtol=0, atol=1e-15)
        assert torch.allclose(moved[1], gradients[1], rtol=0, atol=1e-15)
    outside, parameters, gradients = effect("unit-gradient-sum-outside", attracted=True, l1=True)
    l1 = 0.000574 * parameters[0].sign()
    torch.testing.assert_close(outside[0], sticky(gradients[0], parameters[0], TABLE1) + l1, rtol=0, atol=1e-14)
    inside, *_ = effect("unit-gradient-sum", attracted=True, l1=True)
    torch.testing.assert_close(inside[0], sticky(gradients[0] + l1, parameters[0], TABLE1), rtol=0, atol=1e-14)
    assert not torch.allclose(inside[0], outside[0], rtol=0, atol=1e-6)
    biased, parameters, gradients = effect("unit-gradient-none-biases", attracted=True, l1=True)
    torch.testing.assert_close(biased[1], sticky(gradients[1], parameters[1], TABLE1), rtol=0, atol=1e-14)


def test_the_mean_counts_biases_only_where_l1_acts_on_them():
    moved, parameters, gradients = effect("unit-gradient-mean-biases", attracted=False, l1=True)
    l1 = 0.000574 / (3 * 4 + 4 + 4 * 2 + 2) * parameters[1].sign()
    torch.testing.assert_close(moved[1], gradients[1] + l1, rtol=0, atol=1e-15)


def test_gradients_are_left_as_they_were():
    parameters, gradients = network(0), network(1)
    kept = [gradient.clone() for gradient in gradients]
    rule(parameters, "unit-gradient-sum").step(parameters, gradients, Sgd(parameters, lr=1.0))
    assert all(map(torch.equal, gradients, kept))


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
    def made(condition):
        return train.learner(SMOKE.training, condition, TABLE1, reading(name), [0], torch.device("cpu"))

    ewc = made("ewc")
    assert type(ewc.consolidation) is kind and ewc.consolidation.strength == SMOKE.training.ewc_strength
    assert ewc.network.start == start
    assert made("control").network.start == made("sticky-l1").network.start == reading(name).start
    assert [made(condition).network.smart for condition in ("sticky-l1", "sticky-l1-smart")] == [None, TABLE1]


def test_parts_of_the_method_need_its_hyperparameters():
    for condition in ("smart", "l1", "sticky"):
        with pytest.raises(ValueError, match=f"'{condition}' needs hyperparameters"):
            train.learner(SMOKE.training, condition, None, reading(PLAIN), [0], torch.device("cpu"))


def test_space_to_compute_in_changes_no_number():
    weights, gradients = network(0)[0], network(1)[0]
    space = [torch.full_like(weights, math.nan) for _ in range(2)]
    found = sticky(gradients, weights, TABLE1, space)
    assert found is space[0] and torch.equal(found, sticky(gradients, weights, TABLE1))
