"""The protocol at two scales, and a network small enough for float64 and plain loops."""

import dataclasses

import torch

from papers.tsar.runs import REGISTER

SMOKE, PAPER = REGISTER.protocol("smoke"), REGISTER.protocol("paper")
WIDTHS = dataclasses.replace(
    SMOKE.network,
    channels=4,
    regulator_channels=3,
    outputs=11,
    oml_channels=4,
    oml_hidden=6,
    anml_channels=4,
    anml_modulator_channels=3,
)


def images_and_labels(count, seed=0):
    """Images with the spread of natural ones, float64, and labels below 11."""
    random = torch.Generator().manual_seed(seed)
    images = torch.randn(count, 3, 28, 28, generator=random, dtype=torch.float64)
    return images, torch.randint(0, 11, (count,), generator=random)


def double(network):
    """The network in float64, in place."""
    for tensor in [*network.fast.values(), *network.slow.values()]:
        tensor.data = tensor.data.double()
    if network.output is not None:
        network.output.weight = network.output.weight.double()
    return network
