"""The networks: the published sizes, the same outputs as torch.nn's layers, and how they start and drop out."""

from __future__ import annotations

import pytest
import torch

from common.learning.optimizers import Adam
from common.learning.randomness import generator
from common.learning.replicas import count
from papers.synaptic_intelligence import model, runs
from papers.synaptic_intelligence.model import Cnn, build
from tests.papers.synaptic_intelligence.small import PAPER, PLANS


@pytest.mark.parametrize(
    "benchmark, parameters", [("split_mnist", 269_322), ("permuted_mnist", 5_592_010), ("cifar", 1_276_508)]
)
def test_networks_have_the_published_size(benchmark, parameters):
    assert count(build(getattr(PAPER, benchmark), "si-0").initial([0])) == parameters
    assert runs.parameters(PAPER, benchmark) == parameters


@pytest.mark.parametrize("scale", ["smoke", "desk"])
@pytest.mark.parametrize("benchmark", runs.BENCHMARKS)
def test_the_rules_know_the_size_of_every_network(scale, benchmark):
    network = build(getattr(PLANS[scale], benchmark), "si-0")
    assert runs.parameters(PLANS[scale], benchmark) == count(network.initial([0]))


@pytest.mark.parametrize("benchmark, zero", [("split_mnist", True), ("permuted_mnist", False), ("cifar", True)])
def test_output_weights_start_at_zero_on_the_split_benchmarks_alone(benchmark, zero):
    *hidden, weight, bias = build(getattr(PLANS["smoke"], benchmark), "si-0").initial([0, 1])
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
    return network, [parameter.double() for parameter in parameters]


def reference(parameters):
    """The same network of torch.nn's layers, for one replica."""
    layer, dropout = torch.nn, (lambda: torch.nn.Dropout(0.25))
    pairs = ((3, 3, "same"), (3, 3, "valid"), (3, 4, "same"), (4, 4, "valid"))
    convolutions = [layer.Conv2d(n_in, n_out, 3, padding=padding) for n_in, n_out, padding in pairs]
    blocks = [
        [first, layer.ReLU(), second, layer.ReLU(), layer.MaxPool2d(2), dropout()]
        for first, second in (convolutions[:2], convolutions[2:])
    ]
    dense = [layer.Linear(6 * 6 * 4, 7), layer.Linear(7, 20)]
    network = layer.Sequential(
        *blocks[0], *blocks[1], layer.Flatten(), dense[0], layer.ReLU(), layer.Dropout(0.5), dense[1]
    )
    network = network.double()
    with torch.no_grad():
        for place, module in enumerate([*convolutions, *dense]):
            weight = parameters[2 * place]
            module.weight.copy_(weight if weight.dim() == 4 else weight.T)
            module.bias.copy_(parameters[2 * place + 1])
    return network


def test_cnn_is_the_network_of_torchs_own_layers():
    network, parameters = small_network([0, 1, 2])
    inputs = torch.rand(3, 5, 3, 32, 32, generator=generator(1, "images"), dtype=torch.float64)
    logits = network.logits(parameters, inputs)
    assert logits.shape == (3, 5, 20)
    for replica in range(3):
        expected = reference([parameter[replica] for parameter in parameters]).eval()(inputs[replica])
        torch.testing.assert_close(logits[replica], expected)
        alone = network.logits([parameter[replica : replica + 1] for parameter in parameters], inputs[replica][None])
        torch.testing.assert_close(alone[0], expected)


def test_cnn_gradients_are_those_of_torchs_own_layers():
    network, parameters = small_network([3, 4])
    for parameter in parameters:
        parameter.requires_grad_()
    inputs = torch.rand(2, 5, 3, 32, 32, generator=generator(2, "images"), dtype=torch.float64)
    labels = torch.randint(20, (2, 5), generator=generator(2, "labels"))
    losses, gradients = network.gradients(parameters, inputs, labels)
    for replica in range(2):
        other = reference([parameter[replica].detach() for parameter in parameters]).eval()
        loss = torch.nn.functional.cross_entropy(other(inputs[replica]), labels[replica])
        loss.backward()
        torch.testing.assert_close(losses[replica], loss.detach())
        for own, expected in zip(gradients, other.parameters(), strict=True):
            torch.testing.assert_close(own[replica], expected.grad if own.dim() != 3 else expected.grad.T)


@pytest.mark.parametrize("seeds", [[3], [3, 4]])
def test_cnn_trains_as_torchs_own_layers_do(seeds):
    """Ten steps of Adam: gradients and optimizer together, one replica (convolved in a way of its own) or two."""
    network, parameters = small_network(seeds)
    others = [reference([parameter[replica] for parameter in parameters]).eval() for replica in range(len(seeds))]
    for parameter in parameters:
        parameter.requires_grad_()
    ours, theirs = Adam(parameters, 1e-2), [torch.optim.Adam(other.parameters(), 1e-2) for other in others]
    inputs = torch.rand(len(seeds), 5, 3, 32, 32, generator=generator(2, "images"), dtype=torch.float64)
    labels = torch.randint(20, (len(seeds), 5), generator=generator(2, "labels"))
    for _ in range(10):
        losses, gradients = network.gradients(parameters, inputs, labels)
        ours.step(gradients)
        for replica, (other, optimizer) in enumerate(zip(others, theirs)):
            loss = torch.nn.functional.cross_entropy(other(inputs[replica]), labels[replica])
            torch.testing.assert_close(losses[replica], loss.detach())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    for replica, other in enumerate(others):
        for own, expected in zip(parameters, other.parameters(), strict=True):
            torch.testing.assert_close(
                own[replica].detach(), expected.detach() if own.dim() != 3 else expected.detach().T
            )


def test_cnn_drops_out_after_each_block_and_before_the_outputs(monkeypatch):
    dropped = []

    def recorded(hidden, rate, generators):
        dropped.append((tuple(hidden.shape), rate))
        return hidden

    monkeypatch.setattr(model, "dropout", recorded)
    network = build(PAPER.cifar, "si-0")
    network.logits(network.initial([0]), torch.rand(1, 2, 3, 32, 32), [generator(0)])
    assert dropped == [((1, 2, 32, 15, 15), 0.25), ((1, 2, 64, 6, 6), 0.25), ((1, 2, 512), 0.5)]


def test_a_replicas_dropout_does_not_depend_on_its_neighbours():
    network, parameters = small_network([0, 1])
    inputs = torch.rand(1, 5, 3, 32, 32, dtype=torch.float64, generator=generator(3, "images")).repeat(2, 1, 1, 1, 1)
    both = network.logits(parameters, inputs, [generator(0, "dropout"), generator(1, "dropout")])
    second = network.logits([parameter[1:] for parameter in parameters], inputs[1:], [generator(1, "dropout")])
    torch.testing.assert_close(both[1], second[0])
    assert not torch.allclose(second, network.logits([parameter[1:] for parameter in parameters], inputs[1:]))


def test_zero_output_weights_hide_the_first_steps_gradient_from_all_but_the_outputs():
    network = build(PLANS["smoke"].cifar, "si-0")
    parameters = [parameter.requires_grad_() for parameter in network.initial([0])]
    inputs, labels = torch.rand(1, 4, 3, 32, 32, generator=generator(4, "images")), torch.tensor([[0, 1, 2, 3]])
    _, gradients = network.gradients(parameters, inputs, labels)
    assert not any(gradient.any() for gradient in gradients[:-2]) and all(gradient.any() for gradient in gradients[-2:])


@pytest.mark.parametrize("condition, drops", [("dropout", True), ("si-0.1", False), ("ewc", False), ("joint", False)])
def test_only_the_condition_dropout_drops_hidden_units_of_permuted_mnist(condition, drops):
    network = build(PLANS["smoke"].permuted_mnist, condition)
    parameters, inputs = network.initial([0]), torch.rand(1, 4, 784, generator=generator(5, "images"))
    dropped = network.logits(parameters, inputs, [generator(0, "dropout")])
    assert torch.equal(dropped, network.logits(parameters, inputs)) != drops
    assert network.dropout_rate == (0.5 if drops else 0)


def test_networks_say_whether_their_units_drop_out():
    """A step in which they do is not replayed on a GPU, where the same units would drop out of every one."""
    assert build(PAPER.cifar, "si-0").drops_out and build(PAPER.permuted_mnist, "dropout").drops_out
    assert not build(PAPER.permuted_mnist, "si-0").drops_out and not build(PAPER.split_mnist, "si-0").drops_out
