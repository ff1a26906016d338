"""Our value for each number that the paper reports."""

from __future__ import annotations

from common.results.readers import Tables
from papers.tsar import conditions, results

CIFAR100 = {  # settings of Figure 9 A -> meta-learning set
    "CIFAR-100, data rich, 100 classes x 30 images": "rich",
    "CIFAR-100, data scarce (25 meta-learning classes), 100 classes x 30 images": "scarce",
}


def our_runs(tables: Tables, row: dict) -> dict[int, float]:
    """Return our recall in % for a row of reported.csv, by seed; empty if not run, or for what is not computed yet."""
    methods = {label: condition for condition, label in conditions.LABELS.items()} | {"ANML": "anml"}
    if row["artifact"] == "fig1":
        return results.recall(tables, methods[row["method"]], results.FIG1_SETS[row["panel"]], row["x"])
    if row["setting"] in CIFAR100:
        return results.recall(tables, methods[row["method"]], CIFAR100[row["setting"]], row["x"], "cifar100")
    return {}
