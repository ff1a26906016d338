"""Figure 1: a small network of DANs with its real weights and outputs, and one DAN opened up."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy
import pandas
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch
from matplotlib.ticker import MaxNLocator

from common.drawing import plotting
from common.drawing.plotting import TINY
from common.results.readers import Tables

# Blue below zero, red above; grey in the middle, since a white line would not be seen.
WEIGHTS = LinearSegmentedColormap.from_list("weights", ["#0B3C8C", "#4F8FD0", "#BDBDBD", "#E0663F", "#8C1111"])
NODE, CELL = 0.34, 0.105  # radii: of a node of the network, and of a unit inside a DAN
WIDTH = 4.6  # of the network, from the inputs to the last DAN
BOX = (6.1, -1.95, 4.9, 3.9)  # the opened DAN: left, bottom, width, height
INK, FILL = "0.25", "#FFF6DC"
CAPTION = (
    "A network that learned the product of its inputs, x1 x2, with θ and φ together. Each connection is a vector of"
    " weights θ (a VEC), drawn as one line for each weight;\n"
    "every DAN has the parameters φ, the neuronal phenotype, that all share. Numbers in the nodes: inputs, and what the"
    " DANs make of them. Width and colour: weights;\n"
    "biases are left out. The paper reports no numbers for this figure."
)

Places = Mapping[tuple[int, int], tuple[float, float]]


def draw(tables: Tables, reported: pandas.DataFrame) -> Figure:
    """Return Figure 1: the network with its VECs (left) and the phenotype, as a network, inside one DAN (right)."""
    table = values(tables)
    figure = Figure(figsize=(9, 4.1))
    axis = figure.subplots()
    axis.set_axis_off()
    if table.empty:
        plotting.no_runs(axis)
    else:
        axis.set(xlim=(-0.75, BOX[0] + BOX[2] + 0.1), ylim=(-2.35, 2.35), aspect="equal")
        _draw_network(figure, axis, table)
        _draw_phenotype(figure, axis, table[table["kind"] == "phenotype"])
    plotting.caption(figure, CAPTION)
    return figure


def values(tables: Tables) -> pandas.DataFrame:
    """Return what Figure 1 shows: weights (kind: synapse, phenotype) and outputs (node), with where they are."""
    return tables["diagram"]


def _draw_network(figure: Figure, axis: Axes, table: pandas.DataFrame) -> None:
    """Draw nodes with their outputs, and one line for each weight of the VECs between them."""
    nodes, synapses = table[table["kind"] == "node"], table[table["kind"] == "synapse"]
    sizes = nodes.groupby("layer")["node"].nunique().tolist()
    columns = numpy.linspace(0, WIDTH, len(sizes))
    places = _places(sizes, columns, spacing=1.5)
    limit, channels = _limit(synapses), synapses["channel"].nunique()
    for synapse in synapses.itertuples():
        ends = [places[synapse.layer, synapse.node], places[synapse.target_layer, synapse.target]]
        aside = 0.095 * (synapse.channel - (channels - 1) / 2)
        _line(axis, ends, synapse.value / limit, width=2.6, aside=aside)
    for node in nodes.itertuples():
        x, y = places[node.layer, node.node]
        is_dan = node.layer > 0
        look = {"facecolor": FILL if is_dan else "white", "edgecolor": INK, "linewidth": 1.1, "zorder": 3}
        axis.add_patch(Circle((x, y), NODE, **look))
        text = f"{node.value:.2f}".replace("-", "\N{MINUS SIGN}")
        if is_dan:
            axis.text(x, y + 0.13, "φ", ha="center", va="center", style="italic", zorder=4)
        axis.text(x, y - (0.1 if is_dan else 0), text, ha="center", va="center", fontsize=TINY, zorder=4)
    _draw_zoom(axis, places[len(sizes) - 1, 0])
    names = [f"{sizes[0]} inputs", *(f"{size} DAN{'s' if size > 1 else ''}" for size in sizes[1:])]
    for x, name in zip(columns, names, strict=True):
        axis.text(x, -2.3, name, ha="center", va="bottom")
    for left, right in pairwise(columns):
        name = f"VECs θ,\n{channels} weights each"
        axis.text((left + right) / 2, 2.3, name, ha="center", va="top", fontsize=TINY, color="0.35")
    _color_bar(figure, axis, "Weight θ", limit, left=0, width=WIDTH)


def _draw_zoom(axis: Axes, place: tuple[float, float]) -> None:
    """Draw the box of the opened DAN, and lines to it from the DAN that is shown."""
    left, bottom, width, height = BOX
    look: dict[str, Any] = {"facecolor": FILL, "edgecolor": INK, "linewidth": 1.1, "zorder": 0}
    axis.add_patch(FancyBboxPatch((left, bottom), width, height, "round,pad=0,rounding_size=0.25", **look))
    for side, edge in ((1, bottom + height - 0.2), (-1, bottom + 0.2)):
        start = (place[0] + NODE * 0.5, place[1] + side * NODE * 0.87)
        axis.plot(*zip(start, (left, edge), strict=True), linestyle=":", color=INK, linewidth=1, zorder=0)


def _draw_phenotype(figure: Figure, axis: Axes, weights: pandas.DataFrame) -> None:
    """Draw the DAN as a network: a layer of units for its channels, and one for the outputs of each weight matrix."""
    left, bottom, width, height = BOX
    by_layer = weights.groupby("layer")
    sizes = [weights.loc[weights["layer"] == 0, "node"].nunique(), *by_layer["target"].nunique()]
    columns = numpy.linspace(left + 0.7, left + width - 0.7, len(sizes))
    places = _places(sizes, columns, spacing=(height - 0.9) / (max(sizes) - 1), shift=-0.13)
    limit = _limit(weights)
    for weight in weights.sort_values("value", key=abs).itertuples():  # the strongest on top
        ends = [places[weight.layer, weight.node], places[weight.layer + 1, weight.target]]
        _line(axis, ends, weight.value / limit, width=1.6)
    for x, y in places.values():
        axis.add_patch(Circle((x, y), CELL, facecolor="white", edgecolor=INK, linewidth=0.9, zorder=3))
    names = [f"{sizes[0]} channels", *(f"{size} tanh" for size in sizes[1:])]
    for x, name in zip(columns, names, strict=True):
        axis.text(x, -2.3, name, ha="center", va="bottom")
    title = "Inside every DAN: the phenotype φ"
    axis.text(left + width / 2, bottom + height - 0.08, title, ha="center", va="top")
    _color_bar(figure, axis, "Weight φ", limit, left=left, width=width)


def _places(sizes: list[int], columns: numpy.ndarray, spacing: float, shift: float = 0.0) -> Places:
    """Return where nodes stand, by layer and number: one column for each layer, the first node on top."""
    return {
        (layer, node): (columns[layer], shift + spacing * ((size - 1) / 2 - node))
        for layer, size in enumerate(sizes)
        for node in range(size)
    }


def _limit(weights: pandas.DataFrame) -> float:
    """Return the largest absolute weight, or 1 if all are zero."""
    return weights["value"].abs().max() or 1.0


def _line(axis: Axes, ends: list[tuple[float, float]], strength: float, width: float, aside: float = 0.0) -> None:
    """Draw a weight, strength in [-1, 1], as a line between two places, moved aside at right angles to it."""
    start, end = numpy.array(ends, dtype=float)
    along = end - start
    offset = aside * numpy.array([-along[1], along[0]]) / numpy.hypot(*along)
    look: dict[str, Any] = {"color": WEIGHTS(0.5 + 0.5 * strength), "linewidth": 0.6 + width * abs(strength)}
    x, y = numpy.stack([start + offset, end + offset]).T
    axis.plot(x, y, solid_capstyle="butt", zorder=1 + abs(strength), **look)


def _color_bar(figure: Figure, axis: Axes, name: str, limit: float, left: float, width: float) -> None:
    """Draw the scale of weights, from -limit to limit, below a part of the panel."""
    inset = axis.inset_axes((left, -2.8, width, 0.13), transform=axis.transData)
    bar = figure.colorbar(ScalarMappable(Normalize(-limit, limit), WEIGHTS), cax=inset, orientation="horizontal")
    bar.locator = MaxNLocator(6)
    bar.set_label(name, labelpad=2)
    bar.ax.tick_params(length=2)
    bar.ax.spines["outline"].set_visible(False)
