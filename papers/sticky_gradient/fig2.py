"""Figure 2: ten permuted MNIST tasks, sticky gradient against EWC and the control."""

from __future__ import annotations

import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from common import accuracies, collect, plotting
from common import reported as reported_numbers
from common.claims import difference
from common.collected import Tables
from common.plotting import SMALL, TINY
from common.stats import summaries
from papers.sticky_gradient import collected, conditions, drawing
from papers.sticky_gradient.conditions import CONTROL, EWC, FULL, LABELS, MEASURES, SEARCHED
from papers.sticky_gradient.drawing import COLORS

CURVES = (CONTROL, EWC, FULL, FULL + SEARCHED)
TITLES = {
    "all": "a  All tasks so far",
    "previous": "b  All but the newest",
    "newest": "c  The newest task",
}
# Panel d, in the direction in which the paper states each: minuend, subtrahend.
MARGINS = {
    "all": [(EWC, CONTROL), (FULL, CONTROL), (EWC, FULL)],
    "previous": [(EWC, FULL)],
    "newest": [(CONTROL, EWC), (CONTROL, FULL), (FULL, EWC)],
}
PAPER = "paper, ten tasks"
CAPTION = (
    "a to c: test accuracy, mean and 95% interval over seeds; points are set slightly apart. d: differences paired by"
    " seed, with 95% intervals{search}.\nThe paper gives differences alone, no accuracies; for the newest task it gives 2.2 in"
    " the caption and 3 in the text."
)


def fig2(tables: Tables, reported: pandas.DataFrame, provenances: dict[str, dict]) -> Figure:
    """Return Figure 2: accuracy on all tasks (a), all but the newest (b), the newest (c), and margins at the end (d)."""
    results = collected.table(tables, "accuracies")
    values = fig2_values(tables)
    with plotting.style():
        figure = Figure(figsize=(10.5, 3.5))
        *curves, margins = figure.subplots(1, 4, width_ratios=(1, 1, 1, 1.25))
        lowest = values.loc[values["panel"].isin(MEASURES), ["mean", "ci_low"]].min(axis=None)
        for axis, measure in zip(curves, MEASURES, strict=True):
            _draw_curves(axis, values[values["panel"] == measure], measure)
            axis.set(
                ylim=(0.6 if values.empty else max(0, min(0.6, lowest - 0.02)), 1),
                xlim=(0.5, conditions.TASKS + 0.5),
                xticks=range(2, conditions.TASKS + 1, 2),
            )
        curves[0].set_ylabel("Test accuracy", fontsize=SMALL)
        for axis in curves[1:]:
            axis.set_yticklabels([])
        _draw_margins(margins, values, reported, accuracies.tasks(results))
        _draw_legend(figure, curves[0], margins, values)
        search = "; hollow dots: own search" if values["condition"].str.contains(SEARCHED).any() else ""
        figure.supxlabel(CAPTION.format(search=search), fontsize=6.5, color="0.35")
        plotting.stamp(figure, *collect.stamp_of_all(provenances))
    return figure


def fig2_values(tables: Tables) -> pandas.DataFrame:
    """Return what Figure 2 plots: panel, condition, x (tasks), mean, ci_low, ci_high (95%, nan if n = 1) and n.

    Panels all, previous and newest hold accuracies of conditions; "<measure> margin" holds differences after the last
    task, in percentage points, of pairs "a - b".
    """
    results = collected.table(tables, "accuracies")
    last, rows = accuracies.tasks(results), []
    for measure, of in MEASURES.items():
        runs = {condition: of(results, condition) for condition in CURVES}
        rows += [(measure, condition, x, own) for condition, table in runs.items() for x, own in table.items()]
        for a, b in _pairs(measure):
            gap = difference(conditions.after(runs[a], last), conditions.after(runs[b], last))
            if gap:
                rows.append((f"{measure} margin", f"{a} - {b}", last, [100 * value for value in gap.values()]))
    return summaries(rows, ["panel", "condition", "x", "mean", "ci_low", "ci_high", "n"])


def _pairs(measure: str) -> list[tuple[str, str]]:
    """Return the margins that the paper states, then those of our search's hyperparameters."""
    stated = MARGINS[measure]
    return stated + [
        tuple(name + SEARCHED if name == FULL else name for name in pair) for pair in stated if FULL in pair
    ]


def _draw_curves(axis: Axes, values: pandas.DataFrame, measure: str) -> None:
    axis.set_title(TITLES[measure], loc="left", fontsize=SMALL + 1)
    axis.set_xlabel("Tasks learned", fontsize=SMALL)
    axis.tick_params(labelsize=SMALL)
    axis.grid(axis="y", color="0.9", linewidth=0.6)
    for place, condition in enumerate(CURVES):
        style = "--" if condition.endswith(SEARCHED) else "-"
        ours = values[values["condition"] == condition]
        drawing.curve(axis, ours, 0.08 * (place - 1), color=COLORS[condition], linestyle=style)
    if values.empty:
        plotting.no_runs(axis)


def _draw_margins(axis: Axes, values: pandas.DataFrame, reported: pandas.DataFrame, tasks: int) -> None:
    """Draw one line per margin, from above downwards: ours as a dot, the paper's as hollow diamonds."""
    axis.set_title(f"d  Margins after {tasks or conditions.TASKS} tasks", loc="left", fontsize=SMALL + 1)
    names, height = [], 0.0
    ours = {(row.panel, row.condition): row for row in values.itertuples() if row.panel.endswith("margin")}
    for (measure, pairs), panel in zip(MARGINS.items(), "abc", strict=True):
        names.append((height, {"all": "all tasks", "previous": "all but the newest", "newest": "newest task"}[measure]))
        height -= 0.8
        for a, b in pairs:
            stated = reported_numbers.results(reported, artifact="fig2", panel=panel)
            for value in stated.loc[stated["method"] == f"{LABELS[a]} - {LABELS[b]}", "value"]:
                plotting.reported_marker(axis, value, height, None, "black", label=PAPER)
            for searched in (False, True):
                pair = [name + SEARCHED if searched and name == FULL else name for name in (a, b)]
                key = (f"{measure} margin", " - ".join(pair))
                if key in ours and (FULL in (a, b) or not searched):
                    look = {"markerfacecolor": "white"} if searched else {}
                    drawing.point(axis, ours[key], height - 0.3 * searched, color=_color(a, b), **look)
            names.append((height, f"{_short(a)} − {_short(b)}"))
            height -= 1
        height -= 0.3
    axis.axvline(0, color="0.6", linewidth=0.8, zorder=0)
    axis.set(ylim=(height + 0.6, 0.7), yticks=[place for place, _ in names])
    axis.set_yticklabels([name for _, name in names], fontsize=TINY)
    for tick, (_, name) in zip(axis.get_yticklabels(), names, strict=True):
        tick.set(fontweight="normal" if "−" in name else "bold")
    axis.tick_params(axis="y", length=0)
    axis.tick_params(axis="x", labelsize=SMALL)
    axis.set_xlabel("Percentage points", fontsize=SMALL)
    if not ours:
        plotting.no_runs(axis)


def _color(a: str, b: str) -> str:
    """Return the colour of a margin: that of the sticky gradient, or of EWC if that is not part of it."""
    return COLORS[FULL] if FULL in (a, b) else COLORS[EWC]


def _short(condition: str) -> str:
    return "sticky" if condition == FULL else LABELS[condition]


def _draw_legend(figure: Figure, axis: Axes, margins: Axes, values: pandas.DataFrame) -> None:
    entries = []
    for condition in CURVES:
        runs = values.loc[(values["condition"] == condition) & (values["panel"] == "all"), "n"]
        if condition.endswith(SEARCHED) and runs.empty:
            continue
        style = "--" if condition.endswith(SEARCHED) else "-"
        (line,) = axis.plot([], [], "o", linestyle=style, markersize=2.5, color=COLORS[condition])
        entries.append((line, plotting.name_with_runs(LABELS[condition], int(runs.max()) if len(runs) else 0)))
    handles, names = margins.get_legend_handles_labels()
    entries += [(handle, name) for handle, name in zip(handles, names, strict=True) if name == PAPER]
    figure.legend(
        *zip(*entries, strict=True), loc="outside upper center", ncols=len(entries), fontsize=TINY, handlelength=3.2
    )
