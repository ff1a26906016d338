"""Figure 5: permuted MNIST, how the importances of two tasks correlate, without and with consolidation."""

from __future__ import annotations

import numpy
import pandas
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from common.drawing import plotting
from common.drawing.plotting import no_runs
from common.results.readers import Tables
from common.results.stats import summaries, summary
from papers.synaptic_intelligence.results import KINDS, correlation_matrices, mean_of_pairs

ROWS = {"si-0": "Fine-tuning, c = 0", "si-0.1": "Consolidation, c = 0.1"}
COLUMNS = {1: "First layer", 2: "Second layer"}
CAPTION = (
    "Pearson correlation of the importances of two tasks, over all weights of a layer; mean over seeds.\n"
    "r: mean over pairs of different tasks, SD over seeds. The paper reports no numbers for this figure."
)


def draw(tables: Tables, reported: pandas.DataFrame) -> Figure:
    """Return Figure 5: rows c = 0 and c = 0.1, columns first and second layer; one colour scale for all."""
    figure = Figure(figsize=(5.8, 5.5))
    axes = figure.subplots(2, 2, sharex=True, sharey=True)
    table, image = tables["correlations"], None
    for row, condition in zip(axes, ROWS, strict=True):
        for axis, layer in zip(row, COLUMNS, strict=True):
            image = _draw_matrix(axis, table, condition, layer) or image
        runs = len(correlation_matrices(table, condition, layer=1))
        row[0].set_ylabel(f"{ROWS[condition]} (n = {runs})\nTask", linespacing=1.6)
    for axis in axes[1]:
        axis.set_xlabel("Task")
    if image is not None:
        bar = figure.colorbar(image, ax=axes, shrink=0.6, fraction=0.04)
        bar.set_label("Correlation of importances")
    plotting.caption(figure, CAPTION)
    return figure


def values(tables: Tables) -> pandas.DataFrame:
    """Return what Figure 5 plots, and Spearman's beside it: condition, layer, kind, task, other_task, mean, sd and n."""
    rows = []
    for condition in ROWS:
        for layer in COLUMNS:
            for kind in KINDS:
                matrices = correlation_matrices(tables["correlations"], condition, layer, kind)
                if not matrices:
                    continue
                runs = numpy.stack(list(matrices.values()))
                for task, other in numpy.ndindex(runs.shape[1:]):
                    rows.append((condition, layer, kind, task + 1, other + 1, runs[:, task, other]))
    return summaries(rows, ["condition", "layer", "kind", "task", "other_task", "mean", "sd", "n"])


def _draw_matrix(axis: Axes, table: pandas.DataFrame, condition: str, layer: int) -> AxesImage | None:
    """Draw one matrix; returns its image, None if there are no runs."""
    matrices = list(correlation_matrices(table, condition, layer).values())
    if not matrices:
        axis.set_title(COLUMNS[layer], loc="center")
        axis.set(xticks=[], yticks=[])
        no_runs(axis)
        return None
    mean = numpy.mean(matrices, axis=0)
    tasks = len(mean)
    edges = (0.5, tasks + 0.5)
    image = axis.imshow(mean, cmap="viridis", vmin=0, vmax=1, extent=(*edges, *edges[::-1]), interpolation="none")
    axis.set(xticks=range(1, tasks + 1), yticks=range(1, tasks + 1))
    axis.spines[:].set_visible(False)
    axis.set_title(f"{COLUMNS[layer]}, {_mean_text(matrices)}", loc="center")
    return image


def _mean_text(matrices: list[numpy.ndarray]) -> str:
    if len(matrices[0]) == 1:
        return "one task"
    own = summary(map(mean_of_pairs, matrices))
    return f"r = {own.mean:.2f}" + (f" ± {own.sd:.2f}" if own.n > 1 else "")
