"""What the conditions are called in figures and in reported.csv, and how they are drawn.

A condition is the control, EWC, or a cell of the ablation, named by the parts of the method that are on. With "@searched"
behind it, its hyperparameters are those that our own search found, not those of Table 1.
"""

from __future__ import annotations

from typing import Any

from common.drawing import plotting
from papers.sticky_gradient.readings import CONTROL, EWC, FULL, SEARCHED, has_hyperparameters

_PUBLISHED = {
    CONTROL: "control",
    EWC: "EWC",
    "l1": "L1",
    "smart": "smart init",
    "l1-smart": "L1 + smart init",
    "sticky": "sticky",
    "sticky-l1": "sticky + L1",
    "sticky-smart": "sticky + smart init",
    FULL: "sticky gradient",  # as the paper calls sticky + L1 + smart init "for brevity"
}
LABELS = _PUBLISHED | {
    name + SEARCHED: f"{label}, own search" for name, label in _PUBLISHED.items() if has_hyperparameters(name)
}
STICKY, PLAIN = plotting.PALETTE["vermilion"], "0.35"
COLORS = {CONTROL: PLAIN, EWC: plotting.PALETTE["blue"], FULL: STICKY, FULL + SEARCHED: STICKY}
SYMBOLS = {"a1": "a₁", "mu": "μ", "sigma": "σ", "gamma": "γ", "zeta": "ζ", "lambda_": "λ"}  # of hyperparameters


def look(condition: str) -> dict[str, Any]:
    """Return how the line of a condition is drawn, dashed where our own search found its hyperparameters."""
    return {"color": COLORS[condition], "linestyle": "--" if condition.endswith(SEARCHED) else "-"}


def cell_look(cell: str) -> dict[str, Any]:
    """Return how a cell of the ablation is drawn: colour for the multiplier, line for the start, filling for L1."""
    color = STICKY if "sticky" in cell else PLAIN
    return {
        "color": color,
        "linestyle": "-" if "smart" in cell else "--",
        "markerfacecolor": color if "l1" in cell else "white",
        "linewidth": 2 if cell == FULL else 1.2,
        "markersize": 3.5,
    }


def cell_label(cell: str) -> str:
    """Return a cell's name by its parts."""
    return "sticky + L1 + smart init" if cell == FULL else LABELS[cell]
