"""Figure 5: permuted MNIST, how the importances of two tasks correlate, without and with consolidation."""

from __future__ import annotations

import numpy
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from common import collect, plotting
from common.plotting import SMALL, TINY, no_runs
from common.stats import summaries, summary
from papers.synaptic_intelligence import correlations

ROWS = {"si-0": "Fine-tuning, c = 0", "si-0.1": "Consolidation, c = 0.1"}
COLUMNS = {1: "First layer", 2: "Second layer"}
CAPTION = (
    "Pearson correlation of the importances of two tasks, over all weights of a layer; mean over seeds.\n"
    "r: mean over pairs of different tasks, SD over seeds. The paper reports no numbers for this figure."
)


def fig5(results: pandas.DataFrame, provenance: dict) -> Figure:
    """Return Figure 5: rows c = 0 and c = 0.1, columns first and second layer; one colour scale for all.

    results: as `correlations.read` returns it; provenance: the table's.
    """
    with plotting.style():
        figure = Figure(figsize=(5.8, 5.5))
        axes = figure.subplots(2, 2, sharex=True, sharey=True)
        image = None
        for row, condition in zip(axes, ROWS, strict=True):
            for axis, layer in zip(row, COLUMNS, strict=True):
                image = _draw_matrix(axis, results, condition, layer) or image
            runs = len(correlations.matrices(results, condition, layer=1))
            row[0].set_ylabel(f"{ROWS[condition]} (n = {runs})\nTask", fontsize=SMALL, linespacing=1.6)
        for axis in axes[1]:
            axis.set_xlabel("Task", fontsize=SMALL)
        if image is not None:
            bar = figure.colorbar(image, ax=axes, shrink=0.6, fraction=0.04)
            bar.set_label("Correlation of importances", fontsize=SMALL)
            bar.ax.tick_params(labelsize=SMALL)
        figure.supxlabel(CAPTION, fontsize=6.5, color="0.35")
        plotting.stamp(figure, *collect.stamp(provenance))
    return figure


def fig5_values(results: pandas.DataFrame) -> pandas.DataFrame:
    """Return what Figure 5 plots, and Spearman's beside it: condition, layer, kind, task, other_task, mean, sd and n."""
    rows = []
    for condition in ROWS:
        for layer in COLUMNS:
            for kind in correlations.KINDS:
                found = correlations.matrices(results, condition, layer, kind)
                if not found:
                    continue
                runs = numpy.stack(list(found.values()))
                for task, other in numpy.ndindex(runs.shape[1:]):
                    rows.append((condition, layer, kind, task + 1, other + 1, runs[:, task, other]))
    return summaries(rows, ["condition", "layer", "kind", "task", "other_task", "mean", "sd", "n"])


def _draw_matrix(axis: Axes, results: pandas.DataFrame, condition: str, layer: int):
    """Draw one matrix; returns its image, None if there are no runs."""
    axis.tick_params(labelsize=TINY)
    found = correlations.matrices(results, condition, layer)
    if not found:
        axis.set_title(COLUMNS[layer], fontsize=SMALL)
        axis.set(xticks=[], yticks=[])
        no_runs(axis)
        return None
    mean = numpy.mean(list(found.values()), axis=0)
    tasks = len(mean)
    edges = (0.5, tasks + 0.5)
    image = axis.imshow(mean, cmap="viridis", vmin=0, vmax=1, extent=(*edges, *edges[::-1]), interpolation="none")
    axis.set(xticks=range(1, tasks + 1), yticks=range(1, tasks + 1))
    axis.spines[:].set_visible(False)
    axis.set_title(f"{COLUMNS[layer]}, {_mean_text(list(found.values()))}", fontsize=SMALL)
    return image


def _mean_text(matrices: list[numpy.ndarray]) -> str:
    if len(matrices[0]) == 1:
        return "one task"
    own = summary(map(correlations.mean_of_pairs, matrices))
    return f"r = {own.mean:.2f}" + (f" ± {own.sd:.2f}" if own.n > 1 else "")
