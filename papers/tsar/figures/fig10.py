"""Figure 10: the regulator's encodings of images: two states, in which tasks cannot be told apart."""

from __future__ import annotations

import math
from typing import Any

import numpy
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy import ndarray

from common.drawing import plotting
from common.drawing.plotting import PALETTE, TINY
from common.results import reported as reported_numbers
from common.results.arrays import Arrays
from common.results.readers import Tables, chosen
from papers.tsar import results
from papers.tsar.agreement import membership_by_chance, rank_agreement
from papers.tsar.conditions import COLORS
from papers.tsar.figures import fig4, panels
from papers.tsar.figures.panels import NONE, Noted, Row

TITLES = ["A  Diminishing", "B  Enhancing", "C  By task", "By regulation"]
TITLES += ["D  Class from neighbours", "E  Trainable or fixed", "F  Shared by models"]
NEIGHBOURS = ("1", "5", "10", "20")
EXTREMES = 256  # images at either end
RANK_BINS = 60
CAPTION = (
    "Grow, transfer to ImageNet. A, B: mask times weight of C3 synapses at successive diminishing and enhancing images. C: encodings of"
    " all images of a run, reduced by PCA (50 components) and t-SNE. Left: coloured by task. Right: the images, at most 256, with the"
    " highest mean C3 mask (yellow to red), and those with the lowest (grey to black). D: accuracy of telling the"
    " class from the k nearest other points of C. Mean, SD and runs; dashed: chance. E: log rank of the runs' images by"
    " mean C3 mask, all models: as noted in a run (trainable), and in the same run with fixed maps to C1, C2 and C3; rank 1 has the"
    " highest mask. F: share of a class's images that are among the sixth with the lowest or highest mean C3 mask before transfer"
    " (the paper: 100 of 600) in exactly so many models. Mean and SD over classes; dashed: what independent models would give. Hollow"
    " diamond: what the paper reports."
)


def _fill(figure: Figure, tables: Tables, reported: pandas.DataFrame) -> dict[str, list[Row]]:
    grow, axes = panels.noted_of(tables), panels.axes_of(figure, "ABTS", "DEF")
    for (key, axis), title in zip(axes.items(), TITLES, strict=True):
        axis.set_title(title)
    axes["D"].set(xlabel="Neighbours k", ylabel="Accuracy (%)")
    drawn = {
        "A": fig4.window(axes["A"], _window_of_best(tables, grow, "diminishing")),
        "B": fig4.window(axes["B"], _window_of_best(tables, grow, "enhancing")),
        "E": _ranks(axes["E"], results.image_regulation(tables)),
        "F": _shared(axes["F"], results.shared_extremes(tables)),
    }
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
        axes["F"].set(xlim=(0, 26), xticks=(1, 5, 10, 15, 20, 25))
        plotting.reported_marker(axes["F"], row.x, row.value, row.spread, COLORS["grow"], "paper, diminishing")
        axes["F"].legend(loc="upper right", **panels.SHORT)
    return drawn


def _window_of_best(tables: Tables, grow: Noted, variant: str) -> ndarray:
    """Return the window of activity of a variant, of the run of those with variants that recalls most; an empty one without."""
    noted: Arrays = tables["variant_activity"]
    curves = results.curves(tables, "grow", "rich")
    recall = {} if curves.empty else curves.iloc[:, -1].to_dict()
    seeds = [] if noted.runs.empty else chosen(noted.runs, **grow.names, variant=variant)["seed"].tolist()
    if not seeds:
        return numpy.empty(0)
    best = max(seeds, key=lambda seed: recall.get(seed, -1))
    return noted.of("synaptic_activity", **grow.names, variant=variant, seed=best)[0]


def _ranks(axis: Axes, regulation: dict[int, tuple[ndarray, ndarray]]) -> list[Row]:
    """Counts of images, over all models, by log10 of their ranks; regulation: trainable and fixed, by seed."""
    axis.set(xlabel="Log$_{10}$ rank, trainable", ylabel="Log$_{10}$ rank, fixed")
    axis.set_box_aspect(1)
    if not regulation:
        return panels.empty(axis)
    trainable, fixed, rho = zip(*(rank_agreement(*run) for run in regulation.values()))
    end = math.log10(len(trainable[0]))
    x, y = numpy.concatenate(trainable), numpy.concatenate(fixed)
    counts, _, _ = numpy.histogram2d(x, y, RANK_BINS, ((0, end), (0, end)))
    panels.image(axis, counts, end)
    axis.set(xticks=range(int(end) + 1), yticks=range(int(end) + 1))
    axis.figure.colorbar(axis.images[0], ax=axis, pad=0.02).set_label("Images", fontsize=TINY)
    axis.text(0.04, 0.96, f"ρ = {numpy.mean(rho):.2f}", transform=axis.transAxes, va="top")
    return [("Grow", "images", NONE, [counts.sum()]), ("Grow", "Spearman's rho", NONE, [*rho])]


def _shared(axis: Axes, shares: dict[str, ndarray]) -> list[Row]:
    """Percent of a class's images that are extreme in exactly m models: mean and SD over classes, and what chance gives."""
    axis.set(xlabel="Models", ylabel="Images of a class (%)")
    models = len(next(iter(shares.values())).T) - 1 if shares else 0
    if models < 2:
        return panels.empty(axis, "needs two models" if models else plotting.NO_RUNS)
    x = range(1, models + 1)
    rows: list[Row] = []
    for (name, own), color in zip(shares.items(), ("0.5", PALETTE["orange"]), strict=True):
        percent = 100 * own[:, 1:]
        axis.errorbar(
            x,
            percent.mean(0),
            percent.std(0, ddof=1),
            color=color,
            fmt="o",
            markersize=3,
            capsize=2,
            linewidth=1,
            label=name,
        )
        rows += [(name, "images of a class (%)", at, values.tolist()) for at, values in zip(x, percent.T, strict=True)]
    chance = 100 * membership_by_chance(models, 1 / results.SETS)[1:]
    axis.plot(x, chance, color="0.3", linestyle="--", linewidth=0.8, label="chance")
    axis.set_ylim(bottom=0)
    axis.legend(loc="upper right", **panels.SHORT)
    rows += [("chance", "images of a class (%)", at, [value]) for at, value in zip(x, chance, strict=True)]
    return rows


def _encodings(by_task: Axes, by_regulation: Axes, runs: Noted) -> list[Row]:
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
