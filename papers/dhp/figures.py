"""The command line of the paper's figures and table: collected tables in, a figure or a table out.

    python -m papers.dhp.figures fig2 --results permuted.csv split.csv --reported reported.csv --out fig2.pdf
    python -m papers.dhp.figures table1 --results permuted.csv vision.csv --reported reported.csv --out table1.tex

A figure is a PDF with a PNG and the plotted values (.csv) beside it; a table is LaTeX with Markdown and CSV beside it.
Tables that are missing count as not run.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from common import collect, plotting, records
from common import reported as reported_numbers
from common import tables as table_files
from papers.dhp import collected, tables
from papers.dhp.fig1 import fig1, fig1_values
from papers.dhp.fig2 import fig2, fig2_values
from papers.dhp.fig3 import fig3, fig3_values
from papers.dhp.fig4 import fig4, fig4_values
from papers.dhp.runs import NEEDS

FIGURES = {"fig1": fig1, "fig2": fig2, "fig3": fig3, "fig4": fig4}
VALUES = {"fig1": fig1_values, "fig2": fig2_values, "fig3": fig3_values, "fig4": fig4_values}


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m papers.dhp.figures", description="Draw a figure or write the table of the paper."
    )
    parser.add_argument("name", choices=NEEDS)
    parser.add_argument("--results", required=True, nargs="+", type=Path, help="collected tables, .json beside them")
    parser.add_argument("--reported", required=True, type=Path, help="the paper's numbers")
    parser.add_argument("--out", required=True, type=Path, help="the PDF of a figure or the LaTeX of a table")
    arguments = parser.parse_args()
    name, out = arguments.name, arguments.out
    if unneeded := [path.name for path in arguments.results if path.stem not in NEEDS[name]]:
        parser.error(f"{name} is made from {', '.join(NEEDS[name])} (.csv), not from {', '.join(unneeded)}")
    found, provenances = collected.read(arguments.results)
    reported = reported_numbers.read(arguments.reported)
    if name == "table1":
        values = tables.table1_values(found, reported)
        stamp = collect.stamp_of_all(provenances)
        table_files.write(out, tables.table1(values), tables.CAPTION, stamp, tables.HEADINGS, exact=values)
        return
    figure = FIGURES[name](found, reported, provenances)
    records.write_table(out.with_suffix(".csv"), VALUES[name](found))
    plotting.save(figure, out)


if __name__ == "__main__":
    main()
