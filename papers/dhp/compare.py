"""Our value for each number that the paper reports."""

from __future__ import annotations

import math

import pandas

from common.results import accuracies
from common.results.claims import difference
from common.results.comparison import Alternative
from common.results.readers import Tables
from papers.dhp import protocol, results
from papers.dhp.claims import ON_LAMBDA, ON_READING
from papers.dhp.conditions import BENCHMARK_LABELS, FINAL, LABELS, SO_FAR, TASKS, TRANSFER
from papers.dhp.protocol import SWEPT

OF_ETA = {
    "largest eta in task 1": results.largest_eta_in_task1,
    "task after which eta decays": results.task_of_largest_eta,
}
BASIS, OWN_SEARCH = "published", "own search"  # whose lambda
PUBLIC_BENCHMARK = "standardised pixels, batch importance"  # with the published lambda
SUPERSEDED = "workshop version"  # ends the setting of what the paper replaced
ELSEWHERE = {"sec5": SWEPT, "text": ("imbalanced", "split", "vision")}


def our_runs(tables: Tables, row: dict) -> dict[int, float]:
    """Return our value for a row of reported.csv in its unit, by seed; nan for a seed that diverged before it had one.

    Empty if not run, or if the tasks were fewer. Raises ValueError if the row names a quantity, a method or a benchmark
    that our tables cannot tell.
    """
    quantity, names = row["quantity"], _conditions(row["method"])
    benchmark = next((key for key, label in BENCHMARK_LABELS.items() if label == row["setting"].split(";")[0]), None)
    if not names or benchmark is None or quantity not in (FINAL, SO_FAR, TRANSFER, *OF_ETA):
        raise ValueError(f"reported.csv: none of our results is {quantity!r} of {row['method']!r}, {row['setting']!r}")
    table, tasks = ("plasticity", TASKS[benchmark]) if quantity in OF_ETA else (benchmark, int(row["x"]))
    if accuracies.tasks(tables[table]) < tasks:
        return {}

    def measured(condition: str) -> results.Runs:
        if quantity in OF_ETA:
            runs = OF_ETA[quantity](tables)
        elif quantity == TRANSFER:  # the paper's are fractions
            transfers = results.transfer(tables, benchmark, condition, tasks)
            runs = {seed: value / 100 for seed, value in transfers.items()}
        else:
            runs = results.accuracy(tables, benchmark, condition, tasks)
        return dict.fromkeys(tables.diverged(table, benchmark=benchmark, condition=condition), math.nan) | runs

    return measured(names[0]) if len(names) == 1 else difference(*map(measured, names))


def _conditions(method: str) -> list[str]:
    """Return the conditions that a method of reported.csv, "A" or "A - B", names; empty if one is unknown."""
    by_label = {label: condition for condition, label in LABELS.items()}
    labels = method.split(" - ")
    return [by_label[label] for label in labels] if set(labels) <= set(by_label) and len(labels) <= 2 else []


def _has_lambda(row: dict) -> bool:
    return any(protocol.condition(name).consolidation for name in _conditions(row["method"]))


ALTERNATIVES = [
    Alternative(OWN_SEARCH, results.of_own_lambda, ON_LAMBDA, _has_lambda),
    Alternative(PUBLIC_BENCHMARK, results.of_public_benchmark, ON_READING),
]


def notes(tables: Tables, reported: pandas.DataFrame) -> list[str]:
    """Return how many images the imbalanced benchmark left, and the lambdas that our grid search found."""
    return _images_left(tables["imbalance"]["kept"]) + _lambdas(tables["tune"], reported)


def _images_left(kept: pandas.Series) -> list[str]:
    if kept.empty:
        return []
    span = f"{kept.min():g} to {kept.max():g} (mean {kept.mean():.0f})"
    return [f"- Imbalanced Permuted MNIST: {span} training images left per class and task."]


def _lambdas(searched: pandas.DataFrame, reported: pandas.DataFrame) -> list[str]:
    if searched.empty:
        return []
    stated = reported[reported["quantity"] == "lambda"].set_index(["setting", "method"])["value"]
    lines = ["", "| Benchmark | Method | Published lambda | Own lambda | Accuracy on held-out images (%) |"]
    lines.append("| --- | --- | --- | --- | --- |")
    for (benchmark, condition), rows in searched.groupby(["benchmark", "condition"], sort=False):
        means = rows.groupby("value")["accuracy"].mean()
        edge = " (edge of the grid)" if means.idxmax() in (means.index[0], means.index[-1]) else ""
        place = BENCHMARK_LABELS[benchmark], LABELS[condition]
        cells = [*place, f"{stated[place]:g}", f"{means.idxmax():g}{edge}", f"{100 * means.max():.2f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return lines
