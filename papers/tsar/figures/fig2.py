"""Figure 2: regulation of C3 under transfer to ImageNet: no task-specific modules, bursts, scale-free, and the class weights."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy import ndarray

from common.drawing import plotting
from common.drawing.plotting import PALETTE, TINY
from common.results.readers import Tables
from papers.tsar import activity
from papers.tsar.figures import panels
from papers.tsar.figures.panels import Noted, Row

SYNAPSES = 9216  # of the hypothetical modular network where no run says how many there are
SIGNS = {"positive": PALETTE["vermilion"], "negative": PALETTE["blue"]}  # of CP weights
ABOUT_A = (
    "A: synapses of C3 by rank of their mean mask over all other tasks (x) and within a task (y), summed over tasks. Both axes"
    " are inverted: the most active synapses are top right. Modular: hypothetical, computed from masks in which every synapse serves one"
    " task. Grow: the run with the highest recall. Bursting: masks of its synapses between the 75th and the 99th centile of"
    " mean mask. Colours: counts. "
)
ABOUT_CCDF = (
    "share of C3 masks at or above a value, by initial bias (Grow: \N{MINUS SIGN}8, Sculpt: 0); of each bias the run with the"
    " highest recall. Dashed: least-squares line in the logarithms. Thin: other biases, \N{MINUS SIGN}12 dark to 12 light. "
)
ABOUT_WINDOWS = (
    "{within}, {following}: mean CP mask of the {weights} weights of the right node, as change against an earlier image. That is"
    " the last one five tasks before ({within}) or of the own task ({following}). Averaged over tasks; mean and SD over models"
    " (single runs below three). "
)
CAPTION = f"{ABOUT_A}B, C: {ABOUT_CCDF}{ABOUT_WINDOWS.format(within='D', following='E', weights='positive')}The paper reports no numbers for this figure."


def modularity(axes: Sequence[Axes], runs: Noted) -> dict[str, list[Row]]:
    """Panels A: C3 of a hypothetical modular network, and of the run that recalls most; its bursting."""
    synapses = runs.of_best("synapses")
    count = int(synapses[2]) if len(synapses) else SYNAPSES
    drawn = {
        "A, modular": panels.rank_rank(axes[0], modular(count), count, "modular"),
        "A, Grow": panels.rank_rank(axes[1], runs.of_best("rank_rank_c3"), count, "Grow"),
        "A, bursting": time_lag(axes[2], runs.of_best("time_lag_c3")),
    }
    for axis in axes[:2]:
        axis.set(xlabel="Task-agnostic rank (log$_{10}$)", ylabel="Task-specific rank (log$_{10}$)")
    titles = (("A  Modular", "Synapses"), ("Grow", "Synapses"), ("Bursting (Grow)", "Pairs of images"))
    for axis, (title, unit) in zip(axes, titles, strict=True):
        axis.set_title(title)
        for image in axis.images:
            axis.figure.colorbar(image, cax=axis.inset_axes((1.03, 0, 0.05, 1))).set_label(unit, fontsize=TINY)
    return drawn


@functools.cache
def modular(synapses: int) -> ndarray:
    """Return the counts of `activity.rank_rank` for a hypothetical modular network of 100 tasks, with one image each."""
    return activity.rank_rank(activity.modular(100, synapses, 1, numpy.random.default_rng(0)), 1)


def time_lag(axis: Axes, counts: ndarray) -> list[Row]:
    """Regulation of a synapse at an image (y) by that at the image before, of the same class (x)."""
    axis.set(xlabel="Regulation, image before", ylabel="Regulation, this image")
    axis.set_box_aspect(1)
    if not len(counts):
        return panels.empty(axis)
    panels.image(axis, counts, 1)
    axis.set(xticks=(0, 0.5, 1), yticks=(0, 0.5, 1))
    largest = (numpy.flatnonzero(counts.any(0) | counts.any(1)).max() + 1) / len(counts)
    if largest < 0.1:  # too small to be seen
        axis.text(0.5, 0.5, f"all below {largest:.3g}", ha="center", va="center", color="0.35", fontsize=TINY)
    share = ("Grow", "share below 0.25 after one above 0.75", panels.NONE, [activity.suppressed_next(counts)])
    return [("Grow", "pairs", panels.NONE, [counts.sum()]), share]


def windows(axes: Sequence[Axes], runs: Noted, signs: Sequence[str]) -> list[list[Row]]:
    """Change of the regulation of a class's weights of these signs: at the images of its task, and in the next ten."""
    drawn, per_task = [], runs.of("within_class").shape[-1]
    noted = (("within_class", "Image of the task", 1), ("following_classes", "Tasks later", per_task))
    for axis, (name, unit, images) in zip(axes, noted, strict=True):
        changes, rows = runs.of(name), []  # [runs, signs, images]
        axis.set(xlabel=unit, ylabel="Change of regulation (%)")
        if len(changes):
            axis.axhline(0, color="0.6", linewidth=0.6)
            axis.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        for sign in signs if len(changes) else ():
            own, x = changes[:, [*SIGNS].index(sign)], numpy.arange(1, changes.shape[2] + 1) / images
            plotting.band(axis, x, own, color=SIGNS[sign], label=f"{sign} weights")
            rows += [(sign, "change of regulation (%)", at, values.tolist()) for at, values in zip(x, own.T)]
        drawn.append(rows or panels.empty(axis))
    return drawn


def _fill(figure: Figure, tables: Tables, reported: pandas.DataFrame) -> dict[str, list[Row]]:
    grow, axes = panels.noted_of(tables), panels.axes_of(figure, "mgb", "BCDE", heights=(1.1, 1))
    drawn = modularity([axes[key] for key in "mgb"], grow)
    for panel, name in (("B", "rich"), ("C", "scarce")):
        axes[panel].set_title(f"{panel}  Data-{name}")
        drawn[panel] = panels.regulation(axes[panel], tables, "c3", name, "imagenet")
    axes["D"].set_title("D  Within a task")
    axes["E"].set_title("E  Next ten tasks")
    drawn["D"], drawn["E"] = windows([axes["D"], axes["E"]], grow, ["positive"])
    return drawn


draw, values = panels.made_by(_fill, (7.2, 5.0), CAPTION)
