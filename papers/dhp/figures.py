"""The command line of the paper's figures and table: collected tables in, a figure or a table out.

    python -m papers.dhp.figures fig2 --results permuted.csv split.csv --reported reported.csv --out fig2.pdf
    python -m papers.dhp.figures table1 --results permuted.csv vision.csv --reported reported.csv --out table1.tex

A figure is a PDF with a PNG and the plotted values (.csv) beside it; a table is LaTeX with Markdown and CSV beside it.
Tables that are missing count as not run.
"""

from __future__ import annotations

from common import collect, plotting, records
from common import tables as table_files
from common.collected import request
from papers.dhp import collected, tables, variants
from papers.dhp.fig1 import fig1, fig1_values
from papers.dhp.fig2 import fig2, fig2_values
from papers.dhp.fig3 import fig3, fig3_values
from papers.dhp.fig4 import fig4, fig4_values
from papers.dhp.runs import NEEDS

FIGURES = {"fig1": fig1, "fig2": fig2, "fig3": fig3, "fig4": fig4}
VALUES = {"fig1": fig1_values, "fig2": fig2_values, "fig3": fig3_values, "fig4": fig4_values}


def main() -> None:
    name, out, found, reported, provenances = request("papers.dhp.figures", collected.READERS, NEEDS)
    if name == "table1":
        values = tables.table1_values(found, reported, collected.diverged(provenances))
        stamp = collect.stamp_of_all(provenances)
        headings = tables.headings({table: about["scale"] for table, about in provenances.items()})
        table_files.write(out, tables.table1(values), tables.CAPTION, stamp, headings, exact=values)
        return
    if name == "variants":
        table = variants.variants(found, reported)
        table_files.write(out, table, variants.CAPTION, collect.stamp_of_all(provenances), variants.HEADINGS)
        return
    figure = FIGURES[name](found, reported, provenances)
    records.write_table(out.with_suffix(".csv"), VALUES[name](found))
    plotting.save(figure, out)


if __name__ == "__main__":
    main()
