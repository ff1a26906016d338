"""A plain step of VECs compiled for CPUs against the optimizer's step on the gradient."""

from __future__ import annotations

import pytest
import torch

from common.learning.optimizers import Sgd
from papers.dan import fused_step, method
from papers.dan.model import ConvolutionalDan, DanNetwork
from tests.papers.dan.small import IMAGES, batch, network

WIDE = DanNetwork(
    (36, 60, 36), ConvolutionalDan(25, (2, 2), 3), [(0, 2)], "layer"
)  # more columns than are at hand at a time


@pytest.mark.parametrize("built", [WIDE, network(IMAGES, "layer")[0]], ids=["wide", "small"])
def test_a_step_at_once_is_the_optimizers_step_on_the_gradient(built):
    source = torch.Generator().manual_seed(2)
    theta = [torch.stack([tensor, tensor / 2]).double() for tensor in built.draw_synapses(source)]
    phi = [torch.stack([tensor, tensor * 2]).double() for tensor in built.draw_phenotypes(source)]
    examples, before = batch(IMAGES, models=2), [tensor.clone() for tensor in theta]
    expected = [tensor.clone() for tensor in theta]
    Sgd(expected, 0.5).step(method.task_gradients(built, expected, phi, examples))
    method.learn_task(built, theta, phi, examples, Sgd(theta, 0.5))
    torch.testing.assert_close(theta, expected)
    assert not any(torch.equal(tensor, old) or tensor.requires_grad for tensor, old in zip(theta, before, strict=True))
    assert fused_step.COLUMNS < WIDE.nodes[1] * 25


def test_with_momentum_no_step_is_taken_at_once():
    built, theta, phi = network(IMAGES, "layer")
    optimizer = Sgd(theta, 0.5, momentum=0.9)
    method.learn_task(built, theta, phi, batch(IMAGES), optimizer)
    assert all(velocity.abs().max() > 0 for velocity in optimizer.velocities)
