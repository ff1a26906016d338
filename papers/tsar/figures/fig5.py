"""Figure 5: the class-prediction layer CP under transfer: how its regulation changes, by sign, and with the layers before it."""

from __future__ import annotations

import numpy
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy import ndarray

from common.drawing.plotting import PALETTE, TINY
from common.results.readers import Tables
from papers.tsar import results
from papers.tsar.agreement import PROCESSING, by_processing
from papers.tsar.conditions import COLORS, OTHER
from papers.tsar.figures import fig2, panels
from papers.tsar.figures.fig2 import SIGNS
from papers.tsar.figures.panels import NONE, Row

LAYERS = ("C1", "C2", "C3")
TITLES = ("Within a task", "Next ten tasks", "Final recall", "CP regulation", "Correlation", "Retention", "Adaptation")
# Of panel C, with the variant of Grow's transfer, or the condition beside it.
BY_VARIANT = {"enhancing": "enhancing", "diminishing": "diminishing", "mixed": "mixed", "CP only": "cp_only"}
BY_CONTROL = {"Reservoir": "reservoir-8", "No Reg.": "no_regulation"}
BARS = ("enhancing", "diminishing", "mixed", "random", "Reservoir", "No Reg.", "CP only")
CAPTION = (
    "Transfer to ImageNet after data-rich meta-learning, Grow. "
    + fig2.ABOUT_WINDOWS.format(within="A", following="B", weights="positive and of the negative")
    + "C: recall after training on Grow's enhancing, diminishing, mixed or random images (those of a class with the highest mean C3"
    " mask before transfer, the lowest, or half of both); with untrained random regulation or none; and with CP's regulation alone"
    " trained. Mean, SD and runs. D: mean and variance of CP masks by the sign of the weight at the end."
    " Dots: models; cross: mean and SD. E: Pearson r of first differences, mean over models: the mean mask of the top 10% of C1, C2"
    " or C3 against that of a centile of CP weights. Top row: the highest weights. F, G: by how much an"
    " update changes the recall of a few earlier images, and the probability of its own image's class: over the third of updates"
    " with the lowest mean C3 mask (diminished processing) and the third with the highest (enhanced). Mean, SD and models. The paper"
    " does not say how it measured this, and reports no numbers for this figure."
)


def _fill(figure: Figure, tables: Tables, reported: pandas.DataFrame) -> dict[str, list[Row]]:
    grow, axes = panels.noted_of(tables), panels.axes_of(figure, "ABC", "DEFG", heights=(1.1, 1))
    for (panel, axis), title in zip(axes.items(), TITLES, strict=True):
        axis.set_title(f"{panel}  {title}")
    drawn = dict(zip("AB", fig2.windows([axes["A"], axes["B"]], grow, [*SIGNS])))
    if drawn["A"]:
        axes["A"].legend(loc="best", **panels.SHORT)
    drawn["C"] = panels.bars(
        axes["C"], _recall(tables), [COLORS["grow"] if name == "random" else OTHER for name in BARS], "recall (%)"
    )
    axes["C"].set_ylabel("Recall (%)")
    axes["C"].set_ylim(bottom=0)
    axes["C"].tick_params("x", rotation=90, labelsize=TINY)
    drawn["D"] = _by_sign(axes["D"], grow.of("by_sign"))
    drawn["E"] = _correlations(axes["E"], grow.of("upstream_correlation"))
    for panel, changed in (("F", "recall"), ("G", "probability")):
        drawn[panel] = _processing(axes[panel], grow.of("mean_masks"), grow.of(f"{changed}_changes"), changed)
    return drawn


def _recall(tables: Tables) -> dict[str, list[float]]:
    """Return recall after the last class of the runs of each bar."""
    final = {name: list(results.varied(tables, variant).values()) for name, variant in BY_VARIANT.items()}
    final |= {name: list(results.control(tables, condition).values()) for name, condition in BY_CONTROL.items()}
    random = results.curves(tables, "grow", "rich")
    final["random"] = [] if random.empty else random.iloc[:, -1].tolist()
    return {name: final[name] for name in BARS}


def _processing(axis: Axes, mean_masks: ndarray, changes: ndarray, of_what: str) -> list[Row]:
    """Mean change that updates cause, by the processing of their images; both arrays are [runs, updates]."""
    axis.set_ylabel(quantity := f"Change of {of_what} (points)")
    if not len(changes):
        return panels.empty(axis)
    means = 100 * numpy.stack([by_processing(*run) for run in zip(mean_masks, changes, strict=True)])
    runs = dict(zip(PROCESSING, means.T.tolist(), strict=True))
    rows = panels.bars(axis, runs, ["0.6", PALETTE["orange"]], quantity.lower())
    axis.axhline(0, color="0.3", linewidth=0.6)
    axis.tick_params("x", labelsize=6)
    return rows


def _by_sign(axis: Axes, moments: ndarray) -> list[Row]:
    """Mean and variance of the regulation of positive and of negative weights: [runs, signs, 2]."""
    axis.set(xlabel="Mean of regulation", ylabel="Variance of regulation")
    if not len(moments):
        return panels.empty(axis)
    rows: list[Row] = []
    for (sign, color), own in zip(SIGNS.items(), moments.swapaxes(0, 1), strict=True):
        axis.plot(*own.T, ".", color=color, markersize=4, alpha=0.5, markeredgewidth=0)
        (x, y), (sd_x, sd_y) = own.mean(0), own.std(0, ddof=1) if len(own) > 1 else (0, 0)
        axis.errorbar([x], [y], [sd_y], [sd_x], color=color, fmt="o", markersize=3, capsize=2, label=f"{sign} weights")
        rows += [(sign, name, NONE, values.tolist()) for name, values in zip(("mean", "variance"), own.T, strict=True)]
    axis.margins(0.35, 0.6)
    axis.legend(loc="upper left", **panels.SHORT)
    return rows


def _correlations(axis: Axes, r: ndarray) -> list[Row]:
    """Mean Pearson r over models: centiles of CP weights (highest on top) by layers before it; r: [runs, 3, centiles]."""
    axis.set(ylabel="Centile of CP weights")
    if not len(r):
        return panels.empty(axis)
    mean = numpy.ma.masked_invalid(r).mean(0)
    panels.heat(axis, mean.T, (-0.5, 2.5, 0, r.shape[2]), abs(mean).max(), "Mean Pearson r")
    axis.set_xticks(range(3), LAYERS)
    places = numpy.ndindex(*r.shape[1:])
    return [(LAYERS[layer], "Pearson r", centile, r[:, layer, centile].tolist()) for layer, centile in places]


draw, values = panels.made_by(_fill, (7.2, 5.0), CAPTION)
