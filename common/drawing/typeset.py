"""Tables of the papers, written as CSV to be read on, and as Markdown and LaTeX with the stamp that every result bears."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real
from pathlib import Path
from typing import Any, NamedTuple

import pandas

from common.data.files import atomic_write
from common.results import tables

MISSING = "–"
# What LaTeX reads as commands, and the few letters of our tables that its older engines cannot set.
LATEX = str.maketrans(
    {letter: rf"\{letter}" for letter in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"$<$", ">": r"$>$"}
    | {"γ": r"$\gamma$", "ζ": r"$\zeta$", "λ": r"$\lambda$", "μ": r"$\mu$", "σ": r"$\sigma$"}
    | {"₁": r"$_1$", "–": "--", "−": "$-$", "±": r"$\pm$", "×": r"$\times$"}
)


class Table(NamedTuple):
    """A table of a paper: its cells and caption; headings: what to call columns; exact: what the CSV is to hold if the
    cells are text already."""

    cells: pandas.DataFrame
    caption: str
    headings: Mapping[str, str] = {}
    exact: pandas.DataFrame | None = None


def write(path: str | Path, table: Table, stamp: tuple[str, bool]) -> None:
    """Write the table as LaTeX (booktabs) at `path`, and as Markdown and CSV beside it, each atomically.

    The CSV holds the numbers exactly, under the columns' own names; the other two hold them to three significant
    digits, a dash for what is missing, the caption, and the stamp (`stamps.stamp`: text, and whether it is loud).
    Raises ValueError if `path` does not end in .tex, or if there are no rows.
    """
    path = Path(path)
    if path.suffix != ".tex":
        raise ValueError(f"typeset: expected a path ending in .tex, found {path}")
    tables.write(path.with_suffix(".csv"), table.cells if table.exact is None else table.exact)
    shown = table.cells.map(cell).rename(columns=dict(table.headings))
    for target, content in (
        (path.with_suffix(".md"), _markdown(shown, table.caption, *stamp)),
        (path, _latex(shown, table.caption, *stamp)),
    ):
        with atomic_write(target) as temporary:
            temporary.write_text(content, encoding="utf-8")


def cell(value: Any) -> str:
    """Return a value as a table shows it: numbers to three significant digits, whole numbers in full, text as it is.

    None and nan are missing: a dash.
    """
    if value is None:
        return MISSING
    if not isinstance(value, Real) or isinstance(value, bool):
        return str(value)
    number = float(value)
    if math.isnan(number):
        return MISSING
    return f"{number:.0f}" if number.is_integer() else f"{number:.3g}"


def _markdown(table: pandas.DataFrame, caption: str, stamp: str, loud: bool) -> str:
    escaped = table.rename(columns=_bars).map(_bars)
    rows = escaped.to_markdown(index=False, disable_numparse=True)  # cells are text by now: leave them as they are
    mark = "**" if loud else "*"
    return f"**{caption}**\n\n{rows}\n\n{mark}{stamp}{mark}\n"


def _bars(text: str) -> str:
    """Escape what Markdown would take for the border of a cell."""
    return text.replace("|", r"\|")


def _latex(table: pandas.DataFrame, caption: str, stamp: str, loud: bool) -> str:
    escaped = table.rename(columns=_escape).map(_escape)
    note = rf"\textbf{{{_escape(stamp)}}}" if loud else rf"\textit{{{_escape(stamp)}}}"
    rows = escaped.to_latex(
        index=False, escape=False, column_format="l" * len(table.columns), caption=f"{_escape(caption)} {note}"
    )
    return f"% needs \\usepackage{{booktabs}}\n{rows}"


def _escape(text: str) -> str:
    return text.translate(LATEX)
