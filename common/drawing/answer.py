"""What came out of one paper, gathered from its sources for the page and the text: nothing here is computed or said anew.

Verdicts and claims are those of comparison.csv and claims.csv, captions the docstrings of the figures, sentences those of the
paper's README, provenance the records.  What differs from the published protocol is seen from the two protocols.
"""

from __future__ import annotations

import ast
import base64
import re
import struct
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import pandas

from common.drawing import markdown
from common.results import comparison, records, stamps, tables
from common.results.provenance import Runs
from common.running import protocols
from common.running.code import ROOT
from common.running.sources import Sources

ANSWER, DIFFERS = "What came out", "What differs from the paper, and why"  # headings of a paper's README
NOT_RUN = re.compile(r"What was not (run|reproduced)")
NUMBER_WORDS = ("agrees", "unclear", "differs", "diverged", comparison.NOT_JUDGED, "superseded", "not run")
CLAIM_WORDS = ("holds", "unclear", "fails", comparison.NOT_JUDGED, "not run")


class Count(NamedTuple):
    """How many numbers or claims got a verdict."""

    word: str
    number: int


class Shown(NamedTuple):
    """A figure or a table: its title and caption in our words, what shows it, and what it is made from."""

    name: str
    title: str
    caption: str
    picture: str  # a figure as a data URI
    size: tuple[int, int]  # its width and height in pixels
    cells: list[list[str]]  # of a table, the heading first
    note: str  # of a table, what its file says of it
    stamp: str
    tables: list[str]
    numbers: list[Count]
    claims: list[Count]


def counts(words: Iterable[str], known: tuple[str, ...]) -> list[Count]:
    """Return how often each word is there, in the order of the known ones; raises ValueError for one that is not known."""
    words = list(words)
    if strange := sorted(set(words) - set(known)):
        raise ValueError(f"the answer knows no verdict {strange[0]!r}; known are {', '.join(known)}")
    return [Count(word, words.count(word)) for word in known if word in words]


def readable(text: str) -> str:
    """Return the name of an artifact in words: "fig4 average" as "Figure 4 average", "table1" as "Table 1"."""
    return re.sub(r"\btable(?=\d)", "Table ", re.sub(r"\bfig(?=\d)", "Figure ", text))


def caption(module: str) -> tuple[str, str]:
    """Return the title and the caption of a figure or table: the first sentence of its module's docstring, before and after
    the colon. Raises ValueError if it has none."""
    text = ast.get_docstring(ast.parse((ROOT / module).read_text(encoding="utf-8"))) or ""
    name, colon, rest = markdown.paragraph(text).partition(": ")
    if not colon:
        raise ValueError(f'{module}: the docstring must begin as a caption, such as "Figure 2: what it shows."')
    return name, rest[0].upper() + rest[1:]


class Gallery:
    """The figures and tables of a paper or a study, and the records behind them."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self.paper, self.scale = sources.known.paper, sources.scale
        known = {
            name: sources.known.stamped(name, records.read_merged(Path(path).with_suffix(".json")))
            for name, path in sources.all_tables.items()
        }
        published = sources.known.protocol("paper")
        departures = {
            name: protocols.departures(record.get("protocol", {}), published) for name, record in known.items()
        }
        self.runs = Runs(known, departures)
        self._readme = (ROOT / sources.readme).read_text(encoding="utf-8")
        self._sections = markdown.sections(self._readme)

    @property
    def title(self) -> str:
        """The heading of the paper's README."""
        return markdown.title(self._readme)

    @property
    def sentences(self) -> str:
        """What came out, in a few sentences of Markdown."""
        return markdown.paragraph(self._sections[ANSWER])

    @property
    def shown(self) -> list[Shown]:
        """All figures and tables that show anything."""
        return [self._shown(name) for name in self.sources.artifacts if name not in self._empty]

    @cached_property
    def _empty(self) -> list[str]:
        """The figures whose values are a heading alone."""
        return [
            name for name in self.sources.artifacts if len(Path(self.sources.values(name)).read_text().splitlines()) < 2
        ]

    def _shown(self, name: str) -> Shown:
        path, made_from = Path(self.sources.picture(name)), list(self.sources.tables(name))
        picture, size, cells, note = "", (0, 0), list[list[str]](), ""
        if path.suffix == ".png":
            content = path.read_bytes()
            picture = f"data:image/png;base64,{base64.b64encode(content).decode()}"
            size = struct.unpack(">2I", content[16:24])  # of the PNG's first chunk, its header
        else:
            text = path.read_text(encoding="utf-8")
            cells, note = markdown.rows(text), markdown.paragraph(text).strip("*")
        return Shown(
            name,
            *caption(self.sources.module(name)),
            picture,
            size,
            cells,
            note,
            stamps.stamp_of_all({table: self.runs.records[table] for table in made_from})[0],
            made_from,
            *self._counts(name),
        )

    def _counts(self, name: str) -> tuple[list[Count], list[Count]]:
        """Return how many numbers and claims of a figure or table got which verdict."""
        return [], []


class Answer(Gallery):
    """What came out of one paper."""

    def __init__(self, sources: Sources) -> None:
        super().__init__(sources)
        self.numbers, self.claims = _read(sources.numbers), _read(sources.claims)
        if lacking := [name for name in (ANSWER, DIFFERS) if name not in self._sections]:
            raise ValueError(f"{sources.readme} has no section {lacking[0]!r}, which the report shows")

    @property
    def authors(self) -> str:
        """Who wrote the paper, and where it stands."""
        return markdown.paragraph(self._sections[""])

    @property
    def headline(self) -> str:
        """What reproduces in a sentence: how the sentences begin, in bold face."""
        bold = re.match(r"\*\*(.+?)\*\*", self.sentences)
        return bold[1] if bold else self.sentences

    @property
    def readings(self) -> str:
        """Readings and deviations, as Markdown."""
        return self._sections[DIFFERS]

    @property
    def not_run(self) -> dict[str, str]:
        """What was not run or not reproduced, as Markdown by heading."""
        return {name: text for name, text in self._sections.items() if NOT_RUN.fullmatch(name)}

    @cached_property
    def hyperparameters(self) -> list[str]:
        """Whose hyperparameters there are numbers for, those of most runs first; empty if all have the same."""
        return list(dict.fromkeys(self.numbers.get("hyperparameters", ())))

    def of(self, table: pandas.DataFrame, whose: str | None) -> pandas.DataFrame:
        """Return the rows of certain hyperparameters; whose: None where all have the same."""
        return table if whose is None else table[table["hyperparameters"] == whose]

    @property
    def main(self) -> tuple[pandas.DataFrame, pandas.DataFrame]:
        """Numbers and claims under the hyperparameters of most runs, which the front counts."""
        whose = self.hyperparameters[0] if self.hyperparameters else None
        return self.of(self.numbers, whose), self.of(self.claims, whose)

    @property
    def reports_numbers(self) -> bool:
        """Whether the paper reports numbers to compare with."""
        return "value" in self.numbers

    @property
    def number_counts(self) -> list[Count]:
        """How many of the paper's numbers got which verdict; empty if it reports none."""
        return counts(self.main[0]["verdict"], NUMBER_WORDS) if self.reports_numbers else []

    @property
    def own_numbers(self) -> int:
        """How many numbers of ours there are."""
        return int((self.main[0]["ours_n"] > 0).sum())

    @property
    def claim_counts(self) -> list[Count]:
        """How many claims had which outcome."""
        return counts(self.main[1]["outcome"], CLAIM_WORDS)

    @property
    def lacking(self) -> list[tuple[str, str]]:
        """Title and caption of the figures and tables that nothing was run for."""
        return [caption(self.sources.module(name)) for name in [*self._empty, *self.sources.lacking]]

    def _counts(self, name: str) -> tuple[list[Count], list[Count]]:
        numbers, claims = self.main
        return (
            counts(numbers[numbers["artifact"] == name]["verdict"], NUMBER_WORDS) if self.reports_numbers else [],
            counts(claims[claims["artifact"].str.fullmatch(f"{name}[A-Za-z]*")]["outcome"], CLAIM_WORDS),
        )


def totals(answers: Iterable[Answer], kind: str) -> list[Count]:
    """Return how often each verdict was given over all papers; kind: "number_counts" or "claim_counts"."""
    given = [count for of in answers for count in getattr(of, kind)]
    words = NUMBER_WORDS if kind == "number_counts" else CLAIM_WORDS
    summed = [Count(word, sum(count.number for count in given if count.word == word)) for word in words]
    return [count for count in summed if count.number]


def _read(path: str) -> pandas.DataFrame:
    """Return a table of comparisons, where an empty text is a text."""
    table = tables.read(path)
    texts = [name for name in table if table[name].dtype == object or name == "panel"]
    return table.assign(**{name: table[name].fillna("") for name in texts})
