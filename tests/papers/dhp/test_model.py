"""The networks: sizes of the paper, the same outputs as torch.nn's layers, how they start, and replicas."""

from __future__ import annotations

import dataclasses
from functools import partial

import pytest
import torch
from torch.nn import functional

from common.learning.optimizers import Adam, Sgd
from common.learning.randomness import generator
from common.learning.replicas import count
from papers.dhp import runs
from papers.dhp.model import Convolutions, build
from papers.dhp.protocol import BENCHMARKS, Optimizers, condition
from papers.dhp.train import learner
from tests.papers.dhp.small import CPU, PAPER, PROTOCOLS, SMOKE


def network(benchmark, name, scale="paper"):
    return build(getattr(PROTOCOLS[scale], benchmark), condition(name))


# Sizes


@pytest.mark.parametrize(
    ("benchmark", "name", "expected"),
    [  # the body with its biases, the output without; then alpha as many, one eta, and the trace
        ("permuted", "dhp", (314_000 + 160_400, 4_000, 4_000 + 1 + 4_000)),
        ("imbalanced", "finetune", (314_000 + 160_400, 2 * 4_000, 0)),
        ("permuted", "finetune-single", (314_000 + 160_400, 4_000, 0)),
        ("split", "dhp", (200_960 + 65_792, 2_560, 2_560 + 1 + 2_560)),
    ],
)
def test_networks_for_mnist_have_the_published_numbers_of_weights(benchmark, name, expected):
    classifier = network(benchmark, name)
    parameters, body = classifier.initial([0]), classifier.body.size
    parts = parameters[:body], parameters[body : classifier.slow], parameters[classifier.slow :]
    assert tuple(map(count, parts)) == expected


def test_the_mixture_has_the_published_layers():
    """Two convolutions of 5 x 5 to 20 and 50 channels, 1,800 inputs of the dense layer, five heads of ten."""
    shapes = [tuple(tensor.shape[1:]) for tensor in network("vision", "dhp").initial([0])]
    assert shapes[:6] == [(20, 3, 5, 5), (20,), (50, 20, 5, 5), (50,), (1800, 500), (500,)]
    assert shapes[6:] == [(500, 50), (500, 50), (1,), (500, 50)]


@pytest.mark.parametrize("scale", PROTOCOLS)
@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_the_rules_know_the_size_of_every_network(scale, benchmark):
    """That of the baselines; the plastic ones have as many learned parameters and one eta."""
    size = runs.parameters(PROTOCOLS[scale], benchmark)
    assert size == count(network(benchmark, "finetune", scale).initial([0]))
    plastic = network(benchmark, "dhp", scale)
    assert size + 1 == count(plastic.learned(plastic.initial([0])))


# Initial values


def uniform(tensor, bound):
    """Whether values are uniform in (-bound, bound): near both ends, none outside, the right spread."""
    inside = tensor.abs().max() <= bound and tensor.max() > 0.95 * bound and tensor.min() < -0.95 * bound
    return inside and tensor.std().item() == pytest.approx(bound / 3**0.5, rel=0.05)


def test_initial_values_of_the_plastic_network():
    """Hidden layers as torch's own, theta by the number of classes, alpha in 0.01 U(0, 1), eta as given, no trace."""
    classifier = build(dataclasses.replace(PAPER.permuted, eta=0.0625), condition("dhp"))
    *body, theta, alpha, eta, trace = classifier.initial([0, 5])
    for place, fan in enumerate((784, 400)):
        assert uniform(body[2 * place], fan**-0.5)
        assert body[2 * place + 1].abs().max() <= fan**-0.5 and body[2 * place + 1].std() > 0.4 * fan**-0.5
    assert uniform(theta, 10**-0.5) and uniform(alpha - 0.005, 0.005)
    assert eta.tolist() == [[0.0625], [0.0625]]
    assert trace.shape == theta.shape and not trace.any()
    assert not torch.equal(theta[0], theta[1]) and not torch.equal(alpha[0], alpha[1])


def test_initial_values_of_the_mixtures_network():
    first, first_bias, second, _, dense, _, theta, *_ = network("vision", "dhp").initial([0])
    assert all(uniform(*pair) for pair in ((first, 75**-0.5), (second, 500**-0.5), (dense, 1800**-0.5)))
    assert uniform(theta, 50**-0.5) and 0 < first_bias.abs().max() <= 75**-0.5


@pytest.mark.parametrize("name", ["finetune", "dhp", "si", "dhp-mas"])
def test_narrow_output_weights_are_the_same_but_for_their_range(name):
    """U(-1 / sqrt(m), 1 / sqrt(m)) in place of U(-1 / sqrt(d), 1 / sqrt(d)); nothing else starts otherwise."""
    wide, narrow = (build(PAPER.split, condition(full)).initial([0, 5]) for full in (name, f"{name}-narrow"))
    output = (4,) if name.startswith("dhp") else (4, 5)  # theta, and theta_2
    for place, (of_wide, of_narrow) in enumerate(zip(wide, narrow, strict=True)):
        if place in output:
            assert uniform(of_narrow, 256**-0.5)
            torch.testing.assert_close(of_narrow * (256 / 10) ** 0.5, of_wide)
        else:
            assert torch.equal(of_narrow, of_wide)


@pytest.mark.parametrize("benchmark", ["split", "vision"])
def test_a_baselines_two_sets_of_output_weights_start_apart_and_the_first_as_in_every_other_condition(benchmark):
    names = ("finetune-single", "finetune", "dhp")
    single, double, plastic = (network(benchmark, name, "smoke").initial([3]) for name in names)
    assert all(torch.equal(a, b) and torch.equal(a, c) for a, b, c in zip(single, double, plastic))
    first, second = double[-2:]
    assert not torch.equal(first, second) and second.abs().max() > 0.9 * first.abs().max()


# Outputs


def layers(parameters, inputs, padding, slope):
    """The body of the mixture's network of torch's own functions, for one replica."""
    *convolutions, weight, bias = parameters
    for kernels, biases in zip(convolutions[::2], convolutions[1::2]):
        maps = functional.leaky_relu(functional.conv2d(inputs, kernels, biases, padding=padding), slope)
        inputs = functional.max_pool2d(maps, 2)
    return functional.leaky_relu(functional.linear(inputs.flatten(1), weight.T, bias), slope)


@pytest.mark.parametrize(("padding", "kernel", "flat"), [(1, 5, 144), (0, 5, 100), (2, 5, 256), (1, 3, 256)])
def test_convolutions_are_torchs_own_layers_in_every_replica(padding, kernel, flat):
    body = Convolutions((3, 4), kernel, padding, 6, 0.3)
    assert body.flat == flat
    parameters = [torch.stack(tensors).double() for tensors in zip(*(body.draw(generator(seed)) for seed in range(3)))]
    inputs = torch.rand(3, 5, 3, 32, 32, generator=generator("images"), dtype=torch.float64)
    hidden = body(parameters, inputs)
    for r in range(3):
        torch.testing.assert_close(hidden[r], layers([tensor[r] for tensor in parameters], inputs[r], padding, 0.3))
    assert (hidden < 0).any()  # leaky, also after the dense layer


# Replicas


def stepped(seeds, benchmark, name, inputs, labels, active):
    """The parameters after a few steps of a network of these seeds in float64, one slice of the data per seed."""
    settings = dataclasses.replace(getattr(SMOKE, benchmark), learning_rate=0.1)
    own = learner(settings, condition(name), seeds, CPU)
    own.parameters[:] = [tensor.detach().double().requires_grad_() for tensor in own.parameters]
    optimizer = own.make_optimizer(own.parameters)
    for of_step in zip(inputs, labels):
        optimizer.step(own.network.gradients(own.parameters, *of_step, active)[1])
    return [tensor.detach() for tensor in own.parameters]


@pytest.mark.parametrize("name", ["finetune", "dhp"])
@pytest.mark.parametrize(("benchmark", "shape"), [("split", (784,)), ("vision", (3, 32, 32))])
def test_a_replica_of_a_batch_is_the_single_run(benchmark, name, shape):
    """Parameters, eta and trace after four steps: a seed depends neither on its neighbours nor on its place."""
    seeds, classes = [7, 2, 5], network(benchmark, name, "smoke").classes
    inputs = torch.rand(4, 3, 6, *shape, generator=generator("inputs"), dtype=torch.float64)
    labels = torch.randint(10, (4, 3, 6), generator=generator("labels"))
    active = torch.arange(classes) < 10
    together = stepped(seeds, benchmark, name, inputs, labels, active)
    for r, seed in enumerate(seeds):
        own = slice(r, r + 1)
        alone = stepped([seed], benchmark, name, inputs[:, own], labels[:, own], active)
        torch.testing.assert_close([tensor[own] for tensor in together], alone, rtol=1e-9, atol=1e-12)
    if name == "dhp":
        trace, eta = together[-1], together[-2]
        assert trace[:, :, :10].any() and not trace[:, :, 10:].any()  # only classes that were shown
        assert len(set(eta.flatten().tolist())) == 3


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("dhp", partial(Sgd, lr=0.1)),
        ("dhp-momentum", partial(Sgd, lr=0.1, momentum=0.75)),
        ("dhp-adam", partial(Adam, lr=0.05)),
    ],
)
def test_all_parameters_but_the_trace_learn_by_the_optimizer(name, theirs):
    """In two steps; the trace is the optimizer's business in no condition."""
    settings = dataclasses.replace(SMOKE.split, learning_rate=0.1)
    own = learner(settings, condition(name), [0], CPU, optimizers=Optimizers(0.75, 0.05))
    start = [tensor.detach().clone() for tensor in own.parameters]
    twins = [tensor.clone() for tensor in start[:-1]]
    reference, inputs = theirs(twins), torch.rand(2, 1, 8, 784, generator=generator("inputs"))
    for step in range(2):
        _, gradients = own.network.gradients(own.parameters, inputs[step], torch.arange(8)[None])
        trace = own.parameters[-1].detach().clone()
        own.consolidation.step(own.parameters, gradients, own.optimizer)
        reference.step(gradients)
        torch.testing.assert_close([tensor.detach() for tensor in own.parameters], [*twins, trace])
    assert not any(map(torch.equal, own.parameters, start))
