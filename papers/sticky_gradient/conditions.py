"""The conditions of the paper's experiments: what they are called, and their accuracies out of a collected table.

A condition is the control, EWC, or a cell of the ablation, named by the parts of the method that are on. With "@searched"
behind it, its hyperparameters are those that our own search found, not those of Table 1.
"""

from __future__ import annotations

from pathlib import Path

import pandas

from common import accuracies
from papers.sticky_gradient.readings import CELLS, CONTROL, EWC, FULL, SEARCHED

TASKS, TRIALS = 10, 30  # of the paper; a scale may have fewer

_PUBLISHED = {  # what the conditions are called in figures and in reported.csv
    CONTROL: "control",
    EWC: "EWC",
    "l1": "L1",
    "smart": "smart init",
    "l1-smart": "L1 + smart init",
    "sticky": "sticky",
    "sticky-l1": "sticky + L1",
    "sticky-smart": "sticky + smart init",
    FULL: "sticky gradient",  # as the paper calls sticky + L1 + smart init "for brevity"
}
LABELS = _PUBLISHED | {
    cell + SEARCHED: f"{_PUBLISHED[cell]}, own search"
    for cell in CELLS
    if cell != CONTROL  # which has none to find
}
SHARED_COLUMNS = [*accuracies.COLUMNS, "shared"]


def read(path: str | Path) -> pandas.DataFrame:
    """Return a collected table of accuracies. Raises ValueError if it is not one, or has conditions not named here."""
    return accuracies.read(path, LABELS)


def read_shared(path: str | Path) -> pandas.DataFrame:
    """Return the accuracies with a column `shared`, the fraction of pixels left in place. Raises ValueError as above."""
    table = accuracies.read(path, LABELS, SHARED_COLUMNS)
    if not (table["shared"].gt(0) & table["shared"].le(1)).all():
        raise ValueError(f"{path}: shared must lie above 0 and not above 1; run the training stage again")
    return table


def so_far(results: pandas.DataFrame, condition: str) -> pandas.DataFrame:
    """Return the mean accuracy over all tasks so far: one row per seed, one column per number of tasks; may be empty."""
    return accuracies.averages(results, condition, "test")


def previous(results: pandas.DataFrame, condition: str) -> pandas.DataFrame:
    """Return the mean accuracy over all tasks so far but the newest: as `so_far`, from two tasks on."""
    table = accuracies.matrices(results, condition, "test")
    earlier = table.loc[:, [task < after for after, task in table.columns]]
    return earlier.T.groupby(level="after_task").mean().T


def newest(results: pandas.DataFrame, condition: str) -> pandas.DataFrame:
    """Return the accuracy on the newest task: rows and columns as in `so_far`."""
    return accuracies.newest(results, condition, "test")


MEASURES = {"all": so_far, "previous": previous, "newest": newest}  # Figure 2: a, b, c
QUANTITIES = {  # what reported.csv calls them
    "average accuracy over all tasks so far": "all",
    "average accuracy over all tasks so far but the newest": "previous",
    "accuracy on the newest task": "newest",
}


def after(table: pandas.DataFrame, tasks: int) -> dict[int, float]:
    """Return one column of such a table, by seed; empty if there are fewer tasks or no runs."""
    return table[tasks].to_dict() if tasks in table.columns else {}


def levels(results: pandas.DataFrame, shared: pandas.DataFrame) -> dict[float, pandas.DataFrame]:
    """Return the accuracies at each fraction of shared pixels, from 0 on (that of the other experiments) upwards."""
    found = {0.0: results} | {level: rows for level, rows in shared.groupby("shared")}
    return {level: rows for level, rows in sorted(found.items()) if not rows.empty}
