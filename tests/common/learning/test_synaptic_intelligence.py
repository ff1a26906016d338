"""Synaptic Intelligence, worked by hand."""

from __future__ import annotations

import math

import pytest
import torch

from common.learning.consolidation import SynapticIntelligence
from common.learning.optimizers import Adam, Sgd


def one_parameter(value=0.0):
    return [torch.tensor([[value]], dtype=torch.float64)]


def values(tensors):
    return [tensor.item() for tensor in tensors]


def test_si_with_gradient_descent_takes_the_gradient_without_the_penalty_and_the_step_with_it():
    theta = one_parameter()
    si, descent = SynapticIntelligence(theta, 1.0, 1.0), Sgd(theta, 0.5)
    # The first task: theta = 1, omega = 1/2 + 1/2, Omega = 1 / (1 + 1).
    for _ in range(2):
        si.step(theta, one_parameter(-1.0), descent)
    assert values(theta) == values(si.path_integral) == [1.0]
    si.end_task(theta, None, None)
    assert values(si.importance) == [0.5] and values(si.anchor) == [1.0] and values(si.path_integral) == [0.0]
    # theta = 1: no pull; change 1
    si.step(theta, one_parameter(-2.0), descent)
    assert values(theta) == values(si.path_integral) == [2.0]
    # theta = 2: the pull is 2 c Omega (2 - 1) = 1, so the step is -0.5 (-2 + 1) = 0.5, and omega grows by 2 * 0.5.
    # With the penalized gradient it would grow by 1 * 0.5; with the step of the loss alone by 2 * 1.
    si.step(theta, one_parameter(-2.0), descent)
    assert values(theta) == [2.5]
    assert values(si.path_integral) == [3.0]
    si.end_task(theta, None, None)
    assert values(si.importance) == pytest.approx([0.5 + 3 / (1.5**2 + 1)], rel=1e-15)
    assert values(si.anchor) == [2.5]


def test_si_with_adam_takes_the_step_that_adam_made():
    theta = one_parameter()
    si, adam = SynapticIntelligence(theta, 1.0, 0.25), Adam(theta, 0.5, (0.5, 0.5), 1e-300)
    # Adam's first step is the learning rate, whatever the gradient; -lr g would be -1.5.
    si.step(theta, one_parameter(3.0), adam)
    assert values(theta) == pytest.approx([-0.5], rel=1e-14)
    assert values(si.path_integral) == pytest.approx([1.5], rel=1e-14)
    # m = (1.5 / 2 - 1 / 2) / (3 / 4) = 1/3, v = (4.5 / 2 + 1 / 2) / (3 / 4) = 11/3: on downwards, against the gradient
    si.step(theta, one_parameter(-1.0), adam)
    second = 0.5 * (1 / 3) / math.sqrt(11 / 3)
    assert values(theta) == pytest.approx([-0.5 - second], rel=1e-14)
    assert values(si.path_integral) == pytest.approx([1.5 - second], rel=1e-14)
    si.end_task(theta, None, None)
    assert values(si.importance) == pytest.approx([(1.5 - second) / ((0.5 + second) ** 2 + 0.25)], rel=1e-14)


def test_si_clips_the_sum_of_importances_at_zero_and_not_the_single_task():
    theta = [torch.zeros(1, 3, dtype=torch.float64)]
    si = SynapticIntelligence(theta, 1.0, 0.5)
    for omega, expected in (
        ([0.25, 0.25, -0.25], [0.5, 0.5, 0.0]),
        ([-0.125, -0.5, 0.125], [0.25, 0.0, 0.25]),
        ([0.125, 0.125, 0.125], [0.5, 0.25, 0.5]),
    ):
        si.path_integral[0].copy_(torch.tensor([omega]))
        si.end_task(theta, None, None)
        assert si.importance[0].tolist() == [expected]
