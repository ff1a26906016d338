"""Constructed tables of results: what runs would write, with accuracies and logs of our choice."""

from __future__ import annotations

import functools
from itertools import product
from pathlib import Path

import numpy
import pandas

from common.results import accuracies, reported
from common.results.readers import Tables
from papers.dhp import conditions
from papers.dhp.conditions import BENCHMARK_LABELS, FINAL, LABELS, TASKS, TRANSFER
from papers.dhp.protocol import BASELINES, BENCHMARKS, CONSOLIDATED, DHP, FINETUNE, METHODS, SWEPT
from papers.dhp.results import READERS

REPORTED = reported.read(Path(conditions.__file__).with_name("reported.csv"))
TABLE1 = reported.results(REPORTED, artifact="table1", panel="")
MNIST = {"name": "mnist", "description": "MNIST", "completeness": "complete"}
RECORD = {"scale": "paper", "seeds": list(range(10)), "data": [MNIST], "protocol": {}}
STEPS = 400  # of a task in the log of Figure 3


def published(benchmark, condition):
    """Accuracy in % and BWT in Table I; where a task would have been above 99.9% when it was new, the BWT is what that allows."""
    rows = TABLE1[(TABLE1["setting"] == BENCHMARK_LABELS[benchmark]) & (TABLE1["method"] == LABELS[condition])]
    accuracy, transfer = rows.set_index("quantity")["value"].loc[[FINAL, TRANSFER]]
    tasks = TASKS[benchmark]
    return accuracy, max(transfer, (accuracy / 100 - 0.999) * tasks / (tasks - 1))


TARGETS = {benchmark: {condition: published(benchmark, condition) for condition in METHODS} for benchmark in BENCHMARKS}


def given(run, diverged=()):
    """The paper's tables, of which these were run; diverged: table, condition and seeds that diverge in the second task."""
    run, listed = dict(run), []
    for name, condition, seeds in diverged:
        if name in run:
            run[name] = until_diverged(run[name], condition, seeds)
        lost = {"benchmark": name, "condition": condition, "at": "task 2, epoch 1"}
        listed += [lost | {"seed": seed} for seed in seeds]
    return Tables(run, {name: RECORD | {"diverged": listed} for name in run}, READERS)


def until_diverged(rows, condition, seeds):
    """A table of accuracies in which these seeds of a condition diverge in their second task."""
    chosen = (rows["condition"] == condition) & rows["seed"].isin(seeds)
    ends = rows[chosen & (rows["after_task"] == 2) & (rows["task"] == 1)].assign(accuracy=numpy.nan)
    return pandas.concat([rows[~chosen | (rows["after_task"] == 1)], ends], ignore_index=True)


def forgetting(tasks, accuracy, transfer):
    """An accuracy matrix whose final average (in %) and backward transfer are as given; decay is linear in time."""
    learned = accuracy / 100 - transfer * (tasks - 1) / tasks
    lost = -2 * transfer / tasks  # with each further task
    return [
        [max(learned - lost * (after - task), 0) if task <= after else 0.1 for task in range(1, tasks + 1)]
        for after in range(1, tasks + 1)
    ]


def runs(condition, matrix, seeds=3, spread=0.0005):
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


def benchmark(name, tasks=None, seeds=3, spread=0.0005, **changes):
    """A benchmark's table as in the paper; changes: (accuracy, BWT) by condition with _ for -, None to leave out."""
    targets = TARGETS[name] | {condition.replace("_", "-"): to for condition, to in changes.items()}
    matrices = {key: forgetting(tasks or TASKS[name], *to) for key, to in targets.items() if to}
    return table(*(runs(key, matrix, seeds, spread) for key, matrix in matrices.items()))


def tuned(offset=0.5):
    """What to add to a benchmark so that all lambdas of our own search do better by so many points."""
    own = {name: to for name, to in TARGETS["permuted"].items() if name not in (FINETUNE, DHP)}
    return {f"{name}_tuned".replace("-", "_"): (accuracy + offset, bwt) for name, (accuracy, bwt) in own.items()}


def singles(name="permuted", offset=0.1):
    """Baselines without the extra output weights."""
    return {f"{method}_single": (TARGETS[name][method][0] + offset, TARGETS[name][method][1]) for method in BASELINES}


OFFSETS = {0.1: -4.0, 0.01: -1.0, 0.001: 0.0, 0.0005: 0.2, 0.0001: 0.1}  # points against 0.001


def eta(tasks=None, seeds=3, swept=OFFSETS, diverged=None):
    """A sweep over eta; diverged: seeds that do so in their second task, by eta."""
    parts = []
    for name, (value, offset) in product(SWEPT, swept.items()):
        accuracy, transfer = TARGETS[name][DHP]
        rows = table(runs(DHP, forgetting(tasks or TASKS[name], accuracy + offset, transfer), seeds))
        rows = until_diverged(rows, DHP, (diverged or {}).get(value, []))
        parts.append(rows.assign(benchmark=name, eta=value))
    return pandas.concat(parts, ignore_index=True)


def plasticity(tasks=10, seeds=3, peak=0.024, decay=0.8, trace=0.3, alpha=0.02, bump=0.003):
    """The logs of Figure 3.

    eta rises to its peak at once, and shrinks by the factor `decay` with each task after the third, with a `bump`
    within each; ||Hebb|| saturates, having grown by `trace` per task; ||alpha|| grows by `alpha` per task.
    """
    step = numpy.unique([*range(1, tasks * STEPS + 1, 10), *range(STEPS, tasks * STEPS + 1, STEPS)])
    task = (step - 1) // STEPS + 1
    time = step / STEPS
    level = peak * decay ** numpy.maximum(task - 3, 0) - 0.001
    rate = 0.001 + level * (1 - numpy.exp(-50 * time)) + bump * numpy.sin(numpy.pi * (time - task + 1))
    columns = {
        "eta": (rate, 1e-5),
        "hebb_norm": (6 * (1 - numpy.exp(-5 * time)) + trace * time, 0.01),
        "alpha_norm": (0.37 + alpha * time, 0.001),
    }
    return pandas.concat(
        pandas.DataFrame(
            {"condition": DHP, "seed": seed, "task": task, "step": step}
            | {name: values + by * (seed % 3 - 1) for name, (values, by) in columns.items()}
        )
        for seed in range(seeds)
    ).reset_index(drop=True)


def imbalance():
    rows = [(task, digit, 0.1 * digit, 600 * (10 - digit) - task) for task, digit in product(range(1, 11), range(10))]
    return pandas.DataFrame(rows, columns=READERS["imbalance"].columns)


def tune(best=10.0):
    """A grid search whose best lambda is the same for all."""
    rows = [
        (name, method, value, 1000, 0.9 - 0.03 * abs(numpy.log10(value / best)))
        for name, method, value in product(BENCHMARKS, CONSOLIDATED, (1.0, 10.0, 100.0, 1000.0))
    ]
    return pandas.DataFrame(rows, columns=READERS["tune"].columns)


def update(units=8, rate=0.02):
    """One update of a trace that has seen all classes before, by a batch of 6, 3, 9, 0 twice."""
    source = numpy.random.default_rng(5)
    labels = numpy.array([6, 3, 9, 0] * 2)
    hidden, before = source.normal(size=(len(labels), units)), source.normal(size=(10, units))
    after = before.copy()
    for digit in labels[:4]:
        after[digit] = (1 - rate) * before[digit] + rate * hidden[labels == digit].mean(0)
    strips = [("activation", number, label, row) for number, (label, row) in enumerate(zip(labels, hidden), 1)]
    for kind, trace in (("before", before), ("after", after)):
        strips += [(kind, 0, digit, row) for digit, row in enumerate(trace)]
    rows = [(*place, unit, value) for *place, strip in strips for unit, value in enumerate(strip, start=1)]
    return pandas.DataFrame(rows, columns=READERS["update"].columns)


def everything(seeds=3, diverged=(), **changes):
    """All tables, as the paper claims them; diverged: as for `given`; changes: other tables, by name."""
    return given(_as_claimed(seeds) | changes, diverged=diverged)


@functools.cache
def _as_claimed(seeds):
    return {
        "permuted": benchmark("permuted", seeds=seeds, **singles()),
        "imbalanced": benchmark("imbalanced", seeds=seeds),
        "split": benchmark("split", seeds=seeds, spread=0.0002),
        "vision": benchmark("vision", seeds=seeds),
        "plasticity": plasticity(seeds=seeds),
        "eta": eta(seeds=seeds),
        "imbalance": imbalance(),
        "tune": tune(),
        "update": update(),
    }
