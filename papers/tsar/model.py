"""TSAR: a classifier and the regulator of its weights; and the network of every condition."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from papers.tsar.baselines import Anml, Oml, PlainClassifier
from papers.tsar.factored_linear import FactoredLinear
from papers.tsar.network import (
    Context,
    Network,
    Parameters,
    classifier,
    conv_blocks,
    conv_stack,
    convolve,
    kaiming,
    max_pool,
    normalise,
)
from papers.tsar.protocol import Widths, check_conditions, initial_bias

LAYERS = ("c1", "c2", "c3", "cp")  # the classifier's layers, in the order of the regulator's rows
CONVOLUTIONS = LAYERS[:3]


class Tsar(Network):
    """W_eff = eta(x) * W, eta(x) = sigmoid(regulator(x)): every weight of a classifier is masked, image by image.

    The regulator is a perception module (three convolutions) and four linear maps, one per classifier layer. The maps are
    held as one matrix, so that one product makes all masks of all images. Biases and normalisations are not masked.
    initial_bias: of the maps; frozen: whether the regulator never learns. fixed_maps: the layers of `LAYERS` to which the
    maps are not to learn; by default none.
    """

    last_layer = "cp"
    fixed_maps: tuple[str, ...] = ()
    transfer_slow: tuple[str, ...] = ("output.bias",)
    output: FactoredLinear

    def __init__(self, widths: Widths, initial_bias: float, generator: torch.Generator, frozen: bool = False):
        perception = widths.regulator_channels
        perception_module = conv_blocks("p", perception, generator)
        super().__init__(classifier(widths, generator), perception_module)
        self.mask_sizes = list(widths.mask_sizes.values())
        self.output = FactoredLinear(
            kaiming((sum(self.mask_sizes), perception * 9), generator),
            torch.full((sum(self.mask_sizes),), float(initial_bias)),
            trainable=not frozen,
        )
        self.slow["output.bias"] = self.output.bias
        if frozen:
            self.transfer_slow = ()
            for tensor in self.slow.values():
                tensor.requires_grad_(False)

    def layer(self, name: str) -> slice:
        """Return the rows of the regulator's map that make the masks of a layer of `LAYERS`."""
        index = LAYERS.index(name)
        start = sum(self.mask_sizes[:index])
        return slice(start, start + self.mask_sizes[index])

    def encode(self, images: Tensor) -> Tensor:
        """Return the regulator's encoding of images: [B, 9 x regulator channels]."""
        return conv_stack(images, self.slow, "p", pool_last=False)

    def regulate(self, images: Tensor, encoding: Tensor) -> Context:
        """Return the context from an encoding already made: the images, and the masks of each of `LAYERS` [B, weights]."""
        masks = torch.sigmoid(self.output(encoding)).split(self.mask_sizes, dim=1)
        # gradients that are 0 from the first step on leave what Adam trains as it is, bit for bit
        return images, *(mask.detach() if name in self.fixed_maps else mask for name, mask in zip(LAYERS, masks))

    def context(self, images: Tensor) -> Context:
        return self.regulate(images, self.encode(images))

    def features(self, fast: Parameters, context: Context) -> Tensor:
        x, *masks = context
        for name, mask in zip(CONVOLUTIONS, masks):
            weight = fast[f"{name}.weight"]
            x = convolve(x, mask.reshape(len(x), *weight.shape) * weight)
            x = F.relu(max_pool(normalise(x, fast[f"{name}.scale"], fast[f"{name}.shift"])))
        return x.flatten(1)

    def predict(self, fast: Parameters, features: Tensor, context: Context) -> Tensor:
        weight = fast["cp.weight"]
        masked = context[-1].reshape(len(features), *weight.shape) * weight
        return torch.bmm(masked, features.unsqueeze(2)).squeeze(2) + fast["cp.bias"]

    @torch.no_grad()
    def reset_for_transfer(self, generator: torch.Generator, regulation_bias: float) -> None:
        """Redraw CP, and the regulator's map to it with this bias."""
        super().reset_for_transfer(generator, regulation_bias)
        to_cp = self.layer("cp")
        weight = self.output.weight[to_cp]
        weight.copy_(kaiming(tuple(weight.shape), generator))
        self.output.bias[to_cp] = regulation_bias


def build(condition: str, widths: Widths, generator: torch.Generator) -> Network:
    """Return the untrained network of a condition. Raises ProtocolError for a name that no condition has."""
    check_conditions([condition])
    bias = initial_bias(condition)
    if bias is not None:
        return Tsar(widths, bias, generator, frozen=condition.startswith("reservoir"))
    if condition == "oml":
        return Oml(widths, generator)
    if condition == "anml":
        return Anml(widths, generator)
    return PlainClassifier(widths, generator, convolutions_fast=condition == "scratch")
