"""The conditions that figures show: what the paper calls them, best first, and their colours."""

from __future__ import annotations

from common.drawing.plotting import PALETTE

LABELS = {"grow": "Grow", "sculpt": "Sculpt", "oml": "OML", "scratch": "Scratch"}
COLORS = {"grow": PALETTE["green"], "sculpt": PALETTE["purple"], "oml": PALETTE["orange"], "scratch": PALETTE["blue"]}
OTHER = "0.35"  # grey, for the points of the bias sweep that have no name
