"""Gradient descent inside another gradient: the inner loop of meta-learning, first or second order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import torch
from torch import Tensor

Parameters = dict[str, Tensor]
Batch = TypeVar("Batch")


def sgd(
    loss: Callable[[Parameters, Batch], Tensor],
    initial: Parameters,
    batches: Iterable[Batch],
    learning_rate: float,
    second_order: bool,
) -> Parameters:
    """theta_{i+1} = theta_i - learning_rate * d loss(theta_i, batch_i) / d theta_i, from theta_0 = `initial`.

    Return theta_n, after n batches; `initial` is never changed. Second order: it is a differentiable function of `initial`
    and of whatever the batches hold. First order: every inner gradient is a constant, so theta_n is a set of new leaves,
    and d theta_n / d theta_0 is the identity.
    """
    names = list(initial)
    values = [initial[name] for name in names]
    if not second_order:
        values = [value.detach().clone().requires_grad_() for value in values]
    for batch in batches:
        # Parameters that the loss does not reach (a bias that the next normalisation removes) have no gradient.
        gradients = torch.autograd.grad(
            loss(dict(zip(names, values)), batch), values, create_graph=second_order, allow_unused=True
        )
        if second_order:
            values = [v if g is None else v - learning_rate * g for v, g in zip(values, gradients)]
        else:
            moved = [(value, gradient) for value, gradient in zip(values, gradients) if gradient is not None]
            with torch.no_grad():
                torch._foreach_add_([v for v, _ in moved], [g for _, g in moved], alpha=-learning_rate)
    return dict(zip(names, values))


def backward(loss: Tensor, initial: Parameters, final: Parameters) -> None:
    """Add d loss / d theta_0 to the .grad of `initial`, given `final` = sgd(...) and a loss computed from it.

    In the first-order case `final` holds separate leaves, and their gradient is passed on unchanged.
    """
    loss.backward()
    for name, value in final.items():
        own = initial[name]
        if value.is_leaf and value is not own and value.grad is not None:
            own.grad = value.grad if own.grad is None else own.grad + value.grad
