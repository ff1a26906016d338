"""Figure 3: the ablation, every combination of the sticky gradient, L1 and smart initialisation."""

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
from papers.sticky_gradient.conditions import CELLS, CONTROL, FULL, LABELS, SEARCHED, TASKS

PAPER = "paper, ten tasks"
GAP = 0.045  # between two names at the end of curves, as a share of the axis
SETTINGS = {"": "Hyperparameters of Table 1", SEARCHED: "Hyperparameters of our own search"}
ROOM = 1.65 * TASKS  # for the names behind the curves
CAPTION = (
    "Colour: with (orange) and without (grey) the sticky gradient. Solid: smart initialisation; dashed: Kaiming's. Filled"
    " points: L1; hollow: no L1.\nTest accuracy, mean and 95% interval over seeds; margins are paired by seed. Hollow"
    " diamonds: the paper's two margins."
)


def fig3(tables: Tables, reported: pandas.DataFrame, provenances: dict[str, dict]) -> Figure:
    """Return Figure 3: accuracy on all tasks so far of the eight cells, and how far the full method leads each.

    Cells under hyperparameters of our own search have a panel of their own, where there are any.
    """
    values = fig3_values(tables)
    searched = values["condition"].str.endswith(SEARCHED).any()
    settings = ["", SEARCHED] if searched else [""]
    with plotting.style():
        figure = Figure(figsize=(4.4 + 3.6 * len(settings), 4.1))
        *curves, margins = figure.subplots(1, len(settings) + 1, width_ratios=[1.3] * len(settings) + [1])
        lowest = values.loc[values["panel"] == "accuracy", ["mean", "ci_low"]].min(axis=None)
        for axis, setting, letter in zip(curves, settings, "ab", strict=False):
            axis.set(ylim=(0.6 if values.empty else max(0, min(0.6, lowest - 0.02)), 1))
            axis.set(xlim=(0.6, ROOM), xticks=range(1, TASKS + 1))
            runs = _draw_curves(axis, values[values["panel"] == "accuracy"], setting)
            title = f"{letter}  {SETTINGS[setting]}{runs}"
            axis.set_title(title, loc="left", fontsize=SMALL + 1)
        curves[0].set_ylabel("Test accuracy on all tasks so far", fontsize=SMALL)
        tasks = accuracies.tasks(collected.of_all_conditions(tables)) or TASKS
        letter = "abc"[len(settings)]
        margins.set_title(f"{letter}  Lead of the full method, {tasks} tasks", loc="left", fontsize=SMALL + 1)
        _draw_margins(margins, values[values["panel"] == "margin"], reported, settings)
        figure.legend(*margins.get_legend_handles_labels(), loc="outside upper right", ncols=3, fontsize=TINY)
        figure.supxlabel(CAPTION, fontsize=6.5, color="0.35")
        plotting.stamp(figure, *collect.stamp_of_all(provenances))
    return figure


def fig3_values(tables: Tables) -> pandas.DataFrame:
    """Return what Figure 3 plots: panel, condition, x (tasks), mean, ci_low, ci_high (95%, nan if n = 1) and n.

    Panel "accuracy": on all tasks so far. Panel "margin": the full method minus the condition after the last task, in
    percentage points, both with the same hyperparameters.
    """
    results = collected.of_all_conditions(tables)
    last, rows = accuracies.tasks(results), []
    for setting in SETTINGS:
        full = conditions.after(conditions.so_far(results, FULL + setting), last)
        for cell in CELLS:
            condition = cell if cell == CONTROL else cell + setting
            table = conditions.so_far(results, condition)
            if not (cell == CONTROL and setting):
                rows += [("accuracy", condition, x, runs) for x, runs in table.items()]
            gap = difference(full, conditions.after(table, last))
            if gap and cell != FULL:
                rows.append(("margin", cell + setting, last, [100 * value for value in gap.values()]))
    return summaries(rows, ["panel", "condition", "x", "mean", "ci_low", "ci_high", "n"])


def look(cell: str) -> dict:
    """Return how a cell is drawn: colour for the sticky gradient, line for smart initialisation, filling for L1."""
    color = drawing.STICKY if "sticky" in cell else "0.35"
    return {
        "color": color,
        "linestyle": "-" if "smart" in cell else "--",
        "markerfacecolor": color if "l1" in cell else "white",
        "linewidth": 2 if cell == FULL else 1.2,
        "markersize": 3.5,
    }


def name(cell: str) -> str:
    """Return a cell's name by its parts."""
    return "sticky + L1 + smart init" if cell == FULL else LABELS[cell]


def _draw_curves(axis: Axes, values: pandas.DataFrame, setting: str) -> str:
    """Draw the cells with their names behind them; return how many runs each has, for the title."""
    axis.set_xlabel("Tasks learned", fontsize=SMALL)
    axis.tick_params(labelsize=SMALL)
    ends, runs = {}, []
    for cell in CELLS:
        ours = values[values["condition"] == (cell if cell == CONTROL else cell + setting)]
        if not ours.empty:
            drawing.curve(axis, ours, **look(cell))
            ends[name(cell)] = (ours["x"].iloc[-1], ours["mean"].iloc[-1], look(cell)["color"])
            runs.append(int(ours["n"].max()))
    low, high = axis.get_ylim()
    ordered = sorted(ends.items(), key=lambda end: -end[1][1])
    gap = GAP * (high - low)  # half of it to either edge, so that no name lies on the axis
    heights = spread([y for _, (_, y, _) in ordered], gap, low + gap / 2, high - gap / 2)
    for (text, (x, y, color)), height in zip(ordered, heights, strict=True):
        axis.plot([x + 0.15, x + 0.5], [y, height], color=color, linewidth=0.5)
        axis.text(x + 0.6, height, text, color=color, fontsize=TINY, va="center")
    missing = [name(cell) for cell in CELLS if name(cell) not in ends]
    if not ends:
        plotting.no_runs(axis)
    elif missing:
        text = f"{plotting.NO_RUNS}:\n" + "\n".join(missing)
        axis.text(0.02, 0.03, text, transform=axis.transAxes, fontsize=TINY, color="0.35")
    return plotting.counted(runs)


def spread(heights: list[float], gap: float, low: float, high: float) -> list[float]:
    """Return heights, given from the highest to the lowest, moved as little as keeps them a gap apart and in [low, high]."""
    found, above = [], high + gap
    for height in heights:
        found.append(above := min(height, above - gap))
    below = low - gap
    for place in reversed(range(len(found))):
        found[place] = below = max(found[place], below + gap)
    return found


def _draw_margins(axis: Axes, values: pandas.DataFrame, reported: pandas.DataFrame, settings: list[str]) -> None:
    """Draw one line per cell; hyperparameters of our own search below, as squares."""
    others = [cell for cell in CELLS if cell != FULL]
    ours = {row.condition: row for row in values.itertuples()}
    for height, cell in enumerate(others):
        stated = reported_numbers.results(reported, artifact="fig3")
        method = f"{LABELS[FULL]} - {LABELS[cell]}"
        for value in stated.loc[stated["method"] == method, "value"]:
            plotting.reported_marker(axis, value, height, None, "black", label=PAPER)
        for setting in settings:
            if cell + setting in ours:
                style = look(cell) | {"markersize": 5, "marker": "s" if setting else "o"}
                drawing.point(axis, ours[cell + setting], height - 0.3 * bool(setting), **style)
    if len(settings) > 1:
        for marker, setting in zip("os", SETTINGS, strict=True):
            axis.plot([], [], marker, color="0.35", markersize=5, label=SETTINGS[setting])
    axis.axvline(0, color="0.6", linewidth=0.8, zorder=0)
    axis.set(ylim=(-0.6, len(others) - 0.5), yticks=range(len(others)))
    axis.set_yticklabels([f"over {name(cell)}" for cell in others], fontsize=TINY)
    axis.tick_params(axis="y", length=0)
    axis.tick_params(axis="x", labelsize=SMALL)
    axis.set_xlabel("Percentage points", fontsize=SMALL)
    if values.empty:
        plotting.no_runs(axis)
