"""What the records of a paper's tables say together: scales, seeds, data, devices, time, and settings that are not the published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from common.results import records, stamps


class Setting(NamedTuple):
    """A value of the protocol that runs had in place of the published one."""

    name: str
    published: str
    ours: str
    tables: list[str]


@dataclass(frozen=True)
class Runs:
    """The runs behind a paper's tables.

    records: merged records by table; departures: by table, its settings that are not the published ones, by "section.key": its
    own value and the published (`protocols.departures`).
    """

    records: Mapping[str, dict]
    departures: Mapping[str, Mapping[str, tuple[Any, Any]]]

    @property
    def scales(self) -> str:
        """At which scale the tables were run: "paper", or "paper; vision at desk"."""
        by_scale: dict[str, list[str]] = {}
        for name, record in self.records.items():
            by_scale.setdefault(record["scale"], []).append(name)
        most, *others = sorted(by_scale, key=lambda scale: -len(by_scale[scale]))
        return "; ".join([most, *(f"{', '.join(by_scale[scale])} at {scale}" for scale in others)])

    @property
    def seeds(self) -> str:
        """How many seeds the tables have that depend on any: "10", or "1 to 10"."""
        found = sorted({len(record["seeds"]) for record in self.records.values() if record["seeds"]})
        return " to ".join(map(str, dict.fromkeys((found[0], found[-1])))) if found else "none"

    @property
    def data(self) -> list[str]:
        """The data sets."""
        return records.distinct([stamps.phrase(about) for record in self.records.values() for about in record["data"]])

    @property
    def devices(self) -> list[str]:
        """What the runs ran on."""
        return records.distinct([device for record in self.records.values() for device in record["devices"]])

    @property
    def hours(self) -> float:
        """How long the runs behind the tables took; tables that the same jobs wrote have the same times and count once."""
        times = {(record["wall_seconds"], record["cpu_seconds"]) for record in self.records.values()}
        return sum(wall for wall, _ in times) / 3600

    @property
    def settings(self) -> list[Setting]:
        """Where the runs' protocol differs from the published one, each with the tables."""
        found: dict[tuple[str, str, str], list[str]] = {}
        for table, settings in self.departures.items():
            for name, (ours, published) in settings.items():
                found.setdefault((name, _text(published), _text(ours)), []).append(table)
        return [Setting(*key, names) for key, names in found.items()]

    @property
    def not_as_published(self) -> list[str]:
        """Where tables of paper scale do not have a published setting: "update: permuted.epochs 1 in place of 20"."""
        found: dict[tuple[str, ...], list[str]] = {}
        for one in self.settings:
            tables = tuple(name for name in one.tables if self.records[name]["scale"] == "paper")
            if tables:
                found.setdefault(tables, []).append(f"{one.name} {one.ours} in place of {one.published}")
        return [f"{', '.join(tables)}: {', '.join(settings)}" for tables, settings in found.items()]


def _text(value: Any) -> str:
    """Return a setting's value as a protocol has it: lists as "3, 5"."""
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
