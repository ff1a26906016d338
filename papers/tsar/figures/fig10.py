"""Figure 10: the regulator's encodings of images: two states, in which tasks cannot be told apart."""

from __future__ import annotations

from typing import Any

import numpy
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from common.drawing import plotting
from common.results import reported as reported_numbers
from common.results.readers import Tables
from papers.tsar.conditions import COLORS
from papers.tsar.figures import panels
from papers.tsar.figures.panels import NONE, Row, Runs

TITLES = ["A  Diminishing", "B  Enhancing", "C  By task", "By regulation"]
TITLES += ["D  Class from neighbours", "E  Trainable or fixed", "F  Shared by models"]
NEIGHBOURS = ("1", "5", "10", "20")
EXTREMES = 256  # images at either end
CAPTION = (
    "Grow, transfer to ImageNet. A, B: mask times weight of C3 synapses at successive diminishing and enhancing images. C: encodings of"
    " all images of a run, reduced by PCA (50 components) and t-SNE. Left: coloured by task. Right: the images, at most 256, with the"
    " highest mean C3 mask (yellow to red), and those with the lowest (grey to black). D: accuracy of telling the"
    " class from the k nearest other points of C. Mean, SD and runs; dashed: chance. E: log rank of images by mean regulation,"
    " trainable and fixed. F: share of a class's images that are among its bottom or top 100 in exactly so many models. Hollow"
    " diamond: what the paper reports."
)


def _fill(figure: Figure, tables: Tables, reported: pandas.DataFrame) -> dict[str, list[Row]]:
    grow, axes = panels.runs_of(tables), panels.axes_of(figure, "ABTS", "DEF")
    for (key, axis), title in zip(axes.items(), TITLES, strict=True):
        axis.set_title(title)
    for key in "AB":
        axes[key].set(xlabel="Image", ylabel="Synapse")
    axes["E"].set(xlabel="Log rank, trainable", ylabel="Log rank, fixed")
    axes["D"].set(xlabel="Neighbours k", ylabel="Accuracy (%)")
    axes["F"].set(xlabel="Models", ylabel="Images of a class (%)")
    drawn = {panel: panels.empty(axes[panel], panels.LATER) for panel in "ABEF"}
    drawn["C"] = _encodings(axes["T"], axes["S"], grow)
    accuracy = 100 * grow.of("nearest_neighbours").T
    if not len(accuracy):
        drawn["D"] = panels.empty(axes["D"])
    else:
        runs = dict(zip(NEIGHBOURS, accuracy.tolist(), strict=True))
        drawn["D"] = panels.bars(axes["D"], runs, [COLORS["grow"]] * len(runs), "accuracy (%)")
        chance = 100 / len(numpy.unique(grow.of_best("labels")))
        axes["D"].axhline(chance, color="0.3", linestyle="--", linewidth=0.8, label=f"chance ({chance:.2g} %)")
        axes["D"].set_ylim(0, max(5 * chance, 1.2 * accuracy.max()))
        axes["D"].legend(loc="upper right", **panels.SHORT)
    for row in reported_numbers.results(reported, artifact="fig10", panel="F").itertuples():
        axes["F"].set(xlim=(0, 26), ylim=(0, 12), xticks=(1, 5, 10, 15, 20, 25), yticks=(0, 5, 10))
        plotting.reported_marker(axes["F"], row.x, row.value, row.spread, COLORS["grow"], "paper, diminishing")
        axes["F"].legend(loc="upper right", **panels.SHORT)
    return drawn


def _encodings(by_task: Axes, by_regulation: Axes, runs: Runs) -> list[Row]:
    """Draw the encodings of the best run, and the same of its extreme images."""
    points = runs.of_best("embedding")
    if not len(points):
        return panels.empty(by_task) + panels.empty(by_regulation)
    count = min(EXTREMES, len(points) // 2)
    order = numpy.argsort(runs.of_best("mean_masks"), kind="stable")
    low, high = points[order[:count]], points[order[-count:]]
    look: dict[str, Any] = {"s": 3, "linewidths": 0}
    by_task.scatter(points[:, 0], points[:, 1], c=runs.of_best("labels"), cmap="nipy_spectral", **look)
    by_regulation.scatter(low[:, 0], low[:, 1], c=range(count), cmap="Greys_r", vmax=1.5 * count, **look)
    by_regulation.scatter(high[:, 0], high[:, 1], c=range(count), cmap="YlOrRd", vmin=-count / 3, **look)
    for axis in (by_task, by_regulation):
        axis.set(xticks=[], yticks=[], xlabel="t-SNE 1", ylabel="t-SNE 2")
        axis.spines[:].set(visible=True, color="0.85")
    return [("Grow", "images", NONE, [len(points)]), ("Grow", "images at either end", NONE, [count])]


draw, values = panels.made_by(_fill, (7.2, 4.8), CAPTION)
