"""A figure of our own: what happens in each network while it learns 100 classes. Is a class forgotten, or never learned?"""

from __future__ import annotations

import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from common.drawing import plotting
from common.results.readers import Tables
from common.results.stats import summaries
from papers.tsar import results
from papers.tsar.conditions import COLORS, LABELS

RETENTION, FINAL = "retention", "final recall"  # the panels that are not made from the table of diagnostics
TITLES = {
    RETENTION: "Recall of all classes (%)",
    "recall of the class": "Recall of the last class (%)",
    FINAL: "Recall at the end (%)",
    "loss": "Loss before updates",
    "CP mask": "Mean mask of CP",
    "feature": "Mean input of CP",
    "active encodings": "Active encodings (%)",
}
PERCENT = ("recall of the class", "active encodings")  # kept as fractions
CAPTION = (
    "After data-rich meta-learning; mean and SD over seeds (single runs where there are fewer than three). All but retention are"
    f" means over {results.BLOCK} classes.\n"
    "A: retention, as in Figure 1. B: plasticity, right after the class's own images. C: after the last class, by when a class\n"
    "was learned. E, F: over the images of the class just learned; OML's last layer has another name, and no mask.\n"
    "G: the share of the perception module's outputs above 0."
)


def draw(tables: Tables, reported: pandas.DataFrame) -> Figure:
    """Return the figure: a panel for each quantity, a line for each condition that has it."""
    figure = Figure(figsize=(7.2, 4.3))
    *panels, corner = figure.subplots(2, 4).flat
    corner.axis("off")
    plotted = values(tables)
    for letter, (quantity, title), axis in zip("ABCDEFG", TITLES.items(), panels, strict=True):
        axis.set_title(f"{letter}  {title}")
        _draw_runs(axis, tables, quantity)
    for axis in panels[3:]:
        axis.set_xlabel("Class learned" if axis is panels[3] else "Classes learned")
    _draw_legend(corner, plotted)
    plotting.caption(figure, CAPTION)
    return figure


def values(tables: Tables) -> pandas.DataFrame:
    """Return what is plotted: quantity, condition, x (classes learned), mean, sd (nan if n = 1) and n."""
    rows = [
        (quantity, condition, x, runs)
        for quantity in TITLES
        for condition in LABELS
        for x, runs in _runs(tables, quantity, condition).items()
    ]
    return summaries(rows, ["quantity", "condition", "x", "mean", "sd", "n"])


def _runs(tables: Tables, quantity: str, condition: str) -> pandas.DataFrame:
    """Return a quantity of a condition: one row per seed, one column per number of classes."""
    if quantity == RETENTION:
        return results.curves(tables, condition, "rich")
    if quantity == FINAL:
        return results.final_recall(tables, condition, "rich")
    return results.diagnostics(tables, condition, "rich", quantity) * (100 if quantity in PERCENT else 1)


def _draw_runs(axis: Axes, tables: Tables, quantity: str) -> None:
    drawn = {condition: _runs(tables, quantity, condition) for condition in LABELS}
    drawn = {condition: table for condition, table in drawn.items() if not table.empty}
    for condition, table in drawn.items():
        plotting.band(axis, table.columns.to_numpy(), table.to_numpy(), color=COLORS[condition])
    if not drawn:
        plotting.no_runs(axis)


def _draw_legend(axis: Axes, plotted: pandas.DataFrame) -> None:
    runs = plotted.groupby("condition")["n"].unique()
    lines = [Line2D([], [], color=COLORS[condition]) for condition in LABELS]
    names = [plotting.name_with_runs(label, *runs.get(condition, [])) for condition, label in LABELS.items()]
    axis.legend(lines, names, loc="center")
