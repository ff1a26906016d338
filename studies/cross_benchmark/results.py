"""The study's tables: how each is read, four numbers of every run, ranks, and which methods can be told apart.

With a[k, t] the accuracy on task t after training on k of n tasks:

    average accuracy   (1 / n) sum_t a[n, t]
    backward transfer  (1 / (n - 1)) sum_{t<n} (a[n, t] - a[t, t])
    forgetting         (1 / (n - 1)) sum_{t<n} (max_{t<=k<n} a[k, t] - a[n, t])
    plasticity         (1 / n) sum_t a[t, t], the accuracy on a task when it was just learned

All are in percent, or points of it. Joint training has the first alone.
"""

from __future__ import annotations

import itertools
import math

import numpy
import pandas
import scipy  # its parts are imported when they are used

from common.results import accuracies, readers
from common.results.readers import chosen
from studies.cross_benchmark.protocol import BENCHMARKS, METHODS, OPTIMIZERS

RUN = ["optimizer", "condition", "seed"]
MEASURES = ("accuracy", "transfer", "forgetting", "plasticity")
LEVEL = 0.05  # of all comparisons of a benchmark and optimizer together

KNOWN = {"optimizer": OPTIMIZERS}
READERS = {
    name: reader
    for benchmark in BENCHMARKS
    for name, reader in (
        (
            benchmark,
            readers.plain(
                ["optimizer", *accuracies.COLUMNS],
                optional=["accuracy"],
                known={**KNOWN, "split": accuracies.SPLITS},
                between={"accuracy": (0, 1), **accuracies.BOUNDS_OF_TASKS},
            ),
        ),
        (f"{benchmark}_cost", readers.plain([*RUN, "seconds", "bytes"], optional=["seconds"], known=KNOWN, unique=RUN)),
        (
            f"{benchmark}_search",
            readers.plain([*RUN, "trial", "hyperparameters", "objective"], known=KNOWN, between={"objective": (0, 1)}),
        ),
    )
}


def methods(table: pandas.DataFrame) -> list[str]:
    """Return the methods of a table in the protocol's order, and then those of the user's own."""
    found = set(table["condition"])
    return [name for name in METHODS if name in found] + sorted(found - set(METHODS))


def measures(table: pandas.DataFrame, optimizer: str, method: str) -> pandas.DataFrame:
    """Return the four numbers of a method's runs, one row per seed; nan for a run that diverged, or has no such number.

    table: of a benchmark.
    """
    own = chosen(table, optimizer=optimizer, condition=method)
    matrices, last = accuracies.matrices(own, method, "test"), accuracies.tasks(table)
    found = pandas.DataFrame(math.nan, index=sorted(set(own["seed"])), columns=list(MEASURES))
    for seed, run in matrices.iterrows():
        matrix = run.unstack("task").reindex(index=range(1, last + 1), columns=range(1, last + 1)).to_numpy(float)
        found.loc[seed, "accuracy"] = 100 * matrix[-1].mean()
        found.loc[seed, "plasticity"] = 100 * matrix.diagonal().mean()
        if last > 1:
            found.loc[seed, "transfer"] = 100 * (matrix[-1] - matrix.diagonal())[:-1].mean()
            best = numpy.where(numpy.tri(last - 1, last - 1, dtype=bool), matrix[:-1, :-1], -math.inf).max(0)
            found.loc[seed, "forgetting"] = 100 * (best - matrix[-1, :-1]).mean()
    return found


def by_method(table: pandas.DataFrame, optimizer: str) -> pandas.DataFrame:
    """Return the average accuracy: one row per seed, one column per method. Raises ValueError where seeds differ."""
    found = {name: measures(table, optimizer, name)["accuracy"] for name in methods(chosen(table, optimizer=optimizer))}
    if len({tuple(runs.index) for runs in found.values()}) > 1:
        raise ValueError(
            f"the methods with {optimizer} have different seeds, and are compared by seed: run those that lack"
        )
    return pandas.DataFrame(found)


def ranks(accuracy: pandas.DataFrame) -> pandas.Series:
    """Return the mean rank of each method over seeds, the best is 1; equal ones share theirs, runs that diverged are last."""
    return accuracy.fillna(-math.inf).rank(axis=1, ascending=False).mean()


def differences(accuracy: pandas.DataFrame) -> pandas.DataFrame:
    """Return all pairs of methods: mean difference of accuracy paired by seed, its 95% t-interval, p, and whether `told_apart`.

    Two methods are told apart if their paired t-test is significant by Holm's rule, at 0.05 for all pairs together. Seeds in
    which either diverged are left out; with fewer than two left a pair is not told apart.
    """
    rows = []
    for one, other in itertools.combinations(accuracy.columns, 2):
        paired = (accuracy[one] - accuracy[other]).dropna()
        mean, low, high, p = paired.mean(), math.nan, math.nan, 1.0
        if len(paired) > 1 and paired.std() == 0:
            low, high, p = mean, mean, float(mean == 0)
        elif len(paired) > 1:
            test = scipy.stats.ttest_1samp(paired, 0.0)
            (low, high), p = test.confidence_interval(0.95), float(test.pvalue)
        rows.append(
            {"one": one, "other": other, "n": len(paired), "difference": mean, "low": low, "high": high, "p": p}
        )
    found = pandas.DataFrame(rows, columns=["one", "other", "n", "difference", "low", "high", "p"])
    order = found["p"].sort_values(kind="stable").index
    bounds = LEVEL / numpy.arange(len(found), 0, -1)
    found["told_apart"] = False
    found.loc[order, "told_apart"] = numpy.logical_and.accumulate(found.loc[order, "p"].to_numpy() <= bounds)
    return found


def groups(order: list[str], pairs: pandas.DataFrame) -> list[list[str]]:
    """Return the largest sets of methods of which no two can be told apart, so that two are told apart if no set has both.

    pairs: of `differences`. Sets and their members stand in the order that is given; a method told apart from all has none.
    """
    apart = {frozenset(pair) for pair in pairs.loc[pairs["told_apart"], ["one", "other"]].itertuples(index=False)}
    alike = {name: {other for other in order if frozenset((name, other)) not in apart} - {name} for name in order}
    found: list[list[str]] = []

    def extend(members: set[str], candidates: set[str], done: set[str]) -> None:  # Bron and Kerbosch 1973
        if not candidates and not done and len(members) > 1:
            found.append([name for name in order if name in members])
        for name in sorted(candidates):
            extend(members | {name}, candidates & alike[name], done & alike[name])
            candidates, done = candidates - {name}, done | {name}

    extend(set(), set(order), set())
    return sorted(found, key=lambda members: [order.index(name) for name in members])
