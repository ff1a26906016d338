"""Figure 4: the average test accuracy after all tasks against the initial value of eta, on three benchmarks."""

from __future__ import annotations

import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from common import accuracies, collect, plotting
from common.collected import Tables
from common.plotting import SMALL, TINY
from common.stats import summaries
from papers.dhp import collected, conditions, drawing
from papers.dhp.conditions import BENCHMARKS, DHP, TASKS
from papers.dhp.evidence import INITIAL_ETA

PANELS = ("permuted", "imbalanced", "split")
ETAS = (0.0001, 0.0005, 0.001, 0.01, 0.1)  # the paper's
COLORS = dict(zip(PANELS, (plotting.PALETTE[name] for name in ("blue", "green", "vermilion")), strict=True))
PAPER = "paper, Table I (mean, SEM)"
CAPTION = (
    "DHP Softmax without consolidation, mean over seeds with a band of one standard error. The paper gives no numbers"
    " for this figure; diamonds: Table I,\nwhose runs began at η = 0.001. The three axes of accuracy differ."
)


def fig4(tables: Tables, reported: pandas.DataFrame, provenances: dict[str, dict]) -> Figure:
    """Return Figure 4: Permuted (left), Imbalanced Permuted (centre) and Split MNIST (right)."""
    values = fig4_values(tables)
    with plotting.style():
        figure = Figure(figsize=(9.4, 3.2))
        axes = figure.subplots(1, 3)
        for axis, benchmark in zip(axes, PANELS, strict=True):
            _draw_panel(axis, values[values["benchmark"] == benchmark], benchmark, reported)
        axes[0].set_ylabel("Average test accuracy\nafter all tasks (%)", fontsize=SMALL)
        figure.supxlabel(CAPTION, fontsize=6.5, color="0.35")
        plotting.stamp(figure, *collect.stamp_of_all(provenances))
    return figure


def fig4_values(tables: Tables) -> pandas.DataFrame:
    """Return what Figure 4 plots: benchmark, x (initial eta), tasks, mean in %, sem (nan if n = 1) and n."""
    sweep, rows = collected.table(tables, "eta"), []
    for benchmark in PANELS:
        for eta, found in conditions.at_eta(sweep, benchmark).items():
            last = accuracies.tasks(found)
            rows.append((benchmark, eta, last, conditions.so_far(found, DHP)[last]))
    return summaries(rows, ["benchmark", "x", "tasks", "mean", "sem", "n"])


def _draw_panel(axis: Axes, values: pandas.DataFrame, benchmark: str, reported: pandas.DataFrame) -> None:
    axis.set_title(BENCHMARKS[benchmark], loc="left", fontsize=SMALL + 1)
    tasks = set(values["tasks"])
    if values.empty:
        plotting.no_runs(axis)
        axis.set_yticks([])
    else:
        runs = sorted(set(values["n"].astype(int)))
        name = f"ours (n = {' or '.join(map(str, runs))})"
        drawing.band(axis, values, COLORS[benchmark], marker="o", markersize=4, label=name)
    paper = drawing.in_table1(reported, benchmark, DHP)
    if tasks == {TASKS[benchmark]}:  # after fewer tasks, the paper's number says nothing of ours
        plotting.reported_marker(axis, INITIAL_ETA, paper["value"], paper["spread"], "black", label=PAPER)
    axis.set_xscale("log")
    axis.set_xlim(ETAS[0] / 1.6, ETAS[-1] * 1.6)
    axis.set_xticks(ETAS, [f"{eta:g}" for eta in ETAS], rotation=45, ha="right", rotation_mode="anchor")
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.tick_params(labelsize=TINY)
    axis.tick_params(axis="x", which="minor", length=0)
    axis.set_xlabel(
        "Initial η" + "".join(f" ({count} tasks)" for count in sorted(tasks - {TASKS[benchmark]})), fontsize=SMALL
    )
    axis.grid(axis="y", color="0.9", linewidth=0.6)
    axis.margins(y=0.15)
    if axis.get_legend_handles_labels()[0]:
        axis.legend(fontsize=TINY, loc="best")
