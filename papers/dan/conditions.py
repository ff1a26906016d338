"""What is compared in the paper, and how figures name and draw it: networks, ways of sharing, conditions of the images."""

from __future__ import annotations

from typing import NamedTuple

from common.drawing.plotting import PALETTE


class Look(NamedTuple):
    """A line of a figure: its name, colour and style."""

    label: str
    color: str
    linestyle: str


# Figure 4, top: `protocol.NETWORKS`.
NETWORKS = {
    "net0": Look("net0: meta-trained, shared, fixed", PALETTE["blue"], "-"),
    "net1": Look("net1: meta-trained, shared, plastic", PALETTE["sky"], "-"),
    "net2": Look("net2: random, shared, fixed", PALETTE["vermilion"], "--"),
    "net3": Look("net3: random, shared, plastic", PALETTE["orange"], "--"),
    "net4": Look("net4: random, unique, fixed", PALETTE["green"], ":"),
    "net5": Look("net5: random, unique, plastic", PALETTE["purple"], ":"),
}
# Figure 4, bottom left: `protocol.SHARING`. The paper names them like other networks above.
SHARING = {
    "network": Look("net0: one phenotype", PALETTE["blue"], "-"),
    "layer": Look("net1: one per layer", PALETTE["green"], "--"),
    "none": Look("net2: one per DAN", PALETTE["vermilion"], ":"),
}
# Figure 2: `protocol.IMAGE_CONDITIONS`.
IMAGES = {"both": "memory + transfer loss", "memory": "memory loss only", "random": "random phenotypes"}
