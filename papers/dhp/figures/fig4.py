"""Figure 4: the average test accuracy after all tasks against the initial value of eta, on three benchmarks."""

from __future__ import annotations

import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from common.drawing import plotting
from common.results.readers import Tables
from common.results.stats import summaries
from papers.dhp import results
from papers.dhp.conditions import BENCHMARK_LABELS, TASKS
from papers.dhp.figures.means import band, in_table1
from papers.dhp.protocol import DHP, SWEPT
from papers.dhp.results import INITIAL_ETA

ETAS = (0.0001, 0.0005, 0.001, 0.01, 0.1)  # the paper's
COLORS = dict(zip(SWEPT, (plotting.PALETTE[name] for name in ("blue", "green", "vermilion")), strict=True))
PAPER = "paper, Table I (mean, SEM)"
CAPTION = (
    "DHP Softmax without consolidation, mean over seeds with a band of one standard error. The paper gives no numbers"
    " for this figure; diamonds: Table I,\nwhose runs began at η = 0.001. The three axes of accuracy differ."
)


def draw(tables: Tables, reported: pandas.DataFrame) -> Figure:
    """Return Figure 4: Permuted (left), Imbalanced Permuted (centre) and Split MNIST (right)."""
    figure, plotted = Figure(figsize=(9.4, 3.2)), values(tables)
    axes = figure.subplots(1, 3)
    for axis, benchmark in zip(axes, SWEPT, strict=True):
        _draw_panel(axis, plotted[plotted["benchmark"] == benchmark], benchmark, reported)
    axes[0].set_ylabel("Average test accuracy\nafter all tasks (%)")
    plotting.caption(figure, CAPTION)
    return figure


def values(tables: Tables) -> pandas.DataFrame:
    """Return what Figure 4 plots: benchmark, x (initial eta), tasks, mean in %, sem (nan if n = 1) and n."""
    rows = [
        (benchmark, eta, tasks, runs.values())
        for benchmark in SWEPT
        for eta, (tasks, runs) in results.at_eta(tables, benchmark).items()
    ]
    return summaries(rows, ["benchmark", "x", "tasks", "mean", "sem", "n"])


def _draw_panel(axis: Axes, values: pandas.DataFrame, benchmark: str, reported: pandas.DataFrame) -> None:
    tasks, all_tasks = set(values["tasks"]), TASKS[benchmark]
    axis.set_title(BENCHMARK_LABELS[benchmark])
    if values.empty:
        plotting.no_runs(axis)
        axis.set_yticks([])
    else:
        name = f"ours{plotting.counted(values['n'])}"
        band(axis, values, COLORS[benchmark], marker="o", markersize=4, label=name)
    paper = in_table1(reported, benchmark, DHP)
    if tasks == {all_tasks}:  # after fewer tasks, the paper's number says nothing of ours
        plotting.reported_marker(axis, INITIAL_ETA, paper["value"], paper["spread"], "black", label=PAPER)
    axis.set_xscale("log")
    axis.set_xlim(ETAS[0] / 1.6, ETAS[-1] * 1.6)
    axis.set_xticks(ETAS, [f"{eta:g}" for eta in ETAS], rotation=45, ha="right", rotation_mode="anchor")
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.tick_params(axis="x", which="minor", length=0)
    axis.set_xlabel("Initial η" + "".join(f" ({count} tasks)" for count in sorted(tasks - {all_tasks})))
    axis.grid(axis="y", color="0.9", linewidth=0.6)
    axis.margins(y=0.15)
    if axis.get_legend_handles_labels()[0]:
        axis.legend(loc="best")
