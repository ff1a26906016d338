"""A method of one's own: every parameter is held near where the last task left it, all equally strongly.

L = L_task + strength sum_k (theta_k - theta_k^last)^2

snakemake --cores 8 figures/cross_permuted.pdf --config method=examples/my_method.py
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from common.learning.consolidation import Consolidation, TaskData

SEARCHED = {"strength": (1e-5, 1.0)}  # the range of each hyperparameter; the learning rate is searched anyway


class Anchored(Consolidation):
    """The penalty is strength sum_k Omega_k (theta_k - anchor_k)^2; here Omega is 1."""

    def end_task(self, parameters: Sequence[Tensor], logits: Callable[..., Tensor], data: TaskData) -> None:
        super().end_task(parameters, logits, data)
        for importance, anchor, parameter in zip(self.importance, self.anchor, parameters, strict=False):
            importance.fill_(1.0)
            anchor.copy_(parameter.detach())


def consolidation(parameters: Sequence[Tensor], strength: float) -> Consolidation:
    """Return what acts beside the loss; parameters: weights and biases [R, ...], a slice for every seed."""
    return Anchored(parameters, strength)
