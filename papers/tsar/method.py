"""TSAR's learning rules: the meta-gradient of Section 2 and the step of domain transfer.

The forward rule itself, W_eff = eta(x) * W, is `Tsar.logits` in model.py.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from common import inner_loop
from common.factored_linear import FactoredAdam
from common.optimizers import Adam
from papers.tsar.model import Context, Network, Parameters


class Optimizer:
    """Adam on a network: its ordinary tensors, and the regulator's output weight from its factors."""

    def __init__(self, network: Network, tensors: list[Tensor], learning_rate: float):
        self.adam = Adam(tensors, learning_rate)
        trains_output = network.output is not None and network.output.trainable
        self.output_adam = FactoredAdam(network.output, learning_rate) if trains_output else None

    def step(self) -> None:
        self.adam.step()
        if self.output_adam is not None:
            self.output_adam.step()

    def state_dict(self) -> dict:
        return {"adam": self.adam.state_dict(), "output": self.output_adam and self.output_adam.state_dict()}

    def load_state_dict(self, state: dict) -> None:
        self.adam.load_state_dict(state["adam"])
        if self.output_adam is not None:
            self.output_adam.load_state_dict(state["output"])


def single_images(context: Context, count: int, detach: bool) -> list[Context]:
    """The contexts of the first `count` images, one by one."""
    # split once: its backward joins the pieces, where indexing would fill a whole zero tensor per image
    pieces = [(t.detach() if detach else t)[:count].split(1) for t in context]
    return list(zip(*pieces))


def meta_gradient(
    network: Network,
    images: Tensor,
    labels: Tensor,
    inner_images: int,
    inner_learning_rate: float,
    second_order: bool,
    repeat_first: bool,
) -> Tensor:
    """Leaves the meta-gradient of one iteration in the network's tensors and returns the outer loss.

    images [B, 3, 28, 28]: the first `inner_images` are of one class and are learned one by one with SGD; the outer loss is
    the mean cross-entropy of all B under the learned fast weights.  The regulator is fixed inside the loop, so the masks
    of all images are made once.
    """
    context = network.context(images)
    steps = list(zip(single_images(context, inner_images, detach=not second_order), labels.split(1)))
    if repeat_first:
        steps.insert(0, steps[0])

    def loss(fast: Parameters, step: tuple[Context, Tensor]) -> Tensor:
        return F.cross_entropy(network.logits(fast, step[0]), step[1])

    learned = inner_loop.sgd(loss, network.fast, steps, inner_learning_rate, second_order)
    outer_loss = loss(learned, (context, labels))
    inner_loop.backward(outer_loss, network.fast, learned)
    return outer_loss.detach()


def transfer_context(network: Network, images: Tensor) -> Callable[[slice], Context]:
    """A function from a slice of `images` to its context, with whatever transfer leaves fixed computed only once.

    For TSAR that is the regulator's perception module; for the others everything that `context` computes.
    """
    with torch.no_grad():
        fixed = [
            network.encode(chunk) if network.output is not None else network.context(chunk)
            for chunk in images.split(256)
        ]
    if network.output is not None:
        encodings = torch.cat(fixed)
        return lambda part: network.regulate(images[part], encodings[part])
    context = tuple(torch.cat(tensors) for tensors in zip(*fixed))
    return lambda part: tuple(tensor[part] for tensor in context)


def transfer_step(network: Network, context: Context, label: Tensor, optimizer: Optimizer) -> Tensor:
    """One update on one image; returns the loss before it."""
    loss = F.cross_entropy(network.logits(network.fast, context), label)
    loss.backward()
    optimizer.step()
    return loss.detach()
