"""The command line of the paper's figures and tables: collected tables in, a figure or a table out.

    python -m papers.sticky_gradient.figures fig2 --results accuracies.csv --reported reported.csv --out fig2.pdf
    python -m papers.sticky_gradient.figures table1 --results search.csv --reported reported.csv --out table1.tex

A figure is a PDF with a PNG and the plotted values (.csv) beside it; a table is LaTeX with Markdown and CSV beside it.
"""

from __future__ import annotations

from common import collect, plotting, records
from common import tables as table_files
from common.collected import request
from papers.sticky_gradient import collected, tables
from papers.sticky_gradient.fig1 import fig1, fig1_values
from papers.sticky_gradient.fig2 import fig2, fig2_values
from papers.sticky_gradient.fig3 import fig3, fig3_values
from papers.sticky_gradient.fig4 import fig4, fig4_values
from papers.sticky_gradient.fig5 import fig5, fig5_values
from papers.sticky_gradient.runs import NEEDS

FIGURES = {"fig1": fig1, "fig2": fig2, "fig3": fig3, "fig4": fig4, "fig5": fig5}
VALUES = {
    "fig1": fig1_values,
    "fig2": lambda tables, reported: fig2_values(tables),
    "fig3": lambda tables, reported: fig3_values(tables),
    "fig4": lambda tables, reported: fig4_values(tables),
    "fig5": lambda tables, reported: fig5_values(tables),
}
TABLES = {"table1": tables.table1, "table2": tables.table2, "table3": tables.table3, "readings": tables.readings}


def main() -> None:
    name, out, found, reported, provenances = request("papers.sticky_gradient.figures", collected.READERS, NEEDS)
    if name in TABLES:
        table = TABLES[name](found, reported, provenances)
        table_files.write(out, table, tables.CAPTIONS[name], collect.stamp_of_all(provenances), tables.HEADINGS[name])
        return
    figure = FIGURES[name](found, reported, provenances)
    records.write_table(out.with_suffix(".csv"), VALUES[name](found, reported))
    plotting.save(figure, out)


if __name__ == "__main__":
    main()
