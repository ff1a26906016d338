"""Accuracies of continual learners out of a collected table: read, checked, and taken apart run by run.

All accuracies are fractions. Tasks count from 1. "After task k" is after training on tasks 1 to k, one after the other.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from typing import Any

import pandas

from common.results import readers
from common.results.readers import Reader

COLUMNS = ["condition", "seed", "split", "after_task", "task", "accuracy"]
SPLITS = ("test", "train")
BOUNDS_OF_TASKS = {"after_task": (1, math.inf), "task": (1, math.inf)}


def reader(conditions: Iterable[str], *more: str, **checks: Any) -> Reader:
    """Return the reader of a collected table. A run that diverged ends in a row without accuracy, at the task not finished.

    conditions: those that may be there; more: further columns; checks: of these, as `readers.plain` takes them.
    """
    checks["known"] = {"condition": tuple(conditions), "split": SPLITS, **checks.get("known", {})}
    checks["between"] = {"accuracy": (0, 1), **BOUNDS_OF_TASKS, **checks.get("between", {})}
    return readers.plain([*COLUMNS, *more], optional=["accuracy"], **checks)


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


def by_seed(table: pandas.DataFrame, column: object) -> dict[int, float]:
    """Return one column of a table like those here, by seed, without runs that had diverged; empty if it is not there."""
    return table[column].dropna().to_dict() if column in table.columns else {}


def entry(results: pandas.DataFrame, condition: str, split: str, after: int, task: int) -> dict[int, float]:
    """Return the accuracy on a task after training on that many tasks, by seed; empty if it was not measured."""
    return by_seed(matrices(results, condition, split), (after, task))


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
    return by_seed(averages(results, condition, split), tasks)


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
