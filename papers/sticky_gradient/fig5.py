"""Figure 5: how the final weights are distributed, of the control, EWC and the sticky gradient."""

from __future__ import annotations

import numpy
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from common import collect, plotting
from common import reported as reported_numbers
from common.collected import Tables
from common.plotting import SMALL, TINY
from papers.sticky_gradient import collected, distributions, searches
from papers.sticky_gradient.conditions import CONTROL, EWC, FULL, LABELS, SEARCHED
from papers.sticky_gradient.drawing import COLORS
from papers.sticky_gradient.protocol import DIGITS, PIXELS

PANELS = (CONTROL, EWC, FULL, FULL + SEARCHED)
PAPER = "paper: modes of the sticky gradient"
OURS = "ours: modes of the density"
FLOOR = 1e-4  # of the logarithmic axis, in percent
CAPTION = (
    "Share of weights of both layers per bin of 0.01, mean over seeds; band: lowest and highest seed. Weights nearer"
    " zero than 0.00001 are left out, as in the paper.\nLogarithmic, where the paper cuts off the peak. Diamonds: the"
    " paper's modes, with our share of all weights within 0.02 of each."
)


def fig5(tables: Tables, reported: pandas.DataFrame, provenances: dict[str, dict]) -> Figure:
    """Return Figure 5: histograms of the final weights, one panel each; one more if our own search was trained."""
    values = fig5_values(tables)
    panels = [condition for condition in PANELS if condition in set(values["condition"]) or condition in PANELS[:3]]
    with plotting.style():
        figure = Figure(figsize=(2.9 * len(panels) + 0.6, 3.4))
        axes = figure.subplots(1, len(panels), sharey=True)
        shared = _range(values[values["condition"].isin((CONTROL, EWC))])
        for axis, condition in zip(axes, panels, strict=True):
            ours = values[values["condition"] == condition]
            _draw_histogram(axis, ours, condition)
            axis.set_xlim(*(shared if condition in (CONTROL, EWC) else _range(ours)))
            _say_what_was_left_out(axis, tables, provenances, condition)
        axes[0].set(yscale="log", ylim=(FLOOR, 150))
        axes[0].set_ylabel("Weights per bin (%)", fontsize=SMALL)
        _draw_modes(axes, panels, tables, reported, provenances)
        if panels[-1] == FULL + SEARCHED:
            _mark_found_attractor(axes[-1], tables, provenances)
        found = [axis.get_legend_handles_labels() for axis in axes]
        entries = {name: handle for handles, names in found for handle, name in zip(handles, names, strict=True)}
        figure.legend(entries.values(), entries, loc="outside upper center", ncols=3, fontsize=TINY)
        figure.supxlabel(CAPTION, fontsize=6.5, color="0.35")
        plotting.stamp(figure, *collect.stamp_of_all(provenances))
    return figure


def fig5_values(tables: Tables) -> pandas.DataFrame:
    """Return what Figure 5 plots: condition, low (edge of a bin), mean, lowest, highest (percent of weights) and n."""
    weights = collected.table(tables, "weights")
    last = distributions.tasks(weights)
    rows = []
    for condition in PANELS:
        counts = distributions.histograms(weights, condition, last)
        shares = 100 * counts.div(counts.sum(axis=1), axis=0)
        for place, runs in shares.items():
            low = round(place * distributions.WIDTH, 2)
            rows.append((condition, low, runs.mean(), runs.min(), runs.max(), len(runs)))
    return pandas.DataFrame(rows, columns=["condition", "low", "mean", "lowest", "highest", "n"])


def _range(values: pandas.DataFrame) -> tuple[float, float]:
    """Return from where to where there are weights enough to be seen, and at least what the paper speaks of."""
    if values.empty:
        return -0.2, 0.36
    seen = values.loc[values["mean"] >= FLOOR, "low"]
    return min(-0.2, seen.min() - 0.02), max(0.36, seen.max() + 0.03)


def _draw_histogram(axis: Axes, values: pandas.DataFrame, condition: str) -> None:
    runs = int(values["n"].max()) if len(values) else 0
    title = LABELS[condition] + (f" (n = {runs})" if runs else "")
    axis.set_title(title[0].upper() + title[1:], loc="left", fontsize=SMALL + 1)
    axis.set_xlabel("Weight", fontsize=SMALL)
    axis.tick_params(labelsize=SMALL)
    if values.empty:
        plotting.no_runs(axis)
        return
    edges = numpy.append(values["low"], values["low"].iloc[-1] + distributions.WIDTH)
    axis.stairs(values["mean"], edges, baseline=FLOOR, fill=True, color=COLORS[condition], alpha=0.45)
    axis.stairs(values["mean"], edges, baseline=FLOOR, color=COLORS[condition], linewidth=1)
    if runs > 1:
        band = {"step": "post", "color": COLORS[condition], "alpha": 0.3, "linewidth": 0}
        axis.fill_between(values["low"], values["lowest"].clip(lower=FLOOR), values["highest"], **band)


def _left_out(runs: pandas.Series, provenances: dict[str, dict]) -> float:
    """Return how many weights of a run are not in its histogram; nan if the runs do not have one size of network."""
    hidden = provenances["weights"].get("protocol", {}).get("training", {}).get("hidden", numpy.nan)
    return hidden * (PIXELS + DIGITS) - float(runs.sum())


def _say_what_was_left_out(axis: Axes, tables: Tables, provenances: dict[str, dict], condition: str) -> None:
    weights = collected.table(tables, "weights")
    counts = distributions.histograms(weights, condition, distributions.tasks(weights))
    if counts.empty:
        return
    missing = [_left_out(runs, provenances) for _, runs in counts.iterrows()]
    shares = [100 * left / (left + runs.sum()) for left, (_, runs) in zip(missing, counts.iterrows(), strict=True)]
    place = {"transform": axis.transAxes, "va": "top", "fontsize": TINY}
    if numpy.isfinite(shares).all():
        axis.text(0.02, 0.98, f"left out: {numpy.mean(shares):.2g}%", **place)


def _draw_modes(
    axes: list[Axes],
    panels: list[str],
    tables: Tables,
    reported: pandas.DataFrame,
    provenances: dict[str, dict],
) -> None:
    """Mark the modes of our density, over all seeds, in every panel, and the paper's in that of the sticky gradient."""
    weights = collected.table(tables, "weights")
    last = distributions.tasks(weights)
    for axis, condition in zip(axes, panels, strict=True):
        counts = distributions.histograms(weights, condition, last)
        if not counts.empty:
            total = counts.sum()
            places = distributions.modes(total).index
            heights = [total.get(int(numpy.floor(place / distributions.WIDTH)), 0) for place in places]
            axis.plot(places, 140 * numpy.array(heights) / total.sum(), "v", color="black", markersize=4, label=OURS)
        if condition != FULL:
            continue
        for mode in reported_numbers.results(reported, artifact="fig5")["value"]:
            plotting.reported_marker(axis, mode, 100, None, "black", label=PAPER)
            axis.axvline(mode, color="0.4", linestyle=":", linewidth=0.8, zorder=0)
            if not counts.empty:
                shares = [100 * _share_of_all(runs, mode, provenances) for _, runs in counts.iterrows()]
                side = {"xytext": (-6, 0), "ha": "right"} if mode < 0 else {"xytext": (6, 0), "ha": "left"}
                look = {"textcoords": "offset points", "fontsize": TINY, "va": "center"}
                if numpy.isfinite(shares).all():
                    axis.annotate(f"{numpy.mean(shares):.2g}%", (mode, 100), **side, **look)


def _share_of_all(runs: pandas.Series, mode: float, provenances: dict[str, dict]) -> float:
    """Return the share of all weights that lie near a mode, those that the histogram leaves out counted in."""
    left = _left_out(runs, provenances)
    near = distributions.share(runs, mode) * runs.sum() + (left if abs(mode) < distributions.NEAR else 0)
    return float(near / (left + runs.sum()))


def _mark_found_attractor(axis: Axes, tables: Tables, provenances: dict[str, dict]) -> None:
    """Mark the attractor that our search found under the reading of these runs, if that search is at hand."""
    found = searches.found(collected.table(tables, "search"))
    reading = provenances["weights"].get("protocol", {}).get("reading")
    for a1 in found.loc[found["reading"] == reading, "a1"]:
        axis.axvline(a1, color="0.4", linestyle="--", linewidth=0.8, zorder=0, label="attractor of our own search")
