"""Figure 2: test accuracy of all methods on all tasks so far, of Permuted MNIST (a) and of Split MNIST (b)."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy
import pandas
from matplotlib.axes import Axes
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from common import collect, plotting
from common import reported as reported_numbers
from common.collected import Tables
from common.plotting import SMALL, TINY
from common.stats import summaries
from papers.dhp import collected, conditions, drawing
from papers.dhp.conditions import BENCHMARKS, LABELS, METHODS, TASKS, TUNED
from papers.dhp.drawing import COLORS

PANELS = {"a": "permuted", "b": "split"}
BAR = 0.105  # width; eight fill most of the space between two numbers of tasks
RIM = [withStroke(linewidth=2.4, foreground="white")]
PAPER = "paper (mean, SEM)"
CAPTION = (
    "Mean and standard error over seeds. Diamonds: the paper's numbers, n = 10 (a: Table I, set apart on the right,"
    " since its curves are not published as numbers;\nb: the authors' vector figure). Legends: average over all tasks"
    " after the last one, ours and the paper's. The axis of b does not begin at 0, as in the paper."
)


def fig2(tables: Tables, reported: pandas.DataFrame, provenances: dict[str, dict]) -> Figure:
    """Return Figure 2; panels with the lambdas of our own grid search stand below theirs, where there are any."""
    values = fig2_values(tables)
    shown = [(panel, setting) for panel in PANELS for setting in ("", TUNED) if _has(values, panel, setting)]
    with plotting.style():
        figure = Figure(figsize=(9.6, 2.75 * len(shown) + 0.5))
        for axis, (panel, setting) in zip(figure.subplots(len(shown), 1), shown, strict=True):
            ours = values[(values["panel"] == panel) & values["condition"].isin(_methods(setting))]
            names = {"": "", TUNED: ", own λ"}
            axis.set_title(f"{panel}  {BENCHMARKS[PANELS[panel]]}{names[setting]}", loc="left", fontsize=SMALL + 1)
            draw = {"a": _draw_curves, "b": _draw_bars}[panel]
            draw(axis, ours, reported, setting)
            axis.set_ylabel("Average test accuracy (%)", fontsize=SMALL)
            axis.set_xlabel("Number of tasks learned", fontsize=SMALL)
            axis.tick_params(labelsize=SMALL)
            if ours.empty:
                plotting.no_runs(axis)
            _draw_legend(axis, ours, reported, panel, setting, collected.diverged(provenances))
        figure.supxlabel(CAPTION, fontsize=6.5, color="0.35")
        plotting.stamp(figure, *collect.stamp_of_all(provenances))
    return figure


def fig2_values(tables: Tables) -> pandas.DataFrame:
    """Return what Figure 2 plots: panel (a, b), condition, x (tasks), mean in %, sem (nan if n = 1) and n."""
    rows = [
        (panel, condition, x, runs)
        for panel, benchmark in PANELS.items()
        for setting in ("", TUNED)
        for condition in _methods(setting)
        if not setting or condition.endswith(TUNED)
        for x, runs in conditions.so_far(collected.table(tables, benchmark), condition).items()
    ]
    return summaries(rows, ["panel", "condition", "x", "mean", "sem", "n"])


def _methods(setting: str) -> list[str]:
    """Return the conditions of a panel: methods without a lambda are the same in both."""
    return [name + setting if conditions.is_consolidating(name) else name for name in METHODS]


def _has(values: pandas.DataFrame, panel: str, setting: str) -> bool:
    return not setting or (values["condition"].str.endswith(setting) & (values["panel"] == panel)).any()


def _draw_curves(axis: Axes, values: pandas.DataFrame, reported: pandas.DataFrame, setting: str) -> None:
    last = TASKS["permuted"]
    for place, condition in enumerate(_methods(setting)):
        ours = values[values["condition"] == condition]
        style = drawing.look(condition) | {"marker": "o", "markersize": 3, "elinewidth": 0.9, "capsize": 2}
        if not ours.empty:
            axis.errorbar(ours["x"], ours["mean"], ours["sem"].fillna(0) if ours["n"].max() > 1 else None, **style)
        paper = drawing.in_table1(reported, "permuted", condition)
        x = last + 0.45 + 0.17 * place
        plotting.reported_marker(axis, x, paper["value"], paper["spread"], style["color"], label=PAPER)
    axis.axvspan(last + 0.28, last + 1.85, color="0.95", zorder=0, linewidth=0)
    look = {"ha": "center", "va": "top", "fontsize": TINY, "color": "0.35"}
    axis.text(last + 1.06, 0.98, "paper,\nafter 10 tasks", transform=axis.get_xaxis_transform(), **look)
    axis.set(xlim=(0.7, last + 1.85), xticks=range(1, last + 1))
    axis.set_ylim(top=101)
    axis.grid(axis="y", color="0.9", linewidth=0.6)


def _draw_bars(axis: Axes, values: pandas.DataFrame, reported: pandas.DataFrame, setting: str) -> None:
    rows = reported_numbers.results(reported, artifact="fig2")
    for place, condition in enumerate(_methods(setting)):
        ours, aside = values[values["condition"] == condition], BAR * (place - (len(METHODS) - 1) / 2)
        sems = ours["sem"].astype(float) if ours["sem"].notna().any() else None
        look = {"color": drawing.look(condition)["color"], "error_kw": {"elinewidth": 0.9, "ecolor": "0.15"}}
        axis.bar(
            ours["x"].astype(float) + aside,
            ours["mean"],
            0.92 * BAR,
            yerr=sems,
            capsize=1.5 if sems is not None else 0,
            **look,
        )
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
    axis: Axes,
    values: pandas.DataFrame,
    reported: pandas.DataFrame,
    panel: str,
    setting: str,
    diverged: Mapping[tuple[str, str], int],
) -> None:
    last, entries = values["x"].max(), []
    for condition in _methods(setting):
        ours = values[(values["condition"] == condition) & (values["x"] == last)]
        lost = diverged.get((PANELS[panel], condition), 0)
        text = f"{LABELS[condition]}: {f'all {lost} runs diverged' if lost else plotting.NO_RUNS}"
        if not ours.empty:
            own = ours.iloc[0]
            tasks = "" if last == TASKS[PANELS[panel]] else f", {last} tasks"
            runs = f"n = {own['n']}{tasks}" + (f", {lost} more diverged" if lost else "")
            text = f"{LABELS[condition]}: {drawing.plus_minus(own['mean'], own['sem'], 2)} ({runs})"
        paper = drawing.in_table1(reported, PANELS[panel], condition)
        text += f"\n    paper: {drawing.plus_minus(paper['value'], paper['spread'], 2)}"
        color = COLORS[condition.removesuffix(TUNED)]
        handle = (
            axis.plot([], [], "o", markersize=3, **drawing.look(condition))[0]
            if panel == "a"
            else axis.bar(numpy.nan, numpy.nan, color=color)
        )
        entries.append((handle, text))
    handles, names = axis.get_legend_handles_labels()
    entries += [(handle, name) for handle, name in zip(handles, names, strict=True) if name == PAPER]
    look = {"fontsize": 6.5, "handlelength": 2.6, "labelspacing": 0.45, "borderaxespad": 0}
    axis.legend(*zip(*entries, strict=True), loc="upper left", bbox_to_anchor=(1.015, 1.06), **look)
