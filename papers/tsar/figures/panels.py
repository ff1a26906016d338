"""The panels that Figures 2 to 19 share.

Each function draws into an axis and returns the rows of what it drew: series, quantity, x and the values of runs. A panel
without runs says so.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy
import pandas
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from numpy import ndarray

from common.drawing import plotting
from common.drawing.plotting import TINY
from common.results.arrays import Arrays
from common.results.readers import Tables, chosen
from common.results.reported import COLUMNS
from common.results.stats import summaries, summary
from papers.tsar import activity, results
from papers.tsar.conditions import COLORS, label
from papers.tsar.protocol import NAMED_BIASES, with_initial_bias

Row = tuple[str, str, float, list[float]]  # series, quantity, x (nan without one), the values of runs
Fill = Callable[[Figure, Tables, pandas.DataFrame], dict[str, list[Row]]]
Functions = tuple[Callable[[Tables, pandas.DataFrame], Figure], Callable[[Tables], pandas.DataFrame]]
DIAGONAL = 2  # bins of rank on either side that count as on the diagonal
NONE = math.nan
SHORT: dict[str, Any] = {"handlelength": 1.2, "borderaxespad": 0.2, "labelspacing": 0.3}  # of legends inside panels


@dataclass(frozen=True)
class Noted:
    """What was noted of the regulation of runs of one kind; best: the place of the run that recalls most after its last class."""

    noted: Arrays
    names: Mapping[str, str]
    seeds: Sequence[int]
    best: int

    def of(self, name: str) -> ndarray:
        """Return an array of all runs [runs, ...], without runs of which all is missing."""
        array = self.noted.of(name, **self.names) if len(self.seeds) else numpy.empty(0)
        return array[~numpy.isnan(array).reshape(len(array), -1).all(1)] if len(array) else array

    def of_best(self, name: str) -> ndarray:
        """Return an array of the best run; an empty one without runs."""
        return self.noted.of(name, **self.names)[self.best] if len(self.seeds) else numpy.empty(0)


def noted_of(
    tables: Tables, condition: str = "grow", meta_learning_set: str = "rich", dataset: str = "imagenet"
) -> Noted:
    """Return what was noted of the regulation of such runs."""
    noted: Arrays = tables[f"activity_{dataset}"]
    names = {"condition": condition, "meta_learning_set": meta_learning_set}
    seeds = [] if noted.runs.empty else chosen(noted.runs, **names)["seed"].tolist()
    recall = results.curves(tables, condition, meta_learning_set, dataset)
    final = [] if recall.empty else recall.iloc[:, -1].reindex(seeds).fillna(-1).tolist()
    return Noted(noted, names, seeds, final.index(max(final)) if final else 0)


def made_by(fill: Fill, size: tuple[float, float], text: str = "") -> Functions:
    """Return a module's `draw` and `values`, which both run `fill`: it fills a figure and returns the rows of its panels.

    size: of the figure, in inches; text: its caption. `values` returns panel, series, quantity, x, mean, sd (nan if n = 1)
    and n of what is plotted, and of an image a summary.
    """

    def draw(tables: Tables, reported: pandas.DataFrame) -> Figure:
        figure = Figure(figsize=size)
        fill(figure, tables, reported)
        if text:
            caption(figure, text)
        return figure

    def values(tables: Tables) -> pandas.DataFrame:
        drawn = fill(Figure(figsize=size), tables, pandas.DataFrame(columns=COLUMNS))
        rows = [(panel, *row) for panel, own in drawn.items() for row in own]
        return summaries(rows, ["panel", "series", "quantity", "x", "mean", "sd", "n"])

    return draw, values


def caption(figure: Figure, text: str) -> None:
    """Write the caption, in lines as long as the figure is wide."""
    plotting.caption(figure, textwrap.fill(text, int(17.5 * figure.get_figwidth())))


def axes_of(figure: Figure, *rows: str, heights: Sequence[float] | None = None) -> dict[str, Axes]:
    """Return axes in rows, by their letters; heights: of the rows."""
    parts = zip(rows, figure.subfigures(len(rows), 1, height_ratios=heights), strict=True)
    return {key: axis for row, part in parts for key, axis in zip(row, part.subplots(1, len(row), squeeze=False).flat)}


def empty(axis: Axes, text: str = plotting.NO_RUNS) -> list[Row]:
    """Say in a panel, in small, that there is nothing to draw."""
    axis.set(xscale="linear", yscale="linear", xticks=[], yticks=[])
    axis.spines[:].set(visible=True, color="0.85")
    axis.text(0.5, 0.5, text, transform=axis.transAxes, ha="center", va="center", color="0.35", fontsize=TINY)
    return []


def image(axis: Axes, counts: ndarray, end: float) -> None:
    """Draw counts [x, y] from 0 to `end` on both axes, in logarithmic colours."""
    shown, norm = numpy.ma.masked_equal(counts.T, 0), LogNorm(1, max(2, counts.max()))
    axis.imshow(shown, "magma_r", norm, origin="lower", extent=(0, end, 0, end), interpolation="nearest")


def heat(axis: Axes, values: ndarray, extent: tuple[float, float, float, float], top: float, unit: str) -> None:
    """Draw values [y, x] as a map: blue below 0, red above, up to `top`."""
    norm = Normalize(-top or -1, top or 1)
    look: dict[str, Any] = {"origin": "lower", "aspect": "auto", "interpolation": "nearest"}
    shown = axis.imshow(values, "RdBu_r", norm, extent=extent, **look)
    axis.figure.colorbar(shown, ax=axis, pad=0.02).set_label(unit, fontsize=TINY)


def rank_rank(axis: Axes, counts: ndarray, synapses: int, series: str) -> list[Row]:
    """Synapses by log10 of their rank over all other tasks (x) and within one (y), inverted: the most active are top right.

    counts: of `activity.rank_rank`; synapses: how many there are.
    """
    axis.set_box_aspect(1)
    if not len(counts):
        return empty(axis)
    image(axis, counts, end := math.log10(synapses))
    axis.set(xlim=(end, 0), ylim=(end, 0), xticks=range(int(end) + 1), yticks=range(int(end) + 1))
    on = sum(numpy.trace(counts, offset) for offset in range(-DIAGONAL, DIAGONAL + 1)) / counts.sum()
    return [(series, "synapses counted", NONE, [counts.sum()]), (series, "share on the diagonal", NONE, [on])]


def regulation(axis: Axes, tables: Tables, layer: str, meta_learning_set: str, dataset: str) -> list[Row]:
    """Share of masks at or above a value, by initial bias; of each bias the run that recalls most.

    Dashed: the line through log10 of both, by least squares (`activity.power_law`), with its slope and R^2.
    """
    axis.set(xlabel="Regulation", ylabel="Share at or above it")
    rows: list[Row] = []
    for bias in range(-12, 13):
        condition = with_initial_bias(bias)
        counts = noted_of(tables, condition, meta_learning_set, dataset).of_best(f"regulation_{layer}")
        if not len(counts):
            continue
        edges, share = activity.ccdf(counts)
        slope, r2 = activity.power_law(edges, share)
        named, shown, used = condition in NAMED_BIASES, (edges > 0) & (share > 0), (edges > 0) & (counts > 0)
        name = label(condition) if named else f"bias {bias}"
        text = f"{name} {slope:.2f}, {r2:.2f}".replace("-", "\N{MINUS SIGN}") if named else None
        color = COLORS[condition] if named else colormaps["viridis"]((bias + 12) / 24)
        axis.loglog(edges[shown], share[shown], color=color, linewidth=1.5 if named else 0.8, label=text)
        if named and used.sum() > 1:
            x, y = numpy.log10(edges[used]), numpy.log10(share[used])
            line = y.mean() + slope * (x[[0, -1]] - x.mean())
            axis.loglog(10 ** x[[0, -1]], 10**line, color=color, linewidth=0.8, linestyle="--")
        rows += [(name, "share of masks", x, [y]) for x, y in zip(edges[shown], share[shown], strict=True)]
        rows += [(name, "slope", NONE, [slope]), (name, "R^2", NONE, [r2])]
    if not rows:
        return empty(axis)
    lowest = min(shares[0] for _, quantity, _, shares in rows if quantity == "share of masks")
    axis.set_ylim(lowest**1.5 / 2, 2)  # with room for the legend
    axis.legend(loc="lower left", title="slope, R²", title_fontsize=6, fontsize=6, alignment="left", **SHORT)
    return rows


def bars(axis: Axes, runs: Mapping[str, Sequence[float]], colors: Sequence[str], quantity: str) -> list[Row]:
    """Bars of the mean of runs, by name, with SD and the runs as dots; a name without runs says so."""
    rows: list[Row] = []
    for x, ((name, values), color) in enumerate(zip(runs.items(), colors, strict=True)):
        if values:
            own = summary(values)
            axis.bar([x], [own.mean], yerr=[own.sd] if own.n > 1 else None, color=color, width=0.7, capsize=2)
            axis.plot([x] * own.n, values, ".", color="black", markersize=2.5, alpha=0.5)
            rows.append((name, quantity, NONE, [*values]))
        else:
            axis.text(x, 0, " no runs", rotation=90, ha="center", va="bottom", color="0.35", fontsize=TINY)
    axis.set(xlim=(-0.6, len(runs) - 0.4), xticks=range(len(runs)), xticklabels=[*runs])
    return rows
