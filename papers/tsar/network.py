"""What all networks share: how they keep their tensors, and the layers that they are made of.

Each network keeps its tensors in two dictionaries: `fast`, which the inner loop of meta-learning changes, and `slow`, which
it does not. `context(images)` computes once whatever depends on the slow tensors alone (masks, gates or features).
`logits(fast, context)` is the rest: `features`, and `predict` from them. Contexts are tuples of tensors whose first axis is
the image.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor

from papers.tsar.factored_linear import FactoredLinear
from papers.tsar.protocol import Widths

Parameters = dict[str, Tensor]
Context = tuple[Tensor, ...]
ContextOf = Callable[[slice | Tensor], Context]  # of images, by slice or indices

NORM_EPS = 1e-5  # not a detail: at b0 = -8 the masked activations vary by less than this, so they stay suppressed


class Network(ABC):
    """A network as two dictionaries of tensors, with a last layer whose rows can be redrawn.

    transfer_fast: names of the fast tensors that go on learning under domain transfer; by default all.
    """

    last_layer: str  # prefix of the layer that predicts classes, always fast
    transfer_slow: tuple[str, ...] = ()  # slow tensors that go on learning under domain transfer
    output: FactoredLinear | None = None  # the regulator's map to the masks, in TSAR

    def __init__(self, fast: Parameters, slow: Parameters, transfer_fast: tuple[str, ...] | None = None):
        self.fast = {name: tensor.requires_grad_() for name, tensor in fast.items()}
        self.slow = {name: tensor.requires_grad_() for name, tensor in slow.items()}
        self.transfer_fast = tuple(fast) if transfer_fast is None else transfer_fast

    @abstractmethod
    def context(self, images: Tensor) -> Context:
        """Return everything about images [B, 3, 28, 28] that the fast tensors do not enter."""

    @abstractmethod
    def features(self, fast: Parameters, context: Context) -> Tensor:
        """Return the input of the last layer: [B, features]."""

    def predict(self, fast: Parameters, features: Tensor, context: Context) -> Tensor:
        """Return the outputs before the softmax from the input of the last layer: [B, outputs]."""
        return F.linear(features, fast[f"{self.last_layer}.weight"], fast[f"{self.last_layer}.bias"])

    def logits(self, fast: Parameters, context: Context) -> Tensor:
        """Return the outputs before the softmax: [B, outputs]."""
        return self.predict(fast, self.features(fast, context), context)

    def parameters(self) -> list[Tensor]:
        """Return the tensors that an ordinary optimizer meta-learns; the weight of `output` has its own (FactoredAdam)."""
        return [*self.fast.values(), *(tensor for tensor in self.slow.values() if tensor.requires_grad)]

    def transfer_parameters(self) -> list[Tensor]:
        """Return the tensors that an ordinary optimizer trains under domain transfer."""
        return [self.fast[name] for name in self.transfer_fast] + [self.slow[name] for name in self.transfer_slow]

    @torch.no_grad()
    def reset_class(self, label: int, generator: torch.Generator) -> None:
        """Redraw the last layer's weights into one class; its bias is kept."""
        weight = self.fast[f"{self.last_layer}.weight"]
        weight[label] = kaiming((1, weight.shape[1]), generator)[0].to(weight)

    @torch.no_grad()
    def reset_for_transfer(self, generator: torch.Generator, regulation_bias: float) -> None:
        """Redraw the last layer, with bias 0; regulation_bias: for networks that regulate that layer."""
        weight = self.fast[f"{self.last_layer}.weight"]
        weight.copy_(kaiming(tuple(weight.shape), generator))
        self.fast[f"{self.last_layer}.bias"].zero_()

    def state_dict(self) -> Parameters:
        """Return all tensors; they are the network's own, not copies."""
        state = {f"fast.{name}": tensor.detach() for name, tensor in self.fast.items()}
        state |= {f"slow.{name}": tensor.detach() for name, tensor in self.slow.items()}
        return state if self.output is None else state | {"output.weight": self.output.weight}

    @torch.no_grad()
    def load_state_dict(self, state: Parameters) -> None:
        """Take over the values of tensors that `state_dict` returned."""
        for name, tensor in self.state_dict().items():
            tensor.copy_(state[name])

    def to(self, device: torch.device) -> Self:
        """Move all tensors to a device, and return the network."""
        self.fast, self.slow = (
            {name: tensor.detach().to(device).requires_grad_(tensor.requires_grad) for name, tensor in tensors.items()}
            for tensors in (self.fast, self.slow)
        )
        if self.output is not None:
            self.output.weight, self.output.bias = self.output.weight.to(device), self.slow["output.bias"]
        return self


def kaiming(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Return normal weights with SD sqrt(2 / fan-in), drawn on the CPU, so that they are the same for every device."""
    fan_in = torch.Size(shape[1:]).numel()
    return torch.empty(shape).normal_(0.0, (2.0 / fan_in) ** 0.5, generator=generator)


def convolve(x: Tensor, weights: Tensor) -> Tensor:
    """Return a 3x3 convolution of images x [B, I, H, W], each with weights of its own [B, O, I, 3, 3].

    No bias: every convolution here is followed by a normalisation over the image, which takes any bias out again.
    """
    batch, out, into = weights.shape[:3]
    height, width = x.shape[2] - 2, x.shape[3] - 2
    if x.device.type != "cpu" and batch > 1:  # grouped convolutions of hundreds of groups are slow on a GPU
        columns = F.unfold(x, 3)
        return torch.bmm(weights.reshape(batch, out, into * 9), columns).view(batch, out, height, width)
    stacked = x.reshape(1, batch * into, *x.shape[2:])
    y = F.conv2d(stacked, weights.reshape(batch * out, into, 3, 3), groups=batch)
    return y.view(batch, out, height, width)


def normalise(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Return x with each channel of each image brought to mean 0 and (biased) variance 1, then scaled and shifted."""
    # group_norm with a group per channel: the same numbers as instance_norm, in a third of its time on a CPU
    return F.group_norm(x, len(scale), scale, shift, eps=NORM_EPS)


class _MaxPool(torch.autograd.Function):
    """A 2x2 max-pool for a batch on a CPU, whose forward kernel is fast in the channels-last layout alone: the same numbers."""

    @staticmethod
    def forward(ctx, x: Tensor) -> Tensor:
        pooled, places = F.max_pool2d(x.contiguous(memory_format=torch.channels_last), 2, return_indices=True)
        ctx.save_for_backward(x, places.contiguous())
        return pooled.contiguous()

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        x, places = ctx.saved_tensors
        window, no_padding, dense = [2, 2], [0, 0], [1, 1]
        return torch.ops.aten.max_pool2d_with_indices_backward(
            gradient.contiguous(), x, window, window, no_padding, dense, False, places
        )


def max_pool(x: Tensor) -> Tensor:
    """Return x [B, C, H, W] after a 2x2 max-pool: [B, C, H // 2, W // 2]."""
    return _MaxPool.apply(x) if x.device.type == "cpu" and len(x) > 1 else F.max_pool2d(x, 2)


def conv_blocks(prefix: str, channels: int, generator: torch.Generator) -> Parameters:
    """Return three convolutions with their normalisations, for images of three channels.

    Their biases have no effect, but are part of the published count.
    """
    blocks = {}
    for layer, into in ((1, 3), (2, channels), (3, channels)):
        blocks[f"{prefix}{layer}.weight"] = kaiming((channels, into, 3, 3), generator)
        blocks[f"{prefix}{layer}.bias"] = torch.zeros(channels)
        blocks[f"{prefix}{layer}.scale"] = torch.ones(channels)
        blocks[f"{prefix}{layer}.shift"] = torch.zeros(channels)
    return blocks


def conv_stack(x: Tensor, parameters: Parameters, prefix: str, pool_last: bool) -> Tensor:
    """Return images after `conv_blocks`: convolution, normalisation, ReLU and 2x2 max-pool, flattened to [B, features].

    pool_last: whether there is a third pool. ReLU and max-pool commute, so it is the pooled map, a quarter of the size, that is rectified.
    """
    for layer in (1, 2, 3):
        name = f"{prefix}{layer}"
        x = F.conv2d(x, parameters[f"{name}.weight"])
        x = normalise(x, parameters[f"{name}.scale"], parameters[f"{name}.shift"])
        x = F.relu(max_pool(x) if layer < 3 or pool_last else x)
    return x.flatten(1)


def classifier(widths: Widths, generator: torch.Generator) -> Parameters:
    """Return the classifier of TSAR, Scratch and No Regulation: C1, C2, C3 and the class-prediction layer CP."""
    return {
        **conv_blocks("c", widths.channels, generator),
        "cp.weight": kaiming((widths.outputs, widths.channels), generator),
        "cp.bias": torch.zeros(widths.outputs),
    }
