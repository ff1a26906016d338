"""Consolidation: quadratic penalties that keep a network's parameters near what earlier tasks made of them.

EWC, online EWC, SI and MAS share one form.  With an importance Omega_k and an anchor theta~_k for every parameter,

    L = L_task + strength * factor * sum_k Omega_k (theta_k - theta~_k)^2,

and differ in how they find the importance.  All of it is elementwise in the parameters, so replicas need no attention:
parameters are lists of tensors [R, ...].  A training step is `consolidation.step(parameters, gradients, optimizer)`, with
the gradients of the task's loss alone; at the end of a task comes `consolidation.end_task(...)`.

What is consolidated are the parameters that a consolidation is made with: the first of the network's, often all.  Those
that follow them in the lists of `step` and `end_task` train freely.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import torch
from torch import Tensor


class Optimizer(Protocol):
    """What changes the parameters: Adam or SGD; on request it says by how much."""

    def step(self, gradients: list[Tensor]) -> None: ...

    def step_and_change(self, gradients: list[Tensor], space: list[Tensor]) -> tuple[list[Tensor], float]: ...

    def reset_moments(self) -> None: ...

    def state_dict(self) -> dict: ...

    def load_state_dict(self, state: dict) -> None: ...


class TaskData(Protocol):
    """What a finished task offers for the estimate of an importance."""

    def examples(self, count: int, earlier: bool = False) -> Iterable[tuple[Tensor, Tensor, Tensor | None]]:
        """Chunks of training images: inputs [R, n, ...], labels [R, n] and active outputs, `count` images in all.

        They are the finished task's, or, where `earlier`, in equal shares (rounded up) those of all tasks so far.
        """
        ...


class Consolidation:
    """The common form; by itself it has no importance, and is plain training.

    parameters: tensors [R, ...] as they are before the first task; strength: the papers' c or lambda, at 0 of
    which (and before the first task ends) training is plain training, bit for bit.
    """

    factor = 1.0

    def __init__(self, parameters: Sequence[Tensor], strength: float) -> None:
        self.strength = strength
        self.importance: list[Tensor] = [torch.zeros_like(p, requires_grad=False) for p in parameters]
        self.anchor: list[Tensor] = [p.detach().clone() for p in parameters]
        self.tasks = 0  # finished so far
        self._total: list[Tensor] = [torch.empty_like(p, requires_grad=False) for p in parameters]

    @property
    def pulls(self) -> bool:
        """Whether there is a penalty at all."""
        return self.strength != 0 and self.tasks > 0

    def penalty(self, parameters: Sequence[Tensor]) -> Tensor:
        """strength * factor * sum_k Omega_k (theta_k - theta~_k)^2, one value per replica [R]."""
        terms = [
            (omega * (p.detach() - anchor) ** 2).flatten(1).sum(1)
            for omega, p, anchor in zip(self.importance, parameters, self.anchor)
        ]
        return self.strength * self.factor * torch.stack(terms).sum(0)

    @torch.no_grad()
    def penalized(self, parameters: Sequence[Tensor], gradients: list[Tensor]) -> list[Tensor]:
        """Gradients of task loss plus penalty: g_k + 2 strength factor Omega_k (theta_k - theta~_k).

        The tensors returned are the next call's to overwrite; `gradients` stay as they are.
        """
        if not self.pulls:
            return gradients
        for p, anchor, omega, g, total in zip(parameters, self.anchor, self.importance, gradients, self._total):
            torch.sub(p, anchor, out=total)
            torch.addcmul(g, total, omega, value=2 * self.strength * self.factor, out=total)
        return self._total + gradients[len(self._total) :]

    @torch.no_grad()
    def step(self, parameters: Sequence[Tensor], gradients: list[Tensor], optimizer: Optimizer) -> None:
        """One update of the parameters; gradients: of the task's loss, without the penalty."""
        optimizer.step(self.penalized(parameters, gradients))

    def end_task(self, parameters: Sequence[Tensor], logits: Callable[..., Tensor], data: TaskData) -> None:
        """Take account of a finished task: new importance, new anchor."""
        self.tasks += 1

    def state_dict(self) -> dict:
        return {"importance": self.importance, "anchor": self.anchor, "tasks": self.tasks}

    def load_state_dict(self, state: dict) -> None:
        for name, value in state.items():
            if isinstance(value, list):
                for own, saved in zip(getattr(self, name), value, strict=True):
                    own.copy_(saved)
            else:
                setattr(self, name, value)


class SynapticIntelligence(Consolidation):
    """Synaptic intelligence (Zenke, Poole, Ganguli 2017, Section 3).

        omega_k <- omega_k - g_k (theta_k' - theta_k)                     at every step
        Omega_k <- max(0, Omega_k + omega_k / ((theta_k - theta_k^start)^2 + xi)),   omega_k <- 0      at the end of a task
        L = L_task + c sum_k Omega_k (theta~_k - theta_k)^2

    g is the gradient of the task's loss WITHOUT the penalty, taken before the step; theta' - theta is what the
    optimizer then really did, penalty included.  The accumulated Omega is clipped at zero, as in the authors' code (the
    paper is silent): a negative one would reward movement.  The anchor theta~ is the end of the last task, which is
    also the start of the next.

    xi: damping, in units of a squared parameter.  path_integral: omega, of the task at hand.
    """

    def __init__(self, parameters: Sequence[Tensor], strength: float, xi: float) -> None:
        super().__init__(parameters, strength)
        self.xi = xi
        self.path_integral: list[Tensor] = [torch.zeros_like(p, requires_grad=False) for p in parameters]
        self._space: list[Tensor] = [torch.empty_like(p, requires_grad=False) for p in parameters]

    @torch.no_grad()
    def step(self, parameters: Sequence[Tensor], gradients: list[Tensor], optimizer: Optimizer) -> None:
        changes, factor = optimizer.step_and_change(self.penalized(parameters, gradients), self._space)
        for path, g, change in zip(self.path_integral, gradients, changes):
            path.addcmul_(g, change, value=-factor)

    @torch.no_grad()
    def end_task(self, parameters: Sequence[Tensor], logits: Callable[..., Tensor], data: TaskData) -> None:
        super().end_task(parameters, logits, data)
        for omega, path, p, start in zip(self.importance, self.path_integral, parameters, self.anchor):
            omega.add_(path / ((p - start) ** 2 + self.xi)).clamp_(min=0)
            path.zero_()
            start.copy_(p)

    def state_dict(self) -> dict:
        return super().state_dict() | {"path_integral": self.path_integral}


class _PerExample(Consolidation, ABC):
    """Penalties whose importance is a mean over examples, found at the end of a task; lambda / 2 in the loss."""

    factor = 0.5
    earlier = False  # whether images of all tasks so far are looked at, not of the finished one alone

    def __init__(self, parameters: Sequence[Tensor], strength: float, examples: int) -> None:
        super().__init__(parameters, strength)
        if examples < 1:
            raise ValueError(f"an importance needs at least one example, not {examples}")
        self.examples = examples

    @abstractmethod
    def objective(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The function of single examples whose gradients matter: active logits [n, n_out], labels [n] -> [n]."""

    def reduce(self, gradients: Tensor) -> Tensor:
        """What is averaged over examples."""
        return gradients.square()

    def estimate(self, parameters: Sequence[Tensor], logits: Callable[..., Tensor], data: TaskData) -> list[Tensor]:
        """The importance: the mean over `examples` training images, for every replica."""
        total, seen = [torch.zeros_like(omega) for omega in self.importance], 0
        for inputs, labels, outputs in data.examples(self.examples, self.earlier):
            seen += inputs.shape[1]
            for r in range(len(inputs)):
                own = [p[r].detach() for p in parameters]
                gradients = per_example_gradients(
                    self.objective, logits, own, inputs[r], labels[r], outputs, len(total)
                )
                for sums, g in zip(total, gradients):
                    sums[r].add_(self.reduce(g).sum(0))
        return list(torch._foreach_div(total, seen))

    def end_task(self, parameters: Sequence[Tensor], logits: Callable[..., Tensor], data: TaskData) -> None:
        super().end_task(parameters, logits, data)
        estimate = self.estimate(parameters, logits, data)
        with torch.no_grad():
            self.renew(estimate, parameters)

    def renew(self, estimate: list[Tensor], parameters: Sequence[Tensor]) -> None:
        """Omega <- Omega + the finished task's estimate,  theta~ <- theta."""
        torch._foreach_add_(self.importance, estimate)
        torch._foreach_copy_(self.anchor, list(parameters[: len(self.anchor)]))


class Ewc(_PerExample):
    """Elastic weight consolidation (Kirkpatrick et al. 2017): one quadratic term per finished task.

        L = L_task + (lambda / 2) sum_tasks sum_k F_k^t (theta_k - theta_k^t)^2

    F^t: the diagonal of the empirical Fisher matrix, mean over examples of (d log p(label | x) / d theta_k)^2, with the
    true labels.  The sum of the terms is, up to a constant, one quadratic with importance sum_t F^t and the
    F-weighted mean of the theta^t as its anchor, which is how it is stored.
    """

    def objective(self, logits: Tensor, labels: Tensor) -> Tensor:
        return logits.log_softmax(-1).gather(-1, labels[:, None])[:, 0]

    def renew(self, estimate: list[Tensor], parameters: Sequence[Tensor]) -> None:
        for omega, anchor, f, p in zip(self.importance, self.anchor, estimate, parameters):
            omega.add_(f)
            # where nothing mattered yet the anchor does not matter either: it follows the parameters
            share = torch.where(omega > 0, f / omega, 1.0)
            anchor.lerp_(p.detach(), share)


class OnlineEwc(Ewc):
    """Online EWC (Schwarz et al. 2018): one quadratic term, around the end of the last task.

    Omega <- gamma Omega + F^t,  theta~ <- theta.
    """

    def __init__(self, parameters: Sequence[Tensor], strength: float, examples: int, gamma: float = 1.0) -> None:
        super().__init__(parameters, strength, examples)
        self.gamma = gamma

    def renew(self, estimate: list[Tensor], parameters: Sequence[Tensor]) -> None:
        torch._foreach_mul_(self.importance, self.gamma)
        _PerExample.renew(self, estimate, parameters)


class ReestimatedEwc(Ewc):
    """EWC in the form of a widely copied public implementation (github.com/moskomule/ewc.pytorch).

        L = L_task + lambda sum_k F_k (theta_k - theta~_k)^2,   theta~ the end of the last task

    F is not accumulated but estimated anew at every theta~, from images of all tasks so far, as the mean of
    (d log p(answer | x) / d theta_k)^2, where the answer is the network's own most probable one.
    """

    factor = 1.0
    earlier = True

    def objective(self, logits: Tensor, labels: Tensor) -> Tensor:
        return logits.log_softmax(-1).amax(-1)

    def renew(self, estimate: list[Tensor], parameters: Sequence[Tensor]) -> None:
        torch._foreach_zero_(self.importance)
        _PerExample.renew(self, estimate, parameters)


class Mas(_PerExample):
    """Memory aware synapses (Aljundi et al. 2018): how much each parameter moves the squared length of the output.

    Omega <- Omega + mean over examples of |d ||F(x)||^2 / d theta_k|,  theta~ <- theta.  No labels are used.
    """

    factor = 1.0

    def objective(self, logits: Tensor, labels: Tensor) -> Tensor:
        return logits.square().sum(-1)

    def reduce(self, gradients: Tensor) -> Tensor:
        return gradients.abs()


def per_example_gradients(
    objective: Callable[[Tensor, Tensor], Tensor],
    logits: Callable[..., Tensor],
    parameters: Sequence[Tensor],
    inputs: Tensor,
    labels: Tensor,
    outputs: Tensor | None = None,
    count: int | None = None,
) -> list[Tensor]:
    """Gradients [n, ...] of the objective of each of n examples: inputs [n, ...], labels [n], parameters without replicas.

    Each example gets a replica of the parameters to itself, so one backward pass gives all the gradients, or those of
    the first `count` parameters.
    """
    copies = [p.expand(len(inputs), *p.shape).requires_grad_() for p in parameters]
    values = logits(copies, inputs.unsqueeze(1))[:, 0]
    if outputs is not None:
        values = values[:, outputs]
        labels = outputs.long().cumsum(0)[labels] - 1
    return list(torch.autograd.grad(objective(values, labels).sum(), copies[:count]))
