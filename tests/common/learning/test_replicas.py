"""A batch of replicas computes what separate networks compute, layer by layer and with the same random numbers."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from common.learning import replicas
from common.learning.randomness import generator
from common.learning.replicas import Mlp
from tests.common.learners import DoubleMlp, random

R, B = 3, 5


@pytest.mark.parametrize("padding", [0, 1])
@pytest.mark.parametrize("count", [1, R])
@pytest.mark.parametrize("batch", [1, B])  # single images are convolved in a way of their own
def test_convolution_and_its_gradients_are_torch_conv2d_per_replica(padding, count, batch):
    tensors = [random(count, batch, 2, 6, 7), random(count, 4, 2, 3, 3, seed=1), random(count, 4, seed=2)]
    for tensor in tensors:
        tensor.requires_grad_()
    output = replicas.conv2d(*tensors, padding=padding)
    expected = torch.stack([functional.conv2d(*(t[r] for t in tensors), padding=padding) for r in range(count)])
    assert output.shape == (count, batch, 4, 4 + 2 * padding, 5 + 2 * padding)
    torch.testing.assert_close(output, expected)
    ours, theirs = (torch.autograd.grad((out**3).sum(), tensors) for out in (output, expected))
    torch.testing.assert_close(ours, theirs)


def test_max_pool_is_torch_max_pool2d_per_replica_and_drops_the_odd_edge():
    inputs = random(R, B, 2, 6, 7)
    output = replicas.max_pool(inputs, 2)
    assert output.shape == (R, B, 2, 3, 3)
    for r in range(R):
        assert torch.equal(output[r], functional.max_pool2d(inputs[r], 2))


@pytest.mark.parametrize("shape", [(B, 40), (B, 3, 4, 4)])
def test_dropout_masks_of_a_replica_do_not_depend_on_its_neighbours(shape):
    inputs = random(R, *shape)
    together = replicas.dropout(inputs, 0.3, [generator(seed) for seed in range(R)])
    for r in range(R):
        alone = replicas.dropout(inputs[r : r + 1], 0.3, [generator(r)])
        assert torch.equal(together[r], alone[0])
    masks = together != 0
    assert not torch.equal(masks[0], masks[1])


def test_dropout_zeroes_the_given_share_and_keeps_the_mean():
    output = replicas.dropout(torch.ones(1, 100, 400), 0.25, [generator("dropout")])
    assert output.unique().tolist() == pytest.approx([0, 4 / 3])
    # 40000 draws: 5 standard deviations are 0.011
    assert (output == 0).float().mean().item() == pytest.approx(0.25, abs=0.011)


def test_dropout_without_generators_or_rate_is_the_identity():
    inputs = random(R, B, 4)
    assert torch.equal(replicas.dropout(inputs, 0.5, None), inputs)
    assert torch.equal(replicas.dropout(inputs, 0.0, [generator(r) for r in range(R)]), inputs)


def test_glorot_weights_fill_their_interval():
    weights = replicas.glorot_uniform((200, 100), 200, 100, generator(0))
    bound = math.sqrt(6 / 300)
    assert weights.abs().max() <= bound
    assert weights.max() > 0.999 * bound
    assert weights.std().item() == pytest.approx(bound / math.sqrt(3), rel=0.02)


@pytest.mark.parametrize("active", [None, [1, 3]])
def test_cross_entropy_is_over_the_active_outputs_alone(active):
    logits = random(R, B, 4).requires_grad_()
    labels = torch.tensor([1, 3, 3, 1, 1]).expand(R, B)
    outputs = None if active is None else torch.tensor([False, True, False, True])
    chosen = list(range(4)) if active is None else active
    losses = replicas.cross_entropy(logits, labels, outputs)
    expected = torch.zeros(R, dtype=torch.float64)
    for r in range(R):
        for b in range(B):
            expected[r] -= logits[r, b, labels[r, b]] - logits[r, b, chosen].exp().sum().log()
    torch.testing.assert_close(losses, expected / B)
    (gradient,) = torch.autograd.grad(losses.sum(), logits)
    assert gradient.isfinite().all()
    if active is not None:
        assert (gradient[..., [0, 2]] == 0).all()
        assert replicas.masked(logits, outputs).argmax(-1).unique().tolist() == [1, 3]


def test_initial_parameters_of_a_seed_are_the_same_in_every_batch_and_zero_output_changes_the_last_weights_alone():
    network = Mlp((6, 5, 4, 3))
    alone, batch = network.initial([7]), network.initial([2, 7, 9])
    assert [tuple(p.shape) for p in batch] == [(3, 6, 5), (3, 5), (3, 5, 4), (3, 4), (3, 4, 3), (3, 3)]
    assert replicas.count(batch) == 6 * 5 + 5 + 5 * 4 + 4 + 4 * 3 + 3
    for own, all_seeds in zip(alone, batch, strict=True):
        assert torch.equal(own[0], all_seeds[1])
    assert not torch.equal(batch[0][0], batch[0][1])
    assert not torch.equal(network.initial([7], "initialisation for task 2")[0], alone[0])
    assert all((bias == 0).all() for bias in batch[1::2])
    *others, last, _ = Mlp((6, 5, 4, 3), zero_output=True).initial([7])
    assert (last == 0).all() and (batch[4] != 0).any() and all(map(torch.equal, others, alone))


def test_logits_are_those_of_a_perceptron():
    network = DoubleMlp((6, 5, 4, 3))
    parameters = [random(*p.shape, seed=place) for place, p in enumerate(network.initial(range(R)), start=1)]
    inputs = random(R, B, 6)
    for r in range(R):
        hidden = inputs[r]
        for layer in (0, 2):
            hidden = (hidden @ parameters[layer][r] + parameters[layer + 1][r]).clamp(min=0)
        expected = hidden @ parameters[4][r] + parameters[5][r]
        torch.testing.assert_close(network.logits(parameters, inputs)[r], expected)


def test_gradients_of_a_batch_are_those_of_separate_networks_also_with_dropout_and_masked_outputs():
    network = DoubleMlp((6, 8, 8, 4), dropout_rate=0.5)
    parameters = [p.requires_grad_() for p in network.initial(range(R))]
    inputs, labels = random(R, B, 6), torch.tensor([1, 3, 3, 1, 1]).expand(R, B)
    active = torch.tensor([False, True, False, True])
    losses, gradients = network.gradients(parameters, inputs, labels, active, [generator(r) for r in range(R)])
    assert losses.shape == (R,)
    assert not losses.requires_grad
    for r in range(R):
        own = [p[r : r + 1].detach().requires_grad_() for p in parameters]
        loss, expected = network.gradients(own, inputs[r : r + 1], labels[r : r + 1], active, [generator(r)])
        torch.testing.assert_close(losses[r], loss[0])
        for together, alone in zip(gradients, expected, strict=True):
            torch.testing.assert_close(together[r], alone[0])
    without, _ = network.gradients(parameters, inputs, labels, active)
    assert not torch.allclose(without, losses)
