"""Accuracies of continual learners out of a collected table: read, checked, and taken apart run by run.

All accuracies are fractions. Tasks count from 1. "After task k" is after training on tasks 1 to k, one after the other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

import pandas

from common import records

COLUMNS = ["condition", "seed", "split", "after_task", "task", "accuracy"]
MEASURED = ("after_task", "task", "accuracy")
SPLITS = ("test", "train")


def read(path: str | Path, conditions: Iterable[str], columns: Iterable[str] = COLUMNS) -> pandas.DataFrame:
    """Return the collected table without runs that diverged, which have no accuracy; the provenance names them.

    Raises ValueError if it lacks columns or has other conditions.
    """
    table = records.read_tables(path, columns)
    for column, known in (("condition", tuple(conditions)), ("split", SPLITS)):
        if unknown := sorted(set(table[column]) - set(known)):
            raise ValueError(f"{path}: unknown {column} {', '.join(map(repr, unknown))}; known are {', '.join(known)}")
    table = _without_diverged(table, [column for column in columns if column not in ("split", *MEASURED)])
    if not table["accuracy"].between(0, 1).all():
        raise ValueError(f"{path}: accuracy must lie between 0 and 1; run the training stage again")
    if not (table[["after_task", "task"]] >= 1).all(axis=None):
        raise ValueError(f"{path}: tasks count from 1; run the training stage again")
    return table


def _without_diverged(table: pandas.DataFrame, run: list[str]) -> pandas.DataFrame:
    """Return the table without the runs of which no row has an accuracy; run: the columns that tell runs apart."""
    measured = table["accuracy"].notna().groupby([table[column] for column in run]).transform("any")
    return table[measured].reset_index(drop=True)


def matrices(results: pandas.DataFrame, condition: str, split: str) -> pandas.DataFrame:
    """Return the accuracy matrices: one row per seed, one column per (after_task, task); empty if there are no runs.

    Raises ValueError if an entry is there twice or a seed lacks entries that others have.
    """
    rows = results[(results["condition"] == condition) & (results["split"] == split)]
    twice = rows[rows.duplicated(["seed", "after_task", "task"])]
    where = f"accuracy of {condition} on {split} images"
    if not twice.empty:
        seeds = sorted(set(twice["seed"]))
        raise ValueError(f"{where} is there twice for seeds {seeds}: do not collect overlapping batches")
    table = rows.pivot(index="seed", columns=["after_task", "task"], values="accuracy").sort_index(axis=1)
    holes = table.index[table.isna().any(axis=1)].tolist()
    if holes:
        raise ValueError(f"{where}: seeds {holes} lack entries that others have; run their training again")
    return table


def entry(results: pandas.DataFrame, condition: str, split: str, after: int, task: int) -> dict[int, float]:
    """Return the accuracy on a task after training on that many tasks, by seed; empty if it was not measured."""
    table = matrices(results, condition, split)
    return table[(after, task)].to_dict() if (after, task) in table.columns else {}


def averages(results: pandas.DataFrame, condition: str, split: str) -> pandas.DataFrame:
    """Return the mean accuracy over the tasks learned so far: one row per seed, one column per number of tasks k.

        A_k = (1 / k) sum_{t=1..k} a[k, t]

    Joint training learns all tasks at once, so it has one column. Empty if there are no runs.
    """
    table = matrices(results, condition, split)
    learned = table.loc[:, [task <= after for after, task in table.columns]]
    return learned.T.groupby(level="after_task").mean().T


def average(results: pandas.DataFrame, condition: str, split: str, tasks: int) -> dict[int, float]:
    """Return the mean accuracy over the first `tasks` tasks right after the last of them, by seed; empty if not run."""
    table = averages(results, condition, split)
    return table[tasks].to_dict() if tasks in table.columns else {}


def final(results: pandas.DataFrame, condition: str, split: str) -> pandas.DataFrame:
    """Return the accuracy on every task after all tasks: one row per seed, one column per task; empty if not run."""
    table = matrices(results, condition, split)
    if table.empty:
        return pandas.DataFrame()
    return table[max(after for after, _ in table.columns)]


def newest(results: pandas.DataFrame, condition: str, split: str) -> pandas.DataFrame:
    """Return the accuracy on every task right after training on it: rows and columns as in `final`."""
    table = matrices(results, condition, split)
    if table.empty:
        return pandas.DataFrame()
    return table[[(after, task) for after, task in table.columns if after == task]].droplevel("after_task", axis=1)


def without_suffix(results: pandas.DataFrame, suffix: str, others: Collection[str]) -> pandas.DataFrame:
    """Return the runs of the conditions that end in a suffix, named without it, and those of `others`.

    There are no rows at all if no condition ends so.
    """
    chosen = results["condition"].astype(str).str.endswith(suffix)
    kept = results[(chosen | results["condition"].isin(others)) & chosen.any()]
    return kept.assign(condition=kept["condition"].astype(str).str.removesuffix(suffix))


def tasks(results: pandas.DataFrame) -> int:
    """Return how many tasks the experiment has; 0 if it was not run."""
    return 0 if results.empty else int(results["task"].max())
