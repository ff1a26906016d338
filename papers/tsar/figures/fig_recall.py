"""A figure of our own: what transfer recalls after how much meta-learning."""

from __future__ import annotations

import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from common.drawing import plotting
from common.results import reported as reported_numbers
from common.results.readers import Tables
from common.results.stats import summaries
from papers.tsar import results
from papers.tsar.conditions import COLORS, LABELS
from papers.tsar.protocol import NAMED_BIASES

TITLES = {"final": "A  After the last class", "averaged": "B  Averaged over the curve"}
CAPTION = (
    "Recall under transfer from models of several lengths of data-rich meta-learning: dots are runs, lines join their means.\n"
    "Each is the finished model of a run of that length, with a learning rate that was tuned; 0 is the network before meta-learning.\n"
    "B averages all points at which Figure 1 A shows recall. Dashed: the paper's, after 25,000 iterations at full width."
)


def draw(tables: Tables, reported: pandas.DataFrame) -> Figure:
    """Return the figure: final and averaged recall, Grow's and Sculpt's."""
    plotted = values(tables)
    figure = Figure(figsize=(6.4, 3.0))
    panels = figure.subplots(1, 2, sharey=True)
    for axis, (which, title) in zip(panels, TITLES.items(), strict=True):
        axis.set_title(title)
        axis.set_xlabel("Meta-iterations")
        axis.set(ylim=(-2, 102), yticks=range(0, 101, 20))
        for condition in NAMED_BIASES:
            _draw_runs(axis, _runs(tables, condition, which), condition)
        _draw_lengths(axis, sorted(set(plotted["x"])))
    panels[0].set_ylabel("Recall (%)")
    for row in reported_numbers.results(reported, artifact="fig1", panel="A").itertuples():
        for condition in NAMED_BIASES:
            if LABELS[condition] == row.method:
                name = f"paper, {row.method}"
                panels[0].axhline(row.value, color=COLORS[condition], linestyle="--", linewidth=0.8, label=name)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=4)
    plotting.caption(figure, CAPTION)
    return figure


def values(tables: Tables) -> pandas.DataFrame:
    """Return what is plotted: recall (final or averaged), condition, x (meta-iterations), mean, sd (nan if n = 1) and n."""
    rows = [
        (which, condition, x, runs)
        for which in TITLES
        for condition in NAMED_BIASES
        for x, runs in _runs(tables, condition, which).items()
    ]
    return summaries(rows, ["recall", "condition", "x", "mean", "sd", "n"])


def _runs(tables: Tables, condition: str, which: str) -> dict[int, list[float]]:
    """Return recall of all runs, final or averaged, by the number of meta-iterations."""
    curves = results.snapshots(tables, condition)
    return {
        length: (table.iloc[:, -1] if which == "final" else table.mean(axis=1)).tolist()
        for length, table in curves.items()
    }


def _draw_runs(axis: Axes, runs: dict[int, list[float]], condition: str) -> None:
    color = COLORS[condition]
    name = plotting.name_with_runs(LABELS[condition], *map(len, runs.values()))
    means = [sum(own) / len(own) for own in runs.values()]
    axis.plot(list(runs), means, color=color, marker="o", markersize=3.5, label=name)
    for length, own in runs.items():
        axis.plot([length] * len(own), own, ".", color=color, markersize=4, alpha=0.5, markeredgewidth=0)


def _draw_lengths(axis: Axes, lengths: list[int]) -> None:
    """Make the axis logarithmic, with a tick at each length; at its left there is room for 0, untrained networks."""
    if not lengths:
        plotting.no_runs(axis)
        axis.set_xticks([])
        return
    first = next(filter(None, lengths), 1)
    axis.set_xscale("symlog", linthresh=first / 2, linscale=0.2)
    axis.set_xlim(-first / 8 if lengths[0] == 0 else first / 1.3, max(lengths[-1], first) * 1.3)
    axis.set_xticks(lengths, [f"{length:,}" for length in lengths])
    axis.xaxis.set_minor_locator(NullLocator())
