"""Algorithm 1: synapses learn every sub-task by gradient descent; after every step, phenotypes learn from the meta-loss.

    theta_{t+1} = theta_t - alpha grad_theta L_i(theta_t, phi_t)                    sub-task i, each model its own
    phi_{t+1}   = phi_t - gamma (1 / M) sum_m grad_phi L_G(theta_{t+1}, phi_t)      a random batch G of the sequence

Models have an axis of their own [K], the M models of a population next to each other: K = R * M for R seeds. phi has one
slice per seed [R] and is shared by the population. Losses are mean squared errors.

The meta-gradient can be taken in two ways. Through the step: theta_{t+1} is a function of phi_t, so that phi learns which
updates of theta forget little (Section 5: had phi been another, so would the inner update). Or at fixed theta_{t+1}, first
order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from common.learning.optimizers import Adam, Sgd
from papers.dan.fused_step import DescendingSignals
from papers.dan.model import DanNetwork, Join
from papers.dan.protocol import MetaTraining
from papers.dan.sequences import Batch

OPTIMIZERS = {"adam": Adam, "sgd": Sgd}
Examples = tuple[Tensor, Tensor]  # inputs [K, B, n] and targets [K, B, m] of every model


def losses(
    network: DanNetwork, theta: Sequence[Tensor], phi: Sequence[Tensor], batch: Examples, join: Join | None = None
) -> Tensor:
    """Return the mean squared error of every model [K] on its batch; join: see `DanNetwork`."""
    inputs, targets = batch
    return (network(theta, phi, inputs, join) - targets).square().mean((1, 2))


def for_population(phi: Sequence[Tensor], members: int) -> list[Tensor]:
    """Return phi of every model of a population, that of its seed: [R, ...] -> [R * members, ...]."""
    return [tensor.repeat_interleave(members, 0) if members > 1 else tensor for tensor in phi]


def task_gradients(
    network: DanNetwork, theta: Sequence[Tensor], phi: Sequence[Tensor], batch: Examples, plastic: bool = False
) -> list[Tensor]:
    """Return grad_theta of each model's loss, of the form of theta; plastic: and its grad_phi [K, ...] behind it."""
    learned = [tensor.detach().requires_grad_() for tensor in [*theta, *(phi if plastic else [])]]
    theta, phi = learned[: len(theta)], learned[len(theta) :] if plastic else phi
    return list(torch.autograd.grad(losses(network, theta, phi, batch).sum(), learned))


def learn_task(
    network: DanNetwork, theta: list[Tensor], phi: Sequence[Tensor], batch: Examples, optimizer: Adam | Sgd
) -> None:
    """theta_{t+1} = theta_t - alpha grad_theta L_i(theta_t, phi), in place: the optimizer's step on `task_gradients`.

    Plain steps of an autoencoder on a CPU are taken while the gradient is at hand (`fused_step.DescendingSignals`).
    """
    plain = isinstance(optimizer, Sgd) and not optimizer.momentum
    if not (plain and network.dan.compiled and theta[0].device.type == "cpu"):
        optimizer.step(task_gradients(network, theta, phi, batch))
        return
    places = range(1, 2 * len(network.nodes) - 2, 2)  # of the biases
    biases = [theta[place].detach().requires_grad_() for place in places]
    given = list(theta)
    given[1 : places.stop : 2] = biases
    join = partial(DescendingSignals.apply, optimizer.lr)
    gradients = torch.autograd.grad(losses(network, given, phi, batch, join).sum(), biases)
    for place, gradient in zip(places, gradients, strict=True):
        theta[place].sub_(gradient, alpha=optimizer.lr)


def learn_sequence(
    network: DanNetwork,
    theta: list[Tensor],
    phi: list[Tensor],
    batch: Batch,
    settings: MetaTraining,
    plastic: bool,
    observe: Callable[[int], None],
) -> None:
    """Deployment: every step of a sequence by back-propagation, in place.

    plastic: whether phi [K, ...] learns as well; observe: called with the number of steps done, before each and at the end.
    """
    optimizer = OPTIMIZERS[settings.theta_optimizer](theta, settings.theta_rate)
    of_phi = OPTIMIZERS[settings.phi_optimizer](phi, settings.phi_rate) if plastic else None
    for step in range(len(batch.shown)):
        observe(step)
        if of_phi is None:
            learn_task(network, theta, phi, batch.at(step), optimizer)
            continue
        gradients = task_gradients(network, theta, phi, batch.at(step), plastic=True)
        optimizer.step(gradients[: len(theta)])
        of_phi.step(gradients[len(theta) :])
    observe(len(batch.shown))


def gradients_through_step(
    network: DanNetwork,
    theta: Sequence[Tensor],
    phi: Sequence[Tensor],
    members: int,
    rate: float,
    shown: Examples,
    batch: Examples,
) -> tuple[list[Tensor], Tensor, list[Tensor]]:
    """d/dphi L_G(theta_t - rate grad_theta L_i(theta_t, phi), phi): phi's gradient through a plain step of theta.

    shown: samples of sub-task i; batch: G. Returns `task_gradients`, the meta-loss of each seed [R] at theta_{t+1}, averaged
    over its population of `members`, and the gradient, of the form of phi [R, ...].
    """
    theta = [tensor.detach().requires_grad_() for tensor in theta]
    phi = [tensor.detach().requires_grad_() for tensor in phi]
    of_models = for_population(phi, members)
    steps = torch.autograd.grad(losses(network, theta, of_models, shown).sum(), theta, create_graph=True)
    moved = [tensor.detach() - rate * step for tensor, step in zip(theta, steps, strict=True)]
    of_seed = losses(network, moved, of_models, batch).view(-1, members).mean(1)
    gradients = torch.autograd.grad(of_seed.sum(), phi)
    return [step.detach() for step in steps], of_seed.detach(), list(gradients)


def phenotype_gradients(
    network: DanNetwork, theta: Sequence[Tensor], phi: Sequence[Tensor], members: int, batch: Examples
) -> tuple[Tensor, list[Tensor]]:
    """(1 / M) sum_m grad_phi L_G(theta, phi) at fixed theta.

    Returns the meta-loss of each seed [R], averaged over its population of M = `members`, and the gradient [R, ...].
    """
    phi = [tensor.detach().requires_grad_() for tensor in phi]
    of_seed = losses(network, theta, for_population(phi, members), batch).view(-1, members).mean(1)
    return of_seed.detach(), list(torch.autograd.grad(of_seed.sum(), phi))
