"""The paper's collected tables: how each is read, and one value per seed out of them for figures, claims and verdicts.

Accuracies are in percent, backward transfers in percentage points. What was not run is empty, so that a claim about it is
"not run". So is what was run with fewer tasks than the paper's, unless a number of tasks is asked for.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy
import pandas

from common.results import accuracies, readers
from common.results import tables as table_files
from common.results.claims import difference
from common.results.readers import Reader, Tables
from papers.dhp.conditions import TASKS
from papers.dhp.protocol import BENCHMARKS, CONDITIONS, DHP, FINETUNE, LOGGED, METHODS, PUBLIC_BENCHMARK, SINGLE, TUNED

Runs = dict[int, float]

INITIAL_ETA = 0.001  # of the paper, on the MNIST benchmarks
SMALL_ETAS = (0.001, 0.0005, 0.0001)  # of its sweep
LARGE_ETA = 0.1
NOTED = ["eta", "hebb_norm", "alpha_norm"]
LOG = ["condition", "seed", "task", "step", *NOTED]


def read_plasticity(path: str | Path) -> pandas.DataFrame:
    """Return the log of eta and the norms, one row per seed and step; that of a run which diverged ends where it did.

    Raises ValueError unless it is of DHP Softmax, with each step once; its pixels may be standardised.
    """
    table = table_files.read(path, LOG)[LOG]
    table = table[numpy.isfinite(table[NOTED]).all(axis=1)].reset_index(drop=True)
    if others := sorted(set(table["condition"]) - set(LOGGED[1])):
        raise ValueError(f"{path}: Figure 3 is of {' and '.join(LOGGED[1])} alone; found {', '.join(others)}")
    if table.duplicated(["condition", "seed", "step"]).any():
        raise ValueError(f"{path}: a seed has a step twice: do not collect overlapping batches")
    return table


READERS = {
    **dict.fromkeys(BENCHMARKS, accuracies.reader(CONDITIONS)),
    "eta": accuracies.reader(CONDITIONS, "benchmark", "eta", known={"benchmark": BENCHMARKS}, positive=["eta"]),
    "plasticity": Reader(read_plasticity, LOG),
    "imbalance": readers.plain(["task", "class", "removal_probability", "kept"]),
    "tune": readers.plain(["benchmark", "condition", "value", "seed", "accuracy"]),
    "update": readers.plain(["kind", "example", "class", "unit", "value"]),
}


def so_far(tables: Tables, benchmark: str, condition: str) -> pandas.DataFrame:
    """Return the mean accuracy over all tasks so far: one row per seed, one column per number of tasks.

    It is nan where a run had diverged.
    """
    return 100 * accuracies.averages(tables[benchmark], condition, "test")


def accuracy(tables: Tables, benchmark: str, condition: str, tasks: int | None = None) -> Runs:
    """Return the mean accuracy over all tasks so far, after so many tasks; by default after all of the paper's."""
    return _after(tables[benchmark], condition, tasks or TASKS[benchmark])


def transfer(tables: Tables, benchmark: str, condition: str, tasks: int | None = None) -> Runs:
    """Return by how much accuracy on earlier tasks changed since they were learned, after all n tasks: forgetting if < 0.

        BWT = (1 / (n - 1)) sum_{t=1..n-1} (a[n, t] - a[t, t]),   a[k, t] on task t after training task k

    tasks: n; by default the paper's. Empty if the runs have another number, or one. Raises ValueError if some task was not
    evaluated after every task.
    """
    tasks = tasks or TASKS[benchmark]
    runs = accuracies.matrices(tables[benchmark], condition, "test")
    if tasks < 2 or accuracies.tasks(tables[benchmark]) != tasks or (tasks, tasks) not in runs.columns:
        return {}
    runs = runs.dropna()  # those that diverged
    if runs.shape[1] != tasks**2:
        raise ValueError(f"accuracy of {condition}: each of {tasks} tasks must be evaluated after each; train it again")
    matrices = runs.to_numpy(dtype=float).reshape(-1, tasks, tasks)
    changes = matrices[:, -1, :-1] - numpy.diagonal(matrices, axis1=1, axis2=2)[:, :-1]
    return {seed: 100 * change for seed, change in zip(runs.index, changes.mean(1).tolist(), strict=True)}


def gain(tables: Tables, benchmark: str, a: str, b: str) -> Runs:
    """Return the accuracy of condition a minus that of b after all tasks, in points."""
    return difference(accuracy(tables, benchmark, a), accuracy(tables, benchmark, b))


def transfer_gain(tables: Tables, benchmark: str, a: str, b: str) -> Runs:
    """Return the backward transfer of condition a minus that of b, in points."""
    return difference(transfer(tables, benchmark, a), transfer(tables, benchmark, b))


def at_eta(tables: Tables, benchmark: str) -> dict[float, tuple[int, Runs]]:
    """Return the number of tasks and the accuracy after all of them, by initial eta in increasing order."""
    sweep = tables["eta"]
    levels = sweep[sweep["benchmark"] == benchmark].groupby("eta")
    tasks = {eta: accuracies.tasks(rows) for eta, rows in levels}
    return {float(eta): (tasks[eta], _after(rows, DHP, tasks[eta])) for eta, rows in levels}


def swept(tables: Tables, benchmark: str) -> dict[float, Runs]:
    """Return the accuracy after all of the paper's tasks by initial eta."""
    complete = TASKS[benchmark]
    return {eta: runs if tasks == complete else {} for eta, (tasks, runs) in at_eta(tables, benchmark).items()}


def of_own_lambda(tables: Tables) -> Tables:
    """Return the accuracies with the lambdas of our grid search in the place of the published ones.

    Conditions without a lambda stay. Benchmarks in which no condition was trained so count as not run.
    """
    unchanged = {FINETUNE, DHP}
    return _standing_for(tables, {name if name in unchanged else name + TUNED: name for name in METHODS})


def of_public_benchmark(tables: Tables) -> Tables:
    """Return what was run with standardised pixels and importances from the gradients of whole batches, in the place of the rest."""
    return _standing_for(tables, PUBLIC_BENCHMARK)


def _standing_for(tables: Tables, names: dict[str, str]) -> Tables:
    """Return the runs of these conditions alone, each under the name of the method that it stands for.

    Tables that hold none that stands for another count as not run.
    """
    run = {}
    for table in (*BENCHMARKS, "plasticity"):
        rows = tables[table][tables[table]["condition"].isin(names)]
        if not set(rows["condition"]) <= set(names.values()):
            run[table] = rows.assign(condition=rows["condition"].map(names))
    chosen = tables.only(run)
    for table, record in chosen.records.items():
        diverged = [
            one | {"condition": names[one["condition"]]}
            for one in record.get("diverged", [])
            if one["condition"] in names
        ]
        chosen.records[table] = {**record, "diverged": diverged}
    return chosen


def with_single_weights(tables: Tables) -> list[str]:
    """Return the benchmarks in which a baseline was trained without the extra output weights."""
    return [name for name in BENCHMARKS if tables[name]["condition"].astype(str).str.endswith(SINGLE).any()]


def logs(tables: Tables) -> dict[int, pandas.DataFrame]:
    """Return the log of eta and the two norms in order of steps, by seed; without runs of fewer tasks."""
    log = tables["plasticity"]
    runs = {int(seed): rows.sort_values("step") for seed, rows in log[log["condition"] == DHP].groupby("seed")}
    return {seed: rows for seed, rows in runs.items() if rows["task"].max() == TASKS["permuted"]}


def largest_eta_in_task1(tables: Tables) -> Runs:
    """Return the largest eta in task 1."""
    return {seed: float(log.loc[log["task"] == 1, "eta"].max()) for seed, log in logs(tables).items()}


def steps_until_eta_rose(tables: Tables, times: float) -> Runs:
    """Return the share of task 1's steps, in percent, until eta exceeds so many times the paper's initial value.

    It is 100 if eta never does so within task 1.
    """
    shares = {}
    for seed, log in logs(tables).items():
        first = log[log["task"] == 1]
        high = first.loc[first["eta"] > times * INITIAL_ETA, "step"]
        shares[seed] = 100 * float(high.min() / first["step"].max()) if len(high) else 100.0
    return shares


def eta_by_task(tables: Tables) -> dict[int, pandas.Series]:
    """Return the mean eta in each task."""
    return {seed: log.groupby("task")["eta"].mean() for seed, log in logs(tables).items()}


def task_of_largest_eta(tables: Tables) -> Runs:
    """Return the task with the largest mean eta: after it, eta decays."""
    return {seed: float(means.idxmax()) for seed, means in eta_by_task(tables).items()}


def tasks_with_rise_and_decay(tables: Tables, tasks: range) -> Runs:
    """Return in how many of the tasks eta is largest neither at the first nor at the last step that was logged."""
    counts = {}
    for seed, log in logs(tables).items():
        curves = [log.loc[log["task"] == task, "eta"].to_numpy() for task in tasks]
        counts[seed] = float(sum(0 < curve.argmax() and curve[-1] < curve.max() for curve in curves))
    return counts


def growths(tables: Tables, quantity: str) -> Runs:
    """Return how many of the nine steps from one task's end to the next one's are growth."""
    ends = {seed: log.groupby("task")[quantity].last() for seed, log in logs(tables).items()}
    return {seed: float(sum(later > earlier for earlier, later in pairwise(values))) for seed, values in ends.items()}


def largest_after_task1(tables: Tables, quantity: str) -> Runs:
    """Return the largest value in tasks 2 to 10, as a multiple of that at the end of task 1."""
    multiples = {}
    for seed, log in logs(tables).items():
        start = log.loc[log["task"] == 1, quantity].iloc[-1]
        multiples[seed] = float(log.loc[log["task"] > 1, quantity].max() / start)
    return multiples


def least_growth_within_tasks(tables: Tables, quantity: str) -> Runs:
    """Return the least growth from a task's start to its end, in percent of the start.

    A task starts where the one before ended; task 1 where the log begins.
    """
    growth = {}
    for seed, log in logs(tables).items():
        values = [log[quantity].iloc[0], *log.groupby("task")[quantity].last()]
        growth[seed] = min(100 * float(later / earlier - 1) for earlier, later in pairwise(values))
    return growth


def _after(table: pandas.DataFrame, condition: str, tasks: int) -> Runs:
    runs = accuracies.average(table, condition, "test", tasks)
    return {seed: 100 * value for seed, value in runs.items()}
