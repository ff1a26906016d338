"""The paper's collected tables, by name: read, checked, and with nothing in them where an experiment was not run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas

from common import accuracies, collect, records
from papers.sticky_gradient import conditions, distributions, searches

Tables = Mapping[str, pandas.DataFrame]

TRAJECTORIES = ["weight", "step", "task", "value"]


def read_trajectories(path: str | Path) -> pandas.DataFrame:
    """Return the table of single weights over time. Raises ValueError if it is not such a table."""
    table = records.read_tables(path)
    missing = [column for column in TRAJECTORIES if column not in table.columns]
    if missing:
        raise ValueError(f"{path} has no column {', '.join(missing)}: run the trajectories stage again")
    return table


# name: how it is read, and its empty counterpart
READERS = {
    "accuracies": (conditions.read, accuracies.none),
    "shared": (conditions.read_shared, lambda: accuracies.none().assign(shared=None)),
    "weights": (distributions.read, distributions.none),
    "trajectories": (read_trajectories, lambda: pandas.DataFrame(columns=TRAJECTORIES)),
    "search": (searches.read, searches.none),
}


def read(paths: Iterable[Path]) -> tuple[dict[str, pandas.DataFrame], dict[str, dict]]:
    """Return the tables, and their merged provenances, by name. Raises ValueError unless all are of one scale."""
    tables, provenances = {}, {}
    for path in paths:
        if path.stem not in READERS:
            raise ValueError(f"{path}: no table of this name is known; known are {', '.join(READERS)}")
        if path.stem in tables:
            raise ValueError(f"{path}: a table of this name was given before; give each once")
        tables[path.stem] = READERS[path.stem][0](path)
        source = path.with_suffix(".json")
        provenance = records.read_provenance(source)
        provenances[path.stem] = provenance if "parts" in provenance else collect.merge({str(source): provenance})
    if len(scales := {provenance["scale"] for provenance in provenances.values()}) > 1:
        raise ValueError(f"the tables are of different scales: {', '.join(sorted(scales))}; take one at a time")
    return tables, provenances


def table(tables: Tables, name: str) -> pandas.DataFrame:
    """Return a table, without rows if it was not run."""
    return tables[name] if name in tables else READERS[name][1]()


def stamp(provenances: Mapping[str, dict]) -> tuple[str, bool]:
    """Return the stamp of what is drawn from these tables: one sentence if it is the same for all, or one for each."""
    stamps = {name: collect.stamp(provenance) for name, provenance in provenances.items()}
    texts = [text for text, _ in stamps.values()]
    loud = any(loud for _, loud in stamps.values())
    if len(set(texts)) == 1:
        return texts[0], loud
    return " || ".join(f"{name}: {text}" for name, (text, _) in stamps.items()), loud
