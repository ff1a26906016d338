"""The network of Section 3.2: one hidden layer of ReLU units, and its four initialisations."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from common.replicas import Mlp
from papers.sticky_gradient.protocol import DIGITS, PIXELS, Attractor, Training
from papers.sticky_gradient.readings import Reading


class Perceptron(Mlp):
    """784 inputs, one hidden layer, ten outputs; 1,590,010 parameters with 2,000 hidden units.

    start: how weights W [n_in, n_out] and biases begin:
        "fanin"    N(0, 2 / n_in), biases zero (He et al. 2015, eq. 10; Kaiming's in its forward form)
        "fanout"   N(0, 2 / n_out), biases zero (the same, eq. 14, its backward form)
        "library"  torch's default for linear layers, U(-1 / sqrt(n_in), 1 / sqrt(n_in)) for both
        "smart"    N(mu, sigma^2) for weights and, with reading.biases, for biases, which are zero otherwise
    """

    def __init__(self, settings: Training, reading: Reading, start: str, attractor: Attractor) -> None:
        super().__init__((PIXELS, settings.hidden, DIGITS))
        self.reading, self.start, self.attractor = reading, start, attractor

    def draw(self, source: torch.Generator) -> list[Tensor]:
        parameters = []
        for n_in, n_out in zip(self.sizes, self.sizes[1:]):
            weight, bias = torch.empty(n_in, n_out), torch.zeros(n_out)
            if self.start == "smart":
                for tensor in (weight, bias) if self.reading.biases else (weight,):
                    tensor.normal_(self.attractor.mu, self.attractor.sigma, generator=source)
            elif self.start == "library":
                for tensor in (weight, bias):
                    tensor.uniform_(-1 / math.sqrt(n_in), 1 / math.sqrt(n_in), generator=source)
            else:
                fan = {"fanin": n_in, "fanout": n_out}[self.start]
                weight.normal_(0, math.sqrt(2 / fan), generator=source)
            parameters += [weight, bias]
        return parameters
