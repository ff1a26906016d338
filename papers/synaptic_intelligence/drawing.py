"""A colour for each condition, the same in Figures 3 to 6."""

from __future__ import annotations

from common import plotting

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
