"""What is compiled for CPUs against the same by torch's operations: pooled maps with their gradients, and a plain step of VECs."""

from __future__ import annotations

import pytest
import torch

from common.learning.optimizers import Sgd
from papers.dan import fused_maps, fused_step, method
from papers.dan.model import ConvolutionalDan, DanNetwork, pooled_maps
from tests.papers.dan.small import IMAGES, batch, network


def drawn(side, patches, maps=(3, 2), phenotypes=2, dtype=torch.float64):
    """Patches [P, N, side^2], and the weights and biases of two convolutions for each phenotype."""
    source = torch.Generator().manual_seed(side)
    shapes = [(maps[0], 1, 2, 2), (maps[0],), (maps[1], maps[0], 2, 2), (maps[1],)]
    weights = [torch.randn(phenotypes, *shape, generator=source, dtype=dtype) for shape in shapes]
    return torch.randn(phenotypes, patches, side**2, generator=source, dtype=dtype), weights


def compiled(inputs, *weights):
    return fused_maps.PooledMaps.apply(pooled_maps, inputs, *weights)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("side", "patches"), [(5, 1), (6, fused_maps.LANES), (10, fused_maps.LANES + 7)])
def test_pooled_maps_and_their_gradient_are_torchs(side, patches, dtype):
    inputs, weights = drawn(side, patches, dtype=dtype)
    leaves = [tensor.requires_grad_() for tensor in (inputs, *weights)]
    maps, expected = compiled(*leaves), pooled_maps(*leaves)
    torch.testing.assert_close(maps, expected)
    given = torch.randn_like(expected)
    tolerance = {torch.float32: 1e-3, torch.float64: 1e-10}[dtype]  # summed over many patches, in another order
    gradients = (torch.autograd.grad(of_maps, leaves, given) for of_maps in (maps, expected))
    torch.testing.assert_close(*gradients, atol=tolerance, rtol=tolerance)


def test_patches_that_lie_apart_in_memory_are_those_patches_also_where_weights_are_fixed():
    inputs, weights = drawn(5, 3)
    apart = inputs.mT.contiguous().mT.requires_grad_()
    maps, expected = compiled(apart, *weights), pooled_maps(apart, *weights)
    torch.testing.assert_close(maps, expected)
    torch.testing.assert_close(*(torch.autograd.grad(of_maps.sum(), apart) for of_maps in (maps, expected)))


def test_of_equal_pixels_the_first_gets_the_gradient():
    inputs, weights = drawn(5, 2, maps=(1, 1))
    inputs = torch.ones_like(inputs).requires_grad_()
    weights[0][:], weights[1][:], weights[2][:], weights[3][:] = 1.0, 0.0, 1.0, 0.0
    (gradient,) = torch.autograd.grad(compiled(inputs, *weights).sum(), inputs)
    expected = torch.zeros(5, 5, dtype=torch.float64)  # of nine equal sums of 2x2 sums of 2x2 pixels, the first
    expected[:3, :3] = torch.tensor([[1, 2, 1], [2, 4, 2], [1, 2, 1]])
    torch.testing.assert_close(gradient, expected.flatten().expand(2, 2, -1))


def test_a_gradients_gradient_is_torchs():
    inputs, weights = drawn(5, 4)
    leaves, seconds = [tensor.requires_grad_() for tensor in (inputs, *weights)], []
    for function in (compiled, pooled_maps):
        apart = leaves[0].mT.contiguous().mT
        firsts = torch.autograd.grad(function(apart, *leaves[1:]).square().sum(), leaves, create_graph=True)
        seconds.append(torch.autograd.grad(sum(first.square().sum() for first in firsts), leaves))
    torch.testing.assert_close(*seconds)


def test_the_network_uses_it(monkeypatch):
    built, theta, phi = network(IMAGES, "layer")
    inputs, _ = batch(IMAGES)
    before = built(theta, phi, inputs)
    monkeypatch.setattr(fused_maps, "_forward", lambda inputs, *weights_and_results: weights_and_results[-1].fill(0.0))
    assert not torch.equal(built(theta, phi, inputs), before)


WIDE = DanNetwork((36, 60, 36), ConvolutionalDan(25, (2, 2), 3), [(0, 2)], "layer")
assert fused_step.COLUMNS < WIDE.nodes[1] * 25  # more than are at hand at a time


@pytest.mark.parametrize("built", [WIDE, network(IMAGES, "layer")[0]], ids=["wide", "small"])
def test_a_step_at_once_is_the_optimizers_step_on_the_gradient(built):
    source = torch.Generator().manual_seed(2)
    theta = [torch.stack([tensor, tensor / 2]).double() for tensor in built.draw_synapses(source)]
    phi = [torch.stack([tensor, tensor * 2]).double() for tensor in built.draw_phenotypes(source)]
    examples, before, expected = batch(IMAGES, models=2), *([tensor.clone() for tensor in theta] for _ in range(2))
    Sgd(expected, 0.5).step(method.task_gradients(built, expected, phi, examples))
    method.learn_task(built, theta, phi, examples, Sgd(theta, 0.5))
    torch.testing.assert_close(theta, expected)
    assert not any(torch.equal(tensor, old) or tensor.requires_grad for tensor, old in zip(theta, before, strict=True))


def test_with_momentum_no_step_is_taken_at_once():
    built, theta, phi = network(IMAGES, "layer")
    optimizer = Sgd(theta, 0.5, momentum=0.9)
    method.learn_task(built, theta, phi, batch(IMAGES), optimizer)
    assert all(velocity.abs().max() > 0 for velocity in optimizer.velocities)
