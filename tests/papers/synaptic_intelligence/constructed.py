"""Constructed tables of results: what a run would write, with accuracies and correlations of our choice."""

from __future__ import annotations

from pathlib import Path

import numpy
import pandas

from common.results import accuracies, reported
from common.results.readers import Tables
from papers.synaptic_intelligence import conditions, results

REPORTED_PATH = Path(conditions.__file__).with_name("reported.csv")
REPORTED = reported.read(REPORTED_PATH)
MNIST = {"name": "mnist", "description": "MNIST", "completeness": "complete"}
RECORD = {"scale": "paper", "seeds": [0, 1, 2], "data": [MNIST], "protocol_digests": ["a"], "parts": 1}


def runs(condition, matrix, seeds=3, split="test", first_task=1, spread=0.001):
    """Rows of the same accuracy matrix for every seed, apart from a small wobble; rows of the matrix: after_task."""
    return [
        {
            "condition": condition,
            "seed": seed,
            "split": split,
            "after_task": after,
            "task": task,
            "accuracy": min(max(accuracy + spread * (seed % 3 - 1), 0), 1),
        }
        for seed in range(seeds)
        for after, row in enumerate(matrix, start=first_task)
        for task, accuracy in enumerate(row, start=1)
    ]


def forgetting(tasks, learned, loss, unseen=0.1):
    """An accuracy matrix: `learned` right after training on a task, `loss` less with every further task."""
    return [
        [learned - loss * (after - task) if task <= after else unseen for task in range(1, tasks + 1)]
        for after in range(1, tasks + 1)
    ]


def table(*parts):
    return pandas.DataFrame([row for part in parts for row in part], columns=accuracies.COLUMNS)


def correlated(condition, layer, values, seeds=3, kind="pearson", spread=0.001):
    """Rows of correlations for every seed; values: {(task, other): r} for task < other."""
    tasks = max(max(pair) for pair in values)
    full = {**values, **{pair[::-1]: r for pair, r in values.items()}, **{(t, t): 1.0 for t in range(1, tasks + 1)}}
    return [
        {"condition": condition, "seed": seed, "layer": layer, "kind": kind, "task": task, "other_task": other}
        | {"correlation": r if task == other else r + spread * (seed % 3 - 1)}
        for seed in range(seeds)
        for (task, other), r in sorted(full.items())
    ]


def uniform(tasks, r, growth=0.0):
    """The same correlation r for every pair of tasks, plus `growth` for each task that the second one is later."""
    return {
        (a, b): r + growth * (b - 2)
        for a, b in zip(*numpy.triu_indices(tasks, 1), strict=True)
        for a, b in [(a + 1, b + 1)]
    }


def correlation_table(*parts):
    return pandas.DataFrame([row for part in parts for row in part], columns=results.CORRELATIONS)


def tables(**run):
    """Tables as they are read, each with the same record."""
    return Tables(run, dict.fromkeys(run, RECORD), results.READERS)
