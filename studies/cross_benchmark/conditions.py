"""How each method is called and coloured, in all figures and tables."""

from __future__ import annotations

from common.drawing.plotting import PALETTE

OWN = PALETTE["black"]  # the colour of a method of the user's own
STYLES = {  # label, colour, line; DHP is dashed
    "finetune": ("Fine-tuning", "0.6", "-"),
    "joint": ("Joint training", "0.35", ":"),
    "ewc": ("EWC", PALETTE["blue"], "-"),
    "online_ewc": ("Online EWC", PALETTE["sky"], "-"),
    "si": ("SI", PALETTE["orange"], "-"),
    "mas": ("MAS", PALETTE["green"], "-"),
    "sticky": ("Sticky gradient", PALETTE["vermilion"], "-"),
    "dhp": ("DHP", PALETTE["purple"], "--"),
    "dhp_ewc": ("DHP + online EWC", PALETTE["sky"], "--"),
    "dhp_si": ("DHP + SI", PALETTE["orange"], "--"),
    "dhp_mas": ("DHP + MAS", PALETTE["green"], "--"),
}
OPTIMIZER_LABELS = {"sgd": "SGD", "adam": "Adam"}


def style(name: str) -> tuple[str, str, str]:
    """Return a method's label, colour and line; a method of the user's own is called as its file."""
    return STYLES.get(name, (name, OWN, "-"))
