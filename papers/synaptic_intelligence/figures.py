"""The command line of the paper's figures: a table in; a PDF, a PNG and the plotted values out.

    python -m papers.synaptic_intelligence.figures fig3 --results split_mnist.csv --reported reported.csv --out fig3.pdf

Figures 1 and 2 are drawn from landscapes.csv, 3 from split_mnist.csv, 4 from permuted_mnist.csv, 5 from
correlations.csv and 6 from cifar.csv.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pandas
from matplotlib.figure import Figure

from common import plotting, records
from common import reported as reported_numbers
from papers.synaptic_intelligence import conditions, correlations, schematics
from papers.synaptic_intelligence.fig3 import fig3, fig3_values
from papers.synaptic_intelligence.fig4 import fig4, fig4_values
from papers.synaptic_intelligence.fig5 import fig5, fig5_values
from papers.synaptic_intelligence.fig6 import fig6, fig6_values


class Artifact(NamedTuple):
    """How a figure is made: its table read, drawn (with the paper's numbers and the provenance), its values taken."""

    read: Callable[[Path], pandas.DataFrame]
    draw: Callable[[pandas.DataFrame, pandas.DataFrame, dict], Figure]
    values: Callable[[pandas.DataFrame], pandas.DataFrame]


# The paper reports no numbers for Figures 1, 2 and 5.
FIGURES = {
    "fig1": Artifact(
        records.read_tables,
        lambda table, reported, provenance: schematics.fig1(table, provenance),
        lambda table: table[table["figure"] == "fig1"],
    ),
    "fig2": Artifact(
        records.read_tables,
        lambda table, reported, provenance: schematics.fig2(table, provenance),
        lambda table: table[table["figure"] == "fig2"],
    ),
    "fig3": Artifact(conditions.read, fig3, fig3_values),
    "fig4": Artifact(conditions.read, fig4, fig4_values),
    "fig5": Artifact(correlations.read, lambda table, reported, provenance: fig5(table, provenance), fig5_values),
    "fig6": Artifact(conditions.read, fig6, fig6_values),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m papers.synaptic_intelligence.figures", description="Draw a figure of the paper."
    )
    parser.add_argument("figure", choices=FIGURES)
    parser.add_argument("--results", required=True, type=Path, help="the figure's table, its .json beside it")
    parser.add_argument("--reported", required=True, type=Path, help="the paper's numbers")
    parser.add_argument("--out", required=True, type=Path, help="PDF to write; PNG and the plotted values go beside it")
    arguments = parser.parse_args()
    artifact = FIGURES[arguments.figure]
    results = artifact.read(arguments.results)
    provenance = records.read_provenance(arguments.results.with_suffix(".json"))
    figure = artifact.draw(results, reported_numbers.read(arguments.reported), provenance)
    records.write_table(arguments.out.with_suffix(".csv"), artifact.values(results))
    plotting.save(figure, arguments.out)


if __name__ == "__main__":
    main()
