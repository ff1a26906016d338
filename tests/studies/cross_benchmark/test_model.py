"""The plastic network equals DHP's own where both are the same, and a plain one where nothing is plastic."""

from __future__ import annotations

import pytest
import torch

from common.learning.randomness import generator
from common.learning.replicas import Mlp
from papers.dhp.model import Classifier, Perceptron
from papers.dhp.protocol import Condition
from studies.cross_benchmark.model import PLASTIC, Cnn, Plastic

SIZES, SEEDS = (6, 5, 4), [3, 4]


def parameters(network):
    found = [tensor.double() for tensor in network.initial(SEEDS)]
    found[-3] += 0.5  # alpha: large enough to be felt
    found[-1] += torch.rand(found[-1].shape, generator=generator(0, "trace"), dtype=torch.float64)
    return [tensor.requires_grad_() for tensor in found]


def batch():
    inputs = torch.randn(2, 8, 6, generator=generator(1, "inputs"), dtype=torch.float64)
    return inputs, torch.randint(3, (2, 8), generator=generator(2, "labels"))  # the last class has no example


def test_losses_gradients_and_trace_are_those_of_dhps_own_network():
    own = Plastic(Mlp(SIZES), eta=0.2)
    ours = parameters(own)
    theirs = [
        tensor.detach().clone().requires_grad_() for n, tensor in enumerate(ours) if n != 3
    ]  # it has no output bias
    other = Classifier(Perceptron(SIZES[:-1], slope=0.0), SIZES[-1], Condition(plastic=True, single=True), eta=0.2)
    for _ in range(2):
        losses, gradients = own.gradients(ours, *batch())
        expected, wanted = other.gradients(theirs, *batch())
        torch.testing.assert_close(losses, expected, rtol=1e-12, atol=0)
        del gradients[3]
        for found, other_gradient in zip(gradients, wanted, strict=True):
            torch.testing.assert_close(found, other_gradient, rtol=1e-11, atol=1e-14)
        torch.testing.assert_close(ours[-1], theirs[-1], rtol=1e-12, atol=0)
    torch.testing.assert_close(own.logits(ours, batch()[0]), other.logits(theirs, batch()[0]), rtol=1e-12, atol=0)


@pytest.mark.parametrize("network", [Mlp(SIZES), Cnn((2, 3), 5, 4)])
def test_slow_weights_start_as_those_of_every_other_method(network):
    plain, plastic = network.initial(SEEDS), Plastic(network, eta=0.2).initial(SEEDS)
    assert all(torch.equal(*pair) for pair in zip(plain, plastic[:-PLASTIC], strict=True))
    assert plastic[-2].eq(torch.tensor(0.2)).all()


def test_the_convolutional_network_is_the_one_that_torch_builds():
    network = Cnn((2, 3), 5, 4)
    parameters = network.initial(SEEDS)
    inputs = torch.randn(2, 7, 3, 32, 32, generator=generator(1, "inputs"))
    for replica in range(2):
        own = [tensor[replica] for tensor in parameters]
        convolutions = [torch.nn.Conv2d(n_in, n_out, 3, padding=1) for n_in, n_out in ((3, 2), (2, 3))]
        dense = [torch.nn.Linear(8 * 8 * 3, 5), torch.nn.Linear(5, 4)]
        for layer, weight, bias in zip((*convolutions, *dense), own[::2], own[1::2], strict=True):
            layer.weight.data = weight if weight.dim() == 4 else weight.T
            layer.bias.data = bias
        blocks = [part for layer in convolutions for part in (layer, torch.nn.ReLU(), torch.nn.MaxPool2d(2))]
        theirs = torch.nn.Sequential(*blocks, torch.nn.Flatten(), dense[0], torch.nn.ReLU(), dense[1])
        torch.testing.assert_close(network.logits(parameters, inputs)[replica], theirs(inputs[replica]))


def test_a_plastic_layer_without_its_alpha_is_a_plain_one():
    network = Cnn((2, 3), 5, 4)
    parameters = [tensor.double() for tensor in Plastic(network, eta=0.2).initial(SEEDS)]
    parameters[-3].zero_()
    parameters = [tensor.requires_grad_() for tensor in parameters]
    images = torch.randn(2, 7, 3, 32, 32, generator=generator(1, "inputs"), dtype=torch.float64)
    labels = torch.randint(4, (2, 7), generator=generator(2, "labels"))
    losses, gradients = Plastic(network, eta=0.2).gradients(parameters, images, labels)
    expected, wanted = network.gradients(parameters[:-PLASTIC], images, labels)
    for found, other in zip((losses, *gradients), (expected, *wanted), strict=False):
        torch.testing.assert_close(found, other, rtol=1e-10, atol=1e-12)
    assert parameters[-1].abs().sum() > 0  # the trace moves all the same
