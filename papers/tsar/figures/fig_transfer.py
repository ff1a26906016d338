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
from papers.tsar.conditions import colors, label

RETENTION, FINAL = "retention", "final recall"  # what is not in the table of diagnostics
TITLES = {
    RETENTION: "Retention (%)",
    "recall of the class": "Plasticity (%)",
    FINAL: "Final recall (%)",
    "loss": "Loss",
    "CP mask": "Mean CP mask",
    "feature": "Mean CP input",
    "active encodings": "Active (%)",
}
RECALL = (RETENTION, "recall of the class", FINAL)  # in percent, on one scale
PERCENT = ("recall of the class", "active encodings")  # kept as fractions
CAPTION = (
    "After data-rich meta-learning; mean and SD over seeds (single runs where there are fewer than three).\n"
    f"All but A are means over {results.BLOCK} classes. A: recall of all classes so far, as in Figure 1. B: recall of a class right after its\n"
    "images. C: recall after the last class, by when a class was learned. D: before each update. E to G: over the images of the\n"
    "class just learned. CP is the last layer; OML's has no mask. G: outputs of the perception module that are above 0."
)


def draw(tables: Tables, reported: pandas.DataFrame) -> Figure:
    """Return the figure: a panel for each quantity, a line for each condition that has it."""
    figure = Figure(figsize=(7.2, 4.3))
    *panels, corner = figure.subplots(2, 4).flat
    corner.axis("off")
    plotted = values(tables)
    end = plotted["x"].max() if len(plotted) else 100
    for letter, (quantity, title), axis in zip("ABCDEFG", TITLES.items(), panels, strict=True):
        axis.set_title(f"{letter}  {title}")
        axis.set(xlim=(0, 1.03 * end), xticks=[0, end // 2, end])
        _draw_runs(axis, tables, quantity)
        if quantity in RECALL:
            axis.set_ylim(-2, _highest(plotted[plotted["quantity"].isin(RECALL)]))
    for axis in panels[3:]:
        axis.set_xlabel("Classes learned")
    panels[2].set_xlabel("Place in the sequence")
    _draw_legend(corner, plotted)
    plotting.caption(figure, CAPTION)
    return figure


def values(tables: Tables) -> pandas.DataFrame:
    """Return what is plotted: quantity, condition, x (classes learned), mean, sd (nan if n = 1) and n."""
    rows = [
        (quantity, condition, x, runs)
        for quantity in TITLES
        for condition in colors(tables["transfer"]["condition"])
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
    of = colors(tables["transfer"]["condition"])
    drawn = {condition: table for condition in of if not (table := _runs(tables, quantity, condition)).empty}
    for condition, table in drawn.items():
        plotting.band(axis, table.columns.to_numpy(), table.to_numpy(), color=of[condition])
    if not drawn:
        axis.set_yticks([])
        plotting.no_runs(axis)


def _highest(plotted: pandas.DataFrame) -> float:
    """Return where the axis of recall ends: above all means and SDs, and not above 102 %."""
    return min(102.0, 1.1 * (plotted["mean"] + plotted["sd"].fillna(0)).max()) if len(plotted) else 102.0


def _draw_legend(axis: Axes, plotted: pandas.DataFrame) -> None:
    runs = plotted.groupby("condition")["n"].unique()
    shown = colors(plotted["condition"])
    lines = [Line2D([], [], color=color) for color in shown.values()]
    names = [plotting.name_with_runs(label(condition), *runs.get(condition, [])) for condition in shown]
    axis.legend(lines, names, loc="center")
