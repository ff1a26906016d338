"""The networks: the published sizes, the same outputs as torch.nn's layers, and how they start and drop out."""

from __future__ import annotations

import pytest
import torch

from common.learning.randomness import generator
from common.learning.replicas import count
from papers.synaptic_intelligence import model, runs
from papers.synaptic_intelligence.model import Cnn, build
from tests.papers.synaptic_intelligence.small import PAPER, PLANS, SMOKE


@pytest.mark.parametrize(
    "benchmark, parameters", [("split_mnist", 269_322), ("permuted_mnist", 5_592_010), ("cifar", 1_276_508)]
)
def test_networks_have_the_published_size_and_the_rules_know_it(benchmark, parameters):
    assert runs.parameters(PAPER, benchmark) == parameters
    for protocol in PLANS.values():
        network = build(getattr(protocol, benchmark), "si-0")
        assert count(network.initial([0])) == runs.parameters(protocol, benchmark)


@pytest.mark.parametrize("benchmark, zero", [("split_mnist", True), ("permuted_mnist", False), ("cifar", True)])
def test_output_weights_start_at_zero_on_the_split_benchmarks_alone(benchmark, zero):
    *hidden, weight, bias = build(getattr(SMOKE, benchmark), "si-0").initial([0, 1])
    assert bool((weight == 0).all()) == zero and (bias == 0).all()
    assert all((tensor != 0).all() for tensor in hidden[::2]) and all((tensor == 0).all() for tensor in hidden[1::2])


def test_convolutions_start_as_glorot_says():
    """Uniform up to sqrt(6 / (fan in + fan out)), where a fan is channels times nine."""
    parameters = Cnn((32, 64), 16, 10, 0.25, 0.5).initial([0])
    for weight, fans in zip(parameters[:8:2], (9 * (3 + 32), 9 * (32 + 32), 9 * (32 + 64), 9 * (64 + 64))):
        bound = (6 / fans) ** 0.5
        assert 0.97 * bound < weight.abs().max() <= bound and weight.std() == pytest.approx(bound / 3**0.5, rel=0.1)


def small_network(seeds):
    """A narrow network with output weights that are not zero, in float64."""
    network = Cnn((3, 4), 7, 20, 0.25, 0.5)
    parameters = network.initial(seeds)
    parameters[-2].normal_(generator=generator(0, "outputs"))
    for bias in parameters[1::2]:
        bias.normal_(0, 0.1, generator=generator(0, "biases"))
    return network, [parameter.double().requires_grad_() for parameter in parameters]


def reference(parameters):
    """The same network of torch.nn's layers, for one replica, and its parameters in our order and shapes."""
    layer = torch.nn
    pairs = ((3, 3, "same"), (3, 3, "valid"), (3, 4, "same"), (4, 4, "valid"))
    first, second, third, fourth = (layer.Conv2d(n_in, n_out, 3, padding=padding) for n_in, n_out, padding in pairs)
    blocks = [first, layer.ReLU(), second, layer.ReLU(), layer.MaxPool2d(2)]
    blocks += [third, layer.ReLU(), fourth, layer.ReLU(), layer.MaxPool2d(2)]
    dense = [layer.Linear(6 * 6 * 4, 7), layer.ReLU(), layer.Linear(7, 20)]
    network = layer.Sequential(*blocks, layer.Flatten(), *dense).double()
    with torch.no_grad():
        for own, given in zip(network.parameters(), parameters, strict=True):
            own.copy_(given.T if own.dim() == 2 else given)
    return network


@pytest.mark.parametrize("seeds", [[3], [3, 4]])
def test_cnn_is_the_network_of_torchs_own_layers(seeds):
    """One replica, which is convolved in a way of its own, or two: logits, losses and gradients."""
    network, parameters = small_network(seeds)
    inputs = torch.rand(len(seeds), 5, 3, 32, 32, generator=generator(2, "images"), dtype=torch.float64)
    labels = torch.randint(20, (len(seeds), 5), generator=generator(2, "labels"))
    logits = network.logits(parameters, inputs)
    losses, gradients = network.gradients(parameters, inputs, labels)
    for replica in range(len(seeds)):
        other = reference([parameter[replica] for parameter in parameters])
        expected = other(inputs[replica])
        torch.testing.assert_close(logits[replica], expected)
        loss = torch.nn.functional.cross_entropy(expected, labels[replica])
        loss.backward()
        torch.testing.assert_close(losses[replica], loss.detach())
        for own, theirs in zip(gradients, other.parameters(), strict=True):
            torch.testing.assert_close(own[replica], theirs.grad.T if theirs.dim() == 2 else theirs.grad)


def test_cnn_drops_out_after_each_block_and_before_the_outputs(monkeypatch):
    dropped = []

    def recorded(hidden, rate, generators):
        dropped.append((tuple(hidden.shape), rate, generators))
        return hidden

    monkeypatch.setattr(model, "dropout", recorded)
    network, generators = build(PAPER.cifar, "si-0"), [generator(0)]
    network.logits(network.initial([0]), torch.rand(1, 2, 3, 32, 32), generators)
    shapes_and_rates = [((1, 2, 32, 15, 15), 0.25), ((1, 2, 64, 6, 6), 0.25), ((1, 2, 512), 0.5)]
    assert dropped == [(*expected, generators) for expected in shapes_and_rates]


@pytest.mark.parametrize(
    "benchmark, condition, drops",
    [
        ("permuted_mnist", "dropout", True),
        ("permuted_mnist", "si-0.1", False),
        ("permuted_mnist", "ewc", False),
        ("permuted_mnist", "joint", False),
        ("split_mnist", "si-1", False),
        ("cifar", "si-0", True),
    ],
)
def test_which_networks_drop_out(benchmark, condition, drops):
    """They say so themselves: a step with dropout is not replayed on a GPU, where the same units would always drop out."""
    network = build(getattr(SMOKE, benchmark), condition)
    parameters, shape = network.initial([0]), (3, 32, 32) if benchmark == "cifar" else (784,)
    parameters[-2].normal_(generator=generator(5, "outputs"))
    inputs = torch.rand(1, 4, *shape, generator=generator(5, "images"))
    dropped = network.logits(parameters, inputs, [generator(0, "dropout")])
    assert torch.equal(dropped, network.logits(parameters, inputs)) != drops
    assert network.drops_out == drops
