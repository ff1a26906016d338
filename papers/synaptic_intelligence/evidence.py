"""The numbers that the claims rest on: one value per seed, out of the collected tables by name.

A table that was not run is missing. Accuracies, and everything else that is a share, are in percent. Whatever was not
run is empty, so that a claim about it is "not run".
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy
import pandas

from common import accuracies, records
from papers.synaptic_intelligence import conditions, correlations

Tables = Mapping[str, pandas.DataFrame]
Runs = dict[int, float]

SPLIT_TASKS, PERMUTED_TASKS, CIFAR_TASKS = conditions.TASKS.values()
THEORY_COLUMNS = ["claim", "quantity", "seed", "value"]


def read_theory(path: str | Path) -> pandas.DataFrame:
    """Return the table of Section 4's simulations. Raises ValueError if it is not such a table."""
    table = records.read_tables(path)
    missing = [column for column in THEORY_COLUMNS if column not in table.columns]
    if missing:
        raise ValueError(f"{path} has no column {', '.join(missing)}: run the theory stage again")
    return table


def entry(tables: Tables, name: str, condition: str, after: int, task: int) -> Runs:
    """Return the accuracy on a task after training on that many tasks."""
    return _percent(accuracies.entry(_table(tables, name), condition, "test", after, task))


def average(tables: Tables, name: str, condition: str, tasks: int) -> Runs:
    """Return the mean accuracy over the first tasks right after the last of them."""
    return _percent(accuracies.average(_table(tables, name), condition, "test", tasks))


def permuted(tables: Tables, condition: str) -> Runs:
    """Return the average after all ten tasks."""
    return average(tables, "permuted_mnist", condition, PERMUTED_TASKS)


def final(tables: Tables, condition: str, task: int, split: str = "test") -> Runs:
    """Return the accuracy on a task after all six; empty if there are fewer tasks."""
    results = _table(tables, "cifar")
    complete = accuracies.tasks(results) == CIFAR_TASKS
    return _percent(conditions.on_task(results, condition, split, task)) if complete else {}


def correlation(tables: Tables, condition: str, layer: int) -> Runs:
    """Return the mean correlation between different tasks; empty if there are fewer than ten."""
    found = _matrices(tables, condition, layer)
    return {seed: correlations.mean_of_pairs(matrix) for seed, matrix in found.items()}


def neighbours(tables: Tables, condition: str, layer: int) -> dict[int, numpy.ndarray]:
    """Return the nine correlations of tasks 1 and 2, 2 and 3, and so on; empty if there are fewer than ten tasks."""
    return {seed: matrix.diagonal(1) for seed, matrix in _matrices(tables, condition, layer).items()}


def theory(tables: Tables, number: int, quantity: str) -> Runs:
    """Return a quantity of theory.csv that belongs to claim `number`."""
    if "theory" not in tables:
        return {}
    rows = tables["theory"]
    chosen = rows[(rows["claim"] == f"synaptic_intelligence-{number}") & (rows["quantity"] == quantity)]
    return _percent(dict(zip(chosen["seed"], chosen["value"], strict=True)))


def seeds_in_all(runs: list[Runs]) -> list[int]:
    """Return the seeds that all have."""
    return sorted(set.intersection(*map(set, runs)))


def _table(tables: Tables, name: str) -> pandas.DataFrame:
    """Return a table, without rows if it was not run."""
    empty = correlations.none if name == "correlations" else accuracies.none
    return tables[name] if name in tables else empty()


def _matrices(tables: Tables, condition: str, layer: int) -> dict[int, numpy.ndarray]:
    """Return the Pearson correlations of all ten tasks by seed; empty if there are fewer."""
    found = correlations.matrices(_table(tables, "correlations"), condition, layer)
    return {seed: matrix for seed, matrix in found.items() if len(matrix) == PERMUTED_TASKS}


def _percent(runs: Runs) -> Runs:
    return {seed: 100 * value for seed, value in runs.items()}
