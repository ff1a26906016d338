"""The network of Section 3.2: one hidden layer of ReLU units, and its three initialisations."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from common.replicas import Mlp
from papers.sticky_gradient.protocol import DIGITS, PIXELS, Attractor, Reading, Training


class Perceptron(Mlp):
    """784 inputs, one hidden layer, ten outputs; 1,590,010 parameters with 2,000 hidden units.

    Without an attractor the control's initialisation: uniform with gain sqrt 2 and zero biases (He et al. 2015), or
    with reading.library torch's default for linear layers, U(-1 / sqrt(n_in), 1 / sqrt(n_in)) for weights and biases.
    With one, "smart": everything, or with reading.biases false all weights, from N(mu, sigma^2); biases are then zero.
    """

    def __init__(self, settings: Training, reading: Reading, attractor: Attractor | None) -> None:
        super().__init__((PIXELS, settings.hidden, DIGITS))
        self.reading, self.attractor = reading, attractor

    def draw(self, source: torch.Generator) -> list[Tensor]:
        parameters = []
        for n_in, n_out in zip(self.sizes, self.sizes[1:]):
            weight, bias = torch.empty(n_in, n_out), torch.zeros(n_out)
            if self.attractor is not None:
                weight.normal_(self.attractor.mu, self.attractor.sigma, generator=source)
                if self.reading.biases:
                    bias.normal_(self.attractor.mu, self.attractor.sigma, generator=source)
            elif not self.reading.library:
                weight.uniform_(-math.sqrt(6 / n_in), math.sqrt(6 / n_in), generator=source)
            else:
                weight.uniform_(-1 / math.sqrt(n_in), 1 / math.sqrt(n_in), generator=source)
                bias.uniform_(-1 / math.sqrt(n_in), 1 / math.sqrt(n_in), generator=source)
            parameters += [weight, bias]
        return parameters
