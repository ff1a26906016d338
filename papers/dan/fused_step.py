"""A plain step of the autoencoder's VECs on CPUs, compiled: taken while the gradient is at hand.

Much of a step goes to the gradient of millions of VEC weights, which is the product of a few inputs and gradients. Here it
goes into the weights at once, and is nowhere whole. The numbers differ from torch's by rounding alone.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from papers.dan.fused_maps import arrays, compiled
from papers.dan.model import signals

COLUMNS = 1024  # of VECs at a time


@compiled
def _descend(of_signals, inputs, weight, of_inputs, rate):
    """signals = inputs weight: the gradient to the inputs is added to of_inputs, that to the weight, times rate, taken from it."""
    batch = range(inputs.shape[1])
    for k in range(weight.shape[0]):
        for first in range(0, weight.shape[2], COLUMNS):
            columns = slice(first, min(first + COLUMNS, weight.shape[2]))
            for n in range(weight.shape[1]):
                row = weight[k, n, columns]
                for b in batch:
                    of_inputs[k, b, n] += _product(row, of_signals[k, b, columns])
                for b in batch:
                    _add_multiple(row, of_signals[k, b, columns], -rate * inputs[k, b, n])


@compiled
def _product(a, b):
    total = a.dtype.type(0)
    for t in range(a.size):
        total += a[t] * b[t]
    return total


@compiled
def _add_multiple(target, values, by):
    for t in range(target.size):
        target[t] += by * values[t]


class DescendingSignals(torch.autograd.Function):
    """`model.signals` for weights that take a plain step as soon as their gradient is known, in the backward pass.

    The first argument is the step's rate. Biases get a gradient as usual, weights none.
    """

    @staticmethod
    def forward(ctx: Any, rate: float, bias: Tensor, *sources: Tensor) -> Tensor:
        ctx.rate = rate
        ctx.save_for_backward(*sources)
        return signals(bias, *sources)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        of_sources: list[Tensor | None] = []
        for inputs, weight in zip(ctx.saved_tensors[::2], ctx.saved_tensors[1::2]):
            of_inputs = inputs.new_zeros(inputs.shape)
            of_signals, from_nodes, to_nodes = arrays([gradient, inputs, of_inputs])
            _descend(of_signals, from_nodes, weight.detach().numpy(), to_nodes, of_signals.dtype.type(ctx.rate))
            of_sources += [of_inputs, None]
        return None, gradient.sum(1), *of_sources
