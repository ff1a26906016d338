"""Networks whose nodes are Deep Artificial Neurons (DANs), joined by vectorised synapses (Sections 3, 3.1 and 3.2).

A node is a small network, the DAN, with parameters phi, the neuronal phenotype. A connection between two nodes is a vector
of n_channels weights. The connections between two layers (VECs) are a linear map theta from n nodes to m * n_channels
values, which the m DANs of the next layer turn into one number each. Everything has a leading axis of models [K]: seeds,
a population, or held-out functions, each with theta of its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor
from torch.nn import functional

from common.learning.randomness import generator
from common.learning.replicas import Tensors, conv2d, glorot_uniform, linear, stack
from papers.dan.fused_maps import PooledMaps
from papers.dan.protocol import SHARING, STARTED, Autoencoding, Regression

Join = Callable[..., Tensor]  # `signals`, or what does the same
Start = Callable[[Sequence[int], int, int, torch.Generator], Tensor]  # of weights: `glorot_uniform` or `torch_uniform`


class Dan(ABC):
    """A Deep Artificial Neuron as a function of its phenotype: n_channels values -> one."""

    n_channels: int
    start: Start
    compiled = False  # whether `fused_maps` takes its part on CPUs

    @abstractmethod
    def draw(self, source: torch.Generator) -> list[Tensor]:
        """Return the parameters of one DAN, drawn anew."""

    @abstractmethod
    def __call__(self, phenotype: Tensors, inputs: Tensor) -> Tensor:
        """Return one number for each input: phenotype [P, ...], inputs [P, N, n_channels] -> [P, N]."""

    def layer(self, phenotype: Tensors, inputs: Tensor) -> Tensor:
        """Return what a layer of DANs puts out: inputs [K, B, m, n_channels] -> [K, B, m].

        phenotype: [K, G, ...], with G = 1 for DANs that are all alike, or G = m for a phenotype each.
        """
        models, batch, nodes, channels = inputs.shape
        groups = phenotype[0].shape[1]
        flat = [tensor.flatten(0, 1) for tensor in phenotype]
        if groups == 1:
            return self(flat, inputs.reshape(models, -1, channels)).view(models, batch, nodes)
        by_node = inputs.transpose(1, 2).reshape(models * nodes, batch, channels)
        return self(flat, by_node).view(models, nodes, batch).transpose(1, 2)


class PerceptronDan(Dan):
    """The DAN of the regression (Section 3.1): n_channels - 15 - 8 - 1, tanh on the hidden layers and on the output."""

    def __init__(self, n_channels: int, hidden: Sequence[int], start: Start = glorot_uniform) -> None:
        self.n_channels, self.sizes, self.start = n_channels, (n_channels, *hidden, 1), start

    def draw(self, source: torch.Generator) -> list[Tensor]:
        layers = pairwise(self.sizes)
        return [tensor for n, m in layers for tensor in drawn((n, m), n, m, source, self.start)]

    def __call__(self, phenotype: Tensors, inputs: Tensor) -> Tensor:
        for weight, bias in zip(phenotype[::2], phenotype[1::2]):
            inputs = torch.tanh(linear(inputs, weight, bias))
        return inputs.squeeze(-1)


class ConvolutionalDan(Dan):
    """The DAN of the autoencoder (Section 3.2): its channels are a square patch.

    Two convolutions of 2x2 (1 -> 8 -> 4 for the paper), a max-pool of 3x3 with stride 1, two linear maps (144 -> 30 -> 1);
    leaky ReLU on every hidden layer. Raises ValueError if n_channels is no square, or too small for the pool.
    """

    KERNEL, POOL = 2, 3

    def __init__(
        self, n_channels: int, convolutions: Sequence[int], hidden: int, start: Start = glorot_uniform
    ) -> None:
        self.n_channels, self.side, self.start = n_channels, round(n_channels**0.5), start
        self.convolutions, self.hidden = (1, *convolutions), hidden
        pooled = self.side - len(convolutions) * (self.KERNEL - 1) - (self.POOL - 1)
        if self.side**2 != n_channels or pooled < 1:
            raise ValueError(f"a convolutional DAN needs a square patch of at least 5x5 channels, not {n_channels}")
        self.flat = self.convolutions[-1] * pooled**2
        self.compiled = len(convolutions) == 2

    def draw(self, source: torch.Generator) -> list[Tensor]:
        parameters, area = [], self.KERNEL**2
        for n_in, n_out in pairwise(self.convolutions):
            shape = n_out, n_in, self.KERNEL, self.KERNEL
            parameters += drawn(shape, n_in * area, n_out * area, source, self.start)
        for n_in, n_out in pairwise((self.flat, self.hidden, 1)):
            parameters += drawn((n_in, n_out), n_in, n_out, source, self.start)
        return parameters

    def __call__(self, phenotype: Tensors, inputs: Tensor) -> Tensor:
        *convolutions, weight, bias, last_weight, last_bias = phenotype
        if self.compiled and inputs.device.type == "cpu":
            pooled = PooledMaps.apply(pooled_maps, inputs, *convolutions)
        else:
            pooled = pooled_maps(inputs, *convolutions)
        # leaky ReLU grows with its input: after the pool, where there are fewer values, it gives the same as before
        hidden = functional.leaky_relu_(linear(functional.leaky_relu(pooled), weight, bias))
        return linear(hidden, last_weight, last_bias).squeeze(-1)


class Retina:
    """The input DANs of the autoencoder: two convolutions of 3x3 over the image, leaky ReLU on each (1 -> 8 -> 1 channels).

    They are part of the phenotype: learned in meta-training, fixed in deployment.
    """

    KERNEL = 3

    def __init__(self, channels: int, start: Start = glorot_uniform) -> None:
        self.channels, self.start = (1, channels, 1), start

    def draw(self, source: torch.Generator) -> list[Tensor]:
        area, parameters = self.KERNEL**2, []
        for n_in, n_out in pairwise(self.channels):
            shape = n_out, n_in, self.KERNEL, self.KERNEL
            parameters += drawn(shape, n_in * area, n_out * area, source, self.start)
        return parameters

    def __call__(self, phenotype: Tensors, images: Tensor) -> Tensor:
        """Return the images as the first VECs see them: images [K, B, side^2] -> [K, B, side^2]."""
        side = round(images.shape[-1] ** 0.5)
        hidden = images.unflatten(-1, (1, side, side))
        for weight, bias in zip(phenotype[::2], phenotype[1::2]):
            hidden = functional.leaky_relu(conv2d(hidden, weight[:, 0], bias[:, 0], padding=self.KERNEL // 2))
        return hidden.flatten(2)


class DanNetwork:
    """Layers of nodes, all but the first of them DANs, each layer joined to the next by VECs; and skips.

    nodes: how many each layer has; skips: pairs of layers (from, to), whose VECs add to the input of the DANs of `to`;
    sharing: one of SHARING, else ValueError; output_scale: what the output is multiplied by; retina: what the input goes
    through first; start: how the VECs' weights are drawn.

    theta: weight [K, n, m * n_channels] and bias [K, m * n_channels] for each pair of neighbouring layers, then a weight for
    each skip. phi: [K, G, ...], the parameters of each phenotype in turn, then those of the retina.
    """

    def __init__(
        self,
        nodes: Sequence[int],
        dan: Dan,
        skips: Sequence[tuple[int, int]],
        sharing: str,
        output_scale: float = 1.0,
        retina: Retina | None = None,
        start: Start = glorot_uniform,
    ) -> None:
        if sharing not in SHARING:
            raise ValueError(f"unknown sharing {sharing!r}; known are {', '.join(SHARING)}")
        self.nodes, self.dan, self.skips, self.sharing = tuple(nodes), dan, tuple(skips), sharing
        self.output_scale, self.retina, self.start = output_scale, retina, start

    def draw_synapses(self, source: torch.Generator) -> list[Tensor]:
        """Return theta of one model, without the axis of models."""
        channels = self.dan.n_channels
        theta = [
            tensor
            for n, m in pairwise(self.nodes)
            for tensor in drawn((n, m * channels), n, m * channels, source, self.start)
        ]
        for start, end in self.skips:
            n, m = self.nodes[start], self.nodes[end] * channels
            theta.append(self.start((n, m), n, m, source))
        return theta

    def draw_phenotypes(self, source: torch.Generator) -> list[Tensor]:
        """Return phi of one model, without the axis of models: [G, ...]."""
        groups = {"network": [1], "layer": [1] * (len(self.nodes) - 1), "none": self.nodes[1:]}[self.sharing]
        phi = [tensor for count in groups for tensor in stack(self.dan.draw(source) for _ in range(count))]
        return phi + ([tensor[None] for tensor in self.retina.draw(source)] if self.retina else [])

    def __call__(self, theta: Tensors, phi: Tensors, inputs: Tensor, join: Join | None = None) -> Tensor:
        """Return the outputs: inputs [K, B, nodes[0]] -> [K, B, nodes[-1]]; join: what computes `signals` in its place."""
        return self.output_scale * self.layers(theta, phi, inputs, join)[-1]

    def layers(self, theta: Tensors, phi: Tensors, inputs: Tensor, join: Join | None = None) -> list[Tensor]:
        """Return what every layer of nodes puts out [K, B, n], the first included; the last one without the output scale."""
        size = len(phi) - (4 if self.retina else 0)
        of_dan = size if self.sharing == "network" else size // (len(self.nodes) - 1)
        outputs = [self.retina(phi[size:], inputs) if self.retina else inputs]
        skips = theta[2 * (len(self.nodes) - 1) :]
        for index, nodes in enumerate(self.nodes[1:]):
            sources = [outputs[index], theta[2 * index]]
            for (start, end), weight in zip(self.skips, skips):
                if end == index + 1:
                    sources += [outputs[start], weight]
            signal = (join or signals)(theta[2 * index + 1], *sources)
            first = 0 if self.sharing == "network" else index * of_dan
            vectors = signal.view(*signal.shape[:2], nodes, self.dan.n_channels)
            outputs.append(self.dan.layer(phi[first : first + of_dan], vectors))
        return outputs


def build(settings: Regression | Autoencoding, sharing: str) -> DanNetwork:
    """Return the network of an experiment; sharing: one of SHARING."""
    of_dans, of_vecs = (torch_uniform if part in settings.torch_start else glorot_uniform for part in STARTED)
    if isinstance(settings, Regression):
        dan: Dan = PerceptronDan(settings.n_channels, settings.hidden, of_dans)
        return DanNetwork(settings.nodes, dan, settings.skips, sharing, settings.output_scale, start=of_vecs)
    dan = ConvolutionalDan(settings.n_channels, settings.convolutions, settings.dan_hidden, of_dans)
    retina = Retina(settings.retina, of_dans)
    return DanNetwork(settings.nodes, dan, settings.skips, sharing, retina=retina, start=of_vecs)


def initial_synapses(network: DanNetwork, seeds: Sequence[int], members: int = 1) -> list[Tensor]:
    """Return theta_0 [R * members, ...]: the same for all models of a seed's population, and in every sequence."""
    theta = stack(network.draw_synapses(generator(seed, "synapses")) for seed in seeds)
    return [tensor.repeat_interleave(members, 0) for tensor in theta]


def random_phenotypes(network: DanNetwork, seeds: Sequence[int]) -> list[Tensor]:
    """Return phi_0 [R, ...]: where meta-training begins, and what networks with random phenotypes keep."""
    return stack(network.draw_phenotypes(generator(seed, "phenotypes")) for seed in seeds)


def signals(bias: Tensor, *sources: Tensor) -> Tensor:
    """Return what VECs bring to a layer of m DANs: its bias, and inputs times weight of each source; [K, B, m * n_channels].

    bias [K, m * n_channels]; sources: inputs [K, B, n] and weight [K, n, m * n_channels] from the layer before, then from skips.
    """
    signal = linear(sources[0], sources[1], bias)
    for inputs, weight in zip(sources[2::2], sources[3::2]):
        signal = torch.baddbmm(signal, inputs, weight)
    return signal


def pooled_maps(inputs: Tensor, *convolutions: Tensor) -> Tensor:
    """Return a ConvolutionalDan's maps after its pool: inputs [P, N, side^2] -> [P, N, maps * pooled^2].

    convolutions: weight [P, n_out, n_in, k, k] and bias [P, n_out] of each in turn, with leaky ReLU between them.
    """
    maps, side = inputs, round(inputs.shape[-1] ** 0.5)
    for place, (weight, bias) in enumerate(zip(convolutions[::2], convolutions[1::2])):
        matrix, side = convolution_matrix(weight, side), side - weight.shape[-1] + 1
        maps = functional.leaky_relu_(maps) if place else maps
        maps = linear(maps, matrix, bias.repeat_interleave(side**2, 1))
    patches = maps.view(-1, weight.shape[1], side, side)
    return functional.max_pool2d(patches, ConvolutionalDan.POOL, stride=1).view(*inputs.shape[:2], -1)


def convolution_matrix(weight: Tensor, side: int) -> Tensor:
    """Return a convolution over side x side patches as a matrix [P, n_in * side^2, n_out * (side - k + 1)^2].

    weight: [P, n_out, n_in, k, k]. Most of the matrix is zeros, and yet thousands of patches are multiplied by it no slower
    than torch convolves them (on a CPU, where `fused_maps` is faster than both; not tried on a GPU).
    """
    kernel, device = weight.shape[-1], weight.device
    first = torch.arange(side - kernel + 1, device=device)  # that the window of an output covers
    covered = first + torch.arange(kernel, device=device).view(-1, 1, 1)
    places = (torch.arange(side, device=device).view(-1, 1) == covered).to(weight.dtype)  # [k, side, outputs]
    matrix = torch.einsum("poiyx,yhv,xwu->pihwovu", weight, places, places)
    return matrix.flatten(4).flatten(1, 3)


def drawn(shape: Sequence[int], fan_in: int, fan_out: int, source: torch.Generator, start: Start) -> list[Tensor]:
    """Return a weight as `start` draws it, and a bias from U(-1 / sqrt(fan_in), 1 / sqrt(fan_in)) as torch's layers have it.

    The bias has the size of the outputs: the weight's first axis for convolutions, else its last.
    """
    bias = torch_uniform((shape[0] if len(shape) == 4 else shape[-1],), fan_in, fan_out, source)
    return [start(shape, fan_in, fan_out, source), bias]


def torch_uniform(shape: Sequence[int], fan_in: int, fan_out: int, source: torch.Generator) -> Tensor:
    """Return weights from U(-1 / sqrt(fan_in), 1 / sqrt(fan_in)), as torch's linear layers and convolutions start."""
    bound = fan_in**-0.5
    return torch.empty(*shape).uniform_(-bound, bound, generator=source)
