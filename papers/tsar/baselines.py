"""The networks that TSAR is compared with: its classifier alone, OML and ANML."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from papers.tsar.network import Context, Network, Parameters, classifier, conv_blocks, conv_stack, kaiming
from papers.tsar.protocol import Widths


class PlainClassifier(Network):
    """The classifier without a regulator.

    convolutions_fast: Scratch trains all of it. No Regulation meta-learns the convolutions as a representation, and trains
    CP alone in the inner loop and under transfer.
    """

    last_layer = "cp"

    def __init__(self, widths: Widths, generator: torch.Generator, convolutions_fast: bool):
        tensors = classifier(widths, generator)
        head = {name: tensors.pop(name) for name in ("cp.weight", "cp.bias")}
        self.convolutions_fast = convolutions_fast
        super().__init__(tensors | head if convolutions_fast else head, {} if convolutions_fast else tensors)

    def context(self, images: Tensor) -> Context:
        return (images if self.convolutions_fast else conv_stack(images, self.slow, "c", pool_last=True),)

    def features(self, fast: Parameters, context: Context) -> Tensor:
        return conv_stack(context[0], fast, "c", pool_last=True) if self.convolutions_fast else context[0]


class Oml(Network):
    """OML (Javed and White 2019): six convolutions as representation (slow), two linear layers as prediction (fast)."""

    last_layer = "f2"
    strides = (1, 1, 1, 2, 1, 2)

    def __init__(self, widths: Widths, generator: torch.Generator):
        channels, slow = widths.oml_channels, {}
        for layer in range(6):
            slow[f"r{layer + 1}.weight"] = kaiming((channels, 3 if layer == 0 else channels, 3, 3), generator)
            slow[f"r{layer + 1}.bias"] = torch.zeros(channels)
        fast = {
            "f1.weight": kaiming((widths.oml_hidden, channels * 9), generator),
            "f1.bias": torch.zeros(widths.oml_hidden),
            "f2.weight": kaiming((widths.outputs, widths.oml_hidden), generator),
            "f2.bias": torch.zeros(widths.outputs),
        }
        super().__init__(fast, slow)

    def context(self, images: Tensor) -> Context:
        x = images
        for layer, stride in enumerate(self.strides, start=1):
            x = F.relu(F.conv2d(x, self.slow[f"r{layer}.weight"], self.slow[f"r{layer}.bias"], stride=stride))
        return (x.flatten(1),)

    def features(self, fast: Parameters, context: Context) -> Tensor:
        return F.relu(F.linear(context[0], fast["f1.weight"], fast["f1.bias"]))


class Anml(Network):
    """ANML (Beaulieu et al. 2020): a neuromodulatory network (slow) gates the features of a prediction network (fast).

    Under transfer only the last layer learns.
    """

    last_layer = "cp"

    def __init__(self, widths: Widths, generator: torch.Generator):
        modulator, channels = widths.anml_modulator_channels, widths.anml_channels
        slow = {
            **conv_blocks("n", modulator, generator),
            "gate.weight": kaiming((channels * 9, modulator * 9), generator),
            "gate.bias": torch.zeros(channels * 9),
        }
        fast = {
            **conv_blocks("c", channels, generator),
            "cp.weight": kaiming((widths.outputs, channels * 9), generator),
            "cp.bias": torch.zeros(widths.outputs),
        }
        super().__init__(fast, slow, transfer_fast=("cp.weight", "cp.bias"))

    def context(self, images: Tensor) -> Context:
        modulation = conv_stack(images, self.slow, "n", pool_last=False)
        return images, torch.sigmoid(F.linear(modulation, self.slow["gate.weight"], self.slow["gate.bias"]))

    def features(self, fast: Parameters, context: Context) -> Tensor:
        images, gates = context
        return gates * conv_stack(images, fast, "c", pool_last=False)
