"""The paper's collected tables: how each is read, and one value per seed out of them for figures, claims and verdicts.

A table that was not run is empty, and so is what is computed from it, so that a claim about it is "not run".
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from pathlib import Path

import numpy
import pandas

from common.results import accuracies, readers
from common.results import tables as table_files
from common.results.readers import Reader, Tables, chosen
from papers.synaptic_intelligence import conditions
from papers.synaptic_intelligence.conditions import OTHERS
from papers.synaptic_intelligence.protocol import strength_of_consolidation

Runs = dict[int, float]

SPLIT_TASKS, PERMUTED_TASKS, CIFAR_TASKS = conditions.TASKS.values()
KINDS = ("pearson", "spearman")


def read_accuracies(path: Path) -> pandas.DataFrame:
    """Return a collected table of accuracies. Raises ValueError if it is not one, or has unknown conditions."""
    given = table_files.read(path, ["condition"])["condition"].astype(str).unique()
    known = [*OTHERS, *(name for name in given if strength_of_consolidation(name) is not None)]
    return accuracies.reader(known).read(path)


def shown(results: pandas.DataFrame, known: Sequence[str]) -> list[str]:
    """Return what a figure shows: the known conditions, and those si-C of its table that are not among them."""
    added = set(results["condition"]) - {*known, *OTHERS}
    return [*known, *sorted(added, key=lambda name: strength_of_consolidation(name) or 0.0)]


def final_by_task(results: pandas.DataFrame, condition: str, split: str) -> pandas.DataFrame:
    """Return the accuracy on every task after all tasks: one row per seed, one column per task; empty if not run.

    "scratch" knows one task at a time: its accuracy on a task is the one right after training on it.
    """
    return (accuracies.newest if condition == "scratch" else accuracies.final)(results, condition, split)


def final_on_task(results: pandas.DataFrame, condition: str, split: str, task: int) -> dict[int, float]:
    """Return `final_by_task` of one task, by seed; empty if it was not measured."""
    return accuracies.by_seed(final_by_task(results, condition, split), task)


def correlation_matrices(
    results: pandas.DataFrame, condition: str, layer: int, kind: str = "pearson"
) -> dict[int, numpy.ndarray]:
    """Return the matrix [n_tasks, n_tasks] of correlations between tasks, by seed; empty if there are no runs.

    A pair of tasks may be in the table in one order or in both; a task's correlation with itself is 1. Raises
    ValueError if a pair is there twice in the same order or is missing.
    """
    rows = chosen(results, condition=condition, layer=layer, kind=kind)
    what = f"correlation of {condition}, layer {layer}, {kind}"
    twice = rows[rows.duplicated(["seed", "task", "other_task"])]
    if not twice.empty:
        seeds = sorted(set(twice["seed"]))
        raise ValueError(f"{what} is there twice for seeds {seeds}: do not collect overlapping batches")
    tasks = 0 if rows.empty else int(rows[["task", "other_task"]].max(axis=None))
    by_seed = {}
    for seed, part in rows.groupby("seed"):
        matrix = numpy.full((tasks, tasks), numpy.nan)
        first, second = part["task"].to_numpy(int) - 1, part["other_task"].to_numpy(int) - 1
        matrix[second, first] = matrix[first, second] = part["correlation"]
        numpy.fill_diagonal(matrix, 1)
        if numpy.isnan(matrix).any():
            raise ValueError(f"{what}: seed {seed} lacks pairs of its {tasks} tasks; run its training again")
        by_seed[int(seed)] = matrix
    return by_seed


def mean_of_pairs(matrix: numpy.ndarray) -> float:
    """Return the mean over all pairs of different tasks; nan if there is one task only."""
    return float(matrix[~numpy.eye(len(matrix), dtype=bool)].mean()) if len(matrix) > 1 else numpy.nan


LANDSCAPES = ["figure", "series", "step", "theta1", "theta2", "loss1", "loss2"]
READERS = {
    **dict.fromkeys(conditions.CONDITIONS, Reader(read_accuracies, accuracies.COLUMNS)),
    "correlations": readers.plain(
        ["condition", "seed", "layer", "kind", "task", "other_task", "correlation"],
        known={"kind": KINDS},
        between={"correlation": (-1 - 1e-6, 1 + 1e-6)},  # float32 may round past 1
    ),
    "landscapes": Reader(functools.partial(table_files.read, columns=LANDSCAPES), LANDSCAPES),
    "theory": readers.plain(["claim", "quantity", "seed", "value"]),
}


def entry(tables: Tables, name: str, condition: str, after: int, task: int) -> Runs:
    """Return the accuracy on a task after training on that many tasks, in % as all that follows."""
    return _percent(accuracies.entry(tables[name], condition, "test", after, task))


def average(tables: Tables, name: str, condition: str, tasks: int) -> Runs:
    """Return the mean accuracy over the first tasks right after the last of them."""
    return _percent(accuracies.average(tables[name], condition, "test", tasks))


def permuted(tables: Tables, condition: str) -> Runs:
    """Return the average after all ten tasks."""
    return average(tables, "permuted_mnist", condition, PERMUTED_TASKS)


def final_on_cifar(tables: Tables, condition: str, task: int, split: str = "test") -> Runs:
    """Return the accuracy on a task after all six; empty if there are fewer tasks."""
    results = tables["cifar"]
    complete = accuracies.tasks(results) == CIFAR_TASKS
    return _percent(final_on_task(results, condition, split, task)) if complete else {}


def correlation(tables: Tables, condition: str, layer: int) -> Runs:
    """Return the mean correlation between different tasks; empty if there are fewer than ten."""
    by_seed = _of_ten_tasks(tables, condition, layer)
    return {seed: mean_of_pairs(matrix) for seed, matrix in by_seed.items()}


def neighbours(tables: Tables, condition: str, layer: int) -> dict[int, numpy.ndarray]:
    """Return the nine correlations of tasks 1 and 2, 2 and 3, and so on; empty if there are fewer than ten tasks."""
    return {seed: matrix.diagonal(1) for seed, matrix in _of_ten_tasks(tables, condition, layer).items()}


def theory(tables: Tables, number: int, quantity: str) -> Runs:
    """Return a quantity of theory.csv that belongs to claim `number`."""
    rows = chosen(tables["theory"], claim=f"synaptic_intelligence-{number}", quantity=quantity)
    return _percent(dict(zip(rows["seed"], rows["value"], strict=True)))


def _of_ten_tasks(tables: Tables, condition: str, layer: int) -> dict[int, numpy.ndarray]:
    """Return the Pearson correlations of all ten tasks by seed; empty if there are fewer."""
    by_seed = correlation_matrices(tables["correlations"], condition, layer)
    return {seed: matrix for seed, matrix in by_seed.items() if len(matrix) == PERMUTED_TASKS}


def _percent(runs: Runs) -> Runs:
    return {seed: 100 * value for seed, value in runs.items()}
