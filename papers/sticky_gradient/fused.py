"""Algorithm 1 and Adam in one pass over the weights, for CPUs.

`method.sticky` reads and writes every weight a dozen times, which beside matrix products for fifty images makes a step half
as long again.  Compiled, and together with Adam, all of it happens while a weight is at hand.  The same equations as
`method` and `common.learning.optimizers`, in single precision; the numbers differ by rounding alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from numba import njit
from torch import Tensor

from common.learning.consolidation import Optimizer
from common.learning.optimizers import Adam, laid_out_as
from papers.sticky_gradient.method import StickyGradient

single = np.float32
# (log 2)^n / n!: of the series of 2^r, good to single precision for |r| <= 1/2
SERIES = tuple(single(math.log(2) ** n / math.factorial(n)) for n in range(7))


# contract: a product and a sum may be rounded as one.  Each expression below leaves one way of doing so: with more than
# one, a weight's last digit would depend on its place in memory.
@njit(cache=True, error_model="numpy", fastmath={"contract"})
def _update(weights, gradient, first, second, rate, a1, lambda_, l1, shares, lr, root, eps):
    """g + zeta sgn(w), times f where it leads away from a1; then Adam's moments and step.

    f = lambda (1 - 2^power), the power of 2 from the series for its fraction and the exponent's bits for the rest.
    weights, gradient, first, second: float32 [n], of which all but the gradient are updated; rate: -gamma log2(e), so that
    power = rate (w - a1)^2; l1: zeta; shares: 1 - beta1, 1 - beta2; lr, root: Adam's step size and 1 / sqrt(1 - beta2^t).
    """
    for i in range(weights.size):
        weight = weights[i]
        distance = weight - a1
        power = max(rate * distance * distance, single(-126))  # the smallest normal number
        whole = np.int32(power - single(0.5))
        rest = power - single(whole)
        value = SERIES[6]
        value = value * rest + SERIES[5]
        value = value * rest + SERIES[4]
        value = value * rest + SERIES[3]
        value = value * rest + SERIES[2]
        value = value * rest + SERIES[1]
        value = value * rest + SERIES[0]
        value *= np.int32((whole + np.int32(127)) << np.int32(23)).view(np.float32)
        g = gradient[i] + l1 * np.sign(weight)
        g *= single(1) if distance * g > single(0) else lambda_ - lambda_ * value
        first[i] += shares[0] * (g - first[i])
        second[i] += shares[1] * (g * g - second[i])
        weights[i] = weight - lr * first[i] / (np.sqrt(second[i]) * root + eps)


class FusedStickyGradient(StickyGradient):
    """StickyGradient for tensors on a CPU: where g' of Algorithm 1 goes straight into Adam, both are one pass.

    Other readings, other optimizers, double precision and plain Adam go the way of StickyGradient.
    """

    @torch.no_grad()
    def step(self, parameters: Sequence[Tensor], gradients: list[Tensor], optimizer: Optimizer) -> None:
        """Update the parameters as `StickyGradient.step` does."""
        changes_gradient = self.reading.multiplied == "gradient" and not self.reading.outside
        acts = changes_gradient and (self.attracted or self.l1)
        if not (acts and isinstance(optimizer, Adam) and parameters[0].dtype == torch.float32):
            super().step(parameters, gradients, optimizer)
            return
        off = math.inf, 1.0  # an attractor out of reach: f is lambda everywhere
        attractor = (self.attractor.a1, self.attractor.lambda_) if self.attracted else off
        for place, gradient in enumerate(gradients):
            acting = (*attractor, self.l1) if place in self.acts else (*off, 0.0)
            self._update(optimizer, place, gradient, *acting)

    def _update(self, adam: Adam, place: int, gradient: Tensor, a1: float, lambda_: float, l1: float) -> None:
        """Update the optimizer's tensor at this place, in its own memory; gradient: like it, [R, ...]."""
        adam.steps[place] += 1
        count, (beta1, beta2) = int(adam.steps[place]), adam.betas
        weights = adam.tensors[place]
        tensors = (weights, laid_out_as(weights, gradient), adam.first_moments[place], adam.second_moments[place])
        _update(  # type: ignore[call-arg]  # numba's own types know no arguments
            *(tensor.detach().view(-1).numpy() for tensor in tensors),
            single(-self.attractor.gamma * math.log2(math.e)),
            single(a1),
            single(lambda_),
            single(l1),
            (single(1 - beta1), single(1 - beta2)),
            single(adam.lr / (1 - beta1**count)),
            single(1 / math.sqrt(1 - beta2**count)),
            single(adam.eps),
        )
