"""What the answer is made from: the files behind results/<scale>/report.html and REPRODUCTION.md, paper by paper.

A rule takes them as its input, and `common.drawing.report` reads these alone.  Imports nothing heavy: Snakemake reads this
module each time it parses the workflow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from common.running.register import PUBLISHED, Register, endings

TEMPLATES = "common/drawing/templates"
PAGE = tuple(f"{TEMPLATES}/report.{ending}" for ending in ("html", "css", "js"))
TEXT = (f"{TEMPLATES}/reproduction.md",)


@dataclass(frozen=True)
class Sources:
    """The files of one paper at a scale. Those of the repository are named from its root, all others from the working folder."""

    known: Register
    scale: str

    @property
    def artifacts(self) -> list[str]:
        """The figures and tables that are shown: the paper's own, and at "recorded" additions of ours that are kept."""
        if self.scale != "recorded":
            return self.known.drawable(self.scale)
        return [name for name in self.known.available() if self.known.kept(self.known.artifact(name).tables[:1])]

    @property
    def lacking(self) -> list[str]:
        """The paper's own figures and tables that cannot be made at this scale."""
        return [name for name in self.known.available() if PUBLISHED.fullmatch(name) and name not in self.artifacts]

    def picture(self, artifact: str) -> str:
        """The file that is shown of a figure (.png) or a table (.md)."""
        ending = "md" if "md" in endings(artifact) else "png"
        return f"results/{self.scale}/{self.known.paper}/figures/{artifact}.{ending}"

    def values(self, artifact: str) -> str:
        """The table of what it shows, which has no rows where nothing was run."""
        return f"results/{self.scale}/{self.known.paper}/figures/{artifact}.csv"

    def module(self, artifact: str) -> str:
        """The module whose docstring is the caption."""
        return f"{self.known.folder}/figures/{artifact}.py"

    def tables(self, artifact: str) -> dict[str, str]:
        """The collected tables or arrays that a figure, a table or the comparison is made from, by name."""
        names = self.known.artifact(artifact).tables
        names = tuple(self.known.kept(names)) if self.scale == "recorded" else names
        return {name: f"results/{self.scale}/{self.known.paper}/{self.known.file(name)}" for name in names}

    @property
    def all_tables(self) -> dict[str, str]:
        """The tables behind all that is shown."""
        return {name: path for shown in ("comparison", *self.artifacts) for name, path in self.tables(shown).items()}

    @property
    def numbers(self) -> str:
        """The verdicts."""
        return f"results/{self.scale}/{self.known.paper}/comparison.csv"

    @property
    def claims(self) -> str:
        """The claims."""
        return f"results/{self.scale}/{self.known.paper}/claims.csv"

    @property
    def readme(self) -> str:
        """What came out in sentences, the readings, and what differs from the paper."""
        return f"{self.known.folder}/README.md"

    @property
    def protocol(self) -> str:
        """The published protocol, which ours is held against."""
        return f"{self.known.folder}/protocol.yaml"


def of_papers(registers: Mapping[str, Register], scale: str) -> list[Sources]:
    """Return the sources of all papers that have something to draw at a scale."""
    return [Sources(known, scale) for known in registers.values() if known.reported and known.drawable(scale)]


def of_studies(registers: Mapping[str, Register], scale: str) -> list[Sources]:
    """Return the sources of all studies that have kept tables, at "recorded"; none at other scales."""
    found = [Sources(known, scale) for known in registers.values() if not known.reported and scale == "recorded"]
    return [study for study in found if study.artifacts]


def of_all(registers: Mapping[str, Register], scale: str) -> list[Sources]:
    """Return both, the papers first."""
    return of_papers(registers, scale) + of_studies(registers, scale)


def made(papers: Iterable[Sources], pictures: bool) -> list[str]:
    """Return the files that other rules make; pictures: for the page, not for the text alone."""
    files: list[str] = []
    for paper in papers:
        tables = paper.all_tables.values()
        files += [paper.numbers, paper.claims] if paper.known.reported else []
        files += [*tables, *(f"{path.rpartition('.')[0]}.json" for path in tables)]
        for artifact in paper.artifacts if pictures else ():
            files += [paper.picture(artifact), paper.values(artifact)]
    return files


def kept(papers: Iterable[Sources], pictures: bool) -> list[str]:
    """Return the files of the repository."""
    files = list(PAGE if pictures else TEXT)
    for paper in papers:
        files += [paper.readme, paper.protocol]
        files += map(paper.module, [*paper.artifacts, *paper.lacking] if pictures else ())
    return files
