"""Figure 6: CIFAR-10 and five tasks of CIFAR-100, the accuracy on each after all were learned."""

from __future__ import annotations

import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from common.drawing import plotting
from common.drawing.plotting import name_with_runs, no_runs
from common.results import accuracies
from common.results import reported as reported_numbers
from common.results.readers import Tables
from common.results.stats import summaries
from papers.synaptic_intelligence import conditions, results
from papers.synaptic_intelligence.conditions import color, label

CONDITIONS = conditions.CONDITIONS["cifar"]
TASKS = conditions.TASKS["cifar"]
CHANCE = 0.1  # one of ten classes
WIDTH = 0.76  # of the bars of a task together
ARCHIVE = "authors' archive (mean, SD, n = 5)"
CAPTION = (
    "Bars: mean over seeds; error bars: SD. Test images, which the paper calls validation; colours as in Figure 4.\n"
    "Hollow diamonds: the authors' archived runs. The caption says c = 0.1, their plotting notebook selects 0.01: both"
    " are drawn.\nThe picture stored in that notebook is of another run: see comparison.csv."
)


def draw(tables: Tables, reported: pandas.DataFrame) -> Figure:
    """Return Figure 6: grouped bars for tasks 1 to 6."""
    plotted, shown = values(tables), results.shown(tables["cifar"], CONDITIONS)
    width = WIDTH / len(shown)
    stated = reported_numbers.results(reported, artifact="fig6", panel="", how_read="author_archive")
    figure = Figure(figsize=(7.2, 4.1))
    axis = figure.subplots()
    for place, condition in enumerate(shown):
        aside = (place - (len(shown) - 1) / 2) * width
        ours = plotted[(plotted["condition"] == condition) & (plotted["split"] == "test")]
        _draw_bars(axis, ours, condition, aside, width)
        for row in stated[stated["method"] == label(condition)].itertuples():
            plotting.reported_marker(axis, row.x + aside + 0.035, row.value, row.spread, "black", label=ARCHIVE)
    axis.axhline(CHANCE, color="0.3", linestyle=":", linewidth=0.8, zorder=3, label=f"chance ({CHANCE:g})")
    ticks = range(1, TASKS + 1)
    names = [f"Task {task}\n" + ("CIFAR-10" if task == 1 else "CIFAR-100") for task in ticks]
    axis.set_xticks(ticks, names)
    axis.set(xlim=(0.5, TASKS + 0.5), ylim=(0, 1))
    axis.tick_params(axis="x", length=0)
    axis.set_ylabel("Accuracy after all tasks")
    if plotted.empty:
        no_runs(axis)
    _draw_legend(figure, axis)
    plotting.caption(figure, CAPTION)
    return figure


def values(tables: Tables) -> pandas.DataFrame:
    """Return what Figure 6 plots (test), and its training-image variant: condition, split, task, mean, sd and n."""
    table = tables["cifar"]
    rows = [
        (condition, split, task, runs)
        for condition in results.shown(table, CONDITIONS)
        for split in accuracies.SPLITS
        for task, runs in results.final_by_task(table, condition, split).items()
    ]
    return summaries(rows, ["condition", "split", "task", "mean", "sd", "n"])


def _draw_bars(axis: Axes, values: pandas.DataFrame, condition: str, aside: float, width: float) -> None:
    sd = None if values["sd"].isna().all() else values["sd"]
    name = name_with_runs(label(condition), 0 if values.empty else int(values["n"].max()))
    look = {"color": color(condition, CONDITIONS), "ecolor": "0.2", "error_kw": {"elinewidth": 1.5}}
    axis.bar(values["task"] + aside, values["mean"], 0.92 * width, yerr=sd, label=name, **look)


def _draw_legend(figure: Figure, axis: Axes) -> None:
    """Put the legend above the panel, to be read row by row: conditions, the authors' runs, chance."""
    entries = dict(zip(*reversed(axis.get_legend_handles_labels()), strict=True))
    names = sorted(entries, key=lambda name: (name == ARCHIVE, name.startswith("chance")))
    rows = len(names) // 2
    by_column = [name for column in range(rows) for name in names[column::rows]]
    figure.legend([entries[name] for name in by_column], by_column, loc="outside upper center", ncols=rows)
