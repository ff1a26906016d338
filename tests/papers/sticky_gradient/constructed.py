"""Constructed tables of results: what runs would write, with accuracies and weights of our choice."""

from __future__ import annotations

import functools
import json

import numpy
import pandas

from common.results import accuracies, reported
from common.results import tables as table_files
from common.results.readers import Tables
from common.running.code import ROOT
from common.running.protocols import Settings, as_dict
from papers.sticky_gradient import protocol
from papers.sticky_gradient.readings import CELLS, CONTROL, EWC, FULL, SEARCHED
from papers.sticky_gradient.results import READERS, SEARCH_COLUMNS
from papers.sticky_gradient.runs import MAIN, REGISTER
from tests.papers.sticky_gradient.small import PAPER

REPORTED = reported.read(ROOT / "papers/sticky_gradient/reported.csv")
PUBLISHED = {"a1": 0.279, "mu": 0.00363, "sigma": 0.0204, "gamma": 4.7, "zeta": 0.000574, "lambda_": 4.12}
READING = PAPER.design.reading
MNIST = {"name": "mnist", "description": "MNIST", "completeness": "complete"}
RECORD = {
    "scale": "paper",
    "seeds": list(range(10)),
    "data": [MNIST],
    "protocol_digests": ["a"],
    "protocol": {
        "training": as_dict(PAPER.training),
        "search": as_dict(PAPER.search),
        "design": {"reading": READING},
    },
    "parts": 1,
}
# Accuracy at once on a new task, and what it loses with every further task; runs that bear the paper's claims out.
LEARNED = {CONTROL: (0.96, 0.066), EWC: (0.87, 0.0008), FULL: (0.895, 0.0119), "sticky-smart": (0.895, 0.0187)}
LEARNED |= {"smart": (0.895, 0.0254), "sticky": (0.93, 0.06), "l1": (0.93, 0.061)}
LEARNED |= {"sticky-l1": (0.93, 0.058), "l1-smart": (0.895, 0.03)}


def forgetting(tasks, learned, loss, lasting=0.0):
    """An accuracy matrix: `learned` right after training on a task, then `loss` less with every further task.

    lasting: how much lower the first tasks begin, gone by the last one.
    """
    return [
        [
            max(learned - loss * (after - task) - lasting * (tasks - after), 0) if task <= after else 0.1
            for task in range(1, tasks + 1)
        ]
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


def permuted(tasks=10, seeds=3, spread=0.001, searched=(), **changes):
    """Figures 2 and 3; changes: matrices by condition, None to leave one out; searched: cells found by our search."""
    matrices = {condition: forgetting(tasks, *LEARNED[condition]) for condition in (*CELLS, EWC)}
    # EWC starts far ahead of the sticky gradient and ends slightly ahead.
    matrices[FULL] = forgetting(tasks, *LEARNED[FULL], lasting=0.0065)
    matrices |= {cell + SEARCHED: forgetting(tasks, 0.93, 0.006) for cell in searched} | changes
    return table(*(runs(name, matrix, seeds, spread) for name, matrix in matrices.items() if matrix is not None))


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
    rows = []
    for condition, components in (mixtures | changes).items():
        for seed in range(seeds):
            for after in range(1, tasks + 1):
                rows += _bins(condition, seed, after, components, done=after / tasks)
    return pandas.DataFrame(rows)


def _bins(condition, seed, after, components, done, total=1_500_000):
    edges = numpy.arange(-80, 81) / 100
    counts = numpy.zeros(len(edges))
    for place, (share, mean, sd) in enumerate(components):
        grown = share * done if place else 1 - done * sum(part for part, _, _ in components[1:])
        z = (edges + 0.005 - mean) / sd
        counts += total * (1 + 0.01 * (seed % 3 - 1)) * grown * 0.01 / sd / 2.5066 * numpy.exp(-(z**2) / 2)
    return [
        {"condition": condition, "seed": seed, "after_task": after, "low": round(float(low), 2), "count": int(count)}
        for low, count in zip(edges, counts.round(), strict=True)
        if count >= 1
    ]


def search(readings=(READING,), trials=30, seeds=(1000, 1001, 1002), objective=0.085, **changes):
    """Table 1; objective: of the best trial; changes: hyperparameters of the best, or `published` and `control`."""
    beside = {"published": 0.080, "control": 0.068} | {key: changes.pop(key) for key in [*changes] if key in BESIDE}
    rows = []
    for reading in readings:
        for seed in seeds:
            source, wobble = numpy.random.default_rng(seed), 0.0003 * (seed % 3 - 1)
            for trial in range(trials):
                best = trial == trials // 2
                spread = dict.fromkeys(PUBLISHED, 1.0) if best else dict(zip(PUBLISHED, source.uniform(0.5, 2, 6)))
                values = {name: PUBLISHED[name] * spread[name] for name in PUBLISHED}
                values["lambda_"] = 4 + source.uniform(0, 3)
                value = objective + wobble if best else source.uniform(0.01, objective - 0.01)
                rows.append(_trial(reading, trial, seed, values | (changes if best else {}), value))
            rows.append(_trial(reading, protocol.PUBLISHED, seed, PUBLISHED, beside["published"] + wobble))
            rows.append(_trial(reading, protocol.NO_METHOD, seed, {}, beside["control"] + wobble))
    return pandas.DataFrame(rows, columns=SEARCH_COLUMNS)


BESIDE = ("published", "control")


def _trial(reading, trial, seed, values, objective):
    filled = {name: values.get(name, numpy.nan) for name in PUBLISHED}
    return {"reading": reading, "trial": trial, "seed": seed, **filled, "objective": objective}


def trajectories(tasks=3, weights=60, looks=30, trapped=0.5):
    """Figure 1a: some weights fall towards 0.279 and stay, the others wander around 0."""
    source = numpy.random.default_rng(1)
    rows = []
    for weight in range(weights):
        value = source.normal(0.004, 0.03)
        starts = source.integers(0, tasks * looks * 0.7)
        for look in range(tasks * looks):
            falls = weight < trapped * weights and look >= starts
            speed = 0.12 * (0.279 - value) if falls else source.normal(0, 0.006) - 0.02 * value
            value += speed + source.normal(0, 0.001)
            rows.append({"weight": weight, "step": 20 * (look + 1), "task": look // looks + 1, "value": value})
    return pandas.DataFrame(rows)


def everything(seeds=3, **changes):
    """All tables, as the paper claims them and as they are collected; changes: other tables, by name."""
    run = _as_claimed(seeds) | changes
    of_main = run["accuracies"]["condition"].isin(MAIN)
    parts = {"accuracies": run["accuracies"][of_main], "ablation": run["accuracies"][~of_main]}
    return run | {name: rows.reset_index(drop=True) for name, rows in parts.items()}


@functools.cache
def _as_claimed(seeds):
    return {
        "accuracies": permuted(seeds=seeds),
        "shared": shared(seeds=seeds),
        "weights": weights(seeds=seeds),
        "search": search(seeds=range(1000, 1000 + seeds)),
        "trajectories": trajectories(),
    }


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
