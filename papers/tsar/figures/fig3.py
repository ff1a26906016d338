"""Figure 3: schematics: TSAR's architecture, task-specific modules, and how regulation starts and ends in Grow and Sculpt."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy
import pandas
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from numpy import ndarray

from common.drawing import plotting
from common.drawing.plotting import PALETTE, TINY
from common.results.readers import Tables
from papers.tsar import activity
from papers.tsar.conditions import COLORS, label
from papers.tsar.figures import panels
from papers.tsar.figures.panels import NONE, Row
from papers.tsar.protocol import NAMED_BIASES, Widths

SIDE, DEPTH = 4, 4  # nodes of a layer, and layers, of the small networks of panels B to D
PIXELS = (28, 26, 11, 3)  # sides of the image and of the outputs of the convolutions, which pools stand between
ROWS = {"P": (4.5, "#E8F1FA"), "C": (0.6, "#FFF6DC")}  # of panel A: height and colour
LOOK: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 7.5}
CAPTION = (
    "A: shapes of the networks that were run. Each convolution is followed by a normalisation, ReLU and, but for P3, a 2x2"
    " max-pool. The regulator (top) masks every weight of the classifier (bottom), image by image. B: a hypothetical modular network:"
    " each task has its own synapses. C, D: each line is a synapse, as opaque as its mask. Start: the sigmoid of the initial bias."
    " Transfer: evenly spaced quantiles of all C3 masks on ImageNet, in random places, of the run with the highest recall. The paper"
    " reports no numbers for this figure."
)


def _fill(figure: Figure, tables: Tables, reported: pandas.DataFrame) -> dict[str, list[Row]]:
    axes, edges = panels.axes_of(figure, "A", "BCD", heights=(1.5, 1)), SIDE**2 * (DEPTH - 1)
    for axis in axes.values():
        axis.set_axis_off()
    axes["A"].set_title("A  Tuning Synapses via Allostatic Regulation (TSAR)")
    drawn = {"A": _architecture(axes["A"], _widths(tables))}
    modules = activity.modular(2, edges, 1, numpy.random.default_rng(0))
    axes["B"].set_title("B  Modularity (hypothetical)")
    tasks: dict[str, ndarray | None] = {"task 1": modules[0], "task 2": modules[1]}
    drawn["B"] = _networks(axes["B"], tasks, (PALETTE["blue"], PALETTE["vermilion"]))
    for panel, (condition, bias) in zip("CD", NAMED_BIASES.items(), strict=True):
        axes[panel].set_title(f"{panel}  {label(condition)} (bias {bias})".replace("-", "\N{MINUS SIGN}"))
        masks: dict[str, ndarray | None] = {"start": numpy.full(edges, 1 / (1 + math.exp(-bias))), "transfer": None}
        counts = panels.noted_of(tables, condition).of_best("regulation_c3")
        if len(counts):
            lower, share = activity.ccdf(counts)
            places = numpy.searchsorted(1 - share, (numpy.arange(edges) + 0.5) / edges, side="right") - 1
            masks["transfer"] = numpy.random.default_rng(0).permutation(lower[places])
        drawn[panel] = _networks(axes[panel], masks, (COLORS[condition],) * 2)
    return drawn


def _widths(tables: Tables) -> Widths:
    """Return the widths of the networks that were run, as their record has them; without runs those of the protocol."""
    if "activity_imagenet" in tables.records:
        return Widths(**tables.records["activity_imagenet"]["protocol"]["network"])
    return tables.settings.network


def _networks(axis: Axes, masks: Mapping[str, ndarray | None], colors: tuple[str, str]) -> list[Row]:
    """Draw two small networks, whose synapses, from the top down, are as opaque as their masks; None: no runs."""
    axis.set(xlim=(-0.3, 8.3), ylim=(-1.2, 3.3))
    pairs = [(x, y, z) for y in range(SIDE) for z in range(SIDE) for x in range(DEPTH - 1)]
    pairs.sort(key=lambda pair: pair[1] + pair[2])
    rows: list[Row] = []
    for left, color, (name, own) in zip((0, 5), colors, masks.items(), strict=True):
        lines = [((left + x, 3 - y), (left + x + 1, 3 - z)) for x, y, z in pairs]
        axis.add_collection(LineCollection(lines, colors="0.92", linewidths=0.5))
        opaque = [] if own is None else [(*to_rgb(color), mask) for mask in own]
        axis.add_collection(LineCollection(lines if opaque else [], colors=opaque, linewidths=1.2))
        x, y = numpy.array([(left + x, 3 - y) for x in range(DEPTH) for y in range(SIDE)]).T
        axis.plot(x, y, "o", color="0.25", markerfacecolor="white", markersize=4, markeredgewidth=0.7)
        text = name if opaque else f"{name}: {plotting.NO_RUNS}"
        axis.text(left + 1.5, -0.8, text, ha="center", va="center", fontsize=TINY if opaque else 5)
        rows += [(name, "mask", number, [mask]) for number, mask in enumerate([] if own is None else own, start=1)]
    return rows


def _architecture(axis: Axes, widths: Widths) -> list[Row]:
    """Draw the regulator above the classifier, and between them the maps from its encoding to the masks."""
    sizes, columns = widths.mask_sizes, (1.0, 3.2, 5.4, 7.6, 9.8)
    axis.set(xlim=(0, 11), ylim=(0, 5.1))
    arrow = {"arrowstyle": "->", "color": "0.35", "shrinkA": 0, "shrinkB": 0}

    def box(x: float, y: float, text: str, color: str) -> None:
        frame = {"boxstyle": "round,pad=0.35", "facecolor": color, "edgecolor": "0.4", "linewidth": 0.8}
        axis.text(x, y, text.replace("->", "\N{RIGHTWARDS ARROW}"), bbox=frame, **LOOK)

    for name, (y, color) in ROWS.items():
        channels = widths.regulator_channels if name == "P" else widths.channels
        box(columns[0], y, f"image\n3x{PIXELS[0]}x{PIXELS[0]}", "white")
        for layer in (1, 2, 3):
            side, into = PIXELS[layer], 3 if layer == 1 else channels
            box(columns[layer], y, f"{name}{layer}: {into} -> {channels}\n{channels}x{side}x{side}", color)
        last = f"encoding\n{9 * channels:,}" if name == "P" else f"CP\n{channels} -> {widths.outputs:,}"
        box(columns[4], y, last, color)
        for start, end in pairwise(columns):
            axis.annotate("", (end - 0.75, y), (start + 0.75, y), arrowprops=arrow)
    axis.plot([columns[4], columns[4], columns[1]], [4.0, 3.4, 3.4], color="0.35", linewidth=1)
    for x, (name, size) in zip(columns[1:], sizes.items(), strict=True):
        box(x, 2.5, f"map, sigmoid\n{size:,} masks", ROWS["P"][1])
        axis.annotate("", (x, 2.95), (x, 3.4), arrowprops=arrow)
        axis.annotate("", (x, 1.1), (x, 2.0), arrowprops=arrow)
        axis.text(x + 0.1, 1.6, f"x {name.upper()}", va="center", fontsize=LOOK["fontsize"])
    return [(name.upper(), "masks", NONE, [size]) for name, size in sizes.items()]


draw, values = panels.made_by(_fill, (7.2, 4.6), CAPTION)
