"""Constructed tables of results: what runs would write, with accuracies and weights of our choice."""

from __future__ import annotations

import functools
import itertools
import json
import math

import numpy
import pandas

from common.results import accuracies, reported
from common.results import tables as table_files
from common.results.readers import Tables
from common.running.code import ROOT
from common.running.protocols import Settings, as_dict
from papers.sticky_gradient import protocol
from papers.sticky_gradient.readings import CELLS, CONTROL, EWC, FULL, SEARCHED
from papers.sticky_gradient.results import READERS
from papers.sticky_gradient.runs import MAIN, REGISTER
from tests.papers.sticky_gradient.small import PAPER

REPORTED = reported.read(ROOT / "papers/sticky_gradient/reported.csv")
PUBLISHED = {"a1": 0.279, "mu": 0.00363, "sigma": 0.0204, "gamma": 4.7, "zeta": 0.000574, "lambda_": 4.12}
READING = PAPER.design.reading
RECORD = {"paper": "sticky_gradient", "stage": "train", "scale": "paper"}
RECORD |= {"seeds": list(range(10)), "data": [], "protocol_digests": ["a"], "parts": 1}
RECORD["protocol"] = {"training": as_dict(PAPER.training), "search": as_dict(PAPER.search)}
RECORD["protocol"]["design"] = {"reading": READING}
# Accuracy at once on a new task, and what it loses with every further task; runs that bear the paper's claims out.
LEARNED = {CONTROL: (0.96, 0.066), EWC: (0.87, 0.0008), FULL: (0.895, 0.0119), "sticky-smart": (0.895, 0.0187)}
LEARNED |= {"smart": (0.895, 0.0254), "sticky": (0.93, 0.06), "l1": (0.93, 0.061)}
LEARNED |= {"sticky-l1": (0.93, 0.058), "l1-smart": (0.895, 0.03)}


def forgetting(tasks, learned, loss, lasting=0.0):
    """An accuracy matrix: `learned` right after training on a task, then `loss` less with every further task.

    lasting: how much lower the first tasks begin, gone by the last one.
    """
    return [
        [max(learned - loss * (after - task) - lasting * (tasks - after), 0) for task in range(1, after + 1)]
        for after in range(1, tasks + 1)
    ]


def runs(condition, matrix, seeds=3, spread=0.001):
    """Rows of the same accuracy matrix for every seed, apart from a small wobble; rows of the matrix: after_task."""
    return [
        {"condition": condition, "seed": seed, "split": "test", "after_task": after, "task": task}
        | {"accuracy": min(max(accuracy + spread * (seed % 3 - 1), 0), 1)}
        for seed in range(seeds)
        for after, row in enumerate(matrix, start=1)
        for task, accuracy in enumerate(row, start=1)
    ]


def table(*parts):
    return pandas.DataFrame([row for part in parts for row in part], columns=accuracies.COLUMNS)


def permuted(tasks=10, seeds=3, searched=(), **changes):
    """Figures 2 and 3; changes: matrices by condition; searched: cells with the hyperparameters of our search."""
    matrices = {condition: forgetting(tasks, *LEARNED[condition]) for condition in (*CELLS, EWC)}
    # EWC starts far ahead of the sticky gradient and ends slightly ahead.
    matrices[FULL] = forgetting(tasks, *LEARNED[FULL], lasting=0.0065)
    matrices |= {cell + SEARCHED: forgetting(tasks, 0.93, 0.006) for cell in searched} | changes
    return table(*(runs(name, matrix, seeds) for name, matrix in matrices.items()))


def shared(levels=(0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0), tasks=10, seeds=3, searched=False, crossing=0.6):
    """Figure 4: the control catches up with the sticky gradient at the crossing."""
    parts = []
    for level in levels:
        losses = {CONTROL: 0.066 * (1 - level), FULL: 0.066 * (1 - level) + (level - crossing) / 20}
        for condition, loss in losses.items():
            part = table(runs(condition, forgetting(tasks, 0.95, loss), seeds))
            parts.append(part.assign(shared=level))
            if searched and condition == FULL:
                parts.append(part.assign(shared=level, condition=FULL + SEARCHED))
    return pandas.concat(parts, ignore_index=True)


def weights(tasks=10, seeds=3, searched=False, **changes):
    """Figure 5; changes: by condition, the components (share, mean, SD) of the final distribution.

    Everything starts as the first component and reaches its final distribution with the last task.
    """
    mixtures = {
        CONTROL: [(1.0, 0.0, 0.04)],
        EWC: [(1.0, 0.0, 0.03)],
        FULL: [(0.96, 0.002, 0.012), (0.03, -0.06, 0.01), (0.01, 0.279, 0.008)],
    }
    mixtures |= {FULL + SEARCHED: [(0.99, 0.0, 0.02), (0.01, 0.4, 0.02)]} if searched else {}
    chosen = itertools.product((mixtures | changes).items(), range(seeds), range(1, tasks + 1))
    parts = [_bins(*mixture, seed, after, done=after / tasks) for mixture, seed, after in chosen]
    return pandas.concat(parts, ignore_index=True)


def _bins(condition, components, seed, after, done, total=1_500_000):
    edges = numpy.arange(-80, 81) / 100
    counts = numpy.zeros(len(edges))
    for place, (share, mean, sd) in enumerate(components):
        grown = share * done if place else 1 - done * sum(part for part, _, _ in components[1:])
        z = (edges + 0.005 - mean) / sd
        counts += total * (1 + 0.01 * (seed % 3 - 1)) * grown * 0.01 / sd / 2.5066 * numpy.exp(-(z**2) / 2)
    about = {"condition": condition, "seed": seed, "after_task": after}
    return pandas.DataFrame(about | {"low": edges, "count": counts.round().astype(int)})[counts.round() >= 1]


def search(readings=(READING,), trials=30, seeds=(1000, 1001, 1002), objective=0.085, **changes):
    """Table 1; objective: of the best trial; changes: hyperparameters of the best."""
    rows = []
    for reading, seed in itertools.product(readings, seeds):
        tried = dict.fromkeys(range(trials), (0.02, [0.5 * value for value in PUBLISHED.values()]))
        tried[trials // 2] = objective, (PUBLISHED | changes).values()
        tried[protocol.PUBLISHED] = 0.080, PUBLISHED.values()
        tried[protocol.NO_METHOD] = 0.068, [numpy.nan] * len(PUBLISHED)
        wobble = 0.0003 * (seed % 3 - 1)
        rows += [(reading, trial, seed, *values, value + wobble) for trial, (value, values) in tried.items()]
    return pandas.DataFrame(rows, columns=READERS["search"].columns)


def trajectories(tasks=3, weights=60, looks=30):
    """Figure 1a: half of the weights fall towards 0.279 and stay, one after the other; the others wander around 0."""
    rows = []
    for weight, look in itertools.product(range(weights), range(tasks * looks)):
        fallen = 0.279 * (1 - 0.8 ** max(0, look - weight))
        value = fallen if weight < weights / 2 else 0.03 * math.sin(weight + look / 5)
        rows.append({"weight": weight, "step": 20 * (look + 1), "task": look // looks + 1, "value": value})
    return pandas.DataFrame(rows)


def everything(seeds=3, **changes):
    """All tables, as the paper claims them and as they are collected; changes: other tables, by name."""
    run = _as_claimed(seeds) | changes
    for_main = run["accuracies"]["condition"].isin(MAIN)
    return run | {"accuracies": run["accuracies"][for_main], "ablation": run["accuracies"][~for_main]}


@functools.cache
def _as_claimed(seeds):
    run = {"accuracies": permuted(seeds=seeds), "shared": shared(seeds=seeds), "weights": weights(seeds=seeds)}
    return run | {"search": search(seeds=range(1000, 1000 + seeds)), "trajectories": trajectories()}


def tables(run, artifact="comparison", record=RECORD, changes=()):
    """Those of the tables that an artifact is made from; changes: of the protocol, as in --set."""
    run = {name: run[name] for name in REGISTER.artifact(artifact).tables if name in run}
    settings = Settings(REGISTER.protocol("paper", changes), REGISTER.artifact(artifact).reads, artifact)
    return Tables(run, dict.fromkeys(run, record), READERS, settings)


def write(folder, name, rows, record=RECORD):
    """Write a table and its record as the stages do; returns the table's path."""
    table_files.write(folder / f"{name}.csv", rows)
    (folder / f"{name}.json").write_text(json.dumps(record))
    return folder / f"{name}.csv"
