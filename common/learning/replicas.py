"""Layers with a replica axis: many seeds of one network trained as one batched model.

A network's parameters are a list of tensors [R, ...], one slice per replica; activations are [R, B, ...].  R = 1 is the
ordinary network.  Networks are functions of their parameters (`logits(parameters, inputs)`), so the same code gives the
gradient of every single example: one example per replica (`per_example_gradients` in common/learning/consolidation.py).
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from common.learning.randomness import generator

Tensors = Sequence[Tensor]  # one for each weight or bias, with or without the replica axis
Generators = Sequence[torch.Generator]

MASKED = -1e32  # logit of an output that does not compete; finite, or its gradient would be 0 * inf


def linear(inputs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """x W + b per replica: inputs [R, B, n_in], weight [R, n_in, n_out], bias [R, n_out] -> [R, B, n_out]."""
    return torch.baddbmm(bias.unsqueeze(1), inputs, weight)


def conv2d(inputs: Tensor, weight: Tensor, bias: Tensor, padding: int = 0) -> Tensor:
    """Convolution per replica: as one grouped convolution, or one after the other where that is faster.

    inputs [R, B, n_in, H, W], weight [R, n_out, n_in, k, k], bias [R, n_out] -> [R, B, n_out, H', W'].
    """
    replicas, batch = inputs.shape[:2]
    # on a CPU 1.3 to 2.3 times as fast with 2 to 5 replicas, but not for single images
    if inputs.device.type == "cpu" and batch > 1:
        return torch.stack(
            [
                functional.conv2d(images.contiguous(memory_format=torch.channels_last), w, b, padding=padding)
                for images, w, b in zip(inputs, weight, bias)
            ]
        )
    side_by_side = inputs.transpose(0, 1).reshape(batch, -1, *inputs.shape[3:])
    output = functional.conv2d(side_by_side, weight.flatten(0, 1), bias.flatten(), padding=padding, groups=replicas)
    return output.unflatten(1, (replicas, -1)).transpose(0, 1)


def max_pool(inputs: Tensor, size: int) -> Tensor:
    """Maxima over windows of size x size: [R, B, n, H, W] -> [R, B, n, H // size, W // size]."""
    return functional.max_pool2d(inputs.flatten(0, 1), size).unflatten(0, inputs.shape[:2])


def dropout(inputs: Tensor, rate: float, generators: Generators | None) -> Tensor:
    """Zero each value with probability `rate` and divide the rest by 1 - rate; unchanged where generators is None.

    generators: one per replica, on the inputs' device, so that a replica's masks do not depend on its neighbours.
    """
    if generators is None or rate == 0:
        return inputs
    mask = torch.stack(
        [
            torch.empty(inputs.shape[1:], dtype=inputs.dtype, device=inputs.device).bernoulli_(1 - rate, generator=g)
            for r, g in enumerate(generators)
        ]
    )
    return inputs * mask.div_(1 - rate)


def glorot_uniform(shape: Sequence[int], fan_in: int, fan_out: int, source: torch.Generator) -> Tensor:
    """Weights drawn from U(-a, a), a = sqrt(6 / (fan_in + fan_out)) (Glorot & Bengio 2010)."""
    bound = math.sqrt(6 / (fan_in + fan_out))
    return torch.empty(*shape).uniform_(-bound, bound, generator=source)


def masked(logits: Tensor, active: Tensor | None) -> Tensor:
    """Logits with those of the outputs that do not compete set to -1e32; active: bool [n_out], or None for all."""
    return logits if active is None else logits.masked_fill(~active, MASKED)


def cross_entropy(logits: Tensor, labels: Tensor, active: Tensor | None = None) -> Tensor:
    """Mean cross-entropy per replica: logits [R, B, n_out], labels [R, B], active outputs bool [n_out] or None -> [R]."""
    losses = functional.cross_entropy(masked(logits, active).flatten(0, 1), labels.flatten(), reduction="none")
    return losses.view(labels.shape).mean(1)


class Network(ABC):
    """A network as functions of its parameters; drops_out: whether units do, in training."""

    drops_out = False

    def initial(self, seeds: Sequence[int], purpose: str = "initialisation") -> list[Tensor]:
        """Parameters [R, ...] in the order weight, bias, weight, bias, ...; replica r depends on seeds[r] alone."""
        return stack(self.draw(generator(seed, purpose)) for seed in seeds)

    @abstractmethod
    def draw(self, source: torch.Generator) -> list[Tensor]:
        """Initial parameters of one network, without the replica axis."""

    @abstractmethod
    def logits(self, parameters: Tensors, inputs: Tensor, generators: Generators | None = None) -> Tensor:
        """Outputs before the softmax: inputs [R, B, ...] -> [R, B, n_out]; with generators (one per replica), units drop out."""

    def gradients(
        self,
        parameters: Tensors,
        inputs: Tensor,
        labels: Tensor,
        active: Tensor | None = None,
        generators: Generators | None = None,
    ) -> tuple[Tensor, list[Tensor]]:
        """The mean cross-entropy of each replica [R] and its gradients, by automatic differentiation."""
        losses = cross_entropy(self.logits(parameters, inputs, generators), labels, active)
        return losses.detach(), list(torch.autograd.grad(losses.sum(), parameters))


class Mlp(Network):
    """A multilayer perceptron with ReLU hidden layers: sizes (n_in, hidden..., n_out).

    zero_output: the last weight matrix starts at zero instead of at Glorot's; dropout_rate: on every hidden layer.
    """

    def __init__(self, sizes: Sequence[int], zero_output: bool = False, dropout_rate: float = 0.0) -> None:
        self.sizes, self.zero_output, self.dropout_rate = tuple(sizes), zero_output, dropout_rate
        self.drops_out = dropout_rate > 0

    def draw(self, source: torch.Generator) -> list[Tensor]:
        parameters = []
        for fan_in, fan_out in zip(self.sizes, self.sizes[1:]):
            parameters += [glorot_uniform((fan_in, fan_out), fan_in, fan_out, source), torch.zeros(fan_out)]
        if self.zero_output:
            parameters[-2].zero_()
        return parameters

    def hidden(self, parameters: Tensors, inputs: Tensor, generators: Generators | None = None) -> Tensor:
        """The last hidden layer: inputs [R, B, n_in] -> [R, B, m]; parameters: of the hidden layers alone."""
        hidden = inputs
        for weight, bias in zip(parameters[::2], parameters[1::2], strict=True):
            hidden = dropout(linear(hidden, weight, bias).relu_(), self.dropout_rate, generators)
        return hidden

    def logits(self, parameters: Tensors, inputs: Tensor, generators: Generators | None = None) -> Tensor:
        return linear(self.hidden(parameters[:-2], inputs, generators), parameters[-2], parameters[-1])


def stack(replicas: Iterable[list[Tensor]]) -> list[Tensor]:
    """Lists of tensors, one list per replica -> one list of tensors [R, ...]."""
    return [torch.stack(tensors) for tensors in zip(*replicas, strict=True)]


def count(parameters: Sequence[Tensor]) -> int:
    """Parameters of one replica."""
    return sum(tensor[0].numel() for tensor in parameters)
