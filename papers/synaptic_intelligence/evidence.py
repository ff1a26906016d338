"""The numbers that the claims rest on: one value per seed, out of the collected tables by name.

A table that was not run is missing. Accuracies, and everything else that is a share, are in percent. Whatever was not
run is empty, so that a claim about it is "not run".
"""

from __future__ import annotations

import numpy

from common import accuracies
from common.collected import Tables
from papers.synaptic_intelligence import collected, conditions, correlations

Runs = dict[int, float]

SPLIT_TASKS, PERMUTED_TASKS, CIFAR_TASKS = conditions.TASKS.values()


def entry(tables: Tables, name: str, condition: str, after: int, task: int) -> Runs:
    """Return the accuracy on a task after training on that many tasks."""
    return _percent(accuracies.entry(collected.table(tables, name), condition, "test", after, task))


def average(tables: Tables, name: str, condition: str, tasks: int) -> Runs:
    """Return the mean accuracy over the first tasks right after the last of them."""
    return _percent(accuracies.average(collected.table(tables, name), condition, "test", tasks))


def permuted(tables: Tables, condition: str) -> Runs:
    """Return the average after all ten tasks."""
    return average(tables, "permuted_mnist", condition, PERMUTED_TASKS)


def final(tables: Tables, condition: str, task: int, split: str = "test") -> Runs:
    """Return the accuracy on a task after all six; empty if there are fewer tasks."""
    results = collected.table(tables, "cifar")
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
    rows = collected.table(tables, "theory")
    chosen = rows[(rows["claim"] == f"synaptic_intelligence-{number}") & (rows["quantity"] == quantity)]
    return _percent(dict(zip(chosen["seed"], chosen["value"], strict=True)))


def seeds_in_all(runs: list[Runs]) -> list[int]:
    """Return the seeds that all have."""
    return sorted(set.intersection(*map(set, runs)))


def _matrices(tables: Tables, condition: str, layer: int) -> dict[int, numpy.ndarray]:
    """Return the Pearson correlations of all ten tasks by seed; empty if there are fewer."""
    found = correlations.matrices(collected.table(tables, "correlations"), condition, layer)
    return {seed: matrix for seed, matrix in found.items() if len(matrix) == PERMUTED_TASKS}


def _percent(runs: Runs) -> Runs:
    return {seed: 100 * value for seed, value in runs.items()}
