"""The command line of the paper's figures: collected tables in, a figure out.

    python -m papers.dan.figures fig2 --results image_errors.csv image_grids.csv --reported reported.csv --out fig2.pdf

A figure is a PDF with a PNG and the plotted values (.csv) beside it.  Tables that are missing count as not run.
"""

from __future__ import annotations

from common import plotting, records
from common.collected import request
from papers.dan import collected
from papers.dan.fig1 import fig1, fig1_values
from papers.dan.fig2 import fig2, fig2_values
from papers.dan.fig3 import fig3, fig3_values
from papers.dan.fig4 import fig4, fig4_values
from papers.dan.runs import NEEDS

FIGURES = {"fig1": fig1, "fig2": fig2, "fig3": fig3, "fig4": fig4}
VALUES = {"fig1": fig1_values, "fig2": fig2_values, "fig3": fig3_values, "fig4": fig4_values}


def main() -> None:
    name, out, found, reported, provenances = request("papers.dan.figures", collected.READERS, NEEDS)
    figure = FIGURES[name](found, reported, provenances)
    records.write_table(out.with_suffix(".csv"), VALUES[name](found))
    plotting.save(figure, out)


if __name__ == "__main__":
    main()
