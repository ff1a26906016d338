"""Our value for each number that the paper reports."""

from __future__ import annotations

import re

from common.results import accuracies
from common.results.readers import Tables
from papers.synaptic_intelligence import conditions, results

BENCHMARKS = {"fig3": "split_mnist", "fig4": "permuted_mnist", "fig6": "cifar"}
ELSEWHERE = {"sec3": ("theory",), "sec4": ("theory",)}
AVERAGE, JOINT = "average accuracy over the tasks learned so far", "average accuracy after all tasks at once"
ENTRY = re.compile(r"accuracy on task (\d+) after task x")
FINAL = re.compile(r"accuracy on task x (alone|after all tasks)")


def our_runs(tables: Tables, row: dict) -> dict[int, float]:
    """Return our accuracies for a row of reported.csv, by seed; empty if not run, or if the tasks were fewer.

    Raises ValueError if the row names a quantity, a method or images that our tables cannot tell.
    """
    benchmark, quantity, x = BENCHMARKS[row["artifact"]], row["quantity"], row["x"]
    condition = next((key for key, label in conditions.LABELS.items() if label == row["method"]), None)
    split = {"test images": "test", "training images": "train"}.get(row["setting"].split(";")[0].split(", ")[-1])
    entry = ENTRY.fullmatch(quantity)
    if condition is None or split is None or not (entry or FINAL.fullmatch(quantity) or quantity in (AVERAGE, JOINT)):
        raise ValueError(f"reported.csv: no accuracy is {quantity!r} of {row['method']!r}, {row['setting']!r}")
    runs = tables[benchmark]
    if entry:
        return accuracies.entry(runs, condition, split, int(x), int(entry[1]))
    if quantity == AVERAGE:
        return accuracies.average(runs, condition, split, int(x))
    tasks = conditions.TASKS[benchmark]
    if quantity == JOINT:
        return accuracies.average(runs, condition, split, tasks)
    return results.final_on_task(runs, condition, split, int(x)) if accuracies.tasks(runs) == tasks else {}
