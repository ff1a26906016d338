"""The figures and tables of the five papers: all that there are, and those that the rules can make now.

python -m common.artifacts NAME...      print all artifacts, with the named ones marked as available
"""

from __future__ import annotations

import difflib
import re
import sys
from collections.abc import Iterable

# paper: (number of figures, number of tables)
PAPERS = {
    "tsar": (19, 0),
    "sticky_gradient": (5, 3),
    "synaptic_intelligence": (6, 0),
    "dan": (4, 0),
    "dhp": (4, 1),
}
FIGURE_FILES, TABLE_FILES = ("pdf", "png"), ("csv", "md", "tex")
# The output of a rule that draws a figure or writes a table, or one of several; Snakemake adds a wildcard's constraint:
# {name,fig1|fig2}.
DRAWN = re.compile(
    r"results/\{scale[^}]*\}/(?P<paper>\w+)/figures/(\{\w+,)?"
    r"((?P<figures>(fig\d+|\|)+)\}?\.pdf|(?P<tables>(table\d+|\|)+)\}?\.tex)"
)


class UnknownFigure(Exception):
    """No rule makes this figure or table; the message says which there are."""


def all_artifacts() -> list[str]:
    """Names of all artifacts, such as tsar_fig1 or dhp_table1."""
    names = []
    for paper, (figures, tables) in PAPERS.items():
        names += [f"{paper}_fig{number}" for number in range(1, figures + 1)]
        names += [f"{paper}_table{number}" for number in range(1, tables + 1)]
    return names


def available(outputs: Iterable[str]) -> list[str]:
    """Names of the artifacts that can be made, read off the output patterns of all rules."""
    matches = filter(None, map(DRAWN.fullmatch, outputs))
    return [
        f"{match['paper']}_{artifact}"
        for match in matches
        for artifact in (match["figures"] or match["tables"]).split("|")
    ]


def is_table(name: str) -> bool:
    """Whether an artifact is a table."""
    return name.rsplit("_", 1)[-1].startswith("table")


def papers_of(names: Iterable[str]) -> list[str]:
    """The papers that these artifacts belong to."""
    return sorted({name.rsplit("_", 1)[0] for name in names})


def published(names: Iterable[str]) -> list[str]:
    """Paths of what is asked for to have these artifacts: the PDF of a figure, all three files of a table."""
    return [f"figures/{name}.{ending}" for name in names for ending in (TABLE_FILES if is_table(name) else ("pdf",))]


def result(name: str, scale: str, offered: list[str], ending: str) -> str:
    """Path of the result that figures/<name>.<ending> is a copy of; raises UnknownFigure if there is none."""
    endings = TABLE_FILES if is_table(name) else FIGURE_FILES
    if name in offered and ending in endings:
        paper, artifact = name.rsplit("_", 1)
        return f"results/{scale}/{paper}/figures/{artifact}.{ending}"
    if name in offered:
        kind = "table" if is_table(name) else "figure"
        reason = f"{name} is a {kind}: ask for figures/{name}.{endings[0]}"
    elif name in all_artifacts():
        reason = "it cannot be made yet"
    else:
        close = difflib.get_close_matches(name, all_artifacts(), n=1)
        reason = "the papers have no such figure" + (f"; did you mean {close[0]}?" if close else "")
    raise UnknownFigure(f"figures/{name}.{ending}: {reason}\nTo see which there are: snakemake --cores 1 list_figures")


def main(names: list[str]) -> None:
    for artifact in all_artifacts():
        ending = TABLE_FILES[0] if is_table(artifact) else FIGURE_FILES[0]
        print(f"{'*' if artifact in names else ' '} figures/{artifact}.{ending}")
    print(f"{len(names)} of {len(all_artifacts())} can be made now, those marked *")


if __name__ == "__main__":
    main(sys.argv[1:])
