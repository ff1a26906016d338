"""The networks of TSAR and of the treatments it is compared with.

Each network keeps its tensors in two dictionaries: `fast`, which the inner loop of meta-learning changes, and `slow`, which
it does not.  `context(images)` computes once whatever depends on the slow tensors alone (masks, gates or features), and
`logits(fast, context)` is the rest.  Contexts are tuples of tensors whose first axis is the image.
"""

from __future__ import annotations

import re

import torch
import torch.nn.functional as F
from torch import Tensor

from common.factored_linear import FactoredLinear
from common.protocol import ProtocolError
from papers.tsar.protocol import Network as Widths

Parameters = dict[str, Tensor]
Context = tuple[Tensor, ...]

LAYERS = ("c1", "c2", "c3", "cp")  # the classifier's layers, in the order of the regulator's rows
GROW_BIAS, SCULPT_BIAS = -8.0, 0.0
NORM_EPS = 1e-5  # not a detail: at b0 = -8 the masked activations vary by less than this, so they stay suppressed


def kaiming(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Normal with sd sqrt(2 / fan-in), drawn on the CPU so that every device starts from the same weights."""
    fan_in = torch.Size(shape[1:]).numel()
    return torch.empty(shape).normal_(0.0, (2.0 / fan_in) ** 0.5, generator=generator)


def convolve(x: Tensor, weights: Tensor) -> Tensor:
    """3x3 convolution with weights of its own for every image: x [B, I, H, W], weights [B, O, I, 3, 3].

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
    """Each channel of each image to mean 0 and (biased) variance 1, then scaled and shifted."""
    # group_norm with a group per channel: the same numbers as instance_norm, in a third of its time on a CPU
    return F.group_norm(x, len(scale), scale, shift, eps=NORM_EPS)


def conv_block(prefix: str, out: int, into: int, generator: torch.Generator) -> Parameters:
    """A convolution and its normalisation.  The bias is part of the published count, though it has no effect."""
    return {
        f"{prefix}.weight": kaiming((out, into, 3, 3), generator),
        f"{prefix}.bias": torch.zeros(out),
        f"{prefix}.scale": torch.ones(out),
        f"{prefix}.shift": torch.zeros(out),
    }


def conv_stack(x: Tensor, parameters: Parameters, prefix: str, pool_last: bool) -> Tensor:
    """Three times convolution, normalisation, ReLU, 2x2 max-pool (the third pool only if `pool_last`); flattened.

    ReLU and max-pool commute, so it is the pooled map, a quarter of the size, that is rectified.
    """
    for layer in (1, 2, 3):
        name = f"{prefix}{layer}"
        x = F.conv2d(x, parameters[f"{name}.weight"])
        x = normalise(x, parameters[f"{name}.scale"], parameters[f"{name}.shift"])
        x = F.relu(F.max_pool2d(x, 2) if layer < 3 or pool_last else x)
    return x.flatten(1)


def classifier(widths: Widths, generator: torch.Generator) -> Parameters:
    """The classifier of TSAR, Scratch and No Regulation: C1, C2, C3 and the class-prediction layer CP."""
    channels = widths.channels
    return {
        **conv_block("c1", channels, 3, generator),
        **conv_block("c2", channels, channels, generator),
        **conv_block("c3", channels, channels, generator),
        "cp.weight": kaiming((widths.outputs, channels), generator),
        "cp.bias": torch.zeros(widths.outputs),
    }


class Network:
    """What the four architectures share: two dictionaries of tensors, and a last layer whose rows can be redrawn."""

    last_layer: str  # prefix of the layer that predicts classes, always fast
    transfer_slow: tuple[str, ...] = ()  # slow tensors that go on learning under domain transfer
    output: FactoredLinear | None = None

    def __init__(self, fast: Parameters, slow: Parameters, transfer_fast: tuple[str, ...] | None = None):
        self.fast = {name: tensor.requires_grad_() for name, tensor in fast.items()}
        self.slow = {name: tensor.requires_grad_() for name, tensor in slow.items()}
        self.transfer_fast = tuple(fast) if transfer_fast is None else transfer_fast

    def context(self, images: Tensor) -> Context:
        """Everything about images [B, 3, 28, 28] that the fast tensors do not enter."""
        raise NotImplementedError

    def logits(self, fast: Parameters, context: Context) -> Tensor:
        """[B, outputs]"""
        raise NotImplementedError

    def parameters(self) -> list[Tensor]:
        """The tensors an ordinary optimizer meta-learns; the regulator's output weight has its own (FactoredAdam)."""
        return [*self.fast.values(), *(tensor for tensor in self.slow.values() if tensor.requires_grad)]

    def transfer_parameters(self) -> list[Tensor]:
        """The tensors an ordinary optimizer trains under domain transfer."""
        return [self.fast[name] for name in self.transfer_fast] + [self.slow[name] for name in self.transfer_slow]

    @torch.no_grad()
    def reset_class(self, label: int, generator: torch.Generator) -> None:
        """Redraws the last layer's weights into one class; its bias is kept."""
        weight = self.fast[f"{self.last_layer}.weight"]
        weight[label] = kaiming((1, weight.shape[1]), generator)[0].to(weight)

    @torch.no_grad()
    def reset_for_transfer(self, generator: torch.Generator, regulation_bias: float) -> None:
        """Redraws the last layer, its bias 0.  `regulation_bias` is for networks that regulate that layer."""
        weight = self.fast[f"{self.last_layer}.weight"]
        weight.copy_(kaiming(tuple(weight.shape), generator))
        self.fast[f"{self.last_layer}.bias"].zero_()

    def state_dict(self) -> Parameters:
        state = {f"fast.{name}": tensor.detach() for name, tensor in self.fast.items()}
        state |= {f"slow.{name}": tensor.detach() for name, tensor in self.slow.items()}
        return state if self.output is None else state | {"output.weight": self.output.weight}

    @torch.no_grad()
    def load_state_dict(self, state: Parameters) -> None:
        for name, tensor in self.state_dict().items():
            tensor.copy_(state[name])

    def to(self, device: torch.device) -> Network:
        self.fast, self.slow = (
            {name: tensor.detach().to(device).requires_grad_(tensor.requires_grad) for name, tensor in tensors.items()}
            for tensors in (self.fast, self.slow)
        )
        if self.output is not None:
            self.output.weight, self.output.bias = self.output.weight.to(device), self.slow["output.bias"]
        return self


class Tsar(Network):
    """A classifier whose every weight W is multiplied, image by image, by a mask eta(x) = sigmoid(regulator(x)).

    The regulator is a perception module (three convolutions) and four linear maps, one per classifier layer; they are held
    as one matrix, so that one product makes all masks of all images.  Biases and normalisations are not gated.
    """

    last_layer = "cp"
    transfer_slow = ("output.bias",)

    def __init__(self, widths: Widths, initial_bias: float, generator: torch.Generator, frozen: bool = False):
        channels, perception = widths.channels, widths.regulator_channels
        slow = {
            **conv_block("p1", perception, 3, generator),
            **conv_block("p2", perception, perception, generator),
            **conv_block("p3", perception, perception, generator),
        }
        super().__init__(classifier(widths, generator), slow)
        self.mask_sizes = [channels * 27, channels**2 * 9, channels**2 * 9, widths.outputs * channels]
        encoding = perception * 9
        self.output = FactoredLinear(
            kaiming((sum(self.mask_sizes), encoding), generator),
            torch.full((sum(self.mask_sizes),), float(initial_bias)),
            trainable=not frozen,
        )
        self.slow["output.bias"] = self.output.bias
        if frozen:
            self.transfer_slow = ()
            for tensor in self.slow.values():
                tensor.requires_grad_(False)

    def layer(self, name: str) -> slice:
        """The columns of the masks that belong to one layer: "c1", "c2", "c3" or "cp"."""
        index = LAYERS.index(name)
        start = sum(self.mask_sizes[:index])
        return slice(start, start + self.mask_sizes[index])

    def encode(self, images: Tensor) -> Tensor:
        """The regulator's encoding of images: [B, 9 x regulator channels]."""
        return conv_stack(images, self.slow, "p", pool_last=False)

    def regulate(self, images: Tensor, encoding: Tensor) -> Context:
        """The context from an encoding already made: the images and their masks [B, all gated weights]."""
        return images, torch.sigmoid(self.output(encoding))

    def context(self, images: Tensor) -> Context:
        return self.regulate(images, self.encode(images))

    def logits(self, fast: Parameters, context: Context) -> Tensor:
        x, masks = context
        batch = len(x)
        layers = dict(zip(LAYERS, masks.split(self.mask_sizes, dim=1)))
        for name in LAYERS[:3]:
            weight = fast[f"{name}.weight"]
            x = convolve(x, layers[name].reshape(batch, *weight.shape) * weight)
            x = F.relu(F.max_pool2d(normalise(x, fast[f"{name}.scale"], fast[f"{name}.shift"]), 2))
        weight = fast["cp.weight"]
        gated = layers["cp"].reshape(batch, *weight.shape) * weight
        return torch.bmm(gated, x.flatten(1).unsqueeze(2)).squeeze(2) + fast["cp.bias"]

    @torch.no_grad()
    def reset_for_transfer(self, generator: torch.Generator, regulation_bias: float) -> None:
        """Also redraws the regulator's map to CP, with its bias at `regulation_bias`."""
        super().reset_for_transfer(generator, regulation_bias)
        to_cp = self.layer("cp")
        weight = self.output.weight[to_cp]
        weight.copy_(kaiming(tuple(weight.shape), generator))
        self.output.bias[to_cp] = regulation_bias


class PlainClassifier(Network):
    """The classifier without a regulator.  Scratch trains all of it; No Regulation meta-learns the convolutions as a
    representation, and trains CP alone in the inner loop and under transfer."""

    last_layer = "cp"

    def __init__(self, widths: Widths, generator: torch.Generator, convolutions_fast: bool):
        tensors = classifier(widths, generator)
        head = {name: tensors.pop(name) for name in ("cp.weight", "cp.bias")}
        self.convolutions_fast = convolutions_fast
        super().__init__(tensors | head if convolutions_fast else head, {} if convolutions_fast else tensors)

    def context(self, images: Tensor) -> Context:
        return (images if self.convolutions_fast else conv_stack(images, self.slow, "c", pool_last=True),)

    def logits(self, fast: Parameters, context: Context) -> Tensor:
        features = conv_stack(context[0], fast, "c", pool_last=True) if self.convolutions_fast else context[0]
        return F.linear(features, fast["cp.weight"], fast["cp.bias"])


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

    def logits(self, fast: Parameters, context: Context) -> Tensor:
        hidden = F.relu(F.linear(context[0], fast["f1.weight"], fast["f1.bias"]))
        return F.linear(hidden, fast["f2.weight"], fast["f2.bias"])


class Anml(Network):
    """ANML (Beaulieu et al. 2020): a neuromodulatory network (slow) gates the features of a prediction network (fast).

    Under transfer only the last layer learns.
    """

    last_layer = "cp"

    def __init__(self, widths: Widths, generator: torch.Generator):
        modulator, channels = widths.anml_modulator_channels, widths.anml_channels
        slow = {
            **conv_block("n1", modulator, 3, generator),
            **conv_block("n2", modulator, modulator, generator),
            **conv_block("n3", modulator, modulator, generator),
            "gate.weight": kaiming((channels * 9, modulator * 9), generator),
            "gate.bias": torch.zeros(channels * 9),
        }
        fast = {
            **conv_block("c1", channels, 3, generator),
            **conv_block("c2", channels, channels, generator),
            **conv_block("c3", channels, channels, generator),
            "cp.weight": kaiming((widths.outputs, channels * 9), generator),
            "cp.bias": torch.zeros(widths.outputs),
        }
        super().__init__(fast, slow, transfer_fast=("cp.weight", "cp.bias"))

    def context(self, images: Tensor) -> Context:
        modulation = conv_stack(images, self.slow, "n", pool_last=False)
        return images, torch.sigmoid(F.linear(modulation, self.slow["gate.weight"], self.slow["gate.bias"]))

    def logits(self, fast: Parameters, context: Context) -> Tensor:
        images, gates = context
        features = gates * conv_stack(images, fast, "c", pool_last=False)
        return F.linear(features, fast["cp.weight"], fast["cp.bias"])


def build(treatment: str, widths: Widths, generator: torch.Generator) -> Network:
    """The untrained network of a treatment.

    grow, sculpt, bias<b> (TSAR from initial regulatory bias b), reservoir<b> (TSAR whose regulator never learns), oml, anml,
    no_regulation, scratch.  Raises ProtocolError for any other name.
    """
    if treatment == "grow":
        return Tsar(widths, GROW_BIAS, generator)
    if treatment == "sculpt":
        return Tsar(widths, SCULPT_BIAS, generator)
    if match := re.fullmatch(r"(bias|reservoir)(-?\d+(?:\.\d+)?)", treatment):
        return Tsar(widths, float(match[2]), generator, frozen=match[1] == "reservoir")
    if treatment in ("scratch", "no_regulation"):
        return PlainClassifier(widths, generator, convolutions_fast=treatment == "scratch")
    if treatment == "oml":
        return Oml(widths, generator)
    if treatment == "anml":
        return Anml(widths, generator)
    raise ProtocolError(
        f"unknown treatment {treatment!r}; there are grow, sculpt, bias<b>, reservoir<b>, oml, anml, no_regulation, scratch"
    )
