"""Algorithm 1 and Adam in one pass over the weights, for CPUs.

`method.sticky` reads and writes every weight a dozen times, which beside matrix products for fifty images makes a step half
as long again.  Compiled, and together with Adam, all of it happens while a block of weights is in the cache.  The same
equations as `method` and `common.optimizers`, in single precision; the numbers differ by rounding alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numba import njit
from torch import Tensor

from common.consolidation import Optimizer
from common.optimizers import Adam, laid_out_as
from papers.sticky_gradient.method import StickyGradient

single = np.float32
# contract: a product and a sum may be rounded as one.  Each expression below leaves one way of doing so: with more than
# one, a weight's last digit would depend on its place in the block.
compiled = njit(cache=True, error_model="numpy", fastmath={"contract"})

BLOCK = 1024  # weights at a time, which with all that belongs to them fit the first-level cache
# (log 2)^n / n!: of the series of 2^r, good to single precision for |r| <= 1/2
SERIES = tuple(single(math.log(2) ** n / math.factorial(n)) for n in range(7))


@compiled
def _powers(weights, a1, rate, fractions, exponents):
    """exp2(rate (w - a1)^2), rate <= 0, as a number near 1 times the power of 2 whose bits are `exponents`."""
    for i in range(weights.size):
        distance = weights[i] - a1
        power = max(rate * distance * distance, single(-126))  # the smallest normal number
        whole = np.int32(power - single(0.5))
        rest = power - single(whole)
        value = SERIES[6]
        value = value * rest + SERIES[5]
        value = value * rest + SERIES[4]
        value = value * rest + SERIES[3]
        value = value * rest + SERIES[2]
        value = value * rest + SERIES[1]
        fractions[i] = value * rest + SERIES[0]
        exponents[i] = (whole + np.int32(127)) << np.int32(23)


@compiled
def _update(weights, gradient, first, second, fractions, powers, a1, lambda_, l1, shares, lr, root, eps):
    """g + zeta sgn(w), times f where it leads away from a1; then Adam's moments and step.  shares: 1 - beta1, 1 - beta2."""
    for i in range(weights.size):
        weight = weights[i]
        g = gradient[i] + l1 * np.sign(weight)
        towards = (weight - a1) * g > single(0)
        g *= single(1) if towards else lambda_ - lambda_ * fractions[i] * powers[i]
        first[i] += shares[0] * (g - first[i])
        second[i] += shares[1] * (g * g - second[i])
        weights[i] = weight - lr * first[i] / (np.sqrt(second[i]) * root + eps)


@compiled
def _by_blocks(weights, gradient, first, second, fractions, exponents, rate, a1, lambda_, l1, shares, lr, root, eps):
    powers = exponents.view(np.float32)
    for start in range(0, weights.size, BLOCK):
        end = min(start + BLOCK, weights.size)
        part, count = slice(start, end), end - start
        _powers(weights[part], a1, rate, fractions[:count], exponents[:count])
        _update(
            weights[part], gradient[part], first[part], second[part], fractions[:count], powers[:count],
            a1, lambda_, l1, shares, lr, root, eps,
        )  # fmt: skip


class FusedStickyGradient(StickyGradient):
    """StickyGradient for tensors on a CPU: where g' of Algorithm 1 goes straight into Adam, both are one pass.

    Other readings, other optimizers and double precision go the way of StickyGradient.
    """

    @torch.no_grad()
    def step(self, parameters: Sequence[Tensor], gradients: list[Tensor], optimizer: Optimizer) -> None:
        fits = self.attracted and self.reading.multiplied == "gradient" and not self.reading.outside
        if not (fits and isinstance(optimizer, Adam) and parameters[0].dtype == torch.float32):
            super().step(parameters, gradients, optimizer)
            return
        optimizer.step([None if place in self.acts else gradient for place, gradient in enumerate(gradients)])
        for place in self.acts:
            self._update(optimizer, place, gradients[place])

    def _update(self, adam: Adam, place: int, gradient: Tensor) -> None:
        """One update of the optimizer's tensor at this place, in its own memory."""
        adam.steps[place] += 1
        count, (beta1, beta2) = int(adam.steps[place]), adam.betas
        weights = adam.tensors[place]
        tensors = (weights, laid_out_as(weights, gradient), adam.first_moments[place], adam.second_moments[place])
        _by_blocks(
            *(tensor.detach().view(-1).numpy() for tensor in tensors),
            np.empty(BLOCK, np.float32),
            np.empty(BLOCK, np.int32),
            single(-self.attractor.gamma * math.log2(math.e)),
            single(self.attractor.a1),
            single(self.attractor.lambda_),
            single(self.l1),
            (single(1 - beta1), single(1 - beta2)),
            single(adam.lr / (1 - beta1**count)),
            single(1 / math.sqrt(1 - beta2**count)),
            single(adam.eps),
        )
