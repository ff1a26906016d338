"""The study's networks: a perceptron, a convolutional one for CIFAR-100, and a softmax layer that is plastic for DHP's methods."""

from __future__ import annotations

import torch
from torch import Tensor

from common.learning.replicas import (
    Generators,
    Mlp,
    Network,
    Tensors,
    conv2d,
    cross_entropy,
    glorot_uniform,
    linear,
    max_pool,
)
from papers.dhp.method import hebbian_update
from studies.cross_benchmark.protocol import CIFAR_SIDE, COLOURS, KERNEL, PIXELS, Cifar, Settings

PLASTIC = 3  # parameters that a plastic layer adds: alpha, eta and the trace


class Cnn(Network):
    """3x3 convolutions with ReLU, each followed by a 2x2 max-pool, then a dense ReLU layer and the softmax layer.

    channels: of each convolution; dense: units of the dense layer; outputs: of the softmax layer. Weights are drawn as
    Glorot's, biases start at zero, as those of `Mlp`.
    """

    def __init__(self, channels: tuple[int, ...], dense: int, outputs: int) -> None:
        self.convolutions = list(zip((COLOURS, *channels), channels, strict=False))
        side = CIFAR_SIDE // 2 ** len(channels)
        self.dense = [(side * side * channels[-1], dense), (dense, outputs)]

    def draw(self, source: torch.Generator) -> list[Tensor]:
        parameters, area = [], KERNEL * KERNEL
        for n_in, n_out in self.convolutions:
            weight = glorot_uniform((n_out, n_in, KERNEL, KERNEL), area * n_in, area * n_out, source)
            parameters += [weight, torch.zeros(n_out)]
        for n_in, n_out in self.dense:
            parameters += [glorot_uniform((n_in, n_out), n_in, n_out, source), torch.zeros(n_out)]
        return parameters

    def hidden(self, parameters: Tensors, inputs: Tensor, generators: Generators | None = None) -> Tensor:
        """Return the dense layer: inputs [R, B, 3, 32, 32] -> [R, B, m]; parameters: all but those of the softmax layer."""
        hidden = inputs
        for weight, bias in zip(parameters[:-2:2], parameters[1:-2:2], strict=True):
            hidden = max_pool(conv2d(hidden, weight, bias, padding=KERNEL // 2).relu(), 2)
        return linear(hidden.flatten(2), parameters[-2], parameters[-1]).relu_()

    def logits(self, parameters: Tensors, inputs: Tensor, generators: Generators | None = None) -> Tensor:
        return linear(self.hidden(parameters[:-2], inputs), parameters[-2], parameters[-1])


class Plastic(Network):
    """A network with a fast Hebbian weight beside each output weight (DHP, eq. 2): z = (theta + alpha Hebb) h + b.

    network: the one without them, whose weights start as they do without; eta: the initial rate of the trace.
    Parameters: its own, then alpha [m, d], eta [1] and the trace Hebb [m, d]. Alpha starts at 0.01 U(0, 1), Hebb at zero.
    """

    def __init__(self, network: Mlp | Cnn, eta: float) -> None:
        self.network, self.eta = network, eta

    def draw(self, source: torch.Generator) -> list[Tensor]:
        slow = self.network.draw(source)
        shape = slow[-2].shape
        alpha = torch.empty(*shape).uniform_(0, 0.01, generator=source)
        return [*slow, alpha, torch.full((1,), self.eta), torch.zeros(*shape)]

    def logits(self, parameters: Tensors, inputs: Tensor, generators: Generators | None = None) -> Tensor:
        """Return the outputs in evaluation, where the trace is used as it is: inputs [R, B, ...] -> [R, B, d]."""
        *slow, alpha, _, trace = parameters
        return self.network.logits([*slow[:-2], torch.addcmul(slow[-2], alpha, trace), slow[-1]], inputs)

    def gradients(
        self,
        parameters: Tensors,
        inputs: Tensor,
        labels: Tensor,
        active: Tensor | None = None,
        generators: Generators | None = None,
    ) -> tuple[Tensor, list[Tensor]]:
        """Return the mean cross-entropy of each replica [R] in training, and its gradients for all but the trace.

        It moves the trace, the last parameter, by the batch (Algorithm 1): show a batch once.
        """
        *slow, alpha, eta, trace = parameters
        hidden = self.network.hidden(slow[:-2], inputs)
        moved = hebbian_update(trace.detach(), eta, hidden, labels)
        losses = cross_entropy(linear(hidden, torch.addcmul(slow[-2], alpha, moved), slow[-1]), labels, active)
        gradients = torch.autograd.grad(losses.sum(), [*slow, alpha, eta])
        with torch.no_grad():
            trace.copy_(moved)
        return losses.detach(), list(gradients)


def build(settings: Settings, outputs: int, eta: float | None) -> Network:
    """Return the network of a benchmark, by its settings; eta: the initial rate of the trace, None for no plastic layer."""
    network: Mlp | Cnn
    if isinstance(settings, Cifar):
        network = Cnn(settings.channels, settings.dense, outputs)
    else:
        network = Mlp((PIXELS, *settings.hidden, outputs))
    return network if eta is None else Plastic(network, eta)
