"""Networks of DANs against neurons computed one at a time, and the sizes that the paper states or implies."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from common.learning.replicas import count
from papers.dan.model import SHARING, ConvolutionalDan, DanNetwork, PerceptronDan, Retina, build, convolution_matrix
from tests.papers.dan.small import IMAGES, PAPER, REGRESSION, batch, network


def weights_of(settings, sharing):
    built = build(settings, sharing)
    source = torch.Generator().manual_seed(0)
    return built.draw_synapses(source), built.draw_phenotypes(source)


def test_published_sizes_of_the_regression_network():
    theta, phi = weights_of(PAPER.regression, "network")
    assert [tensor.numel() for tensor in theta if tensor.dim() == 2] == [1600, 64_000, 1600, 1600, 1600]
    assert sum(tensor.numel() for tensor in theta if tensor.dim() == 2) == 70_400
    assert sum(tensor.numel() for tensor in theta if tensor.dim() == 1) == 3240
    assert count(phi) == 752
    assert count(weights_of(PAPER.regression, "layer")[1]) == 3 * 752
    unique = weights_of(PAPER.regression, "none")[1]
    assert sum(tensor.numel() for tensor in unique) == 81 * 752


def test_published_sizes_of_the_autoencoder():
    built = build(PAPER.images, "layer")
    of_dan = built.dan.draw(torch.Generator().manual_seed(0))
    assert [tensor.numel() for tensor in of_dan] == [32, 8, 128, 4, 4320, 30, 30, 1]
    assert sum(tensor.numel() for tensor in of_dan) == 4553 and built.dan.flat == 144
    phi = built.draw_phenotypes(torch.Generator().manual_seed(0))
    assert sum(tensor.numel() for tensor in phi) == 4 * 4553 + (9 * 8 + 8) + (9 * 8 + 1)
    pairs = [(784, 120), (120, 100), (100, 120), (120, 784), (784, 100), (100, 784)]
    small = DanNetwork((784, 120, 100, 120, 784), ConvolutionalDan(25, (1,), 1), PAPER.images.skips, "layer")
    shapes = [tuple(tensor.shape) for tensor in small.draw_synapses(torch.Generator()) if tensor.dim() == 2]
    assert shapes == [(n, m * 25) for n, m in pairs]


def perceptron(phenotype):
    """One DAN of the regression as a torch module."""
    layers = []
    for weight, bias in zip(phenotype[::2], phenotype[1::2]):
        layer = nn.Linear(*weight.shape, dtype=weight.dtype)
        layer.weight.data, layer.bias.data = weight.T, bias
        layers += [layer, nn.Tanh()]
    return nn.Sequential(*layers)


def convolutional(phenotype):
    """One DAN of the autoencoder as a torch module."""
    layers = [nn.Unflatten(1, (1, 5, 5))]
    for weight, bias in zip(phenotype[:-4:2], phenotype[1:-4:2]):
        layer = nn.Conv2d(weight.shape[1], weight.shape[0], 2, dtype=weight.dtype)
        layer.weight.data, layer.bias.data = weight, bias
        layers += [layer, nn.LeakyReLU(0.01)]
    layers += [nn.MaxPool2d(3, 1), nn.Flatten()]
    for weight, bias in ((phenotype[-4], phenotype[-3]), (phenotype[-2], phenotype[-1])):
        layer = nn.Linear(*weight.shape, dtype=weight.dtype)
        layer.weight.data, layer.bias.data = weight.T, bias
        layers += [layer, nn.LeakyReLU(0.01)]
    return nn.Sequential(*layers[:-1])


def one_by_one(built, theta, phi, inputs, module):
    """The outputs of one model, DAN by DAN: theta and phi without the axis of models, inputs [B, n]."""
    size, pairs = len(built.dan.draw(torch.Generator())), len(built.nodes) - 1
    if built.retina:
        side = round(inputs.shape[1] ** 0.5)
        image = inputs.view(-1, 1, side, side)
        for weight, bias in zip(phi[-4::2], phi[-3::2]):
            image = nn.functional.leaky_relu(nn.functional.conv2d(image, weight[0], bias[0], padding=1))
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
            columns.append(module([tensor[group] for tensor in phi[first : first + size]])(signal))
        layers.append(torch.cat(columns, 1))
    return built.output_scale * layers[-1]


@pytest.mark.parametrize("sharing", SHARING)
@pytest.mark.parametrize(
    ("settings", "module"), [(REGRESSION, perceptron), (IMAGES, convolutional)], ids=["regression", "images"]
)
def test_the_batched_network_is_its_neurons_one_by_one(settings, module, sharing):
    built, theta, phi = network(settings, sharing, models=2)
    inputs, _ = batch(settings, models=2)
    outputs = built(theta, phi, inputs)
    for model in range(2):
        own = ([tensor[model] for tensor in tensors] for tensors in (theta, phi))
        torch.testing.assert_close(outputs[model], one_by_one(built, *own, inputs[model], module))


def test_every_layer_is_given_on_request():
    built, theta, phi = network()
    inputs, _ = batch(REGRESSION)
    layers = built.layers(theta, phi, inputs)
    assert [layer.shape[2] for layer in layers] == list(REGRESSION.nodes)
    torch.testing.assert_close(built.output_scale * layers[-1], built(theta, phi, inputs))
    assert layers[-1].abs().max() < 1


def test_a_shared_phenotype_is_shared():
    """With all synapses alike, all DANs of a layer answer alike if they share a phenotype, and else differ."""
    for sharing, spread in (("network", False), ("layer", False), ("none", True)):
        built, theta, phi = network(sharing=sharing)
        alike = [torch.full_like(tensor, 0.3) for tensor in theta]
        hidden = built.layers(alike, phi, torch.ones(1, 1, 1, dtype=torch.float64))[1].flatten()
        assert bool(hidden.std() > 1e-3) == spread


def test_the_retina_keeps_the_size_of_the_image():
    retina = Retina(3)
    phenotype = [tensor[None, None] for tensor in retina.draw(torch.Generator().manual_seed(0))]
    assert retina(phenotype, torch.rand(1, 2, 49)).shape == (1, 2, 49)


def test_what_cannot_be_is_refused():
    with pytest.raises(ValueError, match="unknown sharing 'all'; known are network, layer, none"):
        DanNetwork((1, 1), PerceptronDan(3, (2,)), (), "all")
    for n_channels in (10, 9):
        with pytest.raises(ValueError, match=f"at least 5x5 channels, not {n_channels}"):
            ConvolutionalDan(n_channels, (2, 2), 3)


@pytest.mark.parametrize("n_in, n_out, kernel, side", [(1, 8, 2, 5), (8, 4, 2, 4), (2, 3, 3, 7)])
def test_a_convolution_as_a_matrix_is_that_convolution(n_in, n_out, kernel, side):
    source = torch.Generator().manual_seed(5)
    weight = torch.randn(2, n_out, n_in, kernel, kernel, generator=source, dtype=torch.double)
    patches = torch.randn(2, 6, n_in, side, side, generator=source, dtype=torch.double)
    product = torch.bmm(patches.flatten(2), convolution_matrix(weight, side))
    expected = torch.stack([functional.conv2d(own, kernels) for own, kernels in zip(patches, weight)])
    torch.testing.assert_close(product, expected.flatten(2))
