"""Make a figure, a table or the comparison of a paper from its collected tables.

    python -m common.running.make dhp fig2 --results permuted.csv split.csv --reported reported.csv --out fig2.pdf
    python -m common.running.make dhp table1 --results permuted.csv split.csv --reported reported.csv --out table1.tex
    python -m common.running.make dhp comparison --results permuted.csv --reported reported.csv --out comparison.csv

A figure is a PDF with a PNG and the plotted values (.csv) beside it, or an SVG; a table is LaTeX with Markdown and CSV beside it; the
comparison is comparison.csv with claims.csv and comparison.md beside it. Tables that are not given count as not run.

A figure is drawn by papers/<paper>/figures/<name>.py: `draw(tables, reported)` returns a matplotlib figure, `values(tables)`
what it plots, and `stamp(tables)`, if it is there, what to say in place of the usual stamp. Of a table `draw(tables, reported)` returns a `typeset.Table`. `comparison` says what a comparison takes.
"""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from types import ModuleType

os.environ["MPLBACKEND"] = "agg"  # matplotlib, which looks at it once imported, draws into files alone

import pandas
from matplotlib.figure import Figure

from common.data.files import atomic_write, check_outputs, written
from common.drawing import plotting, typeset
from common.results import comparison, readers, reported, reported_rows, stamps
from common.results.readers import Tables
from common.running import command_line, register


def part(paper: str, name: str) -> ModuleType:
    """Return a module of a paper or a study."""
    return importlib.import_module(f"{register.of(paper).package}.{name}")


def read(paper: str, name: str, paths: list[Path], scale: str) -> Tables:
    """Return the tables that a figure, a table or the comparison is made from, with what it may read of the protocol.

    Their records say what the stamp names (`Register.stamped`).
    """
    known = register.of(paper)
    run = readers.read(paths, part(paper, "results").READERS, known.settings_of(name, scale))
    run.records = {table: known.stamped(table, record) for table, record in run.records.items()}
    return run


def draw(paper: str, name: str, run: Tables, rows: pandas.DataFrame) -> Figure:
    """Return a figure in the suite's style, with its stamp; rows: of reported.csv."""
    module = part(paper, f"figures.{name}")
    with plotting.style():
        figure = module.draw(run, rows)
        text, loud = module.stamp(run) if hasattr(module, "stamp") else stamps.stamp_of_all(run.records)
        plotting.stamp(figure, text, loud)
    return figure


def _reported(path: Path | None) -> pandas.DataFrame:
    """Return the numbers that a paper reports; no rows without a file."""
    return pandas.DataFrame(columns=reported_rows.COLUMNS) if path is None else reported.read(path)


def main() -> None:
    parser = command_line.parser(
        "Make a figure, a table or the comparison of a paper.", prog="python -m common.running.make"
    )
    parser.add_argument("paper", help="a folder in papers/ or studies/")
    parser.add_argument("name", help="comparison, or a figure or table of the paper's register, such as fig2")
    parser.add_argument("--scale", default="paper", help="whose protocol may be read (default: paper)")
    parser.add_argument("--results", required=True, nargs="+", type=Path, help="collected tables, .json beside them")
    parser.add_argument("--reported", nargs="?", type=Path, help="the paper's numbers; a study has none")
    main_file = written(".pdf", ".svg", ".tex", ".csv")
    parser.add_argument("--out", required=True, type=main_file, help="the main file; more goes beside it")
    arguments = parser.parse_args()
    check_outputs({"out": arguments.out})
    paper, name, out = arguments.paper, arguments.name, arguments.out
    known = register.of(paper)
    if name not in (*known.available(), "comparison"):
        parser.error(f"{paper} has no {name}; there are comparison, {', '.join(known.available())}")
    endings = {"comparison": (".csv",), "table": (".tex",)}.get(
        name.rstrip("0123456789").partition("_")[0], (".pdf", ".svg")
    )
    if out.suffix not in endings:
        parser.error(f"--out {out}: the main file of {name} ends in {' or '.join(endings)}")
    made_from = known.artifact(name).tables
    if others := [path.name for path in arguments.results if path.stem not in made_from]:
        parser.error(f"{name} is made from {', '.join(made_from)} (.csv), not from {', '.join(others)}")
    run, rows = read(paper, name, arguments.results, arguments.scale), _reported(arguments.reported)
    if name == "comparison":
        by_artifact = {artifact: about.tables for artifact, about in known.artifacts.items()}
        comparison.write(out, part(paper, "compare"), part(paper, "claims").CLAIMS, by_artifact, run, rows)
    elif name.startswith("table"):
        typeset.write(out, part(paper, f"figures.{name}").draw(run, rows), stamps.stamp_of_all(run.records))
    else:
        if out.suffix == ".pdf":
            with atomic_write(out.with_suffix(".csv")) as temporary:  # of what was not run a header alone
                part(paper, f"figures.{name}").values(run).to_csv(temporary, index=False)
        plotting.save(draw(paper, name, run, rows), out)


if __name__ == "__main__":
    command_line.run(main)
