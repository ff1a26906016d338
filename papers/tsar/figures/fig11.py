"""Figure 11: rank against rank in C3 of all data-rich models, under transfer to ImageNet; and the gallery of Figures 11 to 19."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy
import pandas
from matplotlib.figure import Figure

from common.results.readers import Tables
from papers.tsar.figures import panels
from papers.tsar.figures.panels import Row
from papers.tsar.results import DATASETS

CAPTION = (
    "Synapses of {layer} by rank of their mean mask over all other tasks (x) and within a task (y), summed over tasks; one panel"
    " for each Grow model. Axes are inverted: the most active synapses are top right. Colours: counts, logarithmic. At most"
    " {most} models of a data set are shown{but}. The paper reports no numbers for this figure."
)


def gallery(layer: str, meta_learning_set: str, datasets: Sequence[str], most: int) -> panels.Functions:
    """Return `draw` and `values` of a figure with a rank-rank panel of every Grow model, as large as these need.

    layer: c1, c2 or c3; most: panels of each data set, beyond which the best data-rich run, of Figure 2 or 7, is left out.
    """
    is_rich = meta_learning_set == "rich"

    def fill(figure: Figure, tables: Tables, reported: pandas.DataFrame) -> dict[str, list[Row]]:
        runs = {dataset: panels.noted_of(tables, "grow", meta_learning_set, dataset) for dataset in datasets}
        left_out = {name: own.best if is_rich and len(own.seeds) > most else None for name, own in runs.items()}
        places = {
            name: [place for place in range(len(own.seeds)) if place != left_out[name]][:most]
            for name, own in runs.items()
        }
        columns = min(6 if most > 10 else 5, max(1, *map(len, places.values()), 1))
        heights = [max(1, math.ceil(len(own) / columns)) for own in places.values()]
        drawn: dict[str, list[Row]] = {}
        side = 1.2 if columns > 3 else 1.8
        figure.set_size_inches(max(4.5, columns * side + 0.4), sum(heights) * side + 0.5 * len(runs) + 0.8)
        blocks = figure.subfigures(len(runs), 1, height_ratios=heights, squeeze=False).flat
        for block, height, (dataset, own) in zip(blocks, heights, runs.items(), strict=True):
            block.suptitle(f"{layer.upper()}, {DATASETS[dataset]}, data-{meta_learning_set}", fontsize=9)
            block.supxlabel("Task-agnostic rank (log$_{10}$)", fontsize=8)
            block.supylabel("Task-specific rank (log$_{10}$)", fontsize=8)
            axes, drawn[dataset] = block.subplots(height, columns, squeeze=False).flat, []
            counts, synapses = own.of(f"rank_rank_{layer}"), own.of("synapses")
            for axis, place in zip(axes, places[dataset]):
                axis.set_title(f"seed {own.seeds[place]}", fontsize=7, loc="center")
                size = int(synapses[place, int(layer[1]) - 1])
                drawn[dataset] += panels.rank_rank(axis, counts[place], size, f"seed {own.seeds[place]}")
                axis.label_outer(remove_inner_ticks=True)
            if not places[dataset]:
                panels.rank_rank(axes[0], numpy.empty(0), 1, "")
            for axis in axes[max(1, len(places[dataset])) :]:
                axis.set_axis_off()
        but = ", without that of Figures 2, 6 and 7 if there are more" if is_rich else ""
        panels.caption(figure, CAPTION.format(layer=layer.upper(), most=most, but=but))
        return drawn

    return panels.made_by(fill, (7.2, 7.2))


draw, values = gallery("c3", "rich", ["imagenet"], 24)
