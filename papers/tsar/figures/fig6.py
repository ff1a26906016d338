"""Figure 6: transfer to ImageNet: rank against rank, the sweep of initial biases, pairs of synapses, and regulation."""

from __future__ import annotations

from functools import partial

import numpy
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from common.drawing import plotting
from common.results import reported as reported_numbers
from common.results.readers import Tables
from common.results.stats import summary
from papers.tsar import results
from papers.tsar.conditions import COLORS, LABELS, OTHER
from papers.tsar.figures import fig2, panels
from papers.tsar.figures.fig4 import BY_THRESHOLD
from papers.tsar.figures.panels import Noted, Row
from papers.tsar.protocol import NAMED_BIASES, with_initial_bias
from papers.tsar.results import DATASETS

CAPTION = (
    f"Transfer to {{dataset}}. {fig2.ABOUT_A}B: recall after the last class by initial bias, mean and SD over models; dots are"
    " runs. Hollow diamonds: what the paper reports for Grow and Sculpt, with SD. C: normalised pointwise mutual information of"
    " pairs of C3 synapses that lie above T at more than 1% of images, 0 for a pair that never does together; mean and SD over Grow's models (single runs below"
    f" three). D, E: {fig2.ABOUT_CCDF}"
)


def fill(figure: Figure, tables: Tables, reported: pandas.DataFrame, dataset: str) -> dict[str, list[Row]]:
    """Draw Figure 6 or 7, and return the rows of its panels."""
    grow = panels.noted_of(tables, dataset=dataset)
    axes = panels.axes_of(figure, "mgb", "BCDE", heights=(1.1, 1))
    drawn = fig2.modularity([axes[key] for key in "mgb"], grow)
    axes["B"].set_title("B  By initial bias")
    drawn["B"] = _biases(axes["B"], tables, dataset)
    named = {LABELS[condition]: condition for condition in NAMED_BIASES}
    for row in reported_recall(reported, dataset, "rich").itertuples():
        if condition := named.get(row.method):
            place = NAMED_BIASES[condition]
            plotting.reported_marker(axes["B"], place, row.value, row.spread, COLORS[condition])
    axes["C"].set_title("C  Pairs of synapses")
    drawn["C"] = _npmi(axes["C"], grow)
    for panel, name in (("D", "rich"), ("E", "scarce")):
        axes[panel].set_title(f"{panel}  Data-{name}")
        drawn[panel] = panels.regulation(axes[panel], tables, "c3", name, dataset)
    panels.caption(figure, CAPTION.format(dataset=DATASETS[dataset]))
    return drawn


def reported_recall(reported: pandas.DataFrame, dataset: str, meta_learning_set: str) -> pandas.DataFrame:
    """Return the paper's rows on recall after 100 classes of a data set."""
    rows = reported_numbers.results(reported)
    setting = rows["setting"]
    return rows[setting.str.startswith(DATASETS[dataset]) & setting.str.contains(f"data {meta_learning_set}")]


def _biases(axis: Axes, tables: Tables, dataset: str) -> list[Row]:
    """Recall after the last class by initial bias: mean and SD, and the runs as dots."""
    axis.set(xlabel="Initial regulatory bias", ylabel="Recall (%)", xlim=(-13, 13), ylim=(-2, 102))
    axis.set(xticks=(-8, 0, 8), yticks=range(0, 101, 20))
    rows: list[Row] = []
    for bias in range(-12, 13):
        curves = results.curves(tables, condition := with_initial_bias(bias), "rich", dataset)
        if curves.empty:
            continue
        final, color = curves.iloc[:, -1].tolist(), COLORS.get(condition, OTHER)
        own = summary(final)
        axis.plot([bias] * own.n, final, ".", color=color, markersize=3, alpha=0.4, markeredgewidth=0)
        error = own.sd if own.n > 1 else None
        axis.errorbar([bias], [own.mean], error, fmt="o", color=color, markersize=3.5, capsize=2, linewidth=1)
        rows.append((LABELS.get(condition, f"bias {bias}"), "recall (%)", bias, final))
    if not rows:
        axis.text(0, 15, plotting.NO_RUNS, ha="center", va="center", color="0.35", fontsize=plotting.TINY)
    return rows


def _npmi(axis: Axes, runs: Noted) -> list[Row]:
    """Percent of pairs by NPMI; runs without pairs are left out."""
    counts, thresholds = runs.of("npmi_c3"), runs.of_best("thresholds")  # [runs, thresholds, bins]
    axis.set(xlabel="NPMI", ylabel="Pairs (%)", xlim=(-1, 1))
    if not counts.any():
        return panels.empty(axis, f"no pairs above {thresholds.min():.2f}" if len(counts) else plotting.NO_RUNS)
    edges, rows = numpy.linspace(-1, 1, counts.shape[2] + 1), []
    x = (edges[1:] + edges[:-1]) / 2
    axis.axvline(0, color="0.6", linewidth=0.6)
    for (threshold, color), own in zip(zip(thresholds, BY_THRESHOLD), counts.swapaxes(0, 1), strict=True):
        if len(own := own[own.any(1)]):
            shares = 100 * own / own.sum(1, keepdims=True)
            plotting.band(axis, x, shares, color=color, label=f"{threshold:.2f}")
            rows += [(f"T = {threshold:.2f}", "pairs (%)", at, values.tolist()) for at, values in zip(x, shares.T)]
    axis.set_ylim(bottom=0)
    axis.legend(loc="upper left", title="T", **panels.SHORT)
    return rows


draw, values = panels.made_by(partial(fill, dataset="imagenet"), (7.2, 5.2))
