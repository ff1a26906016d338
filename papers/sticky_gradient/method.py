"""The sticky gradient: a learning rate that depends on the weight, so that weights are trapped near an attractor.

    eq. 1         f(x) = lambda (1 - exp(-gamma (x - a1)^2))
    Algorithm 1   g  = gradient of (loss + zeta |theta|)
                  g' = g f(theta)   where sgn(theta - a1) != sgn(g), that is where the step -g leads away from a1
                  g' = g            where it leads towards a1
                  theta <- theta - alpha g'
    Initialisation ("smart"): theta from N(mu, sigma^2)

The algorithm is written for plain gradient descent, the experiments use Adam, and the text leaves open how the two
compose, how |theta| is reduced and which parameters take part: `readings.Reading` names each choice.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from common.learning.consolidation import Consolidation, Optimizer
from papers.sticky_gradient.protocol import Attractor
from papers.sticky_gradient.readings import Reading


def plasticity(weights: Tensor, attractor: Attractor) -> Tensor:
    """f(x) = lambda (1 - exp(-gamma (x - a1)^2)), eq. 1: 0 at a1, lambda far from it.

    Returns a tensor of the shape of the weights, which may be any.
    """
    return _plasticity_(weights - attractor.a1, attractor)


def _plasticity_(distances: Tensor, attractor: Attractor) -> Tensor:
    """Write f in the place of the distances x - a1, and return it."""
    # in powers of 2, which take a third of the time of powers of e
    f = distances.square_().mul_(-attractor.gamma * math.log2(math.e)).exp2_()
    return torch.add(f.new_full((), attractor.lambda_), f, alpha=-attractor.lambda_, out=f)


def sticky(gradient: Tensor, weights: Tensor, attractor: Attractor, space: Sequence[Tensor] | None = None) -> Tensor:
    """g' = g f(theta) where the step -g leads away from a1, and g elsewhere (Algorithm 1).

    A weight exactly at a1 counts as leading away (its sign differs from any gradient's), and f is 0 there.
    gradient, weights: of one shape, which is that of the result; space: two tensors like the weights to compute in, the
    first of which is returned, since new memory costs as much as the arithmetic.
    """
    first, second = space or (None, None)
    distances = torch.sub(weights, attractor.a1, out=first)
    # without torch.where, which alone takes longer on a CPU than all of this
    towards = torch.mul(distances, gradient, out=second).gt_(0)
    return _plasticity_(distances, attractor).lerp_(weights.new_ones(()), towards).mul_(gradient)


class StickyGradient(Consolidation):
    """Algorithm 1 around an optimizer, in the place of a consolidation: `step` makes one update.

    parameters: [R, ...] each, weight matrices and biases in turn; attractor: the hyperparameters; reading: how the rule and
    the optimizer compose, and on which parameters the rule acts; attracted: whether the multiplier acts at all; l1:
    likewise for L1.
    """

    def __init__(
        self, parameters: Sequence[Tensor], attractor: Attractor, reading: Reading, attracted: bool, l1: bool
    ) -> None:
        super().__init__(parameters, strength=0.0)
        self.attractor, self.reading, self.attracted = attractor, reading, attracted
        self.acts = [place for place in range(len(parameters)) if reading.biases or place % 2 == 0]
        count = sum(parameters[place][0].numel() for place in self.acts)
        divisor = {"sum": 1, "mean": count, "none": None}[reading.l1]
        self.l1 = attractor.zeta / divisor if l1 and divisor else 0.0
        self._space = [[torch.empty_like(p, requires_grad=False) for p in parameters] for _ in range(3)]

    @torch.no_grad()
    def step(self, parameters: Sequence[Tensor], gradients: list[Tensor], optimizer: Optimizer) -> None:
        """Update the parameters by the gradients of the loss, which stay as they are; all [R, ...], in one order."""
        gradients = list(gradients)
        for place in self.acts:
            weights, gradient = parameters[place], gradients[place]
            *space, third = (tensors[place] for tensors in self._space)
            signs = torch.sign(weights, out=third) if self.l1 else None
            if signs is not None and not self.reading.outside:
                gradient = torch.add(gradient, signs, alpha=self.l1, out=signs)
            if self.attracted and self.reading.multiplied == "gradient":
                gradient = sticky(gradient, weights, self.attractor, space)
            if signs is not None and self.reading.outside:
                gradient = torch.add(gradient, signs, alpha=self.l1, out=signs)
            gradients[place] = gradient
        if self.attracted and self.reading.multiplied == "step":
            self._multiply_step(parameters, gradients, optimizer)
        else:
            optimizer.step(gradients)

    def _multiply_step(self, parameters: Sequence[Tensor], gradients: list[Tensor], optimizer: Optimizer) -> None:
        """theta <- theta + f(theta) (theta' - theta) where the optimizer's step to theta' leads away from a1."""
        before = [p.clone() for p in parameters]
        changes, factor = optimizer.step_and_change(gradients, self._space[0])
        for place in self.acts:
            multiplied = sticky(changes[place].mul(-factor), before[place], self.attractor)
            torch.sub(before[place], multiplied, out=parameters[place])
