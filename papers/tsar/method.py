"""TSAR's learning rules: the meta-gradient of Section 2, the step of domain transfer, and what is recalled.

The forward rule itself, W_eff = eta(x) * W, is `Tsar.logits` in model.py.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from common.learning.cuda_graph import Function, Replay
from common.learning.optimizers import Adam
from papers.tsar import inner_loop
from papers.tsar.factored_linear import FactoredAdam
from papers.tsar.model import Tsar
from papers.tsar.network import Context, ContextOf, Network, Parameters

# Mask values that one chunk of evaluated images may need: 256 MB, and some times that in temporaries.
MASKS_AT_ONCE = 2**26


class Optimizer:
    """Adam on a network: on ordinary tensors, and on the weight of the regulator's map from its factors."""

    def __init__(self, network: Network, tensors: list[Tensor], learning_rate: float):
        self.adam = Adam(tensors, learning_rate)
        self.output_adam = None
        if network.output is not None and network.output.trainable:
            self.output_adam = FactoredAdam(network.output, learning_rate)

    def step(self) -> None:
        """Update everything that has a gradient."""
        self.adam.step()
        if self.output_adam is not None:
            self.output_adam.step()

    def state_dict(self) -> dict:
        return {"adam": self.adam.state_dict(), "output": self.output_adam and self.output_adam.state_dict()}

    def load_state_dict(self, state: dict) -> None:
        self.adam.load_state_dict(state["adam"])
        if self.output_adam is not None:
            self.output_adam.load_state_dict(state["output"])


def replay_on(device: torch.device) -> Callable[[Function, Tensor], Tensor]:
    """Return what calls a function of one tensor: on a GPU by replays of a CUDA graph (`Replay`), elsewhere as written."""
    return Replay() if device.type == "cuda" else lambda function, argument: function(argument)


def meta_gradient(
    network: Network,
    images: Tensor,
    labels: Tensor,
    inner_images: int,
    inner_learning_rate: float,
    second_order: bool,
    repeat_first: bool,
) -> Tensor:
    """Leave the meta-gradient of one iteration in the network's tensors, and return the outer loss.

    images [B, 3, 28, 28]: the first `inner_images` are of one class and are learned one by one with SGD, the very first
    twice if `repeat_first`. The outer loss is the mean cross-entropy of all B under the learned fast weights. The
    regulator is fixed inside the loop, so the masks of all images are made once.
    """
    context = network.context(images)
    steps = list(zip(_single_images(context, inner_images, detach=not second_order), labels.split(1)))
    if repeat_first:
        steps.insert(0, steps[0])

    def loss(fast: Parameters, step: tuple[Context, Tensor]) -> Tensor:
        return F.cross_entropy(network.logits(fast, step[0]), step[1])

    learned = inner_loop.sgd(loss, network.fast, steps, inner_learning_rate, second_order)
    outer_loss = loss(learned, (context, labels))
    inner_loop.backward(outer_loss, network.fast, learned)
    return outer_loss.detach()


def transfer_context(network: Network, images: Tensor) -> ContextOf:
    """Return a function from a slice or indices of `images` to their context; what transfer leaves fixed is computed only once.

    For TSAR that is the regulator's perception module, for the others everything that `context` computes.
    """
    chunks = images.split(256)
    with torch.no_grad():
        if isinstance(network, Tsar):
            encodings = torch.cat([network.encode(chunk) for chunk in chunks])
            return lambda part: network.regulate(images[part], encodings[part])
        context = tuple(torch.cat(tensors) for tensors in zip(*map(network.context, chunks)))
    return lambda part: tuple(tensor[part] for tensor in context)


def transfer_step(network: Network, context: Context, label: Tensor, optimizer: Optimizer) -> Tensor:
    """Make one update on one image, and return the loss before it."""
    loss = F.cross_entropy(network.logits(network.fast, context), label)
    loss.backward()
    optimizer.step()
    return loss.detach()


@torch.no_grad()
def recalled(network: Network, context: Callable[[slice], Context], labels: Tensor) -> Tensor:
    """Return which images are recalled: [images], 1 where the largest logit is that of the label, 0 elsewhere, as float64.

        recall_k = (1 / (k m)) sum_{t=1..k} sum_{i=1..m} [the largest logit of image i of class t is t]

    is its mean over all images of k classes of m images. All outputs compete. context: of a slice of the images
    (`transfer_context`); labels: of the images, from the first on.
    """
    chunk = 256 if network.output is None else max(1, min(256, MASKS_AT_ONCE // len(network.output.bias)))
    parts = [slice(start, min(start + chunk, len(labels))) for start in range(0, len(labels), chunk)]
    right = [network.logits(network.fast, context(part)).argmax(1) == labels[part] for part in parts]
    return torch.cat(right).double()


def _single_images(context: Context, count: int, detach: bool) -> list[Context]:
    """Return the contexts of the first `count` images, one by one."""
    # split once: its backward joins the pieces, where indexing would fill a whole zero tensor per image
    pieces = [(t.detach() if detach else t)[:count].split(1) for t in context]
    return list(zip(*pieces))
