"""The network of Section 3.2: one hidden layer of ReLU units, and its four initialisations."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from common.learning.replicas import Mlp
from papers.sticky_gradient.protocol import DIGITS, PIXELS, Attractor


class Perceptron(Mlp):
    """784 inputs, one hidden layer, ten outputs; 1,590,010 parameters with 2,000 hidden units.

    hidden: number of hidden units; start: how weights W [n_in, n_out] and biases [n_out] begin:
        "fanin"    N(0, 2 / n_in), biases zero (He et al. 2015, eq. 10; Kaiming's in its forward form)
        "fanout"   N(0, 2 / n_out), biases zero (the same, eq. 14, its backward form)
        "library"  torch's default for linear layers, U(-1 / sqrt(n_in), 1 / sqrt(n_in)) for both
    smart: in the place of `start` N(mu, sigma^2), of these hyperparameters, for weights and, with `biases`, for biases,
    which are zero otherwise.
    """

    def __init__(self, hidden: int, start: str, smart: Attractor | None = None, biases: bool = False) -> None:
        super().__init__((PIXELS, hidden, DIGITS))
        self.start, self.smart, self.biases = start, smart, biases

    def draw(self, source: torch.Generator) -> list[Tensor]:
        """Return the initial weights and biases of one replica, layer by layer."""
        parameters = []
        for n_in, n_out in zip(self.sizes, self.sizes[1:]):
            weight, bias = torch.empty(n_in, n_out), torch.zeros(n_out)
            if self.smart is not None:
                for tensor in (weight, bias) if self.biases else (weight,):
                    tensor.normal_(self.smart.mu, self.smart.sigma, generator=source)
            elif self.start == "library":
                for tensor in (weight, bias):
                    tensor.uniform_(-1 / math.sqrt(n_in), 1 / math.sqrt(n_in), generator=source)
            else:
                fan = {"fanin": n_in, "fanout": n_out}[self.start]
                weight.normal_(0, math.sqrt(2 / fan), generator=source)
            parameters += [weight, bias]
        return parameters
