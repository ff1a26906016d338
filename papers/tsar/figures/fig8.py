"""Figure 8: regulation of C1 and C2 under transfer, by initial bias, for both data sets and meta-learning sets."""

from __future__ import annotations

import itertools

import pandas
from matplotlib.figure import Figure

from common.results.readers import Tables
from papers.tsar.figures import fig2, panels
from papers.tsar.figures.panels import Row
from papers.tsar.results import DATASETS

CAPTION = (
    f"Regulation of C1 and C2: {fig2.ABOUT_CCDF}The paper does not say which panel shows what; C3 is in Figures 6 and 7. It"
    " reports no numbers for this figure."
).replace("C3 masks", "masks")


def _fill(figure: Figure, tables: Tables, reported: pandas.DataFrame) -> dict[str, list[Row]]:
    axes, drawn = panels.axes_of(figure, "ABCD", "EFGH"), {}
    shown = itertools.product(("rich", "scarce"), DATASETS, ("c1", "c2"))
    for (panel, axis), (name, dataset, layer) in zip(axes.items(), shown, strict=True):
        drawn[panel] = panels.regulation(axis, tables, layer, name, dataset)
        axis.set(title=f"{panel}  {DATASETS[dataset]}, {layer.upper()}", ylabel="")
        if panel in "AE":
            axis.set_ylabel(f"Share at or above it, data-{name}")
    return drawn


draw, values = panels.made_by(_fill, (7.2, 4.6), CAPTION)
