"""Figure 1: one Hebbian update by a real batch: the rows of class 6 are taken out, and their mean enters its column."""

from __future__ import annotations

from typing import Any

import numpy
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from common.drawing import plotting
from common.drawing.plotting import TINY
from common.results.readers import Tables

CLASS = 6
PINK = plotting.PALETTE["purple"]  # the paper's colour of the class
CAPTION = (
    f"Boxes: what is of class {CLASS}. Each strip has the colour scale beside it; both strips of the column share one."
    " Every class in the batch changes its own column, and no other.\nThe lines below must coincide: the column"
    " changes by the share η of what still separates it from the mean."
)


def draw(tables: Tables, reported: pandas.DataFrame) -> Figure:
    """Return Figure 1: the batch's activations, class 6's mean and column of the trace, and all columns' change."""
    figure, update = Figure(figsize=(7.2, 8.2)), values(tables)
    axes = figure.subplots(6, 1, sharex=True, height_ratios=(4.4, 0.5, 0.5, 0.5, 1.9, 1.5))
    if update.empty:
        for axis in axes:
            axis.set(xticks=[], yticks=[])
        plotting.no_runs(axes[0])
    else:
        _draw_update(figure, axes, update)
    axes[-1].set_xlabel(f"Unit of the last hidden layer, in order of mean activation by class {CLASS}")
    plotting.caption(figure, CAPTION)
    return figure


def values(tables: Tables) -> pandas.DataFrame:
    """Return what Figure 1 plots: kind (activation, before, after), example, class, unit and value."""
    return tables["update"]


def activations(values: pandas.DataFrame) -> pandas.DataFrame:
    """Return the batch's hidden units: a row per example, with its number and class, and a column per unit."""
    return _wide(values[values["kind"] == "activation"], ["example", "class"])


def trace(values: pandas.DataFrame, kind: str) -> pandas.DataFrame:
    """Return the trace, "before" or "after" the batch: a row per class, a column per unit."""
    return _wide(values[values["kind"] == kind], ["class"])


def recovered_eta(values: pandas.DataFrame) -> tuple[float, float]:
    """Return the eta that explains class 6's update best (eq. 3, least squares), and the largest difference from it.

    after - before = eta (mean - before); eta is 0 if the trace equals the mean already.
    """
    mean, before, after = _of_class(values)
    gap, change = mean - before, after - before
    eta = float(gap @ change / (gap @ gap)) if gap.any() else 0.0
    return eta, float(numpy.abs(change - eta * gap).max())


def _wide(rows: pandas.DataFrame, index: list[str]) -> pandas.DataFrame:
    """Return rows over units. Raises ValueError unless there is exactly one value for each unit."""
    if not rows.duplicated([*index, "unit"]).any():
        wide = rows.pivot(index=index, columns="unit", values="value")
        if wide.notna().all(axis=None):
            return wide
    raise ValueError("update.csv must have one value for each unit, example and class: run its stage again")


def _of_class(values: pandas.DataFrame) -> tuple[numpy.ndarray, numpy.ndarray, numpy.ndarray]:
    """Return the mean activation of class 6, and its column of the trace before and after."""
    mean = activations(values).groupby("class").mean().loc[CLASS]
    return mean.to_numpy(), trace(values, "before").loc[CLASS].to_numpy(), trace(values, "after").loc[CLASS].to_numpy()


def _draw_update(figure: Figure, axes: numpy.ndarray, values: pandas.DataFrame) -> None:
    batch, change = activations(values), trace(values, "after") - trace(values, "before")
    mean, before, after = _of_class(values)
    classes = batch.index.get_level_values("class")
    members = [row for row, label in enumerate(classes, start=1) if label == CLASS]
    eta, _ = recovered_eta(values)
    limit = max(numpy.abs(before).max(), numpy.abs(after).max())
    own = f"the {len(members)} examples of class {CLASS}"
    strips = [
        (batch.to_numpy(), f"Last hidden layer, h, of the {len(batch)} examples of the batch", None),
        (mean[None], f"1  Mean of {own}, h̃ = (1/{len(members)}) Σ h", None),
        (before[None], f"2  Column {CLASS} of Hebb before", limit),
        (after[None], f"3  Column {CLASS} after: (1 − η) × before + η h̃,  η = {eta:.3g}", limit),
        (change.to_numpy(), f"Change of Hebb: its {len(change)} columns, one to a line", None),
    ]
    for axis, (strip, title, most) in zip(axes, strips, strict=False):
        _draw_strip(figure, axis, strip, title, most)
    axes[0].set_ylabel("Example (its class)")
    axes[0].set_yticks(members, [f"{row} ({CLASS})" for row in members])
    axes[4].set_ylabel("Class")
    axes[4].set_yticks(range(1, len(change) + 1), change.index)
    for axis, rows in ((axes[0], members), (axes[4], [1 + list(change.index).index(CLASS)])):
        for row in rows:
            _box(axis, row, len(mean))
    _draw_change(axes[5], mean, before, after, eta)


def _draw_change(axis: Axes, mean: numpy.ndarray, before: numpy.ndarray, after: numpy.ndarray, eta: float) -> None:
    """Draw how the column of class 6 changed, and how eq. 3 says that it does."""
    units = numpy.arange(1, len(mean) + 1)
    axis.plot(units, after - before, color=PINK, linewidth=2.6, label="after − before")
    axis.plot(units, eta * (mean - before), ":", color="black", linewidth=1.3, label="η (h̃ − before)")
    axis.axhline(0, color="0.7", linewidth=0.7, zorder=0)
    axis.set_title(f"Change of column {CLASS}")
    axis.ticklabel_format(axis="y", style="sci", scilimits=(-2, 3), useMathText=True)
    axis.yaxis.get_offset_text().set_fontsize(TINY)
    axis.yaxis.get_offset_text().set_horizontalalignment("right")
    axis.legend(loc="lower right", bbox_to_anchor=(1, 0.98), ncols=2, borderaxespad=0)
    axis.set_xlim(0.5, len(mean) + 0.5)
    axis.xaxis.set_major_locator(MaxNLocator(8, integer=True))


def _box(axis: Axes, row: int, units: int) -> None:
    """Draw a box around a row, counted from 1."""
    look: dict[str, Any] = {"facecolor": "none", "edgecolor": "black", "linewidth": 0.9, "clip_on": False, "zorder": 3}
    axis.add_patch(Rectangle((0.5, row - 0.5), units, 1, **look))


def _draw_strip(figure: Figure, axis: Axes, strip: numpy.ndarray, title: str, limit: float | None) -> None:
    """Draw rows of values over units, in shades of pink above zero and of green below."""
    limit = limit or numpy.abs(strip).max() or 1.0
    edges = (0.5, strip.shape[1] + 0.5, strip.shape[0] + 0.5, 0.5)
    image = axis.imshow(
        strip, cmap="PiYG_r", vmin=-limit, vmax=limit, extent=edges, aspect="auto", interpolation="nearest"
    )
    axis.set_title(title)
    axis.set_yticks([])
    axis.tick_params(labelbottom=False)
    bar = figure.colorbar(image, ax=axis, pad=0.01, fraction=0.025, aspect=8 if strip.shape[0] == 1 else 22)
    bar.ax.set_ylim(min(0.0, strip.min()), limit)
    bar.ax.tick_params(labelsize=5.5)
    bar.set_ticks([0, limit])
    bar.ax.set_yticklabels(["0", f"{limit:.2g}"])
    bar.ax.spines["outline"].set_visible(False)
