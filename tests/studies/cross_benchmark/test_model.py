"""The plastic network equals DHP's own where both are the same, and a plain one where nothing is plastic."""

from __future__ import annotations

import torch

from common.learning.randomness import generator
from common.learning.replicas import Mlp
from papers.dhp.model import Classifier, Perceptron
from papers.dhp.protocol import Condition
from studies.cross_benchmark.model import PlasticMlp

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
    own = PlasticMlp(SIZES, eta=0.2)
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


def test_slow_weights_start_as_those_of_every_other_method():
    plain, plastic = Mlp(SIZES).initial(SEEDS), PlasticMlp(SIZES, eta=0.2).initial(SEEDS)
    assert all(torch.equal(*pair) for pair in zip(plain, plastic[: len(plain)], strict=True))
    assert len(plastic) == len(plain) + 3 and plastic[-2].eq(torch.tensor(0.2)).all()
