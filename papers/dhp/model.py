"""The networks: a body that makes hidden units, and a softmax layer that is plastic or not, both with a replica axis."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from common.learning.replicas import Generators, Network, Tensors, conv2d, cross_entropy, linear, max_pool
from papers.dhp.method import hebbian_update
from papers.dhp.protocol import CLASSES, PIXELS, SIDE, Benchmark, Condition, Vision


def uniform(shape: Sequence[int], fan: int, source: torch.Generator) -> Tensor:
    """Return numbers from U(-1 / sqrt(fan), 1 / sqrt(fan)), torch's default for a layer with `fan` inputs."""
    bound = 1 / math.sqrt(fan)
    return torch.empty(*shape).uniform_(-bound, bound, generator=source)


def layer(shape: Sequence[int], n_out: int, fan: int, source: torch.Generator) -> list[Tensor]:
    """Return a layer's weight of this shape and the bias of its n_out units; fan: its inputs."""
    return [uniform(shape, fan, source), uniform((n_out,), fan, source)]


class Body(ABC):
    """All layers but the last: a function from inputs [R, B, ...] to hidden units [R, B, m]."""

    hidden: int  # how many hidden units, m
    size: int  # how many tensors its parameters are

    @abstractmethod
    def draw(self, source: torch.Generator) -> list[Tensor]:
        """Return initial weights and biases of one network, in turn."""

    @abstractmethod
    def __call__(self, parameters: Tensors, inputs: Tensor) -> Tensor:
        """Return the hidden units, given weights and biases [R, ...] in turn."""


class Perceptron(Body):
    """Fully connected hidden layers with leaky ReLU; sizes: (n_in, hidden, ...); slope: below zero."""

    def __init__(self, sizes: Sequence[int], slope: float) -> None:
        self.sizes, self.slope = tuple(sizes), slope
        self.hidden, self.size = sizes[-1], 2 * (len(sizes) - 1)

    def draw(self, source: torch.Generator) -> list[Tensor]:
        parameters = []
        for n_in, n_out in zip(self.sizes, self.sizes[1:]):
            parameters += layer((n_in, n_out), n_out, n_in, source)
        return parameters

    def __call__(self, parameters: Tensors, inputs: Tensor) -> Tensor:
        hidden = inputs
        for weight, bias in zip(parameters[::2], parameters[1::2]):
            hidden = functional.leaky_relu_(linear(hidden, weight, bias), self.slope)
        return hidden


class Convolutions(Body):
    """The network of the vision mixture: twice (convolution, leaky ReLU, 2x2 max-pool), then one dense layer.

    channels: of the two convolutions; kernel: the side of theirs; padding: around their inputs; dense: units of the last
    layer; slope: of the leaky ReLU below zero.
    """

    def __init__(self, channels: Sequence[int], kernel: int, padding: int, dense: int, slope: float) -> None:
        self.channels, self.kernel, self.padding = (3, *channels), kernel, padding
        self.hidden, self.slope, self.size = dense, slope, 6
        side = SIDE
        for _ in channels:
            side = (side + 2 * padding - kernel + 1) // 2
        self.flat = side * side * channels[-1]

    def draw(self, source: torch.Generator) -> list[Tensor]:
        parameters = []
        for n_in, n_out in zip(self.channels, self.channels[1:]):
            parameters += layer((n_out, n_in, self.kernel, self.kernel), n_out, n_in * self.kernel**2, source)
        return parameters + layer((self.flat, self.hidden), self.hidden, self.flat, source)

    def __call__(self, parameters: Tensors, inputs: Tensor) -> Tensor:
        hidden = inputs
        for weight, bias in zip(parameters[:-2:2], parameters[1:-2:2]):
            hidden = max_pool(functional.leaky_relu(conv2d(hidden, weight, bias, self.padding), self.slope), 2)
        return functional.leaky_relu_(linear(hidden.flatten(2), parameters[-2], parameters[-1]), self.slope)


class Classifier(Network):
    """A body and the softmax layer of a condition, which has no bias.

        z = (theta + alpha Hebb) h     plastic (eq. 2)
        z = (theta + theta_2) h        otherwise, for as many parameters; single: without theta_2

    body: makes the hidden units h, m of them; classes: d, the number of outputs; eta: its initial value. Where the condition
    is bounded, eta is set back into [0, 1] whenever gradient descent has taken it out. Where it is narrow, theta starts in
    U(-1 / sqrt(m), 1 / sqrt(m)), torch's default for a layer with m inputs, in place of U(-1 / sqrt(d), 1 / sqrt(d)), which
    the author's code has by storing theta transposed. Alpha starts in 0.01 U(0, 1), the trace Hebb at zero.

    Parameters: those of the body, theta [m, d], then alpha [m, d], eta [1] and Hebb [m, d], or theta_2 [m, d].
    """

    def __init__(self, body: Body, classes: int, condition: Condition, eta: float) -> None:
        self.body, self.classes, self.condition, self.eta = body, classes, condition, eta
        self.fan = body.hidden if condition.narrow else classes
        self.slow = body.size + (
            1 if condition.plastic or condition.single else 2
        )  # how many parameters are slow weights

    def draw(self, source: torch.Generator) -> list[Tensor]:
        shape = (self.body.hidden, self.classes)
        parameters = [*self.body.draw(source), uniform(shape, self.fan, source)]
        if self.condition.plastic:
            alpha = torch.empty(*shape).uniform_(0, 0.01, generator=source)
            return [*parameters, alpha, torch.full((1,), self.eta), torch.zeros(*shape)]
        return parameters if self.condition.single else [*parameters, uniform(shape, self.fan, source)]

    def learned(self, parameters: Tensors) -> list[Tensor]:
        """Return the parameters that gradient descent changes: all but the trace."""
        return list(parameters[: len(parameters) - self.condition.plastic])

    def logits(self, parameters: Tensors, inputs: Tensor, generators: Generators | None = None) -> Tensor:
        """Return the outputs in evaluation, where the trace is used as it is: inputs [R, B, ...] -> [R, B, d]."""
        hidden = self.body(parameters[: self.body.size], inputs)
        return torch.bmm(hidden, self._weights(parameters, parameters[-1]))

    def gradients(
        self,
        parameters: Tensors,
        inputs: Tensor,
        labels: Tensor,
        active: Tensor | None = None,
        generators: Generators | None = None,
    ) -> tuple[Tensor, list[Tensor]]:
        """Return the mean cross-entropy of each replica [R] in training, and its gradients for all but the trace.

        It moves the trace, parameters[-1], by the batch: show a batch once.
        """
        if not self.condition.plastic:
            return super().gradients(parameters, inputs, labels, active, generators)
        if self.condition.bounded:
            with torch.no_grad():
                parameters[-2].clamp_(0, 1)
        hidden = self.body(parameters[: self.body.size], inputs)
        trace = hebbian_update(parameters[-1].detach(), parameters[-2], hidden, labels)
        losses = cross_entropy(torch.bmm(hidden, self._weights(parameters, trace)), labels, active)
        gradients = torch.autograd.grad(losses.sum(), self.learned(parameters))
        with torch.no_grad():
            parameters[-1].copy_(trace)
        return losses.detach(), list(gradients)

    def _weights(self, parameters: Tensors, trace: Tensor) -> Tensor:
        theta, *rest = parameters[self.body.size :]
        if self.condition.plastic:
            return torch.addcmul(theta, rest[0], trace)
        return theta if self.condition.single else theta + rest[0]


def build(settings: Benchmark, condition: Condition) -> Classifier:
    """Return the network of a benchmark and condition."""
    body: Body
    if isinstance(settings, Vision):
        body = Convolutions(settings.channels, settings.kernel, settings.padding, settings.dense, settings.slope)
        classes = CLASSES * len(settings.sets)
    else:
        body, classes = Perceptron((PIXELS, *settings.hidden), settings.slope), CLASSES
    return Classifier(body, classes, condition, settings.eta)
