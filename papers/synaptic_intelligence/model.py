"""The networks: a perceptron for the MNIST benchmarks, a convolutional network for CIFAR, both with a replica axis."""

from __future__ import annotations

import torch
from torch import Tensor

from common.learning.replicas import (
    Generators,
    Mlp,
    Network,
    Tensors,
    conv2d,
    dropout,
    glorot_uniform,
    linear,
    max_pool,
)
from papers.synaptic_intelligence.protocol import CIFAR_SIDE, DIGITS, PIXELS, Benchmark, PermutedMnist, SplitMnist


class Cnn(Network):
    """The network of Section 5.3, as the authors' code has it: 1,276,508 parameters with 32 and 64 channels and 60 outputs.

    Twice (3x3 convolution same, 3x3 valid, 2x2 max-pool, dropout), then a dense layer with dropout and the outputs, whose
    weights start at zero; ReLU throughout.
    """

    def __init__(
        self, channels: tuple[int, int], dense: int, outputs: int, convolution_dropout: float, dense_dropout: float
    ) -> None:
        first, second = channels
        self.convolutions = [(3, first), (first, first), (first, second), (second, second)]  # channels in, out
        side = ((CIFAR_SIDE - 2) // 2 - 2) // 2
        self.dense = [(side * side * second, dense), (dense, outputs)]
        self.convolution_dropout, self.dense_dropout = convolution_dropout, dense_dropout
        self.drops_out = convolution_dropout > 0 or dense_dropout > 0

    def draw(self, source: torch.Generator) -> list[Tensor]:
        """Glorot-uniform weights, zero biases, zero output weights."""
        parameters = []
        for n_in, n_out in self.convolutions:
            parameters += [glorot_uniform((n_out, n_in, 3, 3), 9 * n_in, 9 * n_out, source), torch.zeros(n_out)]
        for n_in, n_out in self.dense:
            parameters += [glorot_uniform((n_in, n_out), n_in, n_out, source), torch.zeros(n_out)]
        parameters[-2].zero_()
        return parameters

    def logits(self, parameters: Tensors, inputs: Tensor, generators: Generators | None = None) -> Tensor:
        hidden = inputs
        for block in (0, 4):
            for layer, padding in ((block, 1), (block + 2, 0)):
                hidden = conv2d(hidden, parameters[layer], parameters[layer + 1], padding).relu()
            hidden = dropout(max_pool(hidden, 2), self.convolution_dropout, generators)
        hidden = linear(hidden.flatten(2), parameters[8], parameters[9]).relu_()
        return linear(dropout(hidden, self.dense_dropout, generators), parameters[10], parameters[11])


def build(settings: Benchmark, condition: str) -> Network:
    """The network of a benchmark; the outputs start at zero on the two split benchmarks (authors' code)."""
    if isinstance(settings, SplitMnist):
        return Mlp((PIXELS, *settings.hidden, DIGITS), zero_output=True)
    if isinstance(settings, PermutedMnist):
        rate = settings.dropout_rate if condition == "dropout" else 0.0
        return Mlp((PIXELS, *settings.hidden, DIGITS), dropout_rate=rate)
    rates = settings.convolution_dropout_rate, settings.dense_dropout_rate
    return Cnn(settings.channels, settings.dense, settings.outputs, *rates)
