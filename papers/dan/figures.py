"""The command line of the paper's figures: collected tables in, a figure out.

    python -m papers.dan.figures fig2 --results image_errors.csv image_grids.csv --reported reported.csv --out fig2.pdf

A figure is a PDF with a PNG and the plotted values (.csv) beside it.  Tables that are missing count as not run.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from common import plotting, records
from common import reported as reported_numbers
from papers.dan import collected
from papers.dan.fig1 import fig1, fig1_values
from papers.dan.fig2 import fig2, fig2_values
from papers.dan.fig3 import fig3, fig3_values
from papers.dan.fig4 import fig4, fig4_values
from papers.dan.runs import NEEDS

FIGURES = {"fig1": fig1, "fig2": fig2, "fig3": fig3, "fig4": fig4}
VALUES = {"fig1": fig1_values, "fig2": fig2_values, "fig3": fig3_values, "fig4": fig4_values}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m papers.dan.figures", description="Draw a figure of the paper.")
    parser.add_argument("name", choices=NEEDS)
    parser.add_argument("--results", required=True, nargs="+", type=Path, help="collected tables, .json beside them")
    parser.add_argument("--reported", required=True, type=Path, help="what the paper reports")
    parser.add_argument("--out", required=True, type=Path, help="the figure's PDF")
    arguments = parser.parse_args()
    name, out = arguments.name, arguments.out
    if unneeded := [path.name for path in arguments.results if path.stem not in NEEDS[name]]:
        parser.error(f"{name} is made from {', '.join(NEEDS[name])} (.csv), not from {', '.join(unneeded)}")
    found, provenances = collected.read(arguments.results)
    figure = FIGURES[name](found, reported_numbers.read(arguments.reported), provenances)
    records.write_table(out.with_suffix(".csv"), VALUES[name](found))
    plotting.save(figure, out)


if __name__ == "__main__":
    main()
