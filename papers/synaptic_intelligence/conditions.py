"""The conditions of the paper's benchmarks: what they are called, and where each one's results lie in a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas

from common import accuracies, records
from papers.synaptic_intelligence.names import strength_of_consolidation

OTHERS = {
    "ewc": "EWC",
    "sgd": "SGD",
    "dropout": "fine-tuning, dropout 0.5",
    "joint": "joint training",
    "scratch": "from scratch",
}
CONDITIONS = {  # of the paper and its released files; a protocol may have more si-C
    "split_mnist": ("si-0", "si-1"),
    "permuted_mnist": ("si-0", "si-0.01", "si-0.02", "si-0.1", "ewc", "sgd", "dropout", "joint"),
    "cifar": ("si-0", "si-0.01", "si-0.1", "scratch"),
}
TASKS = {"split_mnist": 5, "permuted_mnist": 10, "cifar": 6}  # of the paper; a scale may have fewer


def label(condition: str) -> str:
    """Return what a condition is called in figures and in reported.csv."""
    c = strength_of_consolidation(condition)
    if c is None:
        return OTHERS[condition]
    return f"{'SI' if c else 'fine-tuning'}, c = {condition.removeprefix('si-')}"


LABELS = {condition: label(condition) for known in CONDITIONS.values() for condition in known}


def read(path: str | Path) -> pandas.DataFrame:
    """Return a collected table of accuracies. Raises ValueError if it is not one, or has unknown conditions."""
    given = records.read_tables(path, ["condition"])["condition"].astype(str).unique()
    return accuracies.read(path, [*OTHERS, *(name for name in given if strength_of_consolidation(name) is not None)])


def shown(results: pandas.DataFrame, known: Sequence[str]) -> list[str]:
    """Return what a figure shows: the known conditions, and those si-C of its table that are not among them."""
    added = set(results["condition"]) - {*known, *OTHERS}
    return [*known, *sorted(added, key=strength_of_consolidation)]


def final(results: pandas.DataFrame, condition: str, split: str) -> pandas.DataFrame:
    """Return the accuracy on every task after all tasks: one row per seed, one column per task; empty if not run.

    "scratch" knows one task at a time: its accuracy on a task is the one right after training on it.
    """
    return (accuracies.newest if condition == "scratch" else accuracies.final)(results, condition, split)


def on_task(results: pandas.DataFrame, condition: str, split: str, task: int) -> dict[int, float]:
    """Return `final` of one task, by seed; empty if it was not measured."""
    table = final(results, condition, split)
    return table[task].to_dict() if task in table.columns else {}
