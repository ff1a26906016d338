"""What conditions, benchmarks and quantities are called in figures and in reported.csv, and how conditions are drawn."""

from __future__ import annotations

from typing import Any

from common.drawing import plotting
from papers.dhp.protocol import DHP, METHODS, TUNED

BENCHMARK_LABELS = {
    "permuted": "Permuted MNIST",
    "imbalanced": "Imbalanced Permuted MNIST",
    "split": "Split MNIST",
    "vision": "5-Vision Datasets Mixture",
}
FINAL, SO_FAR = "average test accuracy after all tasks", "average test accuracy over the tasks learned so far"
TRANSFER = "backward transfer"
TASKS = {"permuted": 10, "imbalanced": 10, "split": 5, "vision": 5}  # of the paper; a scale may have fewer
LABELS = dict(
    zip(
        METHODS,
        ("Finetune", "DHP Softmax", "SI", "DHP Softmax + SI")
        + ("Online EWC", "DHP Softmax + Online EWC", "MAS", "DHP Softmax + MAS"),
        strict=True,
    )
)
COLORS = {  # light and dashed without, dark and solid with DHP
    "finetune": "0.62",
    "dhp": plotting.PALETTE["black"],
    "si": plotting.PALETTE["orange"],
    "dhp-si": plotting.PALETTE["vermilion"],
    "ewc": plotting.PALETTE["sky"],
    "dhp-ewc": plotting.PALETTE["blue"],
    "mas": "#8CD3B5",
    "dhp-mas": plotting.PALETTE["green"],
}


def look(condition: str) -> dict[str, Any]:
    """Return how the line of a method is drawn, whosever its lambda."""
    method = condition.removesuffix(TUNED)
    return {"color": COLORS[method], "linestyle": "-" if DHP in method.split("-") else "--"}
