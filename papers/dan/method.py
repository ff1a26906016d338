"""Algorithm 1: synapses learn every sub-task by gradient descent; after every step, phenotypes learn from the meta-loss.

    theta_{t+1} = theta_t - alpha grad_theta L_i(theta_t, phi_t)                    sub-task i, each model its own
    phi_{t+1}   = phi_t - gamma (1 / M) sum_m grad_phi L_G(theta_{t+1}, phi_t)      a random batch G of the sequence

Models have an axis of their own [K], the M models of a population next to each other: K = R * M for R seeds. phi has one
slice per seed [R] and is shared by the population. The meta-gradient is taken at fixed theta_{t+1}: nothing is
differentiated through the inner step. Losses are mean squared errors.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from common.optimizers import Adam, Sgd
from papers.dan.model import DanNetwork

OPTIMIZERS = {"adam": Adam, "sgd": Sgd}


def losses(network: DanNetwork, theta: Sequence[Tensor], phi: Sequence[Tensor], batch: tuple[Tensor, Tensor]) -> Tensor:
    """The mean squared error of every model [K] on its batch: inputs [K, B, n], targets [K, B, m]."""
    inputs, targets = batch
    return (network(theta, phi, inputs) - targets).square().mean((1, 2))


def for_population(phi: Sequence[Tensor], members: int) -> list[Tensor]:
    """phi [R, ...] -> [R * members, ...]: every model of a population with the phenotypes of its seed."""
    return [tensor.repeat_interleave(members, 0) if members > 1 else tensor for tensor in phi]


def task_gradients(
    network: DanNetwork,
    theta: Sequence[Tensor],
    phi: Sequence[Tensor],
    batch: tuple[Tensor, Tensor],
    plastic: bool = False,
) -> list[Tensor]:
    """The gradient of each model's loss with respect to its theta; plastic: and with respect to its phi [K, ...], behind it."""
    learned = [tensor.detach().requires_grad_() for tensor in [*theta, *(phi if plastic else [])]]
    theta, phi = learned[: len(theta)], learned[len(theta) :] if plastic else phi
    return list(torch.autograd.grad(losses(network, theta, phi, batch).sum(), learned))


def phenotype_gradients(
    network: DanNetwork,
    theta: Sequence[Tensor],
    phi: Sequence[Tensor],
    members: int,
    batch: tuple[Tensor, Tensor],
) -> tuple[Tensor, list[Tensor]]:
    """The meta-loss of each seed [R], averaged over its population, and its gradient with respect to phi [R, ...]."""
    phi = [tensor.detach().requires_grad_() for tensor in phi]
    of_seed = losses(network, theta, for_population(phi, members), batch).view(-1, members).mean(1)
    return of_seed.detach(), list(torch.autograd.grad(of_seed.sum(), phi))
