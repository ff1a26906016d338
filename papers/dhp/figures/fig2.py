"""Figure 2: test accuracy of all methods on all tasks so far, of Permuted MNIST (a) and of Split MNIST (b)."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy
import pandas
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from common.drawing import plotting
from common.drawing.plotting import TINY
from common.results import reported as reported_numbers
from common.results.readers import Tables
from common.results.stats import summaries
from papers.dhp import protocol, results
from papers.dhp.conditions import BENCHMARK_LABELS, COLORS, LABELS, TASKS, look
from papers.dhp.figures.means import in_table1, plus_minus
from papers.dhp.protocol import METHODS, TUNED

PANELS = {"a": "permuted", "b": "split"}
BAR = 0.105  # width; eight fill most of the space between two numbers of tasks
RIM = [withStroke(linewidth=2.4, foreground="white")]
PAPER, OWN = "paper (mean, SEM)", ", own λ"
CAPTION = (
    "Mean and standard error over seeds; a seed that diverges counts until then. Diamonds: the paper's numbers, n = 10"
    " (a: Table I, set apart on the right,\nsince its curves are not published as numbers; b: the authors' vector figure)."
    " Legends: average over all tasks after the last one, ours and the paper's.\nThe axis of b does not begin at 0, as in"
    " the paper."
)


def draw(tables: Tables, reported: pandas.DataFrame) -> Figure:
    """Return Figure 2; panels with the lambdas of our own grid search stand below theirs, where there are any."""
    plotted = values(tables)
    shown = [(panel, setting) for panel in PANELS for setting in ("", TUNED) if _has(plotted, panel, setting)]
    figure = Figure(figsize=(9.6, 2.75 * len(shown) + 0.5))
    for axis, (panel, setting) in zip(figure.subplots(len(shown), 1), shown, strict=True):
        ours = plotted[(plotted["panel"] == panel) & plotted["condition"].isin(_methods(setting))]
        axis.set_title(f"{panel}  {BENCHMARK_LABELS[PANELS[panel]]}{OWN if setting else ''}")
        {"a": _draw_curves, "b": _draw_bars}[panel](axis, ours, reported, setting)
        axis.set(ylabel="Average test accuracy (%)", xlabel="Number of tasks learned")
        if ours.empty:
            plotting.no_runs(axis)
        _draw_legend(axis, ours, tables, reported, panel, setting)
    plotting.caption(figure, CAPTION)
    return figure


def values(tables: Tables) -> pandas.DataFrame:
    """Return what Figure 2 plots: panel (a, b), condition, x (tasks), mean in %, sem (nan if n = 1) and n."""
    rows = [
        (panel, condition, x, runs)
        for panel, benchmark in PANELS.items()
        for setting in ("", TUNED)
        for condition in _methods(setting)
        if not setting or condition.endswith(TUNED)
        for x, runs in results.so_far(tables, benchmark, condition).items()
    ]
    return summaries(rows, ["panel", "condition", "x", "mean", "sem", "n"])


def _methods(setting: str) -> list[str]:
    """Return the conditions of a panel: methods without a lambda are the same in both."""
    return [name + setting if protocol.condition(name).consolidation else name for name in METHODS]


def _has(values: pandas.DataFrame, panel: str, setting: str) -> bool:
    return not setting or (values["condition"].str.endswith(setting) & (values["panel"] == panel)).any()


def _draw_curves(axis: Axes, values: pandas.DataFrame, reported: pandas.DataFrame, setting: str) -> None:
    last = TASKS["permuted"]
    for number, condition in enumerate(_methods(setting)):
        ours = values[values["condition"] == condition]
        line = look(condition) | {"marker": "o", "markersize": 3, "elinewidth": 0.9, "capsize": 2}
        if not ours.empty:
            axis.errorbar(ours["x"], ours["mean"], ours["sem"].fillna(0) if ours["n"].max() > 1 else None, **line)
        paper = in_table1(reported, "permuted", condition)
        x = last + 0.45 + 0.17 * number
        plotting.reported_marker(axis, x, paper["value"], paper["spread"], line["color"], label=PAPER)
    axis.axvspan(last + 0.28, last + 1.85, color="0.95", zorder=0, linewidth=0)
    place: dict[str, Any] = {"transform": axis.get_xaxis_transform(), "ha": "center", "va": "top"}
    axis.text(last + 1.06, 0.98, "paper,\nafter 10 tasks", fontsize=TINY, color="0.35", **place)
    axis.set(xlim=(0.7, last + 1.85), xticks=range(1, last + 1))
    axis.set_ylim(top=101)
    axis.grid(axis="y", color="0.9", linewidth=0.6)


def _draw_bars(axis: Axes, values: pandas.DataFrame, reported: pandas.DataFrame, setting: str) -> None:
    rows = reported_numbers.results(reported, artifact="fig2")
    for place, condition in enumerate(_methods(setting)):
        ours, aside = values[values["condition"] == condition], BAR * (place - (len(METHODS) - 1) / 2)
        sems = ours["sem"].astype(float) if ours["sem"].notna().any() else None
        error: dict[str, Any] = {"capsize": 1.5 if sems is not None else 0, "elinewidth": 0.9, "ecolor": "0.15"}
        x, color = ours["x"].astype(float) + aside, look(condition)["color"]
        axis.bar(x, ours["mean"], 0.92 * BAR, yerr=sems, color=color, error_kw=error)
        for paper in rows[rows["method"] == LABELS[condition.removesuffix(TUNED)]].itertuples():
            plotting.reported_marker(axis, paper.x + aside, paper.value, paper.spread, "0.15", label=PAPER)
    lowest = math.floor(min([88, *(values["mean"] - values["sem"].fillna(0)).astype(float)]))
    axis.set(ylim=(lowest, 100), xlim=(0.45, TASKS["split"] + 0.55), xticks=range(1, TASKS["split"] + 1))
    axis.grid(axis="y", color="0.9", linewidth=0.6)
    axis.set_axisbelow(True)
    for container in axis.containers:  # forty diamonds on forty bars: small ones, with a white rim
        if not isinstance(container, ErrorbarContainer):
            continue
        diamond, caps, bars = container.lines
        if diamond is not None and diamond.get_marker() == "D":  # those of our own bars have no marker
            diamond.set(markersize=4, path_effects=RIM)
            for cap in caps:
                cap.set_markersize(2.5)
            for bar in bars:
                bar.set(path_effects=RIM, zorder=4.9)


def _draw_legend(
    axis: Axes, values: pandas.DataFrame, tables: Tables, reported: pandas.DataFrame, panel: str, setting: str
) -> None:
    last, entries = values["x"].max(), list[tuple[Any, str]]()
    for condition in _methods(setting):
        ours = values[(values["condition"] == condition) & (values["x"] == last)]
        lost = len(tables.diverged(PANELS[panel], condition=condition))
        method = condition.removesuffix(TUNED)
        name = LABELS[method] + (OWN if condition.endswith(TUNED) else "")
        text = f"{name}: {f'all {lost} runs diverged' if lost else plotting.NO_RUNS}"
        if not ours.empty:
            own = ours.iloc[0]
            tasks = "" if last == TASKS[PANELS[panel]] else f", {last} tasks"
            runs = f"n = {own['n']}{tasks}" + (f", {lost} more diverged" if lost else "")
            text = f"{name}: {plus_minus(own['mean'], own['sem'], 2)} ({runs})"
        paper = in_table1(reported, PANELS[panel], condition)
        text += f"\n    paper: {plus_minus(paper['value'], paper['spread'], 2)}"
        curve, bar = partial(axis.plot, [], [], "o", markersize=3), partial(axis.bar, numpy.nan, numpy.nan)
        handle = curve(**look(condition))[0] if panel == "a" else bar(color=COLORS[method])
        entries.append((handle, text))
    handles, labels = axis.get_legend_handles_labels()
    entries += [(handle, name) for handle, name in zip(handles, labels, strict=True) if name == PAPER]
    place = {"loc": "upper left", "bbox_to_anchor": (1.015, 1.06), "borderaxespad": 0}
    axis.legend(*zip(*entries, strict=True), handlelength=2.6, labelspacing=0.45, **place)
