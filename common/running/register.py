"""What a paper or a study has: its stages with the settings that each reads, its tables with their parts, its figures with their
tables.

Each is said once, in the REGISTER of papers/<paper>/runs.py, or studies/<study>/runs.py.  What makes a job run again, which
settings a stage may see, a checkpoint's key and a record's protocol all follow from there; the code behind them follows from the imports.

    python -m common.running.register tsar dan      prints the figures and tables of these papers
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib
import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from common.results import records
from common.running import code, command_line, protocols
from common.running.code import HOMES, ROOT

Job = Mapping[str, Any]  # what tells a job from others of its stage: a rule's wildcards, or a command line's options
Reads = tuple[str, ...] | Callable[[Job], Sequence[str]]
Sets = Mapping[str, tuple[str, ...]] | Callable[[Job], Mapping[str, tuple[str, ...]]]
Parts = Callable[[Any, str, str], list[str]]

NOT_YET: tuple[str, ...] = ()  # the tables of a figure that nobody can make yet
PUBLISHED = re.compile(r"(fig|table)\d+")  # names of the paper's own figures and tables; others are additions of ours
NUMBER_OF_SEEDS = re.compile(r"(\w+_)?seeds")  # keys of a protocol's section `design`
ENDINGS = {"fig": ("pdf", "png", "svg"), "table": ("csv", "md", "tex")}


@dataclass(frozen=True)
class Stage:
    """A stage of a paper: the module papers/<paper>/<stage>.py.

    reads: what it reads of the protocol, as "section" or "section.key"; data: by option, the names of the data sets that it
    takes, in order. Either may be a function of the job that returns that.
    """

    reads: Reads = ()
    data: Sets = field(default_factory=dict)

    def read_by(self, job: Job) -> tuple[str, ...]:
        """Return what a job of this stage reads of the protocol."""
        return tuple(self.reads(job)) if callable(self.reads) else self.reads

    def data_of(self, job: Job) -> Mapping[str, tuple[str, ...]]:
        """Return the names of the data sets that a job of this stage takes, by option."""
        return self.data(job) if callable(self.data) else self.data


@dataclass(frozen=True)
class Artifact:
    """A figure, a table or the comparison: the tables it is made from, the main one first, and what it reads of the protocol."""

    tables: tuple[str, ...]
    reads: tuple[str, ...] = ()


@dataclass(frozen=True)
class Register:
    """All that a paper has.

    schema: the type of protocol.yaml; tables: the name of each table that is collected, with the function that names its
    parts (protocol, scale, device -> paths); arrays: the same for what is kept as arrays (.npz); artifacts: "fig..." or
    "table..." -> what it is made from; home: the folder that its own lies in; published_as: what its files in figures/ begin
    with, if not with its name; most_seeds: to which the design's numbers of seeds are cut, "all" for none; method: a file
    with a method of the user's own, for a study that takes one.
    """

    paper: str
    schema: type
    stages: Mapping[str, Stage]
    tables: Mapping[str, Parts]
    artifacts: Mapping[str, Artifact]
    comparison: Artifact
    arrays: Mapping[str, Parts] = field(default_factory=dict)
    home: str = HOMES[0]
    published_as: str = ""
    most_seeds: int | str = "all"
    method: str = ""
    _read: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def folder(self) -> str:
        """Where its files lie, from the repository's root."""
        return f"{self.home}/{self.paper}"

    @property
    def package(self) -> str:
        """The package of its modules."""
        return f"{self.home}.{self.paper}"

    @property
    def reported(self) -> list[str]:
        """The file of the numbers that the paper reports; none of a study."""
        return [f"{self.folder}/reported.csv"] if self.home == HOMES[0] else []

    def publishes(self, artifact: str) -> str:
        """Return what a figure or a table is called in figures/, without its ending."""
        return (
            f"{self.published_as}_{artifact.removeprefix('fig_')}" if self.published_as else f"{self.paper}_{artifact}"
        )

    def protocol(self, scale: str, overrides: Sequence[str] = ()) -> Any:
        """Return the whole protocol at a scale, as the workflow needs it to name its jobs. Stages go through `settings`.

        "recorded" has the protocol of paper scale. Raises ProtocolError as `protocols.read` does.
        """
        scale = "paper" if scale == "recorded" else scale
        path = ROOT / self.folder / "protocol.yaml"
        if overrides:
            return protocols.read(path, self.schema, scale, overrides)
        if scale not in self._read:
            self._read[scale] = self._with_method(self._with_fewer_seeds(protocols.read(path, self.schema, scale)))
        return self._read[scale]

    def with_method(self, file: str) -> Register:
        """Return this register with a method of the user's own, if its study takes one ("" for none)."""
        return dataclasses.replace(self, method=file, _read={}) if self.home != HOMES[0] else self

    def with_seeds(self, most: int | str) -> Register:
        """Return this register with at most so many seeds of everything; "all" for as many as the protocol has."""
        return dataclasses.replace(self, most_seeds=most, _read={})

    def _with_fewer_seeds(self, protocol: Any) -> Any:
        if self.most_seeds == "all":
            return protocol
        fewer = {
            key: min(number, self.most_seeds)
            for key, number in vars(protocol.design).items()
            if NUMBER_OF_SEEDS.fullmatch(key)
        }
        return dataclasses.replace(protocol, design=dataclasses.replace(protocol.design, **fewer))

    def _with_method(self, protocol: Any) -> Any:
        if not self.method:
            return protocol
        try:
            design = dataclasses.replace(protocol.design, methods=(*protocol.design.methods, self.method))
        except ValueError as error:
            raise protocols.ProtocolError(f"config: {error}") from None
        return dataclasses.replace(protocol, design=design)

    def settings(self, stage: str, scale: str, job: Job, overrides: Sequence[str] = ()) -> protocols.Settings:
        """Return the part of the protocol that a job reads, and no more."""
        reads = self.stages[stage].read_by(job)
        return protocols.Settings(self.protocol(scale, overrides), reads, f"stage {stage!r} of {self.paper}")

    def settings_of(self, artifact: str, scale: str) -> protocols.Settings:
        """Return the part of the protocol that a figure, a table or ("comparison") the comparison reads."""
        return protocols.Settings(self.protocol(scale), self.artifact(artifact).reads, f"{self.paper}_{artifact}")

    def artifact(self, name: str) -> Artifact:
        """Return what a figure, a table or the comparison is made from."""
        return self.comparison if name == "comparison" else self.artifacts[name]

    def depends(self, stage: str) -> Callable[[Any], str]:
        """Return a rule's parameter that makes its jobs run again: a digest of the settings they read and of their code."""

        def of_job(wildcards: Any) -> str:
            settings = self.settings(stage, wildcards.scale, dict(wildcards.items()))
            return f"{settings.digest} {code.digest(f'{self.package}.{stage}')}"

        return of_job

    def artifact_depends(self, name: str, scale: str) -> str:
        """Return the same for a figure, a table or the comparison."""
        if name == "comparison":
            own = ["common.results.comparison", *(f"{self.package}.{part}" for part in ("compare", "claims"))]
        else:
            maker = "typeset" if name.startswith("table") else "plotting"
            own = [f"common.drawing.{maker}", "common.results.stamps", f"{self.package}.figures.{name}"]
        depends = f"{self.settings_of(name, scale).digest} {code.digest(*own, f'{self.package}.results')}"
        return f"{depends} {self._departures(name)}" if scale == "recorded" else depends

    def departures(self, record: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
        """Return the settings that a result, by its record, was made with and that are not those of its scale: both values."""
        return protocols.departures(record.get("protocol", {}), self.protocol(record["scale"]))

    def stamped(self, table: str, record: Mapping[str, Any]) -> dict[str, Any]:
        """Return a table's record with what its stamp names beside it: the departures, and the seeds that its scale has."""
        return {**record, "departures": self.departures(record), "planned_seeds": self.seeds(table, record["scale"])}

    def available(self) -> list[str]:
        """Return the names of the figures and tables that can be made."""
        return [name for name, artifact in self.artifacts.items() if artifact.tables]

    def kept(self, tables: Iterable[str]) -> list[str]:
        """Return those of the tables that are kept in the paper's folder recorded/."""
        folder = ROOT / self.folder / "recorded"
        return [name for name in tables if (folder / self.file(name)).is_file()]

    def _departures(self, name: str) -> str:
        """Return the departures of the kept tables that a figure, a table or the comparison is made from: its stamp has them."""
        found = {}
        for table in self.kept(self.artifact(name).tables):
            with contextlib.suppress(ValueError, FileNotFoundError):  # the job refuses such a record, in words
                record = records.read(ROOT / self.folder / "recorded" / f"{table}.json")
                found[table] = self.departures(record)
        return json.dumps({table: departures for table, departures in found.items() if departures})

    def file(self, table: str) -> str:
        """Return the name of the file that a table or arrays are collected into."""
        return f"{table}.npz" if table in self.arrays else f"{table}.csv"

    def parts(self, table: str, scale: str, device: str) -> list[str]:
        """Return the paths of the tables that are collected into one."""
        return {**self.tables, **self.arrays}[table](self.protocol(scale), scale, device)

    def seeds(self, table: str, scale: str) -> int:
        """Return how many seeds the protocol of a scale has for a table; 0 for one of no parts, or of no seeds."""
        parts = self.parts(table, scale, "cpu") if table in {**self.tables, **self.arrays} else []
        batches = [re.search(r"seeds(\d+)-(\d+)\.", part) for part in parts]
        return len({seed for batch in batches if batch for seed in range(int(batch[1]), int(batch[2]) + 1)})

    def inputs(self, name: str, scale: str) -> list[str]:
        """Return the paths of the tables that a figure, a table or the comparison is made from.

        At "recorded" those that are kept. Raises FileNotFoundError if the first is not; of the comparison, if none is.
        """
        tables = self.artifact(name).tables
        if scale == "recorded":
            lacking, tables = tables, tuple(self.kept(tables))
            if not tables or (name != "comparison" and tables[0] != lacking[0]):
                raise FileNotFoundError(
                    f"{self.publishes(name)} needs {self.folder}/recorded/{self.file(lacking[0])}, but no such table is kept; "
                    "choose another scale, such as --config scale=smoke"
                )
        return [f"results/{scale}/{self.paper}/{self.file(table)}" for table in tables]

    def drawable(self, scale: str) -> list[str]:
        """Return the published figures and tables that have tables at a scale: at "recorded" the first must be kept."""
        names = [name for name in self.available() if PUBLISHED.fullmatch(name)]
        return [name for name in names if scale != "recorded" or self.kept(self.artifacts[name].tables[:1])]


@functools.cache
def of(paper: str) -> Register:
    """Return the register of a paper or a study. Raises ValueError for one that is in neither folder."""
    homes = [home for home in HOMES if (ROOT / home / paper / "runs.py").is_file()]
    if not homes:
        known = sorted(path.parent.name for home in HOMES for path in (ROOT / home).glob("*/runs.py"))
        raise ValueError(f"there is no paper {paper!r}; known are {', '.join(known)}")
    return importlib.import_module(f"{homes[0]}.{paper}.runs").REGISTER


def endings(artifact: str) -> tuple[str, ...]:
    """Return the endings of the files that a figure or a table is published as, the main one first."""
    return ENDINGS["table" if artifact.startswith("table") else "fig"]


def main(papers: Sequence[str]) -> None:
    published = available = 0
    for paper in papers:
        register = of(paper)
        for name in register.artifacts:
            made, of_paper = name in register.available(), bool(PUBLISHED.fullmatch(name))
            published, available = published + of_paper, available + (made and of_paper)
            note = "" if of_paper else "   (an addition of ours)"
            print(f"{'*' if made else ' '} figures/{register.publishes(name)}.{endings(name)[0]}{note}")
    print(f"{available} of the papers' {published} figures and tables can be made now, those marked *")


if __name__ == "__main__":
    command_line.run(lambda: main(sys.argv[1:]))
