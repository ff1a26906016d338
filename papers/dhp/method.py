"""Differentiable Hebbian plasticity (DHP): a fast Hebbian weight beside each slow weight of the softmax layer.

    eq. 2        z_j = sum_i (theta_ij + alpha_ij Hebb_ij) h_i
    Algorithm 1  for every class c in the mini-batch, with hbar_c the mean of h over its examples:
                 Hebb_c <- (1 - eta) Hebb_c + eta hbar_c      (column c; the columns of absent classes stay)
    eq. 1        L + lambda sum_k Omega_k (theta_k - theta_k^previous)^2      over the slow weights of all layers

theta, alpha and eta learn by gradient descent. The trace Hebb does not: it starts at zero and is never reset. Training
updates it before the logits are computed, so these know the batch's labels. Evaluation only uses it.

The text leaves open, and here it is so: the trace that enters a batch is a constant, while within the batch gradients
flow through hbar into the network and into eta. Eta is one number and is not clipped, but in a control. Neither alpha nor
eta nor the trace is ever consolidated. Omega has no factor 1/2 in the loss, whichever the method.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from common.learning.consolidation import Consolidation, Mas, OnlineEwc, SynapticIntelligence
from common.learning.optimizers import Adam, Sgd
from papers.dhp.importance import BatchEwc, BatchMas
from papers.dhp.protocol import Condition, Optimizers, Training


def hebbian_update(hebb: Tensor, eta: Tensor, hidden: Tensor, labels: Tensor) -> Tensor:
    """Return the trace after a batch, for all classes c and replicas at once (Algorithm 1).

        Hebb_c <- (1 - eta) Hebb_c + eta hbar_c

    hebb: [R, m, d], which stays as it is; eta: [R, 1]; hidden: h [R, B, m]; labels: [R, B]. Classes without an example
    keep their column.
    """
    members = functional.one_hot(labels, hebb.shape[-1]).to(hidden.dtype)  # [R, B, d]
    counts = members.sum(1, keepdim=True)  # [R, 1, d]
    means = torch.bmm(hidden.transpose(1, 2), members / counts.clamp(min=1))
    rate = eta.unsqueeze(-1) * (counts > 0)
    return hebb + rate * (means - hebb)


def consolidation(
    condition: Condition, slow: Sequence[Tensor], settings: Training, tuned: float | None = None
) -> Consolidation:
    """Return the consolidation of a condition.

    slow: the slow weights [R, ...], which alone are consolidated; tuned: the lambda of our search, or None for the paper's.
    """
    if condition.consolidation is None:
        return Consolidation(slow, 0.0)
    strength: float = tuned if tuned is not None else getattr(settings, condition.consolidation)
    if condition.consolidation == "si":
        return SynapticIntelligence(slow, strength, settings.xi)
    if condition.importance:
        given = slow, strength, settings.importance_images, settings.batch
        return (
            BatchMas(*given) if condition.consolidation == "mas" else BatchEwc(*given, condition.importance == "batch")
        )
    if condition.consolidation == "mas":
        return Mas(slow, strength, settings.importance_images)
    return OnlineEwc(slow, 2 * strength, settings.importance_images)  # which halves it, as its own paper does


def optimizer(
    condition: Condition, learned: list[Tensor], settings: Training, others: Optimizers | None = None
) -> Adam | Sgd:
    """Return the optimizer of a condition: plain SGD, as published, but for controls.

    learned: all parameters that gradient descent changes; others: the numbers of the controls' optimizers. Raises
    ValueError if the condition needs those and they are not given.
    """
    if condition.optimizer is None:
        return Sgd(learned, settings.learning_rate)
    if others is None:
        raise ValueError(f"a condition with -{condition.optimizer} needs the protocol's section optimizers")
    if condition.optimizer == "adam":
        return Adam(learned, others.adam_learning_rate)
    return Sgd(learned, settings.learning_rate, others.momentum)
