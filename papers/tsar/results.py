"""The paper's collected tables: how each is read, and recall out of them for figures, claims and verdicts.

Recall is in percent. Where there are no runs, what is computed from them is empty.
"""

from __future__ import annotations

from pathlib import Path

import pandas

from common.results import tables as table_files
from common.results.readers import Reader, Tables
from papers.tsar.protocol import initial_bias, with_initial_bias

TRANSFER = ["seed", "condition", "meta_learning_set", "dataset", "learning_rate", "classes", "recall"]
FIG1_SETS = {"A": "rich", "B": "scarce"}  # panel -> meta-learning set


def read_transfer(path: str | Path) -> pandas.DataFrame:
    """Return the table of transfers; recall is a fraction. Raises ValueError if it is not such a table."""
    table = table_files.read(path, TRANSFER)
    if not table["recall"].between(0, 1).all():
        raise ValueError(f"{path}: recall must lie between 0 and 1; run the transfer stage again")
    return table


READERS = {"transfer": Reader(read_transfer, TRANSFER)}


def stored_set(condition: str, meta_learning_set: str) -> str:
    """Return under which set runs are stored. Scratch does not meta-learn: its one set, "rich", counts for both."""
    return "rich" if condition == "scratch" else meta_learning_set


def curves(tables: Tables, condition: str, meta_learning_set: str, dataset: str = "imagenet") -> pandas.DataFrame:
    """Return recall under transfer: one row per seed, one column per number of classes learned.

    Raises ValueError if a run is there twice or a seed lacks points that others have.
    """
    runs, stored = tables["transfer"], stored_set(condition, meta_learning_set)
    chosen = (runs["condition"] == condition) & (runs["meta_learning_set"] == stored) & (runs["dataset"] == dataset)
    rows, what = runs[chosen], f"recall of {condition}, {stored}, {dataset}"
    twice = rows[rows.duplicated(["seed", "classes"])]
    if not twice.empty:
        seeds = sorted(set(twice["seed"]))
        raise ValueError(f"{what} is there twice for seeds {seeds}: do not collect overlapping batches")
    table = rows.pivot(index="seed", columns="classes", values="recall") * 100
    if holes := table.index[table.isna().any(axis=1)].tolist():
        raise ValueError(f"{what}: seeds {holes} lack points that others have; run their transfer again")
    return table


def recall(tables: Tables, condition: str, meta_learning_set: str, classes: float) -> dict[int, float]:
    """Return recall after that many classes, by seed; empty if it was not measured."""
    table = curves(tables, condition, meta_learning_set)
    return table[classes].to_dict() if classes in table.columns else {}


def biases(tables: Tables) -> list[int]:
    """Return the points of the bias sweep that have runs, in increasing order."""
    runs = tables["transfer"]
    present = set(runs.loc[runs["meta_learning_set"] == "rich", "condition"])
    started = {bias for condition in present if (bias := initial_bias(condition)) is not None}
    return sorted(bias for bias in started if with_initial_bias(bias) in present)


def final_by_bias(tables: Tables) -> dict[int, list[float]]:
    """Return the recall of all runs of the bias sweep after their last class, by bias."""
    last = {bias: curves(tables, with_initial_bias(bias), "rich") for bias in biases(tables)}
    return {bias: table.iloc[:, -1].tolist() for bias, table in last.items() if not table.empty}
