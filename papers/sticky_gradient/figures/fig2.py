"""Figure 2: ten permuted MNIST tasks, sticky gradient against EWC and the control."""

from __future__ import annotations

import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from common.drawing import plotting
from common.results import accuracies
from common.results import reported as reported_numbers
from common.results.accuracies import by_seed
from common.results.claims import difference
from common.results.readers import Tables
from common.results.stats import summaries
from papers.sticky_gradient.conditions import COLORS, LABELS, look
from papers.sticky_gradient.figures import curves
from papers.sticky_gradient.measures import MEASURES
from papers.sticky_gradient.readings import CONTROL, EWC, FULL, SEARCHED
from papers.sticky_gradient.results import TASKS

CURVES = (CONTROL, EWC, FULL, FULL + SEARCHED)
TITLES = {"all": "a  All tasks so far", "previous": "b  All but the newest", "newest": "c  The newest task"}
# Panel d, in the direction in which the paper states each: minuend, subtrahend.
MARGINS = {
    "all": [(EWC, CONTROL), (FULL, CONTROL), (EWC, FULL)],
    "previous": [(EWC, FULL)],
    "newest": [(CONTROL, EWC), (CONTROL, FULL), (FULL, EWC)],
}
HEADINGS = {"all": "all tasks", "previous": "all but the newest", "newest": "newest task"}
PAPER = "paper, ten tasks"
CAPTION = (
    "a to c: test accuracy, mean and 95% interval over seeds; points are set slightly apart. d: differences paired by"
    " seed, with 95% intervals{search}.\nThe paper gives differences alone, no accuracies; for the newest task it gives 2.2 in"
    " the caption and 3 in the text."
)


def draw(tables: Tables, reported: pandas.DataFrame) -> Figure:
    """Return Figure 2: accuracy on all tasks (a), all but the newest (b), the newest (c), and margins at the end (d)."""
    plotted = values(tables)
    measured = plotted[plotted["panel"].isin(MEASURES)]
    figure = Figure(figsize=(10.5, 3.5))
    *panels, margins = figure.subplots(1, 4, width_ratios=(1, 1, 1, 1.25))
    for axis, measure in zip(panels, MEASURES, strict=True):
        _draw_curves(axis, measured[measured["panel"] == measure], TITLES[measure])
        axis.set(ylim=curves.limits(measured), xlim=(0.5, TASKS + 0.5), xticks=range(2, TASKS + 1, 2))
        axis.tick_params(labelleft=axis is panels[0])
    panels[0].set_ylabel("Test accuracy")
    margins.set_title(f"d  Margins after {accuracies.tasks(tables['accuracies']) or TASKS} tasks")
    _draw_margins(margins, plotted, reported)
    curves.legend(figure, margins, plotted[plotted["panel"] == "all"], CURVES)
    search = "; hollow dots: own search" if plotted["condition"].str.contains(SEARCHED).any() else ""
    plotting.caption(figure, CAPTION.format(search=search))
    return figure


def values(tables: Tables) -> pandas.DataFrame:
    """Return what Figure 2 plots: panel, condition, x (tasks), mean, ci_low, ci_high (95%, nan if n = 1) and n.

    Panels all, previous and newest hold accuracies of conditions; "<measure> margin" holds differences after the last
    task, in percentage points, of pairs "a - b".
    """
    results = tables["accuracies"]
    last, rows = accuracies.tasks(results), []
    for name, measure in MEASURES.items():
        runs = {condition: measure(results, condition, "test") for condition in CURVES}
        rows += [(name, condition, x, own) for condition, table in runs.items() for x, own in table.items()]
        stated = MARGINS[name]
        for a, b in [*stated, *(_searched(pair) for pair in stated if FULL in pair)]:
            gap = difference(by_seed(runs[a], last), by_seed(runs[b], last))
            rows.append((f"{name} margin", f"{a} - {b}", last, [100 * value for value in gap.values()]))
    return summaries(rows, ["panel", "condition", "x", "mean", "ci_low", "ci_high", "n"])


def _searched(pair: tuple[str, str]) -> tuple[str, ...]:
    """Return a margin with our search's hyperparameters in the place of Table 1's."""
    return tuple(name + SEARCHED if name == FULL else name for name in pair)


def _draw_curves(axis: Axes, plotted: pandas.DataFrame, title: str) -> None:
    axis.set(title=title, xlabel="Tasks learned")
    axis.grid(axis="y", color="0.9", linewidth=0.6)
    for place, condition in enumerate(CURVES):
        curves.curve(axis, plotted[plotted["condition"] == condition], 0.08 * (place - 1), **look(condition))
    if plotted.empty:
        plotting.no_runs(axis)


def _draw_margins(axis: Axes, plotted: pandas.DataFrame, reported: pandas.DataFrame) -> None:
    """Draw one line per margin, from above downwards: ours as a dot, the paper's as hollow diamonds."""
    names, height = [], 0.0
    ours = {(row.panel, row.condition): row for row in plotted.itertuples() if row.panel.endswith("margin")}
    for (measure, pairs), panel in zip(MARGINS.items(), "abc", strict=True):
        names.append((height, HEADINGS[measure]))
        height -= 0.8
        for pair in pairs:
            stated = reported_numbers.results(reported, artifact="fig2", panel=panel)
            for value in stated.loc[stated["method"] == " - ".join(LABELS[name] for name in pair), "value"]:
                plotting.reported_marker(axis, value, height, None, "black", label=PAPER)
            color = COLORS[FULL if FULL in pair else EWC]
            if own := ours.get((f"{measure} margin", " - ".join(pair))):
                curves.point(axis, own, height, color=color)
            if FULL in pair and (own := ours.get((f"{measure} margin", " - ".join(_searched(pair))))):
                curves.point(axis, own, height - 0.3, color=color, markerfacecolor="white")
            names.append((height, " − ".join("sticky" if name == FULL else LABELS[name] for name in pair)))
            height -= 1
        height -= 0.3
    curves.name_heights(axis, names)
    axis.set_ylim(height + 0.6, 0.7)
    for tick, (_, name) in zip(axis.get_yticklabels(), names, strict=True):
        tick.set(fontweight="bold" if name in HEADINGS.values() else "normal")
    if not ours:
        plotting.no_runs(axis)
