"""SGD, and Adam through torch's fused kernel, on plain tensors.

The kernel behind torch.optim.Adam(fused=True), called through torch's own function.  The class around it is left out because
making one imports torch's compiler: 0.8 s, in each of the dozens of short jobs of a run.
"""

from __future__ import annotations

from collections.abc import Sequence

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

    A gradient laid out in memory in another way than its tensor, as convolutions return them, is copied first.
    """
    adam(
        tensors,
        # the kernel goes through memory without a look at strides: other layouts would be mixed up silently
        [laid_out_as(tensor, gradient) for tensor, gradient in zip(tensors, gradients, strict=True)],
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


def laid_out_as(tensor: Tensor, gradient: Tensor) -> Tensor:
    """The gradient in the tensor's layout in memory: itself, or a copy."""
    return gradient if gradient.stride() == tensor.stride() else torch.empty_like(tensor).copy_(gradient)


class Adam:
    """Adam on a list of tensors; the same numbers as torch.optim.Adam(fused=True).

    A tensor without a gradient is left alone, and its step is not counted.
    """

    def __init__(self, tensors: list[Tensor], lr: float, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8):
        self.tensors, self.lr, self.betas, self.eps = tensors, lr, betas, eps
        self.first_moments = [torch.zeros_like(tensor, requires_grad=False) for tensor in tensors]
        self.second_moments = [torch.zeros_like(tensor, requires_grad=False) for tensor in tensors]
        self.steps = [torch.zeros((), device=tensor.device) for tensor in tensors]

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor | None] | None = None) -> None:
        """One update of every tensor that has a gradient; by default the tensors' .grad, which are then dropped."""
        given = [tensor.grad for tensor in self.tensors] if gradients is None else gradients
        state = zip(self.tensors, given, self.first_moments, self.second_moments, self.steps, strict=True)
        reached = [entry for entry in state if entry[1] is not None]
        if reached:
            tensors, reaching, first, second, steps = (list(column) for column in zip(*reached))
            fused_step(tensors, reaching, first, second, steps, self.lr, self.betas, self.eps)
        if gradients is None:
            for tensor in self.tensors:
                tensor.grad = None

    @torch.no_grad()
    def step_and_change(self, gradients: Sequence[Tensor], space: list[Tensor]) -> tuple[list[Tensor], float]:
        """One update, and by how much the first tensors changed: theta' - theta = factor * tensor.

        space: tensors like the first ones, as many as are wanted, to be overwritten.
        """
        first = self.tensors[: len(space)]
        torch._foreach_copy_(space, first)
        self.step(gradients)
        for before, tensor in zip(space, first, strict=True):
            torch.sub(tensor, before, out=before)
        return space, 1.0

    @torch.no_grad()
    def reset_moments(self) -> None:
        """Forget all gradients, but not how many updates there were: m = v = 0, and t goes on.

        So the bias correction of a later t no longer makes up for the zeros: the next step is lr (1 - beta1) / sqrt(1 - beta2)
        long, about 3.2 lr, where a fresh start's is lr.
        """
        for moment in (*self.first_moments, *self.second_moments):
            moment.zero_()

    def state_dict(self) -> dict:
        return {"first_moments": self.first_moments, "second_moments": self.second_moments, "steps": self.steps}

    def load_state_dict(self, state: dict) -> None:
        for name, values in state.items():
            for own, value in zip(getattr(self, name), values, strict=True):
                own.copy_(value)


class Sgd:
    """Gradient descent on a list of tensors: v <- momentum v + g,  theta <- theta - lr v; plain without momentum."""

    def __init__(self, tensors: list[Tensor], lr: float, momentum: float = 0.0):
        self.tensors, self.lr, self.momentum = tensors, lr, momentum
        self.velocities = [torch.zeros_like(tensor, requires_grad=False) for tensor in tensors] if momentum else []

    def step(self, gradients: Sequence[Tensor]) -> None:
        """One update of every tensor."""
        self.step_and_change(gradients, [])

    @torch.no_grad()
    def step_and_change(self, gradients: Sequence[Tensor], space: list[Tensor]) -> tuple[list[Tensor], float]:
        """One update, and by how much the first len(space) tensors changed: theta' - theta = factor * tensor.

        The tensors of space stay as they are; those returned are not to be written to.
        """
        steps = list(gradients)
        if self.momentum:
            torch._foreach_mul_(self.velocities, self.momentum)
            torch._foreach_add_(self.velocities, steps)
            steps = self.velocities
        torch._foreach_add_(self.tensors, steps, alpha=-self.lr)
        return steps[: len(space)], -self.lr

    @torch.no_grad()
    def reset_moments(self) -> None:
        """Forget all gradients: v = 0."""
        for velocity in self.velocities:
            velocity.zero_()

    def state_dict(self) -> dict:
        return {"velocities": self.velocities}

    def load_state_dict(self, state: dict) -> None:
        for own, value in zip(self.velocities, state["velocities"], strict=True):
            own.copy_(value)
