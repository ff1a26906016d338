"""Correlations of importances between tasks, out of the collected table: matrices and their means, run by run."""

from __future__ import annotations

from pathlib import Path

import numpy
import pandas

from common import records

COLUMNS = ["condition", "seed", "layer", "kind", "task", "other_task", "correlation"]
KINDS = ("pearson", "spearman")


def read(path: str | Path) -> pandas.DataFrame:
    """Return the collected table. Raises ValueError if it is not such a table."""
    table = records.read_tables(path, COLUMNS)
    if unknown := sorted(set(table["kind"]) - set(KINDS)):
        raise ValueError(f"{path}: unknown kind {', '.join(map(repr, unknown))}; known are {', '.join(KINDS)}")
    if not table["correlation"].between(-1 - 1e-6, 1 + 1e-6).all():  # float32 may round past 1
        raise ValueError(f"{path}: correlation must lie between -1 and 1; run the training stage again")
    return table


def matrices(results: pandas.DataFrame, condition: str, layer: int, kind: str = "pearson") -> dict[int, numpy.ndarray]:
    """Return the matrix [n_tasks, n_tasks] of correlations between tasks, by seed; empty if there are no runs.

    A pair of tasks may be in the table in one order or in both; a task's correlation with itself is 1. Raises
    ValueError if a pair is there twice in the same order or is missing.
    """
    chosen = (results["condition"] == condition) & (results["layer"] == layer) & (results["kind"] == kind)
    rows, where = results[chosen], f"correlation of {condition}, layer {layer}, {kind}"
    twice = rows[rows.duplicated(["seed", "task", "other_task"])]
    if not twice.empty:
        seeds = sorted(set(twice["seed"]))
        raise ValueError(f"{where} is there twice for seeds {seeds}: do not collect overlapping batches")
    tasks = 0 if rows.empty else int(rows[["task", "other_task"]].max(axis=None))
    found = {}
    for seed, part in rows.groupby("seed"):
        matrix = numpy.full((tasks, tasks), numpy.nan)
        first, second = part["task"].to_numpy(int) - 1, part["other_task"].to_numpy(int) - 1
        matrix[second, first] = matrix[first, second] = part["correlation"]
        numpy.fill_diagonal(matrix, 1)
        if numpy.isnan(matrix).any():
            raise ValueError(f"{where}: seed {seed} lacks pairs of its {tasks} tasks; run its training again")
        found[int(seed)] = matrix
    return found


def mean_of_pairs(matrix: numpy.ndarray) -> float:
    """Return the mean over all pairs of different tasks; nan if there is one task only."""
    return float(matrix[~numpy.eye(len(matrix), dtype=bool)].mean()) if len(matrix) > 1 else numpy.nan
