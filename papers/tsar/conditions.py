"""The conditions that figures show: what the paper calls them, best first, and their colours."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable

from common.drawing.plotting import PALETTE

LABELS = {"grow": "Grow", "sculpt": "Sculpt", "oml": "OML", "scratch": "Scratch"}
COLORS = {"grow": PALETTE["green"], "sculpt": PALETTE["purple"], "oml": PALETTE["orange"], "scratch": PALETTE["blue"]}
OTHER = "0.35"  # grey, for the points of the bias sweep that have no name
FREE = [PALETTE[name] for name in ("vermilion", "sky", "black", "yellow")]  # for conditions that have no colour above


def label(condition: str) -> str:
    """Return what figures call a condition; one that the paper does not have goes by its own name."""
    return LABELS.get(condition, condition)


def colors(present: Iterable[str]) -> dict[str, str]:
    """Return the conditions that have curves, with their colours: those of the paper, and others that have runs.

    present: the conditions that have runs. The points of the bias sweep have no curves.
    """
    others = sorted(name for name in {*present} - {*COLORS} if not re.fullmatch(r"bias-?\d+", name))
    return COLORS | dict(zip(others, itertools.cycle(FREE)))
