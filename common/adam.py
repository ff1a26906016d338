"""Adam through torch's fused kernel, on plain tensors.

The kernel behind torch.optim.Adam(fused=True), called through torch's own function.  The class around it is left out because
making one imports torch's compiler: 0.8 s, in each of the dozens of short jobs of a run.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.optim.adam import adam


def fused_step(
    tensors: list[Tensor],
    gradients: list[Tensor],
    first_moments: list[Tensor],
    second_moments: list[Tensor],
    steps: list[Tensor],
    lr: float,
    betas: tuple[float, float],
    eps: float,
) -> None:
    """One Adam update (Kingma & Ba, Algorithm 1) in place; `steps` counts the updates of each tensor and is advanced.

    m <- beta1 m + (1 - beta1) g,  v <- beta2 v + (1 - beta2) g^2,
    theta <- theta - lr (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps)
    """
    adam(
        tensors,
        gradients,
        first_moments,
        second_moments,
        [],
        steps,
        fused=True,
        amsgrad=False,
        beta1=betas[0],
        beta2=betas[1],
        lr=lr,
        weight_decay=0.0,
        eps=eps,
        maximize=False,
    )


class Adam:
    """Adam on a list of leaf tensors, from their .grad; the same numbers as torch.optim.Adam(fused=True).

    A tensor without a gradient is left alone, and its step is not counted.
    """

    def __init__(self, tensors: list[Tensor], lr: float, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8):
        self.tensors, self.lr, self.betas, self.eps = tensors, lr, betas, eps
        self.first_moments = [torch.zeros_like(tensor, requires_grad=False) for tensor in tensors]
        self.second_moments = [torch.zeros_like(tensor, requires_grad=False) for tensor in tensors]
        self.steps = [torch.zeros((), device=tensor.device) for tensor in tensors]

    @torch.no_grad()
    def step(self) -> None:
        """One update of every tensor that has a gradient; the gradients are then dropped."""
        state = zip(self.tensors, self.first_moments, self.second_moments, self.steps)
        reached = [(tensor, tensor.grad, *rest) for tensor, *rest in state if tensor.grad is not None]
        if reached:
            fused_step(*map(list, zip(*reached)), self.lr, self.betas, self.eps)
        for tensor in self.tensors:
            tensor.grad = None

    def state_dict(self) -> dict:
        return {"first_moments": self.first_moments, "second_moments": self.second_moments, "steps": self.steps}

    def load_state_dict(self, state: dict) -> None:
        for name, values in state.items():
            for own, value in zip(getattr(self, name), values, strict=True):
                own.copy_(value)
