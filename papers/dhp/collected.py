"""The paper's collected tables by name: how each is read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy
import pandas

from common import accuracies, collected, records
from common.collected import Reader
from papers.dhp import conditions

NOTED = ["eta", "hebb_norm", "alpha_norm"]
LOG = ["condition", "seed", "task", "step", *NOTED]


def read_plasticity(path: Path) -> pandas.DataFrame:
    """Return the log of eta and the norms, one row per seed and step; that of a run which diverged ends where it did.

    Raises ValueError unless it is of DHP Softmax.
    """
    table = records.read_tables(path, LOG)[LOG]
    table = table[numpy.isfinite(table[NOTED]).all(axis=1)].reset_index(drop=True)
    if others := sorted(set(table["condition"]) - {conditions.DHP}):
        raise ValueError(f"{path}: Figure 3 is of {conditions.DHP} alone; found {', '.join(others)}")
    if table.duplicated(["seed", "step"]).any():
        raise ValueError(f"{path}: a seed has a step twice: do not collect overlapping batches")
    return table


_DIVERGED = re.compile(r"(\w+) ([\w-]+), seed \d+ ")  # as papers.dhp.train names a run that did


def diverged(provenances: Mapping[str, dict]) -> Counter[tuple[str, str]]:
    """Return how many seeds of a benchmark and condition diverged, of which the tables hold nothing."""
    runs = {run for about in provenances.values() for run in about.get("diverged", [])}
    return Counter((found[1], found[2]) for run in runs if (found := _DIVERGED.match(run)))


READERS = {
    **dict.fromkeys(conditions.BENCHMARKS, Reader(conditions.read, accuracies.COLUMNS)),
    "eta": Reader(conditions.read_sweep, conditions.SWEEP_COLUMNS),
    "plasticity": Reader(read_plasticity, LOG),
    "imbalance": collected.plain(["task", "class", "removal_probability", "kept"]),
    "tune": collected.plain(["benchmark", "condition", "value", "seed", "accuracy"]),
    "update": collected.plain(["kind", "example", "class", "unit", "value"]),
}

table = partial(collected.table, readers=READERS)
