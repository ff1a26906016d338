"""Figure 5: how the final weights are distributed, of the control, EWC and the sticky gradient."""

from __future__ import annotations

import math
from typing import Any

import numpy
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from common.drawing import plotting
from common.results import reported as reported_numbers
from common.results.readers import Tables
from papers.sticky_gradient import distributions
from papers.sticky_gradient.conditions import COLORS, LABELS
from papers.sticky_gradient.protocol import DIGITS, PIXELS
from papers.sticky_gradient.readings import CONTROL, EWC, FULL, SEARCHED
from papers.sticky_gradient.results import best_trials, final_histograms

PANELS = (CONTROL, EWC, FULL, FULL + SEARCHED)
PAPER = "paper: modes of the sticky gradient"
OURS = "ours: modes of the density"
FLOOR = 1e-4  # of the logarithmic axis, in percent
CAPTION = (
    "Share of weights of both layers per bin of 0.01, mean over seeds; band: lowest and highest seed. Weights nearer"
    " zero than 0.00001 are left out, as in the paper.\nLogarithmic, where the paper cuts off the peak. Diamonds: the"
    " paper's modes, with our share of all weights within 0.02 of each."
)


def draw(tables: Tables, reported: pandas.DataFrame) -> Figure:
    """Return Figure 5: histograms of the final weights, one panel each; one more if our own search was trained."""
    plotted = values(tables)
    panels = [condition for condition in PANELS if condition in set(plotted["condition"]) or condition in PANELS[:3]]
    figure = Figure(figsize=(2.9 * len(panels) + 0.6, 3.4))
    axes = figure.subplots(1, len(panels), sharey=True)
    common_range = _range(plotted[plotted["condition"].isin((CONTROL, EWC))])
    for axis, condition in zip(axes, panels, strict=True):
        ours, counts = plotted[plotted["condition"] == condition], final_histograms(tables, condition)
        _draw_histogram(axis, ours, condition)
        axis.set_xlim(*(common_range if condition in (CONTROL, EWC) else _range(ours)))
        if not counts.empty:
            _mark_our_modes(axis, counts, _size(tables))
        if condition == FULL:
            _mark_reported_modes(axis, counts, _size(tables), reported)
    axes[0].set(yscale="log", ylim=(FLOOR, 150), ylabel="Weights per bin (%)")
    if panels[-1] == FULL + SEARCHED:
        _mark_found_attractor(axes[-1], tables)
    legends = [axis.get_legend_handles_labels() for axis in axes]
    entries = {name: handle for handles, names in legends for handle, name in zip(handles, names, strict=True)}
    figure.legend(entries.values(), entries, loc="outside upper center", ncols=3)
    plotting.caption(figure, CAPTION)
    return figure


def values(tables: Tables) -> pandas.DataFrame:
    """Return what Figure 5 plots: condition, low (edge of a bin), mean, lowest, highest (percent of weights) and n."""
    rows = []
    for condition in PANELS:
        counts = final_histograms(tables, condition)
        shares = 100 * counts.div(counts.sum(axis=1), axis=0)
        for place, runs in shares.items():
            low = round(place * distributions.WIDTH, 2)
            rows.append((condition, low, runs.mean(), runs.min(), runs.max(), len(runs)))
    return pandas.DataFrame(rows, columns=["condition", "low", "mean", "lowest", "highest", "n"])


def _range(plotted: pandas.DataFrame) -> tuple[float, float]:
    """Return from where to where there are weights enough to be seen, and at least what the paper speaks of."""
    if plotted.empty:
        return -0.2, 0.36
    seen = plotted.loc[plotted["mean"] >= FLOOR, "low"]
    return min(-0.2, seen.min() - 0.02), max(0.36, seen.max() + 0.03)


def _draw_histogram(axis: Axes, plotted: pandas.DataFrame, condition: str) -> None:
    runs = int(plotted["n"].max()) if len(plotted) else 0
    title = LABELS[condition] + plotting.counted([runs])
    axis.set(title=title[0].upper() + title[1:], xlabel="Weight")
    if plotted.empty:
        plotting.no_runs(axis)
        return
    edges = numpy.append(plotted["low"], plotted["low"].iloc[-1] + distributions.WIDTH)
    axis.stairs(plotted["mean"], edges, baseline=FLOOR, fill=True, color=COLORS[condition], alpha=0.45)
    axis.stairs(plotted["mean"], edges, baseline=FLOOR, color=COLORS[condition], linewidth=1)
    if runs > 1:
        band: dict[str, Any] = {"step": "post", "color": COLORS[condition], "alpha": 0.3, "linewidth": 0}
        axis.fill_between(plotted["low"], plotted["lowest"].clip(lower=FLOOR), plotted["highest"], **band)


def _size(tables: Tables) -> float:
    """Return how many weights a network has; nan if the runs do not have one size of network, or there are none."""
    hidden = tables.records.get("weights", {}).get("protocol", {}).get("training", {}).get("hidden", math.nan)
    return hidden * (PIXELS + DIGITS)


def _mark_our_modes(axis: Axes, counts: pandas.DataFrame, size: float) -> None:
    """Mark the modes of the density over all seeds, and say how many weights the histograms [seeds, bins] leave out."""
    total = counts.sum()
    places = distributions.modes(total).index
    heights = [total.get(int(numpy.floor(place / distributions.WIDTH)), 0) for place in places]
    axis.plot(places, 140 * numpy.array(heights) / total.sum(), "v", color="black", markersize=4, label=OURS)
    left_out = 100 * (1 - counts.sum(axis=1) / size).mean()
    if math.isfinite(left_out):
        text = f"left out: {left_out:.2g}%"
        axis.text(0.02, 0.92, text, transform=axis.transAxes, va="top", fontsize=plotting.TINY)


def _mark_reported_modes(axis: Axes, counts: pandas.DataFrame, size: float, reported: pandas.DataFrame) -> None:
    """Mark the paper's modes, with our share of all weights near each, those that histograms leave out counted in."""
    for mode in reported_numbers.results(reported, artifact="fig5")["value"]:
        plotting.reported_marker(axis, mode, 100, None, "black", label=PAPER)
        axis.axvline(mode, color="0.4", linestyle=":", linewidth=0.8, zorder=0)
        shares = [100 * _share_of_all(runs, mode, size) for _, runs in counts.iterrows()]
        if shares and numpy.isfinite(shares).all():
            side: dict[str, Any] = {"xytext": (-6, 0), "ha": "right"} if mode < 0 else {"xytext": (6, 0), "ha": "left"}
            side |= {"textcoords": "offset points", "fontsize": plotting.TINY, "va": "center"}
            axis.annotate(f"{numpy.mean(shares):.2g}%", (mode, 100), **side)


def _share_of_all(histogram: pandas.Series, mode: float, size: float) -> float:
    """Return the share of all weights that lie near a mode; those left out are near zero."""
    near = distributions.share(histogram, mode) * histogram.sum()
    return float(near + (size - histogram.sum() if abs(mode) < distributions.NEAR else 0)) / size


def _mark_found_attractor(axis: Axes, tables: Tables) -> None:
    """Mark the attractor that our search found under the reading of these runs, if that search is at hand."""
    best = best_trials(tables["search"])
    reading = tables.records["weights"].get("protocol", {}).get("design", {}).get("reading")
    for a1 in best.loc[best["reading"] == reading, "a1"]:
        axis.axvline(a1, color="0.4", linestyle="--", linewidth=0.8, zorder=0, label="attractor of our own search")
