"""One look for all figures: style, bands over runs, the paper's numbers beside ours, and the stamp every figure bears."""

from __future__ import annotations

import contextlib
import math
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")  # figures are drawn in jobs that have no display

import matplotlib.axes
import matplotlib.figure
import numpy
from matplotlib.rcsetup import cycler

from common.data.files import atomic_write

# Okabe and Ito's palette: told apart with any common colour blindness. A paper gives one to each method, and keeps it.
PALETTE = {
    "black": "#000000",
    "blue": "#0072B2",
    "vermilion": "#D55E00",
    "green": "#009E73",
    "orange": "#E69F00",
    "purple": "#CC79A7",
    "sky": "#56B4E9",
    "yellow": "#F0E442",
}

NO_RUNS = "no runs at this scale"
TINY = 7  # font size of legends, and of what is written inside crowded panels
STYLE = {
    "axes.prop_cycle": cycler(color=list(PALETTE.values())[1:]),
    "axes.labelsize": 8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 9,
    "figure.constrained_layout.use": True,
    "figure.dpi": 100,
    "font.family": "DejaVu Sans",  # comes with matplotlib, so a figure looks the same on every machine
    "font.size": 8,
    "legend.fontsize": TINY,
    "legend.frameon": False,
    "lines.linewidth": 1.5,
    "pdf.fonttype": 42,  # text stays text
    "savefig.dpi": 200,
    "svg.hashsalt": "figure",  # names within the file are the same each time
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
}

STAMP = "stamp"
MARGIN = 0.08  # inches around all that is drawn


def style() -> contextlib.AbstractContextManager:
    """Return the context in which every figure is drawn, with one size for titles, for labels and ticks, and for legends.

    A figure says a font size or where a title stands only where it differs from this.
    """
    return matplotlib.rc_context({**matplotlib.rcParamsDefault, **STYLE, "backend": "Agg"})


def band(
    axis: matplotlib.axes.Axes,
    x: numpy.ndarray,
    runs: numpy.ndarray,
    label: str | None = None,
    color: str | None = None,
    geometric: bool = False,
) -> None:
    """Draw the mean over runs [n_runs, n_x] as a line with a band of one SD (ddof 1) on either side.

    geometric: of the runs' logarithms, for positive values on a logarithmic axis, where mean - SD may lie below zero,
    out of sight. With fewer than 3 runs an SD says nothing, so the runs themselves are drawn as thin lines instead of
    the band.
    """
    runs = numpy.atleast_2d(numpy.asarray(runs, dtype=float))
    if runs.ndim != 2 or runs.shape[0] == 0 or runs.shape[1] != len(x):
        raise ValueError(f"band: expected runs [n_runs, {len(x)}], found {list(runs.shape)}")
    values, back = (numpy.log(runs), numpy.exp) if geometric else (runs, numpy.asarray)
    mean = values.mean(axis=0)
    (line,) = axis.plot(x, back(mean), label=label, color=color)
    if len(runs) >= 3:
        sd = values.std(axis=0, ddof=1)
        axis.fill_between(x, back(mean - sd), back(mean + sd), color=line.get_color(), alpha=0.2, linewidth=0)
    elif len(runs) == 2:
        axis.plot(x, runs.T, color=line.get_color(), linewidth=0.5, alpha=0.7)


def reported_marker(
    axis: matplotlib.axes.Axes,
    x: float,
    value: float,
    spread: float | None,
    color: str,
    label: str = "paper (mean, SD)",
) -> None:
    """Draw a number of the paper as a hollow diamond, with its spread (None or nan: none) as an error bar.

    All markers of an axis share one grey legend entry, `label`.
    """
    look: dict[str, Any] = {"fmt": "D", "markerfacecolor": "none", "markersize": 6, "capsize": 3, "linewidth": 1}
    if label not in axis.get_legend_handles_labels()[1]:
        axis.errorbar([], [], yerr=[], color="0.4", label=label, **look)
    error = None if spread is None or math.isnan(spread) else [spread]
    axis.errorbar([x], [value], yerr=error, color=color, clip_on=False, zorder=5, **look)


def name_with_runs(name: str, *runs: int) -> str:
    """Return what a legend calls a condition: its name and its number of runs, or numbers where parts of it have others."""
    return f"{name}{counted(runs)}" if any(runs) else f"{name}: {NO_RUNS}"


def counted(runs: Iterable[int]) -> str:
    """Return " (n = 5 or 10)" for these numbers of runs; nothing if there are none."""
    numbers = sorted({int(number) for number in runs if number})
    return f" (n = {' or '.join(map(str, numbers))})" if numbers else ""


def caption(figure: matplotlib.figure.Figure, text: str) -> None:
    """Write the figure's caption below its panels."""
    figure.supxlabel(text, fontsize=6.5, color="0.35")


def above(axis: matplotlib.axes.Axes, x: float, text: str, fontsize: float = TINY) -> None:
    """Write a text right above a panel, centred at x."""
    look: dict[str, Any] = {"transform": axis.get_xaxis_transform(), "ha": "center", "va": "bottom", "color": "0.35"}
    axis.text(x, 1.01, text, fontsize=fontsize, **look)


def no_runs(axis: matplotlib.axes.Axes, of_what: str = "") -> None:
    """Say in the middle of a panel that there is nothing to draw, or nothing of something."""
    text = name_with_runs(of_what, 0) if of_what else NO_RUNS
    axis.text(0.5, 0.5, text, transform=axis.transAxes, ha="center", va="center", color="0.35")


def stamp(figure: matplotlib.figure.Figure, text: str, loud: bool) -> None:
    """Write `text` (scale, data source, number of seeds) below everything else in the figure.

    loud: for runs that are not a result, such as smoke scale or stand-in data; large, bold and red.
    """
    size = 13 if loud else 7
    # A character is about 0.55 of the font size wide, 0.7 in bold; longer lines would widen the saved page.
    width = int(figure.get_figwidth() * 72 / (size * (0.7 if loud else 0.55)))
    look: dict[str, Any] = {"color": "#CC0000", "fontweight": "bold"} if loud else {"color": "0.35"}
    # Just below the canvas, where nothing is drawn over it; `save` grows the page to hold it.
    lines = textwrap.fill(text, max(width, 20))
    figure.text(0.5, -0.01, lines, ha="center", va="top", fontsize=size, gid=STAMP, in_layout=True, **look)


def save(figure: matplotlib.figure.Figure, path: str | Path) -> None:
    """Save the figure as PDF at `path` and as PNG beside it, or at `path` as SVG; equal figures give equal bytes.

    Raises ValueError if `path` ends in neither .pdf nor .svg, or the figure bears no stamp.
    """
    path = Path(path)
    if path.suffix not in (".pdf", ".svg"):
        raise ValueError(f"save: expected a path ending in .pdf or .svg, found {path}")
    if not any(text.get_gid() == STAMP for text in figure.texts):
        raise ValueError(f"save: {path} bears no stamp; call plotting.stamp(figure, ...) first")
    dated = {".png": "Software", ".pdf": "CreationDate", ".svg": "Date"}  # metadata that would differ
    with style():
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # once is enough for both files
        page = figure.get_tightbbox().padded(MARGIN)
        for suffix in (".png", ".pdf") if path.suffix == ".pdf" else (".svg",):
            with atomic_write(path.with_suffix(suffix)) as temporary:
                figure.savefig(temporary, metadata={dated[suffix]: None}, bbox_inches=page)
