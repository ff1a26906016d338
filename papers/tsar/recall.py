"""Recall under domain transfer, out of the collected table: curves and final values of a treatment, run by run."""

from __future__ import annotations

import re
from pathlib import Path

import pandas

from common import records

COLUMNS = ["seed", "treatment", "condition", "dataset", "learning_rate", "classes", "recall"]
LABELS = {"grow": "Grow", "sculpt": "Sculpt", "oml": "OML", "scratch": "Scratch"}  # the paper's names, best first
NAMED_BIASES = {"grow": -8, "sculpt": 0}
FIG1_CONDITIONS = {"A": "rich", "B": "scarce"}  # by panel


def read(path: str | Path) -> pandas.DataFrame:
    """Return the collected table; recall is a fraction. Raises ValueError if it is not such a table."""
    table = records.read_tables(path, COLUMNS)
    if not table["recall"].between(0, 1).all():
        raise ValueError(f"{path}: recall must lie between 0 and 1; run the transfer stage again")
    return table


def stored_condition(treatment: str, condition: str) -> str:
    """Return under which condition runs are stored. Scratch does not meta-learn: its one set, "rich", counts for both."""
    return "rich" if treatment == "scratch" else condition


def curves(results: pandas.DataFrame, treatment: str, condition: str, dataset: str = "imagenet") -> pandas.DataFrame:
    """Return recall in percent: one row per seed, one column per number of classes learned; empty if there are no runs.

    Raises ValueError if a run is there twice or a seed lacks points that others have.
    """
    stored = stored_condition(treatment, condition)
    chosen = (results["treatment"] == treatment) & (results["condition"] == stored) & (results["dataset"] == dataset)
    rows, where = results[chosen], f"{treatment}, {stored}, {dataset}"
    twice = rows[rows.duplicated(["seed", "classes"])]
    if not twice.empty:
        seeds = sorted(set(twice["seed"]))
        raise ValueError(f"recall of {where} is there twice for seeds {seeds}: do not collect overlapping batches")
    table = rows.pivot(index="seed", columns="classes", values="recall") * 100
    holes = table.index[table.isna().any(axis=1)].tolist()
    if holes:
        raise ValueError(f"recall of {where}: seeds {holes} lack points that others have; run their transfer again")
    return table


def after(results: pandas.DataFrame, treatment: str, condition: str, classes: float) -> dict[int, float]:
    """Return recall in percent after that many classes, by seed; empty if it was not measured."""
    table = curves(results, treatment, condition)
    return table[classes].to_dict() if classes in table.columns else {}


def bias(treatment: str) -> int | None:
    """Return the initial regulatory bias of a treatment, None if it is not a point of the sweep."""
    if match := re.fullmatch(r"bias(-?\d+)", treatment):
        return int(match[1])
    return NAMED_BIASES.get(treatment)


def sweep(results: pandas.DataFrame) -> dict[int, str]:
    """Return the treatments of the bias sweep that have data-rich runs, by bias in increasing order."""
    present = results.loc[results["condition"] == "rich", "treatment"].unique()
    return dict(sorted((bias(treatment), treatment) for treatment in present if bias(treatment) is not None))
