"""The conditions of the paper's benchmarks: what they are called, and their colours, the same in Figures 3 to 6."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import matplotlib

from common.drawing import plotting
from papers.synaptic_intelligence.protocol import strength_of_consolidation

OTHERS = {
    "ewc": "EWC",
    "sgd": "SGD",
    "dropout": "fine-tuning, dropout 0.5",
    "joint": "joint training",
    "scratch": "from scratch",
}
CONDITIONS = {  # of the paper and its released files; a protocol may have more si-C
    "split_mnist": ("si-0", "si-1"),
    "permuted_mnist": ("si-0", "si-0.01", "si-0.02", "si-0.1", "ewc", "sgd", "dropout", "joint"),
    "cifar": ("si-0", "si-0.01", "si-0.1", "scratch"),
}
TASKS = {"split_mnist": 5, "permuted_mnist": 10, "cifar": 6}  # of the paper; a scale may have fewer


def label(condition: str) -> str:
    """Return what a condition is called in figures and in reported.csv."""
    c = strength_of_consolidation(condition)
    if c is None:
        return OTHERS[condition]
    return f"{'SI' if c else 'fine-tuning'}, c = {condition.removeprefix('si-')}"


LABELS = {condition: label(condition) for known in CONDITIONS.values() for condition in known}
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


def color(condition: str, known: Collection[str]) -> Any:
    """Return the colour of a condition; one that the figure does not know is some si-C, with a shade for its c."""
    if condition in known:
        return COLORS[condition]
    c = strength_of_consolidation(condition) or 0.0
    return matplotlib.colormaps["plasma"](0.9 * c / (c + 0.1))  # without the palest end
