"""Section 4: what the path integral is on a quadratic error, in closed form, and the path integral of any descent."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import torch
from torch import Tensor

from common.running import stage

Loss = Callable[[Tensor], Tensor]


def importance_matrix(hessian: Tensor, displacement: Tensor) -> Tensor:
    """Eq. 11: Q_ij = sum_ab u_i^a d^a [l^a l^b / (l^a + l^b)] d^b u_j^b; H u^a = l^a u^a, d^a = u^a . displacement.

    hessian: [P, P], symmetric and positive semi-definite, else ValueError; displacement: [P], theta(0) - theta*.
    Returns [P, P]. Its diagonal holds the importances omega of gradient flow, its trace is the drop of the error.
    """
    eigenvalues, eigenvectors = torch.linalg.eigh(hessian)
    rounding = eigenvalues.abs().max() * len(eigenvalues) * torch.finfo(hessian.dtype).eps
    if not torch.equal(hessian, hessian.T) or eigenvalues.min() < -rounding:
        raise ValueError("importance_matrix: the Hessian must be symmetric and have no negative eigenvalue")
    eigenvalues = torch.where(eigenvalues > rounding, eigenvalues, 0)  # or 0 / 0 would follow the noise of rounding
    product, total = torch.outer(eigenvalues, eigenvalues), eigenvalues[:, None] + eigenvalues
    modes = eigenvectors * (displacement @ eigenvectors)
    return modes @ torch.where(total > 0, product / total, 0) @ modes.T


def mean_importance_matrix(hessian: Tensor, variance: float) -> Tensor:
    """Eq. 12: <Q> = (variance / 2) H, the mean of Eq. 11 over iid displacements of zero mean and that variance."""
    return variance / 2 * hessian


def normalised(importance: Tensor, movement: Tensor, damping: float = 0.0) -> Tensor:
    """Eq. 5 for one task: Omega_k = omega_k / (Delta_k^2 + xi)."""
    return importance / (movement**2 + damping)


class Descent(NamedTuple):
    """A way down a loss: the parameters before, between and after all steps [steps + 1, P], and the importances [P]."""

    path: Tensor
    importance: Tensor

    @property
    def end(self) -> Tensor:
        return self.path[-1]

    @property
    def movement(self) -> Tensor:
        """Delta_k = theta_k(end) - theta_k(start)."""
        return self.path[-1] - self.path[0]


def path_integral(losses: Iterable[Loss], start: Tensor, step: float, penalty: Loss | None = None) -> Descent:
    """Eq. 3 as a running sum: omega_k = -sum g_k delta_k over plain gradient descent from `start` [P].

    losses: the loss of each step, always the same one in full-batch descent; step: the learning rate. A penalty moves
    the parameters as well, but g is the gradient of the loss alone. Raises TrainingError if the descent diverges.
    """
    path, importance = [start], torch.zeros_like(start)
    for loss in losses:
        parameters = path[-1].detach().requires_grad_()
        (gradient,) = torch.autograd.grad(loss(parameters), parameters)
        full = gradient if penalty is None else gradient + torch.autograd.grad(penalty(parameters), parameters)[0]
        importance = importance + gradient * step * full
        path.append(parameters.detach() - step * full)
    if not path[-1].isfinite().all():
        raise stage.TrainingError(f"gradient descent with step {step} diverges: make the step smaller")
    return Descent(torch.stack(path), importance)


def mean_path_integral_matrix(hessian: Tensor, displacements: Tensor, step: float, steps: int) -> Tensor:
    """Eq. 10 as a running sum, -g delta^T, averaged over descents on a quadratic error; displacements: [starts, P]."""
    total = torch.zeros_like(hessian)
    for _ in range(steps):
        gradients = displacements @ hessian
        total += step * gradients.T @ gradients / len(displacements)
        displacements = displacements - step * gradients
    return total
