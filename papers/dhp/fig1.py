"""Figure 1: one Hebbian update of the column of class 6, with the values of a real batch."""

from __future__ import annotations

import numpy
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from common import collect, plotting
from common.collected import Tables
from common.plotting import SMALL, TINY
from papers.dhp import collected

CLASS = 6
PINK = plotting.PALETTE["purple"]  # the paper's colour of the class
KINDS = ("activation", "mean", "before", "after")
CAPTION = (
    "Each strip has the colour scale beside it; both strips of the trace share one.\nThe lines below must coincide:"
    " the trace's column changes by the share η of what still separates it from the mean."
)


def fig1(tables: Tables, reported: pandas.DataFrame, provenances: dict[str, dict]) -> Figure:
    """Return Figure 1: activations of the batch's examples of class 6, their mean, and the trace's column around it."""
    values = collected.table(tables, "update")
    with plotting.style():
        figure = Figure(figsize=(7.2, 5.6))
        axes = figure.subplots(5, 1, sharex=True, height_ratios=(2.6, 0.62, 0.62, 0.62, 1.5))
        if values.empty:
            for axis in axes:
                axis.set(xticks=[], yticks=[])
            plotting.no_runs(axes[0])
        else:
            _draw(figure, axes, values)
        axes[-1].set_xlabel("Unit of the last hidden layer, in order of mean activation", fontsize=SMALL)
        figure.supxlabel(CAPTION, fontsize=6.5, color="0.35")
        plotting.stamp(figure, *collect.stamp_of_all(provenances))
    return figure


def fig1_values(tables: Tables) -> pandas.DataFrame:
    """Return what Figure 1 plots: kind (activation, mean, before, after), example, unit and value."""
    return collected.table(tables, "update")


def recovered_eta(values: pandas.DataFrame) -> tuple[float, float]:
    """Return the eta that explains the update best (eq. 3, least squares), and the largest difference from it.

    after - before = eta (mean - before); eta is 0 if the trace equals the mean already.
    """
    mean, before, after = (vector(values, kind) for kind in KINDS[1:])
    gap, change = mean - before, after - before
    eta = float(gap @ change / (gap @ gap)) if gap.any() else 0.0
    return eta, float(numpy.abs(change - eta * gap).max())


def vector(values: pandas.DataFrame, kind: str) -> numpy.ndarray:
    """Return the values of a kind in order of units. Raises ValueError unless there is exactly one for each unit."""
    rows = values[values["kind"] == kind].sort_values("unit")
    units = values["unit"].max()
    if rows["unit"].tolist() != list(range(1, units + 1)):
        raise ValueError(
            f"update.csv: {kind!r} must have one value for each unit from 1 to {units}: run its stage again"
        )
    return rows["value"].to_numpy(dtype=float)


def _draw(figure: Figure, axes: numpy.ndarray, values: pandas.DataFrame) -> None:
    activations = values[values["kind"] == "activation"].pivot(index="example", columns="unit", values="value")
    mean, before, after = (vector(values, kind) for kind in KINDS[1:])
    count = len(activations)
    eta, _ = recovered_eta(values)
    trace = max(numpy.abs(before).max(), numpy.abs(after).max())
    strips = [
        (activations.to_numpy(), f"Last hidden layer, h, of the {count} examples of class {CLASS} in the batch", None),
        (mean[None], f"1  Their mean, h̃ = (1/{count}) Σ h", None),
        (before[None], f"2  Column {CLASS} of Hebb before", trace),
        (after[None], f"3  Column {CLASS} after: (1 − η) × before + η h̃,  η = {eta:.3g}", trace),
    ]
    for axis, (strip, title, limit) in zip(axes, strips, strict=False):
        _draw_strip(figure, axis, strip, title, limit)
    axes[0].set_ylabel("Example", fontsize=SMALL)
    axes[0].set_yticks(sorted({1, count}))
    units = numpy.arange(1, len(mean) + 1)
    axes[4].plot(units, after - before, color=PINK, linewidth=2.6, label="after − before")
    axes[4].plot(units, eta * (mean - before), ":", color="black", linewidth=1.3, label="η (h̃ − before)")
    axes[4].axhline(0, color="0.7", linewidth=0.7, zorder=0)
    axes[4].set_title("Change of the column", loc="left", fontsize=SMALL)
    axes[4].ticklabel_format(axis="y", style="sci", scilimits=(-2, 3), useMathText=True)
    axes[4].yaxis.get_offset_text().set_fontsize(TINY)
    axes[4].yaxis.get_offset_text().set_horizontalalignment("right")
    axes[4].tick_params(labelsize=TINY)
    axes[4].legend(fontsize=TINY, loc="lower right", bbox_to_anchor=(1, 0.98), ncols=2, borderaxespad=0)
    axes[4].set_xlim(0.5, len(mean) + 0.5)
    axes[4].xaxis.set_major_locator(MaxNLocator(8, integer=True))


def _draw_strip(figure: Figure, axis: Axes, strip: numpy.ndarray, title: str, limit: float | None) -> None:
    """Draw rows of values over units, in shades of pink above zero and of grey below."""
    limit = limit or numpy.abs(strip).max() or 1.0
    edges = (0.5, strip.shape[1] + 0.5, strip.shape[0] + 0.5, 0.5)
    image = axis.imshow(
        strip, cmap="PiYG_r", vmin=-limit, vmax=limit, extent=edges, aspect="auto", interpolation="nearest"
    )
    axis.set_title(title, loc="left", fontsize=SMALL)
    axis.set_yticks([])
    axis.tick_params(labelsize=TINY, labelbottom=False)
    bar = figure.colorbar(image, ax=axis, pad=0.01, fraction=0.025, aspect=8 if strip.shape[0] == 1 else 22)
    bar.ax.set_ylim(min(0.0, strip.min()), limit)
    bar.ax.tick_params(labelsize=5.5)
    bar.set_ticks([0, limit])
    bar.ax.set_yticklabels(["0", f"{limit:.2g}"])
    bar.outline.set_visible(False)
