"""Importances from the gradients of whole batches, as in the public benchmark of Hsu et al. (2018).

    MAS          Omega <- Omega + mean over batches of |g|,       g of the mean, over outputs and images, of z_j^2
    online EWC   Omega <- Omega + mean over batches of B g^2,     g of the mean, over B images, of log p(most probable class)

It is a reading: the paper does not say how its importances are found, but has that benchmark's xi and some of its lambdas.
In a batch's gradient those of its images partly cancel, so these importances are smaller than means over single images.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from common.learning.consolidation import Mas, TaskData


class BatchMas(Mas):
    """MAS with the mean square of the outputs for their squared length, and batches for single examples.

    parameters, strength, examples: as in `Mas`; batch: images in a batch, of which the last may have fewer and counts alike.
    """

    scaled = False  # whether a batch counts as often as it has images

    def __init__(self, parameters: Sequence[Tensor], strength: float, examples: int, batch: int) -> None:
        super().__init__(parameters, strength, examples)
        self.batch = batch

    def objective(self, logits: Tensor, labels: Tensor) -> Tensor:
        return logits.square().mean(-1)

    def estimate(self, parameters: Sequence[Tensor], logits: Callable[..., Tensor], data: TaskData) -> list[Tensor]:
        """The importance: the mean over the batches of `examples` training images, for all replicas at once."""
        shown = list(data.examples(self.examples, self.earlier))
        images, outputs = torch.cat([inputs for inputs, _, _ in shown], dim=1), shown[0][2]
        own = [p.detach().requires_grad_() for p in parameters]
        total = [torch.zeros_like(omega) for omega in self.importance]
        batches = images.split(self.batch, dim=1)
        for inputs in batches:
            values = logits(own, inputs)  # [R, B, d]
            values = values if outputs is None else values[..., outputs]
            means = self.objective(values, values.argmax(-1)).mean(1)
            gradients = torch.autograd.grad(means.sum(), own[: len(total)])
            for sums, g in zip(total, gradients, strict=True):
                sums.add_(self.reduce(g), alpha=inputs.shape[1] if self.scaled else 1)
        return [sums / len(batches) for sums in total]


class BatchEwc(BatchMas):
    """Online EWC with squared gradients of batches, towards the network's own most probable class.

    scaled: whether they are multiplied by the images in the batch. As much as MAS it has no factor 1/2 in the loss.
    """

    def __init__(
        self, parameters: Sequence[Tensor], strength: float, examples: int, batch: int, scaled: bool = True
    ) -> None:
        super().__init__(parameters, strength, examples, batch)
        self.scaled = scaled

    def objective(self, logits: Tensor, labels: Tensor) -> Tensor:
        return logits.log_softmax(-1).amax(-1)

    def reduce(self, gradients: Tensor) -> Tensor:
        return gradients.square()
