"""Networks of DANs against neurons computed one at a time, and the sizes that the paper states or implies."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch.nn import functional

from common.learning.replicas import glorot_uniform
from papers.dan.model import SHARING, ConvolutionalDan, DanNetwork, PerceptronDan, build
from tests.papers.dan.small import IMAGES, PAPER, REGRESSION, batch, network


def test_published_sizes_of_the_regression_network():
    built = build(PAPER.regression, "network")
    theta = built.draw_synapses(torch.Generator())
    assert [tensor.numel() for tensor in theta if tensor.dim() == 2] == [1600, 64_000, 1600, 1600, 1600]
    assert sum(tensor.numel() for tensor in theta if tensor.dim() == 1) == 3240
    for sharing, phenotypes in (("network", 1), ("layer", 3), ("none", 81)):
        phi = build(PAPER.regression, sharing).draw_phenotypes(torch.Generator())
        assert sum(tensor.numel() for tensor in phi) == phenotypes * 752


def test_published_sizes_of_the_autoencoder():
    built = build(PAPER.images, "layer")
    of_dan = [tensor.numel() for tensor in built.dan.draw(torch.Generator())]
    assert of_dan == [32, 8, 128, 4, 4320, 30, 30, 1] and built.dan.flat == 144
    phi = built.draw_phenotypes(torch.Generator())
    assert sum(tensor.numel() for tensor in phi) == 4 * 4553 + (9 * 8 + 8) + (9 * 8 + 1)
    pairs = [(784, 120), (120, 100), (100, 120), (120, 784), (784, 100), (100, 784)]
    small = DanNetwork((784, 120, 100, 120, 784), ConvolutionalDan(25, (1,), 1), PAPER.images.skips, "layer")
    shapes = [tuple(tensor.shape) for tensor in small.draw_synapses(torch.Generator()) if tensor.dim() == 2]
    assert shapes == [(n, m * 25) for n, m in pairs]


TORCHS = {  # the layers of a DAN, and of the retina, as torch makes them
    "regression": [(torch.nn.Linear, 40, 15), (torch.nn.Linear, 15, 8), (torch.nn.Linear, 8, 1)],
    "images": [
        *((torch.nn.Conv2d, 1, 8, 2), (torch.nn.Conv2d, 8, 4, 2), (torch.nn.Linear, 144, 30), (torch.nn.Linear, 30, 1)),
        *((torch.nn.Conv2d, 1, 8, 3), (torch.nn.Conv2d, 8, 1, 3)),
    ],
}


def spread(draw, times=400):
    """The largest size and the SD of every weight and bias, each drawn again and again."""
    drawn = [torch.stack(tensors) for tensors in zip(*(draw() for _ in range(times)), strict=True)]
    return torch.tensor([[tensor.abs().max(), tensor.std()] for tensor in drawn])


@pytest.mark.parametrize("experiment", TORCHS)
def test_dans_start_as_torchs_own_layers_where_the_protocol_says_so(experiment):
    """Weights and biases then spread as those of torch's layers; without it biases alone do."""
    settings, source = getattr(PAPER, experiment), torch.Generator().manual_seed(0)
    usual, other = (build(dataclasses.replace(settings, torch_start=of), "network") for of in ((), ("dans",)))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        torchs = spread(lambda: [part for layer, *sizes in TORCHS[experiment] for part in layer(*sizes).parameters()])
    torch.testing.assert_close(spread(lambda: other.draw_phenotypes(source)), torchs.detach(), rtol=0.08, atol=0)
    glorots = spread(lambda: usual.draw_phenotypes(source))
    torch.testing.assert_close(glorots[1::2], torchs[1::2], rtol=0.08, atol=0)
    assert ((glorots[::2] / torchs[::2] - 1).abs() > 0.08).any(1).all()
    assert {built.start for built in (usual, other)} == {glorot_uniform}  # of the VECs


def test_vecs_start_as_torchs_own_layers_where_the_protocol_says_so():
    built = build(dataclasses.replace(PAPER.regression, torch_start=("vecs",)), "network")
    assert built.dan.start is glorot_uniform
    found = [tensor.abs().max().item() for tensor in built.draw_synapses(torch.Generator().manual_seed(0))]
    # weights and biases from 1 to 40 nodes, 40 to 40 and 40 to 1, then the skips from 1 and from 40
    assert found == pytest.approx([1, 1, *[40**-0.5] * 4, 1, 40**-0.5], rel=0.06)


def perceptron(phenotype, signal):
    """One DAN of the regression, of torch's own functions."""
    for weight, bias in zip(phenotype[::2], phenotype[1::2]):
        signal = torch.tanh(functional.linear(signal, weight.T, bias))
    return signal


def convolutional(phenotype, signal):
    """One DAN of the autoencoder, of torch's own functions."""
    *convolutions, weight, bias, last_weight, last_bias = phenotype
    maps = signal.view(-1, 1, 5, 5)
    for kernels, biases in zip(convolutions[::2], convolutions[1::2]):
        maps = functional.leaky_relu(functional.conv2d(maps, kernels, biases))
    pooled = functional.max_pool2d(maps, 3, 1).flatten(1)
    hidden = functional.leaky_relu(functional.linear(pooled, weight.T, bias))
    return functional.linear(hidden, last_weight.T, last_bias)


def one_by_one(built, theta, phi, inputs, dan):
    """The outputs of one model, DAN by DAN: theta and phi without the axis of models, inputs [B, n]."""
    size, pairs = len(built.dan.draw(torch.Generator())), len(built.nodes) - 1
    if built.retina:
        side = round(inputs.shape[1] ** 0.5)
        image = inputs.view(-1, 1, side, side)
        for weight, bias in zip(phi[-4::2], phi[-3::2]):
            image = functional.leaky_relu(functional.conv2d(image, weight[0], bias[0], padding=1))
        inputs = image.flatten(1)
    layers = [inputs]
    for layer in range(pairs):
        columns = []
        for node in range(built.nodes[layer + 1]):
            vector = slice(node * built.dan.n_channels, (node + 1) * built.dan.n_channels)
            signal = layers[layer] @ theta[2 * layer][:, vector] + theta[2 * layer + 1][vector]
            for (start, end), weight in zip(built.skips, theta[2 * pairs :]):
                if end == layer + 1:
                    signal = signal + layers[start] @ weight[:, vector]
            first = 0 if built.sharing == "network" else layer * size
            group = node if built.sharing == "none" else 0
            columns.append(dan([tensor[group] for tensor in phi[first : first + size]], signal))
        layers.append(torch.cat(columns, 1))
    return built.output_scale * layers[-1]


@pytest.mark.parametrize("sharing", SHARING)
@pytest.mark.parametrize(("settings", "dan"), [(REGRESSION, perceptron), (IMAGES, convolutional)])
def test_the_batched_network_is_its_neurons_one_by_one(settings, dan, sharing):
    built, theta, phi = network(settings, sharing, models=2)
    inputs, _ = batch(settings, models=2)
    outputs = built(theta, phi, inputs)
    for model in range(2):
        own = ([tensor[model] for tensor in tensors] for tensors in (theta, phi))
        torch.testing.assert_close(outputs[model], one_by_one(built, *own, inputs[model], dan))


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="unknown sharing 'all'; known are network, layer, none"):
        DanNetwork((1, 1), PerceptronDan(3, (2,)), (), "all")
    for n_channels in (10, 9):
        with pytest.raises(ValueError, match=f"at least 5x5 channels, not {n_channels}"):
            ConvolutionalDan(n_channels, (2, 2), 3)
