"""The conditions of the paper's benchmarks: what they are called, and where each one's results lie in a table."""

from __future__ import annotations

from pathlib import Path

import pandas

from common import accuracies

LABELS = {  # what the conditions are called in figures and in reported.csv
    "si-0": "fine-tuning, c = 0",
    "si-0.01": "SI, c = 0.01",
    "si-0.02": "SI, c = 0.02",
    "si-0.1": "SI, c = 0.1",
    "si-1": "SI, c = 1",
    "ewc": "EWC",
    "sgd": "SGD",
    "dropout": "fine-tuning, dropout 0.5",
    "joint": "joint training",
    "scratch": "from scratch",
}
CONDITIONS = {
    "split_mnist": ("si-0", "si-1"),
    "permuted_mnist": ("si-0", "si-0.01", "si-0.02", "si-0.1", "ewc", "sgd", "dropout", "joint"),
    "cifar": ("si-0", "si-0.01", "si-0.1", "scratch"),
}
TASKS = {"split_mnist": 5, "permuted_mnist": 10, "cifar": 6}  # of the paper; a scale may have fewer


def read(path: str | Path) -> pandas.DataFrame:
    """Return a collected table of accuracies. Raises ValueError if it is not one, or has conditions not named here."""
    return accuracies.read(path, LABELS)


def final(results: pandas.DataFrame, condition: str, split: str) -> pandas.DataFrame:
    """Return the accuracy on every task after all tasks: one row per seed, one column per task; empty if not run.

    "scratch" knows one task at a time: its accuracy on a task is the one right after training on it.
    """
    return (accuracies.newest if condition == "scratch" else accuracies.final)(results, condition, split)


def on_task(results: pandas.DataFrame, condition: str, split: str, task: int) -> dict[int, float]:
    """Return `final` of one task, by seed; empty if it was not measured."""
    table = final(results, condition, split)
    return table[task].to_dict() if task in table.columns else {}
