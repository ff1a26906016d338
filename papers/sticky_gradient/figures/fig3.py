"""Figure 3: the ablation, every combination of the sticky gradient, L1 and smart initialisation."""

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
from papers.sticky_gradient.conditions import LABELS, PLAIN, cell_label, cell_look
from papers.sticky_gradient.figures import curves
from papers.sticky_gradient.readings import CELLS, CONTROL, FULL, SEARCHED
from papers.sticky_gradient.results import TASKS, of_all_conditions

PAPER = "paper, ten tasks"
GAP = 0.045  # between two names at the end of curves, as a share of the axis
HYPERPARAMETERS = {"": "Hyperparameters of Table 1", SEARCHED: "Hyperparameters of our own search"}
ROOM = 1.65 * TASKS  # for the names behind the curves
CAPTION = (
    "Colour: with (orange) and without (grey) the sticky gradient. Solid: smart initialisation; dashed: Kaiming's. Filled"
    " points: L1; hollow: no L1.\nTest accuracy, mean and 95% interval over seeds; margins are paired by seed. Hollow"
    " diamonds: the paper's two margins."
)


def draw(tables: Tables, reported: pandas.DataFrame) -> Figure:
    """Return Figure 3: accuracy on all tasks so far of the eight cells, and how far the full method leads each.

    Cells under hyperparameters of our own search have a panel of their own, where there are any.
    """
    plotted = values(tables)
    measured, leads = (plotted[plotted["panel"] == panel] for panel in ("accuracy", "margin"))
    endings = [ending for ending in HYPERPARAMETERS if not ending or plotted["condition"].str.endswith(ending).any()]
    figure = Figure(figsize=(4.4 + 3.6 * len(endings), 4.1))
    *panels, margins = figure.subplots(1, len(endings) + 1, width_ratios=[1.3] * len(endings) + [1])
    for axis, ending, letter in zip(panels, endings, "ab", strict=False):
        axis.set(ylim=curves.limits(measured), xlim=(0.6, ROOM), xticks=range(1, TASKS + 1))
        runs = _draw_curves(axis, measured, ending)
        axis.set_title(f"{letter}  {HYPERPARAMETERS[ending]}{runs}")
    panels[0].set_ylabel("Test accuracy on all tasks so far")
    tasks = accuracies.tasks(of_all_conditions(tables)) or TASKS
    margins.set_title(f"{'abc'[len(endings)]}  Lead of the full method, {tasks} tasks")
    _draw_margins(margins, leads, reported, endings)
    figure.legend(*margins.get_legend_handles_labels(), loc="outside upper right", ncols=3)
    plotting.caption(figure, CAPTION)
    return figure


def values(tables: Tables) -> pandas.DataFrame:
    """Return what Figure 3 plots: panel, condition, x (tasks), mean, ci_low, ci_high (95%, nan if n = 1) and n.

    Panel "accuracy": on all tasks so far. Panel "margin": the full method minus the condition after the last task, in
    percentage points, both with the same hyperparameters.
    """
    results = of_all_conditions(tables)
    last, rows = accuracies.tasks(results), []
    for ending in HYPERPARAMETERS:
        full = by_seed(accuracies.averages(results, FULL + ending, "test"), last)
        for cell in CELLS:
            condition = _condition(cell, ending)
            table = accuracies.averages(results, condition, "test")
            if condition.endswith(ending):
                rows += [("accuracy", condition, x, runs) for x, runs in table.items()]
            if cell != FULL:
                gap = difference(full, by_seed(table, last))
                rows.append(("margin", cell + ending, last, [100 * value for value in gap.values()]))
    return summaries(rows, ["panel", "condition", "x", "mean", "ci_low", "ci_high", "n"])


def _condition(cell: str, ending: str) -> str:
    """Return a cell under some hyperparameters, of which the control has none."""
    return cell if cell == CONTROL else cell + ending


def _draw_curves(axis: Axes, measured: pandas.DataFrame, ending: str) -> str:
    """Draw the cells with their names behind them; return how many runs each has, for the title."""
    axis.set_xlabel("Tasks learned")
    ends, runs = {}, []
    for cell in CELLS:
        ours = measured[measured["condition"] == _condition(cell, ending)]
        if not ours.empty:
            curves.curve(axis, ours, **cell_look(cell))
            ends[cell_label(cell)] = (ours["x"].iloc[-1], ours["mean"].iloc[-1], cell_look(cell)["color"])
            runs.append(int(ours["n"].max()))
    low, high = axis.get_ylim()
    ordered = sorted(ends.items(), key=lambda end: -end[1][1])
    gap = GAP * (high - low)  # half of it to either edge, so that no name lies on the axis
    heights = spread([y for _, (_, y, _) in ordered], gap, low + gap / 2, high - gap / 2)
    for (text, (x, y, color)), height in zip(ordered, heights, strict=True):
        axis.plot([x + 0.15, x + 0.5], [y, height], color=color, linewidth=0.5)
        axis.text(x + 0.6, height, text, color=color, fontsize=plotting.TINY, va="center")
    missing = [cell_label(cell) for cell in CELLS if cell_label(cell) not in ends]
    if not ends:
        plotting.no_runs(axis)
    elif missing:
        text = f"{plotting.NO_RUNS}:\n" + "\n".join(missing)
        axis.text(0.02, 0.03, text, transform=axis.transAxes, fontsize=plotting.TINY, color="0.35")
    return plotting.counted(runs)


def spread(heights: list[float], gap: float, low: float, high: float) -> list[float]:
    """Return heights, given from the highest to the lowest, moved as little as keeps them a gap apart and in [low, high]."""
    moved, above = [], high + gap
    for height in heights:
        moved.append(above := min(height, above - gap))
    below = low - gap
    for place in reversed(range(len(moved))):
        moved[place] = below = max(moved[place], below + gap)
    return moved


def _draw_margins(axis: Axes, leads: pandas.DataFrame, reported: pandas.DataFrame, endings: list[str]) -> None:
    """Draw one line per cell; hyperparameters of our own search below, as squares."""
    others = [cell for cell in CELLS if cell != FULL]
    ours = {row.condition: row for row in leads.itertuples()}
    stated = reported_numbers.results(reported, artifact="fig3")
    for height, cell in enumerate(others):
        for value in stated.loc[stated["method"] == f"{LABELS[FULL]} - {LABELS[cell]}", "value"]:
            plotting.reported_marker(axis, value, height, None, "black", label=PAPER)
        for ending in endings:
            if own := ours.get(cell + ending):
                look = cell_look(cell) | {"markersize": 5, "marker": "s" if ending else "o"}
                curves.point(axis, own, height - 0.3 * bool(ending), **look)
    if len(endings) > 1:
        for marker, text in zip("os", HYPERPARAMETERS.values(), strict=True):
            axis.plot([], [], marker, color=PLAIN, markersize=5, label=text)
    curves.name_heights(axis, [(height, f"over {cell_label(cell)}") for height, cell in enumerate(others)])
    axis.set_ylim(-0.6, len(others) - 0.5)
    if leads.empty:
        plotting.no_runs(axis)
