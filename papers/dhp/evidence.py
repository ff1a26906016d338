"""The numbers that the claims rest on: one value per seed, out of the collected tables by name.

Accuracies are in percent, backward transfers in percentage points. Whatever was not run is empty, so that a claim about
it is "not run"; so is what was run with fewer tasks than the paper's.
"""

from __future__ import annotations

from itertools import pairwise

import pandas

from common import accuracies
from common.claims import difference
from common.collected import Tables
from papers.dhp import collected, conditions
from papers.dhp.conditions import BENCHMARKS, DHP, FINETUNE, SINGLE, TASKS, TUNED

Runs = dict[int, float]

INITIAL_ETA = 0.001  # of the paper, on the MNIST benchmarks
SMALL_ETAS = (0.001, 0.0005, 0.0001)  # of its sweep
LARGE_ETA = 0.1


def accuracy(tables: Tables, benchmark: str, condition: str, tasks: int | None = None) -> Runs:
    """Return the mean accuracy over all tasks so far, after so many tasks; by default after all of the paper's."""
    return conditions.after(collected.table(tables, benchmark), condition, tasks or TASKS[benchmark])


def transfer(tables: Tables, benchmark: str, condition: str) -> Runs:
    """Return the backward transfer after all tasks, in points; empty if there are fewer tasks than the paper's."""
    results = collected.table(tables, benchmark)
    complete = accuracies.tasks(results) == TASKS[benchmark]
    runs = conditions.transfers(results, condition) if complete else {}
    return {seed: 100 * value for seed, value in runs.items()}


def gain(tables: Tables, benchmark: str, a: str, b: str) -> Runs:
    """Return the accuracy of condition a minus that of b after all tasks, in points."""
    return difference(accuracy(tables, benchmark, a), accuracy(tables, benchmark, b))


def transfer_gain(tables: Tables, benchmark: str, a: str, b: str) -> Runs:
    """Return the backward transfer of condition a minus that of b, in points."""
    return difference(transfer(tables, benchmark, a), transfer(tables, benchmark, b))


def swept(tables: Tables, benchmark: str) -> dict[float, Runs]:
    """Return the accuracy after all tasks by initial eta."""
    levels = conditions.at_eta(collected.table(tables, "eta"), benchmark)
    return {eta: conditions.after(rows, DHP, TASKS[benchmark]) for eta, rows in levels.items()}


def logs(tables: Tables) -> dict[int, pandas.DataFrame]:
    """Return the log of eta and the two norms in order of steps, by seed; without runs of fewer tasks."""
    table = collected.table(tables, "plasticity")
    runs = {int(seed): rows.sort_values("step") for seed, rows in table.groupby("seed")}
    return {seed: rows for seed, rows in runs.items() if rows["task"].max() == TASKS["permuted"]}


def largest_eta_in_task1(tables: Tables) -> Runs:
    """Return the largest eta in task 1."""
    return {seed: float(log.loc[log["task"] == 1, "eta"].max()) for seed, log in logs(tables).items()}


def steps_until_eta_rose(tables: Tables, times: float) -> Runs:
    """Return the share of task 1's steps, in percent, until eta exceeds so many times the paper's initial value.

    It is 100 if eta never does so within task 1.
    """
    found = {}
    for seed, log in logs(tables).items():
        first = log[log["task"] == 1]
        high = first.loc[first["eta"] > times * INITIAL_ETA, "step"]
        found[seed] = 100 * float(high.min() / first["step"].max()) if len(high) else 100.0
    return found


def eta_by_task(tables: Tables) -> dict[int, pandas.Series]:
    """Return the mean eta in each task."""
    return {seed: log.groupby("task")["eta"].mean() for seed, log in logs(tables).items()}


def task_of_largest_eta(tables: Tables) -> Runs:
    """Return the task with the largest mean eta: after it, eta decays."""
    return {seed: float(means.idxmax()) for seed, means in eta_by_task(tables).items()}


def tasks_with_rise_and_decay(tables: Tables, tasks: range) -> Runs:
    """Return in how many of the tasks eta is largest neither at the first nor at the last step that was logged."""
    found = {}
    for seed, log in logs(tables).items():
        curves = [log.loc[log["task"] == task, "eta"].to_numpy() for task in tasks]
        found[seed] = float(sum(0 < curve.argmax() and curve[-1] < curve.max() for curve in curves))
    return found


def growths(tables: Tables, quantity: str) -> Runs:
    """Return how many of the nine steps from one task's end to the next one's are growth."""
    ends = {seed: log.groupby("task")[quantity].last() for seed, log in logs(tables).items()}
    return {seed: float(sum(later > earlier for earlier, later in pairwise(values))) for seed, values in ends.items()}


def largest_after_task1(tables: Tables, quantity: str) -> Runs:
    """Return the largest value in tasks 2 to 10, as a multiple of that at the end of task 1."""
    found = {}
    for seed, log in logs(tables).items():
        start = log.loc[log["task"] == 1, quantity].iloc[-1]
        found[seed] = float(log.loc[log["task"] > 1, quantity].max() / start)
    return found


def least_growth_within_tasks(tables: Tables, quantity: str) -> Runs:
    """Return the least growth from a task's start to its end, in percent of the start.

    A task starts where the one before ended; task 1 where the log begins.
    """
    found = {}
    for seed, log in logs(tables).items():
        values = [log[quantity].iloc[0], *log.groupby("task")[quantity].last()]
        found[seed] = min(100 * float(later / earlier - 1) for earlier, later in pairwise(values))
    return found


def of_own_lambda(tables: Tables) -> dict[str, pandas.DataFrame]:
    """Return the accuracies with the lambdas of our grid search in the place of the published ones.

    Conditions without a lambda stay. Benchmarks in which no condition was trained so are left out.
    """
    found = {
        benchmark: accuracies.without_suffix(collected.table(tables, benchmark), TUNED, others=(FINETUNE, DHP))
        for benchmark in BENCHMARKS
    }
    return {benchmark: table for benchmark, table in found.items() if not table.empty}


def with_single_weights(tables: Tables) -> list[str]:
    """Return the benchmarks in which a baseline was trained without the extra output weights."""
    has = {name: collected.table(tables, name)["condition"].astype(str).str.endswith(SINGLE) for name in BENCHMARKS}
    return [name for name, rows in has.items() if rows.any()]
