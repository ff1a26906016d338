"""Figure 4: permuted MNIST, the average accuracy over the tasks learned so far, of all methods."""

from __future__ import annotations

import matplotlib
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
from papers.synaptic_intelligence.conditions import COLORS, color, label

CURVES = ("si-0.1", "ewc", "si-0.02", "si-0.01", "si-0", "sgd", "dropout")
THICK = ("si-0.1", "ewc", "si-0", "sgd", "dropout")  # those of the paper's figure
TASKS = conditions.TASKS["permuted_mnist"]
ZOOM, FULL = (0.965, 1.005), (0.5, 1.0)
ARCHIVE = "authors' archive (one run)"
ARCHIVED_JOINT = "joint training, training images: {:.4f}\n(a constant in the authors' notebook)"
CAPTION = (
    "Line and band: mean and SD over seeds (single runs where there are fewer than three); test images. The upper panel"
    " enlarges the lower one.\nc = 0 and dropout were trained with Adam, as the paper's text says; SGD is plain"
    " stochastic gradient descent. EWC is our own run;\nthe paper copies its points from Kirkpatrick et al. (2017)."
    " Arrow: the average training accuracy of one network trained on all tasks at once."
)


def draw(tables: Tables, reported: pandas.DataFrame) -> Figure:
    """Return Figure 4: the whole range below, and above it a close-up with the two reference marks."""
    table, plotted = tables["permuted_mnist"], values(tables)
    figure = Figure(figsize=(7.2, 5.4))
    zoom, full = figure.subplots(2, 1, sharex=True, height_ratios=(1, 1.15))
    zoom.set(ylim=ZOOM, xlim=(0.5, TASKS + 0.8), xticks=range(1, TASKS + 1))
    full.set(ylim=(min([FULL[0], *plotted["mean"] - 0.02]), FULL[1]))
    full.set_xlabel("Number of tasks")
    for axis in (zoom, full):
        for condition in results.shown(table, CURVES):
            _draw_curve(axis, table, condition)
        _draw_archive(axis, reported)
        axis.set_ylabel("Average accuracy")
    figure.align_ylabels()
    _draw_single_task(zoom, plotted)
    _draw_joint(zoom, plotted, reported)
    if plotted.empty:
        no_runs(full)
    figure.legend(*zoom.get_legend_handles_labels(), loc="outside right upper", labelspacing=0.7)
    plotting.caption(figure, CAPTION)
    return figure


def values(tables: Tables) -> pandas.DataFrame:
    """Return what Figure 4 plots: mark, condition, split, x (number of tasks), mean, sd (nan if n = 1) and n.

    mark: "average" of the curves, "single task" of the dotted line, "joint" of the arrow (and its test accuracy).
    """
    table = tables["permuted_mnist"]
    rows = [
        ("average", condition, "test", tasks, runs)
        for condition in results.shown(table, CURVES)
        for tasks, runs in accuracies.averages(table, condition, "test").items()
    ]
    single = accuracies.entry(table, "si-0", "test", 1, 1)
    rows += [("single task", "si-0", "test", 1, list(single.values()))] * bool(single)
    for split in ("train", "test"):
        for tasks, runs in accuracies.averages(table, "joint", split).items():
            rows.append(("joint", "joint", split, tasks, runs))
    return summaries(rows, ["mark", "condition", "split", "x", "mean", "sd", "n"])


def _draw_curve(axis: Axes, table: pandas.DataFrame, condition: str) -> None:
    averages = accuracies.averages(table, condition, "test")
    name = name_with_runs(label(condition), len(averages))
    look, width = color(condition, CURVES), 1.8 if condition in THICK else 0.8
    if averages.empty:
        axis.plot([], [], ":", color=look, linewidth=width, label=name)
        return
    with matplotlib.rc_context({"lines.linewidth": width}):
        plotting.band(axis, averages.columns.to_numpy(), averages.to_numpy(), name, look)
    if len(averages.columns) == 1:  # a line through one point is invisible
        axis.plot(averages.columns, averages.mean(), "o", color=look, markersize=3)


def _draw_archive(axis: Axes, reported: pandas.DataFrame) -> None:
    low, high = axis.get_ylim()
    for condition in CURVES:
        numbers = reported_numbers.results(reported, artifact="fig4", panel="average", method=label(condition))
        for row in numbers[numbers["value"].between(low, high)].itertuples():
            plotting.reported_marker(axis, row.x, row.value, row.spread, COLORS[condition], label=ARCHIVE)


def _draw_single_task(axis: Axes, values: pandas.DataFrame) -> None:
    for row in values[values["mark"] == "single task"].itertuples():
        name = f"single task: {row.mean:.4f} test\n(task 1 after task 1, c = 0)"
        axis.axhline(row.mean, color="black", linestyle=":", linewidth=1, zorder=1, label=name)


def _draw_joint(axis: Axes, values: pandas.DataFrame, reported: pandas.DataFrame) -> None:
    """Draw the paper's arrow, at our training accuracy, and the authors' own number beside it."""
    joint = values[values["mark"] == "joint"].set_index("split")
    right = axis.get_xlim()[1]
    name = name_with_runs(label("joint"), 0)
    if not joint.empty:
        train, test = joint.loc["train"], joint.loc["test"]
        name = name_with_runs(label("joint"), train["n"])
        name += f":\n{train['mean']:.4f} training (arrow), {test['mean']:.4f} test"
        if axis.get_ylim()[0] <= train["mean"] <= axis.get_ylim()[1]:
            arrow = {"arrowstyle": "-|>", "color": "black", "linewidth": 1.5}
            tip, tail = (right - 0.55, train["mean"]), (right + 0.2, train["mean"])
            axis.annotate("", tip, tail, arrowprops=arrow, annotation_clip=False)
    axis.plot([], [], "<", color="black", label=name)
    for row in reported_numbers.results(reported, artifact="fig4", panel="joint").itertuples():
        name = ARCHIVED_JOINT.format(row.value)
        plotting.reported_marker(axis, right - 0.75, row.value, row.spread, COLORS["joint"], label=name)
