"""A colour for each condition of the paper, the same in Figures 3 to 6, and one for any other c."""

from __future__ import annotations

from collections.abc import Collection

import matplotlib

from common import plotting
from papers.synaptic_intelligence.names import strength_of_consolidation

COLORS = {  # as in the paper's Figure 4, and kept throughout; its Figure 6 swaps blue and green
    "si-0": plotting.PALETTE["green"],
    "si-0.01": plotting.PALETTE["sky"],
    "si-0.02": plotting.PALETTE["purple"],
    "si-0.1": plotting.PALETTE["blue"],
    "si-1": plotting.PALETTE["blue"],
    "ewc": "0.5",
    "sgd": plotting.PALETTE["orange"],
    "dropout": plotting.PALETTE["vermilion"],
    "joint": "black",
    "scratch": "0.6",
}


def color(condition: str, known: Collection[str]):
    """Return the colour of a condition; one that the figure does not know is some si-C, with a shade for its c."""
    if condition in known:
        return COLORS[condition]
    c = strength_of_consolidation(condition)
    return matplotlib.colormaps["plasma"](0.9 * c / (c + 0.1))  # without the palest end
