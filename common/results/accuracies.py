"""Accuracies of continual learners out of a collected table: read, checked, and taken apart run by run.

All accuracies are fractions. Tasks count from 1. "After task k" is after training on tasks 1 to k, one after the other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

import pandas

from common.results import tables

COLUMNS = ["condition", "seed", "split", "after_task", "task", "accuracy"]
SPLITS = ("test", "train")


def read(path: str | Path, conditions: Iterable[str], columns: Iterable[str] = COLUMNS) -> pandas.DataFrame:
    """Return the collected table. A run that diverged ends in a row without accuracy, at the task that it did not finish.

    Raises ValueError if the table lacks columns or has other conditions.
    """
    table = tables.read(path, columns)
    for column, known in (("condition", tuple(conditions)), ("split", SPLITS)):
        if unknown := sorted(set(table[column]) - set(known)):
            raise ValueError(f"{path}: unknown {column} {', '.join(map(repr, unknown))}; known are {', '.join(known)}")
    if not table["accuracy"].dropna().between(0, 1).all():
        raise ValueError(f"{path}: accuracy must lie between 0 and 1; run the training stage again")
    if not (table[["after_task", "task"]] >= 1).all(axis=None):
        raise ValueError(f"{path}: tasks count from 1; run the training stage again")
    return table


def matrices(results: pandas.DataFrame, condition: str, split: str) -> pandas.DataFrame:
    """Return the accuracy matrices: one row per seed, one column per (after_task, task); empty if there are no runs.

    The entries of a run that diverged are nan from the task on that it did not finish; a run that finished none is not
    there. Raises ValueError if an entry is there twice or another seed lacks entries that others have.
    """
    rows = results[(results["condition"] == condition) & (results["split"] == split)]
    twice = rows[rows.duplicated(["seed", "after_task", "task"])]
    what = f"accuracy of {condition} on {split} images"
    if not twice.empty:
        seeds = sorted(set(twice["seed"]))
        raise ValueError(f"{what} is there twice for seeds {seeds}: do not collect overlapping batches")
    diverged = set(rows.loc[rows["accuracy"].isna(), "seed"])
    measured = rows[rows["accuracy"].notna()]
    table = measured.pivot(index="seed", columns=["after_task", "task"], values="accuracy").sort_index(axis=1)
    if holes := [seed for seed in table.index[table.isna().any(axis=1)] if seed not in diverged]:
        raise ValueError(f"{what}: seeds {holes} lack entries that others have; run their training again")
    return table


def entry(results: pandas.DataFrame, condition: str, split: str, after: int, task: int) -> dict[int, float]:
    """Return the accuracy on a task after training on that many tasks, by seed; empty if it was not measured."""
    table = matrices(results, condition, split)
    return table[(after, task)].dropna().to_dict() if (after, task) in table.columns else {}


def averages(results: pandas.DataFrame, condition: str, split: str) -> pandas.DataFrame:
    """Return the mean accuracy over the tasks learned so far: one row per seed, one column per number of tasks k.

        A_k = (1 / k) sum_{t=1..k} a[k, t]

    Joint training learns all tasks at once, so it has one column. nan where a run had diverged; empty without runs.
    """
    table = matrices(results, condition, split)
    learned = table.loc[:, [task <= after for after, task in table.columns]]
    return learned.T.groupby(level="after_task").mean().T


def average(results: pandas.DataFrame, condition: str, split: str, tasks: int) -> dict[int, float]:
    """Return the mean accuracy over the first `tasks` tasks right after the last of them, by seed; empty if not run."""
    table = averages(results, condition, split)
    return table[tasks].dropna().to_dict() if tasks in table.columns else {}


def final(results: pandas.DataFrame, condition: str, split: str) -> pandas.DataFrame:
    """Return the accuracy on every task after all tasks: one row per seed, one column per task; empty if not run.

    Runs that diverged are left out.
    """
    table, last = matrices(results, condition, split), tasks(results)
    if last not in table.columns.get_level_values("after_task"):
        return pandas.DataFrame()
    return table[last].dropna()


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
