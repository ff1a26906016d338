"""Figure 4: regulation of C3 during meta-learning, a window of synaptic activity under transfer, and the sizes of bursts."""

from __future__ import annotations

import re

import numpy
import pandas
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy import ndarray

from common.drawing import plotting
from common.drawing.plotting import PALETTE
from common.results.readers import Tables, chosen
from papers.tsar import activity
from papers.tsar.conditions import label
from papers.tsar.figures import panels
from papers.tsar.figures.panels import NONE, Noted, Row

BY_THRESHOLD = tuple(
    PALETTE[name] for name in ("sky", "blue", "black", "purple", "orange")
)  # of regulation, the lowest first
PERCENTILE = re.compile(r"C3 regulation, percentile (\S+)")
CAPTION = (
    "A, B: percentiles Q of all C3 masks over one image of each of many random meta-learning classes. Lines: median of runs;"
    " bands: their 20th to 80th percentile. The paper calls Sculpt Prune here. C: mask times weight of random C3 synapses at"
    " successive images under transfer to ImageNet, Grow, the run with the highest recall; synapses are sorted by their mean. D:"
    " images of ImageNet at which at least so many C3 synapses receive regulation above T. Dots: runs; dash-dot: their mean."
    " The paper reports no numbers for this figure."
)


def _fill(figure: Figure, tables: Tables, reported: pandas.DataFrame) -> dict[str, list[Row]]:
    grow, axes, drawn = panels.noted_of(tables), panels.axes_of(figure, "AB", "CD"), {}
    for panel, condition in (("A", "grow"), ("B", "sculpt")):
        axes[panel].set_title(f"{panel}  {label(condition)}, meta-learning")
        drawn[panel] = _percentiles(axes[panel], tables, condition)
    if lines := (axes["A"].lines or axes["B"].lines):
        axes["A"].figure.legend(handles=[*reversed(lines)], loc="outside right center")
    axes["C"].set_title("C  Synaptic activity, Grow")
    drawn["C"] = window(axes["C"], grow.of_best("synaptic_activity"))
    axes["D"].set_title("D  Size of bursts, C3" + plotting.counted([len(grow.seeds)]))
    drawn["D"] = bursts(axes["D"], grow, "c3")
    return drawn


def _percentiles(axis: Axes, tables: Tables, condition: str) -> list[Row]:
    """Percentiles of regulation by meta-iteration: the median over runs, and their 20th to 80th percentile."""
    axis.set(xlabel="Meta-iterations", ylabel="Regulation of C3")
    logged = chosen(tables["meta_learning"], condition=condition, meta_learning_set="rich")
    ranks = logged["quantity"].astype(str).str.extract(PERCENTILE)[0].dropna().astype(float)
    if ranks.empty:
        return panels.empty(axis)
    rows: list[Row] = []
    for place, (q, own) in enumerate(logged.loc[ranks.index].groupby(ranks, sort=True)):
        runs = own.pivot(index="iteration", columns="seed", values="value")
        low, median, high = (runs.quantile(level, axis=1) for level in (0.2, 0.5, 0.8))
        color = colormaps["viridis"](0.95 * (1 - place / max(1, ranks.nunique() - 1)))
        axis.plot(runs.index, median, color=color, label=f"Q = {q:g}")
        axis.fill_between(runs.index, low, high, color=color, alpha=0.25, linewidth=0)
        for name, line in (("20th percentile", low), ("median", median), ("80th percentile", high)):
            quantity = f"{name} of {runs.shape[1]} runs"
            rows += [(f"Q = {q:g}", quantity, x, [y]) for x, y in line.items()]
    axis.set_yscale("log")
    return rows


def window(axis: Axes, synaptic: ndarray) -> list[Row]:
    """Mask times weight of synapses [synapses, images], which are sorted by their mean."""
    axis.set(xlabel="Image", ylabel="Synapse")
    if not len(synaptic):
        return panels.empty(axis)
    synaptic = synaptic.astype(float)[numpy.argsort(synaptic.mean(1), kind="stable")]
    extent = (0.5, synaptic.shape[1] + 0.5, 0, len(synaptic))
    panels.heat(axis, synaptic, extent, numpy.quantile(abs(synaptic), 0.995), "Mask x weight")
    mean, largest = abs(synaptic).mean(), abs(synaptic).max()
    return [("Grow", "mean |mask x weight|", NONE, [mean]), ("Grow", "largest |mask x weight|", NONE, [largest])]


def bursts(axis: Axes, runs: Noted, layer: str) -> list[Row]:
    """Percent of images at which at least so many synapses lie above a threshold: dots are runs, dash-dot is their mean."""
    sizes, thresholds = runs.of(f"bursts_{layer}"), runs.of_best("thresholds")  # [runs, thresholds, images]
    axis.set(xlabel="Synapses above T", ylabel="Images (%)")
    if not sizes.any():
        return panels.empty(axis, f"no mask above {thresholds.min():.2f}" if len(sizes) else plotting.NO_RUNS)
    at, rows = numpy.unique(numpy.geomspace(1, sizes.max(), 50).astype(int)), []
    shares = 100 * numpy.stack([activity.burst_ccdf(run, at) for run in sizes])  # [runs, thresholds, points]
    for (threshold, color), own in zip(zip(thresholds, BY_THRESHOLD), shares.swapaxes(0, 1), strict=True):
        for run in own:
            axis.loglog(at[run > 0], run[run > 0], ".", color=color, markersize=2.5, alpha=0.4, markeredgewidth=0)
        mean = own.mean(0)
        axis.loglog(at[mean > 0], mean[mean > 0], "-.", color=color, linewidth=1, label=f"T = {threshold:.2f}")
        rows += [
            (f"T = {threshold:.2f}", "images (%)", x, values.tolist()) for x, values in zip(at, own.T, strict=True)
        ]
    axis.set_xlim(0.8, 8 * sizes.max())  # with room for the legend
    axis.legend(loc="upper right", **panels.SHORT)
    return rows


draw, values = panels.made_by(_fill, (7.2, 5.0), CAPTION)
