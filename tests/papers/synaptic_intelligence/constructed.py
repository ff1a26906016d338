"""Constructed tables of results: what runs that bear out the paper's claims would write, and others of our choice."""

from __future__ import annotations

import itertools

import pandas

from common.results import accuracies, reported
from common.results.readers import Tables
from common.running.code import ROOT
from papers.synaptic_intelligence import results

REPORTED = reported.read(ROOT / "papers/synaptic_intelligence/reported.csv")
RECORD = {"scale": "paper", "seeds": [0, 1, 2], "data": [], "protocol_digests": ["a"], "parts": 1}


def forgetting(tasks, learned, loss):
    """An accuracy matrix: chance before, `learned` right after training on a task, `loss` less with every further task."""
    chance = 0.5 if tasks == 5 else 0.1  # five tasks have two digits each
    return [
        [learned - loss * (after - task) if task <= after else chance for task in range(1, tasks + 1)]
        for after in range(1, tasks + 1)
    ]


def ending(final):
    """An accuracy matrix of six tasks with this last row."""
    return [*[[0.2] * 6] * 5, final]


def from_scratch(alone):
    """An accuracy matrix of six tasks of which none outlives the next one."""
    return [[alone[task] if task == after else 0.1 for task in range(6)] for after in range(6)]


def uniform(r):
    """The same correlation for every pair of ten tasks."""
    return dict.fromkeys(itertools.combinations(range(1, 11), 2), r)


SPLIT_PLAIN = [[0.999], [0.8, 0.99], [0.7, 0.9, 0.99], [0.6, 0.7, 0.9, 0.99], [0.5, 0.5, 0.9, 0.98, 0.99]]
CIFAR_PLAIN = [0.459, 0.549, 0.570, 0.687, 0.675, 0.810]  # after all tasks, as in the authors' archive
CIFAR_SI = [0.746, 0.718, 0.714, 0.744, 0.704, 0.786]
CIFAR_SCRATCH = [0.804, 0.690, 0.647, 0.733, 0.679, 0.713]
GROWING = {pair: 0.2 + 0.05 * pair[1] for pair in uniform(0)}
# By table; accuracies by condition and split (if not test), correlations by condition and layer, theory by claim and quantity.
CLAIMED = {
    "split_mnist": {
        "si-0": SPLIT_PLAIN,
        "si-1": forgetting(5, 0.995, 0.002),
        "si-0, train": forgetting(5, 0.998, 0.1),
        "si-1, train": forgetting(5, 0.998, 0.001),
    },
    "permuted_mnist": {
        "si-0": forgetting(10, 0.983, 0.09),
        "si-0.01": forgetting(10, 0.983, 0.014),
        "si-0.02": forgetting(10, 0.983, 0.01),
        "si-0.1": forgetting(10, 0.983, 0.003),
        "ewc": forgetting(10, 0.983, 0.004),
        "sgd": forgetting(10, 0.983, 0.05),
        "dropout": forgetting(10, 0.983, 0.06),
        "joint": [[0.985] * 10],
        "joint, train": [[0.994] * 10],
    },
    "cifar": {
        "si-0": ending(CIFAR_PLAIN),
        "si-0.01": ending(CIFAR_SI),
        "si-0.1": ending([0.783] * 6),
        "scratch": from_scratch(CIFAR_SCRATCH),
        "si-0.01, train": ending([0.87] * 6),
        "scratch, train": from_scratch([0.99] * 6),
    },
    "correlations": {
        "si-0, 1": uniform(0.02),
        "si-0, 2": GROWING,
        "si-0.1, 1": uniform(0.03),
        "si-0.1, 2": uniform(0.1),
    },
    "theory": {
        "21, quadratic, excess over the loss drop": 0.01,
        "21, small network, excess over the loss drop": 0.01,
        "22, relative Frobenius error": 0.02,
        "23, diagonal, correlation": 0.99995,
        "23, diagonal, constant": 0.5,
        "23, rank one, correlation": 0.99995,
        "23, rank one, constant": 0.5,
        "24, mini-batches, excess over the loss drop": 0.4,
    },
}


def claimed(name, changes=(), seeds=3):
    """One table of runs that bear out the claims; changes: other entries than those of CLAIMED[name]."""
    parts = [(*key.split(", ", 1), value) for key, value in (CLAIMED[name] | dict(changes)).items()]
    if name == "theory":
        return theory(parts, seeds)
    if name == "correlations":
        rows = [row for condition, layer, values in parts for row in correlated(condition, int(layer), values, seeds)]
        return pandas.DataFrame(rows, columns=results.READERS["correlations"].columns)
    return table(*(runs(condition, matrix, seeds, *split) for condition, *split, matrix in parts))


def everything(seeds=3, **changes):
    """All tables that the claims are about; changes: as in `claimed`, by table."""
    return {name: claimed(name, changes.get(name, ()), seeds) for name in CLAIMED}


def runs(condition, matrix, seeds=3, split="test", spread=0.001):
    """Rows of the same accuracy matrix for every seed, apart from a small wobble; its last row is after all tasks."""
    first = len(matrix[-1]) - len(matrix) + 1
    return [
        {"condition": condition, "seed": seed, "split": split, "after_task": after, "task": task}
        | {"accuracy": min(max(accuracy + spread * (seed % 3 - 1), 0), 1)}
        for seed in range(seeds)
        for after, row in enumerate(matrix, start=first)
        for task, accuracy in enumerate(row, start=1)
    ]


def table(*parts):
    return pandas.DataFrame([row for part in parts for row in part], columns=accuracies.COLUMNS)


def correlated(condition, layer, values, seeds=3, spread=0.001):
    """Rows of correlations for every seed; values: Pearson's, {(task, other): r} for task < other. Spearman's are half."""
    tasks = max(max(pair) for pair in values)
    full = {**values, **{pair[::-1]: r for pair, r in values.items()}, **{(t, t): 1.0 for t in range(1, tasks + 1)}}
    return [
        {"condition": condition, "seed": seed, "layer": layer, "kind": kind, "task": task, "other_task": other}
        | {"correlation": r if task == other else share * r + spread * (seed % 3 - 1)}
        for seed in range(seeds)
        for kind, share in (("pearson", 1), ("spearman", 0.5))
        for (task, other), r in sorted(full.items())
    ]


def theory(parts, seeds):
    return pandas.DataFrame(
        {"claim": f"synaptic_intelligence-{claim}", "quantity": quantity, "seed": seed, "value": value + 1e-5 * seed}
        for claim, quantity, value in parts
        for seed in range(seeds)
    )


def tables(**run):
    """Tables as they are read, each with the same record."""
    return Tables(run, dict.fromkeys(run, RECORD), results.READERS)
