"""The networks: sizes of the paper, the same outputs as torch.nn's layers, how they start, and replicas."""

from __future__ import annotations

import dataclasses
from functools import partial

import pytest
import torch

from common.learning.randomness import generator
from common.learning.replicas import count
from papers.dhp import runs
from papers.dhp.model import Convolutions, Perceptron, build
from papers.dhp.protocol import BENCHMARKS, Optimizers, condition
from papers.dhp.train import learner
from tests.papers.dhp.small import PAPER, PROTOCOLS, SMOKE

CONDITIONS = ("finetune", "dhp", "finetune-single")


def network(benchmark, name, scale="paper"):
    return build(getattr(PROTOCOLS[scale], benchmark), condition(name))


def sizes(classifier, seeds=(0,)):
    """Slow weights of the body, of the output layer, and all other parameters, of one replica."""
    parameters = classifier.initial(list(seeds))
    body = classifier.body.size
    return count(parameters[:body]), count(parameters[body : classifier.slow]), count(parameters[classifier.slow :])


# Sizes


@pytest.mark.parametrize("benchmark", ["permuted", "imbalanced"])
def test_permuted_mnist_has_the_published_number_of_weights(benchmark):
    """314,000 + 160,400 with their biases, and 4,000 without; then alpha as many, one eta, and the trace."""
    assert sizes(network(benchmark, "dhp")) == (314_000 + 160_400, 4_000, 4_000 + 1 + 4_000)
    assert sizes(network(benchmark, "finetune")) == (314_000 + 160_400, 2 * 4_000, 0)
    assert sizes(network(benchmark, "finetune-single")) == (314_000 + 160_400, 4_000, 0)
    assert sum(sizes(network(benchmark, "finetune-single"))) == 478_400


def test_split_mnist_has_the_published_number_of_weights():
    assert sizes(network("split", "dhp")) == (200_960 + 65_792, 2_560, 2_560 + 1 + 2_560)


def test_the_mixture_has_the_published_layers():
    """Two convolutions of 5 x 5 to 20 and 50 channels, 1,800 inputs of the dense layer, five heads of ten."""
    classifier = network("vision", "dhp")
    shapes = [tuple(tensor.shape[1:]) for tensor in classifier.initial([0])]
    assert shapes[:6] == [(20, 3, 5, 5), (20,), (50, 20, 5, 5), (50,), (1800, 500), (500,)]
    assert shapes[6:] == [(500, 50), (500, 50), (1,), (500, 50)]


@pytest.mark.parametrize("scale", PROTOCOLS)
@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_the_rules_know_the_size_of_every_network(scale, benchmark):
    """That of the baselines; the plastic ones have as many learned parameters and one eta."""
    settings = PROTOCOLS[scale]
    assert runs.parameters(settings, benchmark) == count(network(benchmark, "finetune", scale).initial([0]))
    plastic = network(benchmark, "dhp", scale)
    assert runs.parameters(settings, benchmark) + 1 == count(plastic.learned(plastic.initial([0])))


@pytest.mark.parametrize("padding, kernel, flat", [(1, 5, 1800), (0, 5, 1250), (2, 5, 3200), (1, 3, 3200)])
def test_inputs_of_the_dense_layer_follow_from_the_padding(padding, kernel, flat):
    body = Convolutions((20, 50), kernel, padding, 500, 0.3)
    assert body.flat == flat
    parameters = [tensor[None] for tensor in body.draw(generator(0))]
    assert body(parameters, torch.rand(1, 2, 3, 32, 32)).shape == (1, 2, 500)


# Initial values


def spread(tensor, bound):
    """Whether values are uniform in (-bound, bound): near both ends, none outside, the right spread."""
    assert tensor.abs().max() <= bound
    assert tensor.max() > 0.95 * bound and tensor.min() < -0.95 * bound
    assert tensor.std().item() == pytest.approx(bound / 3**0.5, rel=0.05)


def test_initial_values_of_the_plastic_network():
    """Hidden layers as torch's own, theta by the number of classes, alpha in 0.01 U(0, 1), eta as given, no trace."""
    classifier = build(dataclasses.replace(PAPER.permuted, eta=0.0625), condition("dhp"))
    *body, theta, alpha, eta, trace = classifier.initial([0, 5])
    for place, fan in enumerate((784, 400)):
        spread(body[2 * place], fan**-0.5)
        assert body[2 * place + 1].abs().max() <= fan**-0.5 and body[2 * place + 1].std() > 0.4 * fan**-0.5
    spread(theta, 10**-0.5)
    assert 0 <= alpha.min() < 0.0005 and 0.0095 < alpha.max() <= 0.01 and abs(alpha.mean() - 0.005) < 0.0002
    assert eta.tolist() == [[0.0625], [0.0625]]
    assert trace.shape == theta.shape and not trace.any()
    assert not torch.equal(theta[0], theta[1]) and not torch.equal(alpha[0], alpha[1])


@pytest.mark.parametrize("name", ["finetune", "dhp", "si", "dhp-mas"])
def test_narrow_output_weights_are_the_same_but_for_their_range(name):
    """U(-1 / sqrt(m), 1 / sqrt(m)) in place of U(-1 / sqrt(d), 1 / sqrt(d)); nothing else starts otherwise."""
    wide, narrow = (build(PAPER.split, condition(full)).initial([0, 5]) for full in (name, f"{name}-narrow"))
    shape = (2, 256, 10)
    output = [place for place, tensor in enumerate(wide) if tensor.shape == shape][: 1 if name.startswith("dhp") else 2]
    for place, (of_wide, of_narrow) in enumerate(zip(wide, narrow, strict=True)):
        if place in output:
            spread(of_narrow, 256**-0.5)
            torch.testing.assert_close(of_narrow * (256 / 10) ** 0.5, of_wide)
        else:
            assert torch.equal(of_narrow, of_wide)


def test_initial_values_of_the_mixtures_network():
    first, first_bias, second, _, dense, _, theta, *_ = network("vision", "dhp").initial([0])
    for tensor, fan in ((first, 75), (second, 500), (dense, 1800), (theta, 50)):
        spread(tensor, fan**-0.5)
    assert 0 < first_bias.abs().max() <= 75**-0.5


@pytest.mark.parametrize("benchmark", ["split", "vision"])
def test_a_baselines_two_sets_of_output_weights_start_apart_and_the_first_as_in_every_other_condition(benchmark):
    starts = {name: network(benchmark, name, "smoke").initial([3]) for name in CONDITIONS}
    shared = len(starts["finetune-single"])
    for name in ("finetune", "dhp"):
        assert all(torch.equal(a, b) for a, b in zip(starts[name][:shared], starts["finetune-single"], strict=True))
    first, second = starts["finetune"][-2:]
    assert not torch.equal(first, second)
    assert second.abs().max() > 0.9 * first.abs().max()


# Outputs


def reference(parameters, padding, slope):
    """The body of the mixture's network of torch.nn's layers, for one replica, in float64."""
    layer = torch.nn
    shapes = [parameter.shape for parameter in parameters]
    convolutions = [
        layer.Conv2d(shape[1], shape[0], shape[2], padding=padding).double() for shape in (shapes[0], shapes[2])
    ]
    dense = layer.Linear(*shapes[4]).double()
    with torch.no_grad():
        for place, module in enumerate((*convolutions, dense)):
            module.weight.copy_(parameters[2 * place] if place < 2 else parameters[2 * place].T)
            module.bias.copy_(parameters[2 * place + 1])
    blocks = [part for module in convolutions for part in (module, layer.LeakyReLU(slope), layer.MaxPool2d(2, 2))]
    return layer.Sequential(*blocks, layer.Flatten(), dense, layer.LeakyReLU(slope))


def test_convolutions_are_torchs_own_layers_in_every_replica():
    body = Convolutions((3, 4), 5, 1, 6, 0.3)
    runs_ = [body.draw(generator(seed)) for seed in range(3)]
    parameters = [torch.stack(tensors).double() for tensors in zip(*runs_)]
    inputs = torch.rand(3, 5, 3, 32, 32, generator=generator("images"), dtype=torch.float64)
    hidden = body(parameters, inputs)
    for r in range(3):
        expected = reference([tensor[r] for tensor in parameters], 1, 0.3)(inputs[r]).detach()
        torch.testing.assert_close(hidden[r], expected)
        torch.testing.assert_close(body([tensor[r : r + 1] for tensor in parameters], inputs[r : r + 1])[0], expected)
    assert (hidden < 0).any()  # leaky, also after the dense layer


def test_perceptron_is_torchs_own_layers():
    body = Perceptron((9, 7, 5), 0.1)
    weights = [tensor.double() for tensor in body.draw(generator(0))]
    inputs = torch.randn(4, 9, generator=generator("inputs"), dtype=torch.float64)
    expected = inputs
    for weight, bias in zip(weights[::2], weights[1::2]):
        expected = torch.nn.functional.leaky_relu(torch.nn.functional.linear(expected, weight.T, bias), 0.1)
    torch.testing.assert_close(body([tensor[None] for tensor in weights], inputs[None])[0], expected)
    assert body.hidden == 5 and body.size == len(weights) == 4


def test_settings_reach_the_network():
    for benchmark, slope in (("permuted", 0.125), ("vision", 0.375)):
        settings = dataclasses.replace(getattr(SMOKE, benchmark), slope=slope)
        assert build(settings, condition("dhp")).body.slope == slope
    assert build(PAPER.split, condition("si-single")).body.sizes == (784, *PAPER.split.hidden)
    sets = ("mnist", "svhn")
    assert build(dataclasses.replace(SMOKE.vision, sets=sets), condition("si")).classes == 20


# Replicas


def stepped(seeds, benchmark, name, inputs, labels, active=None, steps=4):
    """The parameters after a few steps of a network of these seeds in float64, one slice of the data per seed."""
    settings = dataclasses.replace(getattr(SMOKE, benchmark), learning_rate=0.1)
    own = learner(settings, condition(name), seeds, torch.device("cpu"))
    own.parameters[:] = [tensor.detach().double().requires_grad_() for tensor in own.parameters]
    optimizer = own.make_optimizer(own.parameters)
    for step in range(steps):
        optimizer.step(own.network.gradients(own.parameters, inputs[step], labels[step], active)[1])
    return [tensor.detach() for tensor in own.parameters]


@pytest.mark.parametrize("name", ["finetune", "dhp"])
@pytest.mark.parametrize("benchmark, shape", [("split", (784,)), ("vision", (3, 32, 32))])
def test_a_replica_of_a_batch_is_the_single_run(benchmark, name, shape):
    """Parameters, eta and trace after four steps: a seed depends neither on its neighbours nor on its place."""
    seeds, classes = [7, 2, 5], network(benchmark, name, "smoke").classes
    inputs = torch.rand(4, 3, 6, *shape, generator=generator("inputs"), dtype=torch.float64)
    labels = torch.randint(10, (4, 3, 6), generator=generator("labels"))
    active = torch.arange(classes) < 10
    together = stepped(seeds, benchmark, name, inputs, labels, active)
    for r, seed in enumerate(seeds):
        alone = stepped([seed], benchmark, name, inputs[:, r : r + 1], labels[:, r : r + 1], active)
        for both, own in zip(together, alone, strict=True):
            torch.testing.assert_close(both[r], own[0], rtol=1e-9, atol=1e-12)
    if name == "dhp":
        trace, eta = together[-1], together[-2]
        assert trace[:, :, :10].any() and not trace[:, :, 10:].any()  # only classes that were shown
        assert len(set(eta.flatten().tolist())) == 3


@pytest.mark.parametrize(
    "name, theirs",
    [
        ("dhp", partial(torch.optim.SGD, lr=0.1)),
        ("dhp-momentum", partial(torch.optim.SGD, lr=0.1, momentum=0.75)),
        ("dhp-adam", partial(torch.optim.Adam, lr=0.05)),
    ],
)
def test_all_parameters_but_the_trace_learn_by_the_optimizer(name, theirs):
    """As torch's own moves them, in two steps; the trace is the optimizer's business in no condition."""
    settings = dataclasses.replace(SMOKE.split, learning_rate=0.1)
    own = learner(settings, condition(name), [0], torch.device("cpu"), optimizers=Optimizers(0.75, 0.05))
    twins = [tensor.detach().clone().requires_grad_() for tensor in own.parameters[:-1]]
    reference = theirs(twins)
    for step in range(2):
        before = [tensor.detach().clone() for tensor in own.parameters]
        inputs = torch.rand(1, 8, 784, generator=torch.Generator().manual_seed(step))
        _, gradients = own.network.gradients(own.parameters, inputs, torch.arange(8)[None])
        trace = own.parameters[-1].detach().clone()
        own.consolidation.step(own.parameters, gradients, own.optimizer)
        for twin, gradient in zip(twins, gradients, strict=True):
            twin.grad = gradient
        reference.step()
        for old, new, twin in zip(before, own.parameters, twins, strict=False):
            torch.testing.assert_close(new, twin)
            assert not torch.equal(old, new)
        assert torch.equal(own.parameters[-1], trace) and trace.any()
