"""Gather the tables of many jobs into one, merge their provenance, and say in one sentence what it all is.

Command line: python -m common.collect --out ALL.csv PART.csv...   (writes ALL.json, the merged provenance, as well; a part
may be a table that was gathered before, so that kept tables grow by what was run since)
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas

from common import records

MERGED = {"device": "devices", "versions": "versions", "git": "commits", "protocol_digest": "protocol_digests"}
NAMED = 3  # diverged runs by name in a stamp; of more their number
REDUCED = ("subset", "stand-in")  # completeness of data on which no result is a result


def collect(tables: Iterable[str | Path]) -> tuple[pandas.DataFrame, dict]:
    """Return the rows of all tables, in the order given, and the merged provenance of the JSON files beside them.

    Raises FileNotFoundError for a table or provenance that is missing, and ValueError if a table is given twice, has
    other columns than the first, or comes from another paper, stage or scale.
    """
    tables = [Path(table) for table in tables]
    if twice := {str(table) for table in tables if tables.count(table) > 1}:
        raise ValueError(f"collect: given twice: {', '.join(sorted(twice))}")
    parts = [records.read_tables(table) for table in tables]
    for table, part in zip(tables, parts, strict=True):
        if list(part.columns) != list(parts[0].columns):
            raise ValueError(
                f"collect: {table} has the columns {', '.join(part.columns)}, but {tables[0]} has "
                f"{', '.join(parts[0].columns)}: run the stage that wrote the older one again"
            )
    sources = [table.with_suffix(".json") for table in tables]
    merged = merge({str(source): records.read_provenance(source) for source in sources})
    return pandas.concat(parts, ignore_index=True), merged


def write(path: Path, table: pandas.DataFrame, provenance: dict) -> None:
    """Write a table with its merged provenance beside it, which comes first: no table must lie there without it."""
    with records.atomic_write(path.with_suffix(".json")) as temporary:
        temporary.write_text(json.dumps(provenance, indent=2) + "\n")
    records.write_table(path, table)


def merge(parts: dict[str, dict]) -> dict:
    """Return one provenance for many; parts: by the name of its file, what `records.provenance` or this function returned.

    Paper, stage and scale must be the same in all parts. Seeds are their sorted union; what may differ between parts
    (data, devices, versions, commits, protocol digests) is a list without repetitions; seconds are sums; runs that
    diverged are named if there are any. The protocol is there only if all parts have the same, what was measured only
    if there is one part. Raises ValueError naming the parts that do not belong together.
    """
    if not parts:
        raise ValueError("merge: no provenance was given")
    merged: dict[str, Any] = {key: _shared(parts, key) for key in ("paper", "stage", "scale")}
    merged["seeds"] = sorted({seed for name in parts for seed in _entry(parts, name, "seeds")})
    merged["data"] = _distinct([about for name in parts for about in _entry(parts, name, "data")])
    for key, plural in MERGED.items():
        merged[plural] = _distinct([value for name in parts for value in _entries(parts, name, key)])
    if len(merged["protocol_digests"]) == 1:
        merged["protocol"] = _entry(parts, next(iter(parts)), "protocol")
    if diverged := sorted({run for part in parts.values() for run in part.get("diverged", [])}):
        merged["diverged"] = diverged
    for key in ("wall_seconds", "cpu_seconds"):
        merged[key] = round(sum(_entry(parts, name, key) for name in parts), 3)
    merged["parts"] = sum(part.get("parts", 1) for part in parts.values())
    if len(parts) == 1 and "measured" in (only := next(iter(parts.values()))):
        merged["measured"] = only["measured"]
    return merged


def stamp(provenance: dict) -> tuple[str, bool]:
    """Return what a figure's stamp says of merged provenance, and whether to say it loudly.

    What depends on no seed says nothing of seeds; runs that diverged are named, since no mean contains them. Loud are
    the smoke scale and any data that are a tiny subset or a stand-in: what is drawn is then not a result.
    """
    scale, seeds = provenance["scale"], provenance["seeds"]
    loud = scale == "smoke" or any(about["completeness"] in REDUCED for about in provenance["data"])
    data = "; ".join(map(_phrase, provenance["data"]))
    protocols = len(provenance["protocol_digests"])
    sentences = [
        f"{scale.capitalize()} scale" + (", not a result" if loud else ""),
        *([f"{len(seeds)} seed" + ("s" if len(seeds) != 1 else "")] if seeds else []),
        f"data: {data}" if data else "no data",
        *([f"runs of {protocols} different protocols"] if protocols > 1 else []),
        *([_left_out(diverged)] if (diverged := provenance.get("diverged")) else []),
    ]
    return " | ".join(sentences), loud


def stamp_of_all(provenances: Mapping[str, dict]) -> tuple[str, bool]:
    """Return the stamp of what several tables were needed for; provenances: merged ones, by the tables' names.

    It is one sentence if that is the same for all, or else one for each.
    """
    stamps = {name: stamp(provenance) for name, provenance in provenances.items()}
    texts = [text for text, _ in stamps.values()]
    loud = any(loud for _, loud in stamps.values())
    if len(set(texts)) == 1:
        return texts[0], loud
    return " || ".join(f"{name}: {text}" for name, (text, _) in stamps.items()), loud


def _left_out(diverged: list[str]) -> str:
    named = "; ".join(diverged) if len(diverged) <= NAMED else f"{len(diverged)} runs"
    return f"left out as if not run, since diverged: {named}"


def _phrase(about: dict) -> str:
    """Return a data set's description, with its completeness unless the description says it."""
    description, completeness = about["description"], about["completeness"]
    return description if completeness in description else f"{description} ({completeness})"


def _entry(parts: dict[str, dict], name: str, key: str) -> Any:
    if key not in parts[name]:
        raise ValueError(f"provenance {name} has no entry {key!r}: run its stage again")
    return parts[name][key]


def _entries(parts: dict[str, dict], name: str, key: str) -> list:
    """Return the values of `key`, of which provenance that is merged already has a list."""
    return _entry(parts, name, MERGED[key]) if "parts" in parts[name] else [_entry(parts, name, key)]


def _shared(parts: dict[str, dict], key: str) -> Any:
    """Return the one value of `key` in all parts, or raise ValueError naming two parts that differ."""
    first = next(iter(parts))
    for name in parts:
        if _entry(parts, name, key) != _entry(parts, first, key):
            raise ValueError(
                f"the {key} of {name} is {parts[name][key]!r}, but of {first} {parts[first][key]!r}: "
                "only jobs of one paper, stage and scale belong in one table"
            )
    return parts[first][key]


def _distinct(values: list) -> list:
    """Return the values without repetitions, in the order of their first appearance; they may be dicts."""
    return [value for index, value in enumerate(values) if value not in values[:index]]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m common.collect", description="Gather the tables of many jobs.")
    parser.add_argument("--out", required=True, type=Path, help="the CSV to write; its provenance goes beside it")
    parser.add_argument("tables", nargs="+", type=Path, metavar="TABLE.csv", help="tables with their .json beside them")
    arguments = parser.parse_args()
    write(arguments.out, *collect(arguments.tables))


if __name__ == "__main__":
    main()
